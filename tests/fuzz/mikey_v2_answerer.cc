// SPDX-License-Identifier: Apache-2.0
// Any datagrams at an Answerer of version 2, behind the MAC: what it says has a form, is never
// longer than it may be, and nothing is granted without need.
#include "tests/fuzz/v2_party.h"

namespace {

using namespace keymast;
using namespace keymast::mikey;
using namespace keymast::mikey::v2;

void CheckReply(ByteView reply) {
  if (reply.empty()) return;
  Message message;
  KEYMAST_CHECK(ParseMessage(reply, message).has_value());
  bool has_form = false;
  for (size_t i = 0; i < kFormCount; ++i) {
    has_form = has_form || ReadParts(message, static_cast<v2::Form>(i)).has_value();
  }
  KEYMAST_CHECK(has_form);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const Policy policy = FuzzPolicy(data[0]);
  crypto::SeededRng rng(kFuzzSeed);
  TestDirectory others;
  others.entitled_ = (data[0] & kFuzzNotEntitled) == 0;
  const Pair* pair = FuzzPair(data[0]);
  Answerer answerer(crypto::DefaultSuite(), policy, others, 4, rng,
                    pair == nullptr ? nullptr : &pair->peer);
  FuzzTickets tickets;
  answerer.use_tickets(tickets.For(data[0]));
  answerer.set_under_load((data[0] & kFuzzLoad) != 0);
  Bytes out(RoomOf(policy));
  Instant now = kStart;
  ForEachDatagram(ByteView(data + 1, size - 1), [&](ByteView datagram) {
    const int granted = others.grants_;
    now += std::chrono::milliseconds(300);
    const auto outcome = answerer.Receive(datagram, AsBytes("somebody"), now, rng, out);
    CheckReply(ByteView(out).first(outcome.reply));
    KEYMAST_CHECK(TotalOf(outcome.reply, outcome.more) <= out.size());
    KEYMAST_CHECK(others.grants_ <= granted + 1);
    if (outcome.event == Answerer::Event::kNone) return;
    KEYMAST_CHECK(outcome.status && outcome.entry != nullptr);
    if (outcome.entry->verified && !outcome.entry->exchange.is_join()) {
      std::array<uint8_t, 16> key{};
      std::array<uint8_t, 12> salt{};
      answerer.SessionOf(*outcome.entry).TrafficKeys(crypto::DefaultSuite(), 1, key, salt);
    }
  });
  return 0;
}
