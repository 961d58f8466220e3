// SPDX-License-Identifier: Apache-2.0
// Any octets as the answer to a message of ours, in every mode, behind MAC and signature. The first
// octet chooses policy and mode.
#include "tests/fuzz/fake_party.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keymast;
  using namespace keymast::mikey;
  if (size < 1) return 0;
  const uint8_t choice = data[0];
  const Mode mode = static_cast<Mode>((choice >> 2) % kModeCount);
  FakeSide alice(kAlice, choice);
  Initiator initiator(alice.party, alice.stamper);
  const KeyDataPayload key{KeyDataType::kTgk, kTgkOctets, {}, {}};
  std::array<CsbSession, 1> sessions;
  sessions[0].cs_id = 1;
  const CsbPolicy policy;
  Offer offer = FuzzOffer(mode, key, sessions, {&policy, (choice & 0x40) != 0 ? 0u : 1u});
  offer.send_rand = (choice & 0x80) == 0;
  crypto::SeededRng rng(1);
  static Bytes out(kMaxMessage);
  KEYMAST_CHECK(initiator.Start(mode, kBob, offer, kFuzzNow, rng, out).has_value());
  const Session before = initiator.session();
  const Status received = initiator.Receive({data + 1, size - 1}, kFuzzNow);
  if (received && initiator.state() == Initiator::State::kEstablished) {
    KEYMAST_CHECK(!initiator.session().csb.keys.empty());
    return 0;
  }
  // A discard, or an error message: nothing of the session has changed.
  KEYMAST_CHECK(initiator.session().csb.csb_id == before.csb.csb_id);
  KEYMAST_CHECK(initiator.session().csb.rand == before.csb.rand);
  KEYMAST_CHECK(initiator.session().csb.keys.size() == before.csb.keys.size());
  return 0;
}
