// SPDX-License-Identifier: Apache-2.0
// Any octets as the answer to a message of ours, in every mode, behind MAC and signature. The first
// octet chooses policy and mode, and whether it was a first message or an update.
#include "tests/fuzz/fake_party.h"

namespace {

using namespace keymast;
using namespace keymast::mikey;

// Known is a bundle that is ours to update.
Session Known(Mode mode) {
  Session session;
  session.mode = mode;
  session.csb.csb_id = kKnownCsb;
  session.csb.rand = Octets<255>(ByteView(kSharedOctets));
  session.shared = crypto::SecretKey<kMaxSharedKey>(ByteView(kSharedOctets));
  session.peer = OwnedIdentity(kBob);
  session.updates_from_us = true;
  return session;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
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
  if ((choice & 0x20) != 0 && mode != Mode::kRsar) {
    KEYMAST_CHECK(initiator.Update(Known(mode), offer, kFuzzNow, rng, out).has_value());
  } else {
    KEYMAST_CHECK(initiator.Start(mode, kBob, offer, kFuzzNow, rng, out).has_value());
  }
  const Session before = initiator.session();
  const Status received = initiator.Receive({data + 1, size - 1}, kFuzzNow);
  if (received && initiator.state() == Initiator::State::kEstablished) return 0;
  // A discard, or an error message: nothing of the session has changed.
  KEYMAST_CHECK(initiator.session().csb.csb_id == before.csb.csb_id);
  KEYMAST_CHECK(initiator.session().csb.rand == before.csb.rand);
  KEYMAST_CHECK(initiator.session().csb.keys.size() == before.csb.keys.size());
  return 0;
}
