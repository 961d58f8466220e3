// SPDX-License-Identifier: Apache-2.0
#include "sdp/keying.h"

#include "mikey/v2/capabilities.h"
#include "sdp/base64.h"
#include "sdp/text.h"

namespace keymast::sdp {
namespace {

using mikey::v2::Capabilities;

constexpr std::string_view kFingerprint = "fingerprint";
constexpr std::string_view kId = "mikeyv2-id";
constexpr std::string_view kCap = "mikeyv2-cap";
constexpr std::string_view kFresh = "mikeyv2-fresh";
constexpr std::string_view kKeyMgmt = "key-mgmt";
constexpr std::string_view kMikey = "mikey";  // its identifier (RFC 4567)

Status TakeId(std::string_view value, Keying& keying) {
  Bytes octets;
  const bool read =
      FromBase64(value, octets) && octets.size() >= kMinSessionId && octets.size() <= kMaxSessionId;
  if (!read || !keying.session.empty()) return Err(Error::kMalformed);
  keying.session = Octets<kMaxSessionId>(octets);
  return {};
}

// MIKEYv2 §12: TLVs without cookie, fresh and ticket.
Status TakeCap(std::string_view value, Keying& keying) {
  Bytes octets;
  const bool read = FromBase64(value, octets) && !octets.empty() && mikey::IsTlvChain(octets);
  if (!read || !keying.capabilities.empty()) return Err(Error::kMalformed);
  const Result<Capabilities> told = mikey::v2::ReadCapabilities({mikey::v2::kCapVersion, octets});
  if (!told) return Err(told.error());
  if (!told->cookie.empty() || !told->fresh.empty() || !told->ticket.empty()) {
    return Err(Error::kMalformed);
  }
  keying.capabilities = std::move(octets);
  return {};
}

Status TakeFresh(std::string_view value, Keying& keying) {
  Bytes octets;
  const bool read = FromBase64(value, octets) && octets.size() == kFreshOctets;
  if (!read || !keying.fresh.empty()) return Err(Error::kMalformed);
  keying.fresh = Octets<kFreshOctets>(octets);
  return {};
}

// a=key-mgmt:<protocol> <base64>: RFC 4567 §3.1. Messages of other protocols are passed over.
Status TakeKeyMgmt(std::string_view value, Keying& keying) {
  const std::string_view protocol = Cut(value, ' ');
  if (protocol.empty() || protocol.find(';') != std::string_view::npos) {
    return Err(Error::kMalformed);
  }
  if (!keying.protocols.empty()) keying.protocols += ';';
  keying.protocols += protocol;
  if (protocol != kMikey) return {};
  Bytes octets;
  if (!FromBase64(value, octets) || octets.empty()) return Err(Error::kMalformed);
  if (!keying.message.empty()) return Err(Error::kMalformed);
  keying.message = std::move(octets);
  return {};
}

// a=fingerprint:sha-256 AB:CD:...: RFC 8122 §5. Those by other hashes say nothing here.
class Fingerprints {
 public:
  Status Take(std::string_view value) {
    seen_ = true;
    if (Cut(value, ' ') != "sha-256") return {};
    std::string digits;
    for (size_t i = 0; i < value.size(); ++i) {
      const bool is_colon = i % 3 == 2;
      if (is_colon != (value[i] == ':')) return Err(Error::kMalformed);
      if (!is_colon) digits += value[i];
    }
    Bytes octets;
    Fingerprint taken{};
    if (!FromHex(digits, octets) || octets.size() != taken.size() || value.ends_with(':')) {
      return Err(Error::kMalformed);
    }
    std::copy(octets.begin(), octets.end(), taken.begin());
    // One certificate keys the session: several lines, as media sections have them, say the same.
    if (fingerprint_ && *fingerprint_ != taken) return Err(Error::kUnsupportedPolicy);
    fingerprint_ = taken;
    return {};
  }
  bool is_unreadable() const { return seen_ && !fingerprint_; }
  std::optional<Fingerprint> taken() const { return fingerprint_; }

 private:
  bool seen_ = false;
  std::optional<Fingerprint> fingerprint_;
};

using Taker = Status (*)(std::string_view value, Keying& keying);
struct Known {
  std::string_view name;
  Taker take;
};
constexpr Known kKnown[] = {
    {kId, TakeId}, {kCap, TakeCap}, {kFresh, TakeFresh}, {kKeyMgmt, TakeKeyMgmt}};

Taker TakerOf(std::string_view name) {
  for (const Known& known : kKnown) {
    if (known.name == name) return known.take;
  }
  return nullptr;
}

using Taken = tl::expected<void, Failure>;

Taken TakeSection(const Attributes& attributes, bool is_session, Keying& keying,
                  Fingerprints& fingerprints) {
  for (const Attribute& attribute : attributes) {
    Status taken;
    if (attribute.name == kFingerprint) {
      taken = fingerprints.Take(attribute.value);
    } else if (const Taker take = TakerOf(attribute.name)) {
      taken = is_session ? take(attribute.value, keying) : Err(Error::kUnsupportedPolicy);
    }
    if (!taken) return Refusal(taken.error(), attribute.line);
  }
  return {};
}

std::string Spelled(const Fingerprint& fingerprint) {
  std::string text = "sha-256";
  for (size_t i = 0; i < fingerprint.size(); ++i) {
    std::string digits = ToHex(ByteView(fingerprint).subspan(i, 1));
    std::transform(digits.begin(), digits.end(), digits.begin(),
                   [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
    text.append(1, i == 0 ? ' ' : ':').append(digits);
  }
  return text;
}

}  // namespace

tl::expected<Keying, Failure> TakeKeying(const Description& description) {
  Keying keying;
  Fingerprints fingerprints;
  Taken taken = TakeSection(description.attributes, true, keying, fingerprints);
  if (!taken) return tl::unexpected<Failure>(taken.error());
  for (const Media& media : description.media) {
    taken = TakeSection(media.attributes, false, keying, fingerprints);
    if (!taken) return tl::unexpected<Failure>(taken.error());
  }
  // One that cannot be checked must not be taken for none.
  if (fingerprints.is_unreadable()) {
    return Refusal(Error::kUnsupportedAlgorithm, description.lines);
  }
  keying.fingerprint = fingerprints.taken();
  return keying;
}

void PutKeying(const Keying& keying, Attributes& attributes) {
  const auto put = [&](std::string_view name, std::string value) {
    attributes.push_back({std::string(name), std::move(value), 0});
  };
  if (keying.fingerprint) put(kFingerprint, Spelled(*keying.fingerprint));
  if (!keying.session.empty()) put(kId, ToBase64(keying.session.view()));
  if (!keying.capabilities.empty()) put(kCap, ToBase64(keying.capabilities));
  if (!keying.fresh.empty()) put(kFresh, ToBase64(keying.fresh.view()));
  if (!keying.message.empty()) {
    put(kKeyMgmt, std::string(kMikey) + " " + ToBase64(keying.message));
  }
}

}  // namespace keymast::sdp
