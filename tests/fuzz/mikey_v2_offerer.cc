// SPDX-License-Identifier: Apache-2.0
// Any datagrams at an Offerer of version 2, behind the MAC: it ends in a state that its deadline
// fits, and has a session exactly when it says so.
#include "tests/fuzz/v2_party.h"

using namespace keymast;
using namespace keymast::mikey;
using namespace keymast::mikey::v2;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const Policy policy = FuzzPolicy(data[0]);
  const Wish wish = FuzzWish(data[0]);
  crypto::SeededRng rng(kFuzzSeed);
  const Pair* pair = FuzzPair(data[0]);
  Offerer offerer(crypto::DefaultSuite(), policy, pair == nullptr ? nullptr : &pair->member);
  Bytes out(RoomOf(policy));
  Instant now = kStart;
  KEYMAST_CHECK(offerer.Open(wish, now, rng, out).has_value());
  ForEachDatagram(ByteView(data + 1, size - 1), [&](ByteView datagram) {
    if (datagram.empty() && offerer.deadline() != kNever) now = offerer.deadline();
    const auto outcome =
        datagram.empty() ? offerer.Tick(now, rng, out) : offerer.Receive(datagram, now, rng, out);
    KEYMAST_CHECK(TotalOf(outcome.send, offerer.more()) <= out.size());
    const bool is_waiting =
        offerer.state() == Offerer::State::kOffered || offerer.state() == Offerer::State::kAnswered;
    KEYMAST_CHECK(is_waiting == (offerer.deadline() != kNever));
    const bool is_keyed =
        offerer.state() == Offerer::State::kAnswered || offerer.state() == Offerer::State::kDone;
    if (!is_keyed || wish.join) return;
    const UnicastSession session = offerer.session();
    KEYMAST_CHECK(session.sessions.size() == 3 && !session.tgk.empty());
  });
  return 0;
}
