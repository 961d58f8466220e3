// SPDX-License-Identifier: Apache-2.0
// Any octets as an Initiator's message, in every mode, behind MAC and signature. The first octet
// chooses policy and what is known before.
#include "tests/fuzz/fake_party.h"

namespace {

using namespace keymast;
using namespace keymast::mikey;

// Known is a bundle of a mode that an update may find.
Session Known(uint8_t choice) {
  Session session = KnownBundle(choice, kAlice);
  const KeyDataPayload key{KeyDataType::kTgk, kTgkOctets, {}, {}};
  KEYMAST_CHECK(TakeKeys({&key, 1}, session.csb).has_value());
  return session;
}

// Whatever we answer is a message that keeps to its grammar.
void CheckReply(ByteView reply) {
  if (reply.empty()) return;
  Message message;
  KEYMAST_CHECK(ParseMessage(reply, message).has_value());
  const Result<Form> form = FormOf(message.header.data_type);
  KEYMAST_CHECK(form && CheckGrammar(message, *form).has_value());
}

void CheckSession(const Session& session) {
  KEYMAST_CHECK(!session.csb.keys.empty());
  KEYMAST_CHECK(session.csb.rand.size() >= kMinRand);
  for (const CsbKey& key : session.csb.keys) {
    std::array<uint8_t, 16> tek{};
    (void)DeriveTek(crypto::DefaultSuite(), session.csb, key, 1, tek);
    (void)DeriveSalt(crypto::DefaultSuite(), session.csb, key, 1, tek);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  FakeSide bob(kBob, data[0]);
  Session known = Known(data[0]);
  bob.others.known_ = &known;
  ReplayCache cache(2, std::chrono::minutes(5), kFuzzNow - std::chrono::hours(1));
  Responder responder(bob.party, cache);
  crypto::SeededRng rng(1);
  Session fresh;
  static Bytes out(kMaxMessage);
  const ByteView datagram(data + 1, size - 1);
  const auto outcome = responder.Receive(datagram, kFuzzNow, rng, fresh, out);
  CheckReply(ByteView(out).first(outcome.reply));
  if (!outcome.status) {
    KEYMAST_CHECK(outcome.updated == nullptr && fresh.csb.keys.empty());
    return 0;
  }
  CheckSession(outcome.updated != nullptr ? *outcome.updated : fresh);
  // Taken once: a time is in the cache then, a counter was taken.
  KEYMAST_CHECK(cache.size() + static_cast<size_t>(bob.others.counters_) == 1);
  return 0;
}
