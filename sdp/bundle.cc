// SPDX-License-Identifier: Apache-2.0
#include "sdp/bundle.h"

#include <algorithm>

#include "sdp/text.h"

namespace keymast::sdp {
namespace {

constexpr std::string_view kBundle = "BUNDLE";

const Stream* StreamOf(const Session& session, std::string_view mid) {
  const auto found = std::ranges::find(session.streams, mid, &Stream::mid);
  return found == session.streams.end() ? nullptr : &*found;
}

// Mids of the first group of this kind; the semantics go first (RFC 5888 §5).
std::vector<std::string> MidsIn(const Attributes& attributes) {
  std::vector<std::string> mids;
  for (const Attribute& attribute : attributes) {
    std::string_view value = attribute.value;
    if (attribute.name != "group" || Cut(value, ' ') != kBundle) continue;
    while (!value.empty()) {
      const std::string_view mid = Cut(value, ' ');
      // What stands between two spaces names none of those that have no mid.
      const bool is_new = !mid.empty() && std::ranges::find(mids, mid) == mids.end();
      if (is_new) mids.emplace_back(mid);
    }
    break;
  }
  return mids;
}

// Tagged is the stream whose address a bundle has: the first of an offer that is taken and has an
// address of its own (RFC 9143 §7.3.1).
const std::string* TaggedOf(const Session& offer, const Session& answer) {
  for (const std::string& mid : offer.bundle) {
    const Stream* offered = StreamOf(offer, mid);
    const Stream* answered = StreamOf(answer, mid);
    if (offered == nullptr || answered == nullptr) continue;
    if (!answered->is_refused() && !offered->bundle_only) return &mid;
  }
  return nullptr;
}

void Refuse(Stream& stream) {
  stream.at = {};
  stream.ssrc.reset();
}

}  // namespace

void TakeBundle(const Attributes& attributes, Session& session) {
  const std::vector<std::string> mids = MidsIn(attributes);
  Endpoint shared;
  for (const std::string& mid : mids) {
    const Stream* stream = StreamOf(session, mid);
    if (shared.IsUnset() && stream != nullptr && !stream->is_refused()) shared = stream->at;
  }
  for (Stream& stream : session.streams) {
    const bool is_named = !stream.mid.empty() && std::ranges::find(mids, stream.mid) != mids.end();
    // RFC 9143 §6: with a port the attribute says nothing.
    stream.bundle_only = stream.bundle_only && stream.is_refused() && is_named && !shared.IsUnset();
    if (stream.bundle_only) stream.at = shared;
  }
  for (const std::string& mid : mids) {
    const Stream* stream = StreamOf(session, mid);
    if (stream != nullptr && !stream->is_refused()) session.bundle.push_back(mid);
  }
}

bool IsBundled(const Session& session, const Stream& stream) {
  return !stream.mid.empty() &&
         std::ranges::find(session.bundle, stream.mid) != session.bundle.end();
}

void Bundle(const Session& offer, Session& answer) {
  answer.bundle.clear();
  std::vector<Endpoint> taken;
  if (const std::string* tagged = TaggedOf(offer, answer)) {
    answer.bundle.push_back(*tagged);
    taken.push_back(StreamOf(answer, *tagged)->at);
    for (const std::string& mid : offer.bundle) {
      const Stream* stream = StreamOf(answer, mid);
      if (mid != *tagged && stream != nullptr && !stream->is_refused()) {
        answer.bundle.push_back(mid);
      }
    }
  }
  for (size_t i = 0; i < answer.streams.size(); ++i) {
    Stream& stream = answer.streams[i];
    if (stream.is_refused() || IsBundled(answer, stream)) continue;
    const bool is_taken = std::ranges::find(taken, stream.at) != taken.end();
    if (is_taken || offer.streams[i].bundle_only) {
      Refuse(stream);
    } else {
      taken.push_back(stream.at);
    }
  }
}

Status CheckBundle(const Session& offer, const Session& answer) {
  std::vector<Endpoint> apart;  // offered addresses of streams that are in no bundle
  for (size_t i = 0; i < answer.streams.size(); ++i) {
    const Stream& offered = offer.streams[i];
    const Stream& answered = answer.streams[i];
    if (answered.is_refused()) continue;
    if (IsBundled(answer, answered)) {
      const bool is_offered = IsBundled(offer, offered) && offered.mid == answered.mid;
      if (!is_offered) return Err(Error::kPolicyViolation);
      continue;
    }
    const bool is_shared = std::ranges::find(apart, offered.at) != apart.end();
    if (offered.bundle_only || is_shared) return Err(Error::kPolicyViolation);
    apart.push_back(offered.at);
  }
  return {};
}

Endpoint AddressOf(const Session& side, size_t stream, const Session& answer) {
  const Stream& own = side.streams.at(stream);
  if (!IsBundled(answer, own)) return own.at;
  const Stream* tagged = StreamOf(side, answer.bundle.front());
  return tagged == nullptr || tagged->is_refused() ? own.at : tagged->at;
}

}  // namespace keymast::sdp
