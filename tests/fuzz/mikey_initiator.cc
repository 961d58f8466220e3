// SPDX-License-Identifier: Apache-2.0
// Any octets as the answer to a message of ours, in every mode, behind MAC and signature. The first
// octet chooses policy and mode, and whether it was a first message or an update.
#include "tests/fuzz/fake_party.h"

namespace {

using namespace keymast;
using namespace keymast::mikey;

// Known is a bundle that is ours to update: of mode kRsar only with a cached envelope key.
Session Known(uint8_t choice) {
  Session session = KnownBundle(choice, kBob);
  session.updates_from_us = true;
  if (session.mode == Mode::kRsar) session.cache = Cache::kCache;
  return session;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const uint8_t choice = data[0];
  const bool is_update = (choice & 0x20) != 0;
  const Mode mode = ModeOf(choice);
  FakeSide alice(kAlice, choice);
  Initiator initiator(alice.party, alice.stamper);
  const KeyDataPayload key{KeyDataType::kTgk, kTgkOctets, {}, {}};
  const std::array<CsbSession, 1> sessions = FuzzSessions(choice);
  const CsbPolicy policy;
  Offer offer = FuzzOffer(mode, key, sessions, {&policy, (choice & 0x40) != 0 ? 0u : 1u});
  offer.send_rand = (choice & 0x80) == 0;
  crypto::SeededRng rng(1);
  static Bytes out(kMaxMessage);
  const Result<size_t> sent = is_update ? initiator.Update(Known(choice), offer, kFuzzNow, rng, out)
                                        : initiator.Start(mode, kBob, offer, kFuzzNow, rng, out);
  KEYMAST_CHECK(sent.has_value());
  const Session before = initiator.session();
  const Status received = initiator.Receive({data + 1, size - 1}, kFuzzNow);
  if (received && initiator.state() == Initiator::State::kEstablished) {
    // An update may leave the keys as they are, and this bundle has none.
    KEYMAST_CHECK(is_update || !initiator.session().csb.keys.empty());
    return 0;
  }
  // A discard, or an error message: nothing of the session has changed.
  KEYMAST_CHECK(initiator.session().csb.csb_id == before.csb.csb_id);
  KEYMAST_CHECK(initiator.session().csb.rand == before.csb.rand);
  KEYMAST_CHECK(initiator.session().csb.keys.size() == before.csb.keys.size());
  return 0;
}
