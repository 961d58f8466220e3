// SPDX-License-Identifier: Apache-2.0
// Any octets as the answer to a message of ours, in every mode, behind MAC and signature. The first
// octet chooses policy, mode and whether the message was an update.
#include "tests/fuzz/fake_party.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keymast;
  using namespace keymast::mikey;
  if (size < 1) return 0;
  const uint8_t choice = data[0];
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
  KEYMAST_CHECK(initiator.Start(mode, kBob, offer, kFuzzNow, rng, out).has_value());
  if ((choice & 0x20) != 0) {
    Session known = initiator.session();
    known.csb.csb_id = kKnownCsb;
    known.cache = Cache::kCache;
    known.shared = crypto::SecretKey<kMaxSharedKey>(ByteView(kSharedOctets));
    known.updates_from_us = true;
    KEYMAST_CHECK(initiator.Update(known, offer, kFuzzNow, rng, out).has_value());
  }
  const Session before = initiator.session();
  const Status received = initiator.Receive({data + 1, size - 1}, kFuzzNow);
  if (received && initiator.state() == Initiator::State::kEstablished) {
    const bool may_be_empty = (choice & 0x20) != 0;
    KEYMAST_CHECK(may_be_empty || !initiator.session().csb.keys.empty());
    return 0;
  }
  // A discard, or an error message: nothing of the session has changed.
  KEYMAST_CHECK(initiator.session().csb.csb_id == before.csb.csb_id);
  KEYMAST_CHECK(initiator.session().csb.rand == before.csb.rand);
  KEYMAST_CHECK(initiator.session().csb.keys.size() == before.csb.keys.size());
  return 0;
}
