// SPDX-License-Identifier: Apache-2.0
// Descriptions of sessions of two, and what is asked of them.
#include "base/check.h"
#include "sdp/base64.h"
#include "sdp/binding.h"
#include "sdp/description.h"
#include "sdp/offer_answer.h"
#include "sdp/session.h"
#include "sdp/text.h"

namespace {

using namespace keymast;

// AskOf what the description itself carries (RFC 4567).
void AskOf(const sdp::Keying& keying) {
  static_cast<void>(sdp::SessionIn(keying.message));
  static_cast<void>(sdp::BoundTlvs(keying.message));
  static_cast<void>(sdp::CheckBound(keying, keying.message));
  static_cast<void>(sdp::CheckProtocols(keying, keying.message));
  static_cast<void>(sdp::CheckFingerprint(keying, keying.fingerprint));
}

void TakeLines(std::string_view text) {
  const auto description = sdp::Read(text);
  if (!description) return;
  for (const sdp::Attribute& attribute : description->attributes) {
    const auto join = sdp::ParseJoin(attribute.value);
    if (join) KEYMAST_CHECK(sdp::JoinAttribute(*join).value == attribute.value);
    Bytes octets;
    if (sdp::FromBase64(attribute.value, octets)) {
      KEYMAST_CHECK(sdp::ToBase64(octets) == attribute.value);
    }
  }
  static_cast<void>(sdp::Find(description->attributes, "group"));
}

// What was read is written so that it is read the same again.
void TakeSession(std::string_view text) {
  const auto session = sdp::ReadSession(text);
  if (!session) return;
  AskOf(session->keying);
  const std::string written = sdp::WriteSession(*session);
  if (written.size() > sdp::kMaxText) return;
  const auto again = sdp::ReadSession(written);
  KEYMAST_CHECK(again.has_value());
  KEYMAST_CHECK(sdp::WriteSession(*again) == written);
  std::vector<sdp::Ability> abilities;
  for (const sdp::Stream& stream : session->streams) {
    abilities.push_back({stream.at, sdp::Direction::kSendRecv, stream.formats, Ssrc(1)});
  }
  const sdp::Session answer = sdp::MakeAnswer(*session, abilities);
  KEYMAST_CHECK(sdp::CheckAnswer(*session, answer).has_value());
  static_cast<void>(sdp::CheckNext(*session, *again));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = AsText({data, size});
  TakeLines(text);
  TakeSession(text);
  return 0;
}
