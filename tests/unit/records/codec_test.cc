// SPDX-License-Identifier: Apache-2.0
#include "records/codec.h"
#include "records/page.h"

#include <gtest/gtest.h>

#include "records/fields.h"
#include "tests/unit/records/dice.h"

namespace keymast::records {
namespace {

crypto::SecretBytes Encoded(const rekey::Change& change) {
  crypto::SecretBytes octets;
  EXPECT_TRUE(Append(change, octets).has_value());
  return octets;
}

// Again is what is written of what was read; empty when it was refused.
crypto::SecretBytes Again(ByteView octets) {
  crypto::SecretBytes again;
  const Status read = ForEachChange(octets, [&](const rekey::Change& change, ByteView one) {
    const size_t before = again.size();
    EXPECT_TRUE(Append(change, again).has_value());
    EXPECT_TRUE(Equal(ByteView(again).subspan(before), one));
  });
  if (!read) {
    EXPECT_EQ(read.error(), Error::kCorrupt);
    again.clear();
  }
  return again;
}

TEST(Codec, EveryChangeComesBackAsItWas) {
  Dice dice(1);
  for (int round = 0; round < 200; ++round) {
    for (size_t kind = 0; kind < kAlternatives; ++kind) {
      const rekey::Change change = dice.Value(kind);
      ASSERT_EQ(change.index(), kind);
      const crypto::SecretBytes octets = Encoded(change);
      EXPECT_EQ(*SizeOf(change), octets.size());
      EXPECT_EQ(Again(octets), octets) << "kind " << kind;
      const Status read = ForEachChange(
          octets, [&](const rekey::Change& one, ByteView) { EXPECT_EQ(one.index(), kind); });
      EXPECT_TRUE(read.has_value());
    }
  }
}

TEST(Codec, KeepsTheFieldsOfAMember) {
  Dice dice(2);
  groups::Member member = dice.Member(SubscriberId("anna"));
  const crypto::SecretBytes octets = Encoded(rekey::MemberPut{ChannelId("news"), member});
  const Status read = ForEachChange(octets, [&](const rekey::Change& change, ByteView) {
    const auto& put = std::get<rekey::MemberPut>(change);
    EXPECT_EQ(put.id, ChannelId("news"));
    EXPECT_EQ(put.member.subscriber, member.subscriber);
    EXPECT_EQ(put.member.entitled_from, member.entitled_from);
    EXPECT_EQ(put.member.entitled_until, member.entitled_until);
    EXPECT_EQ(put.member.msk_endpoint, member.msk_endpoint);
    EXPECT_EQ(put.member.joined, member.joined);
    EXPECT_EQ(put.member.confirmed, member.confirmed);
    EXPECT_EQ(put.member.created, member.created);
    EXPECT_EQ(put.member.revision, member.revision);
    EXPECT_EQ(put.member.given, member.given);
    EXPECT_EQ(put.member.generation, member.generation);
    EXPECT_EQ(put.member.no_msk_messages, member.no_msk_messages);
    EXPECT_EQ(put.member.takes_keys, member.takes_keys);
    EXPECT_EQ(put.member.report_t, member.report_t);
  });
  EXPECT_TRUE(read.has_value());
}

// A member as format 1 wrote it, octet by octet: it has no mark and no generation.
constexpr std::string_view kMemberOfFormat1 =
    "08"                // MemberPut
    "046e657773"        // channel news
    "04616e6e61"        // anna
    "8000000000000000"  // entitled ever since
    "7fffffffffffffff"  // and for ever
    "04c000024d08df"    // 192.0.2.77:2271
    "01"                // joined
    "00070003"          // confirmed
    "18fae27693b40000"
    "0000000000000005";  // created, revision

TEST(Codec, ReadsAMemberOfFormat1) {
  Bytes octets;
  ASSERT_TRUE(FromHex(kMemberOfFormat1, octets));
  const Status read = ForEachChange(octets, [](const rekey::Change& change, ByteView) {
    const groups::Member& member = std::get<rekey::MemberPut>(change).member;
    EXPECT_EQ(member.subscriber, SubscriberId("anna"));
    EXPECT_EQ(member.entitled_until, kNever);
    EXPECT_TRUE(member.joined);
    EXPECT_EQ(member.confirmed, (MskId{KeyGroup(7), KeyNumber(3)}));
    EXPECT_EQ(member.revision, 5U);
    EXPECT_FALSE(member.given.number.value != 0 || member.generation != 0);
    EXPECT_FALSE(member.no_msk_messages);
  });
  EXPECT_TRUE(read.has_value());
  EXPECT_TRUE(Equal(Again(octets), octets)) << "what has no mark is written as it was";
}

TEST(Codec, RefusesAMarkThatSaysNothing) {
  groups::Member member = Dice(4).Member(SubscriberId("anna"));
  member.given = {KeyGroup(7), KeyNumber(3)};
  member.generation = 9;
  member.report_t = 0;
  const crypto::SecretBytes octets = Encoded(rekey::MemberPut{ChannelId("news"), member});
  crypto::SecretBytes no_number = octets;
  no_number[no_number.size() - 5] = 0;
  EXPECT_TRUE(Again(no_number).empty());
  crypto::SecretBytes no_generation = octets;
  no_generation.back() = 0;
  EXPECT_TRUE(Again(no_generation).empty());
  member.report_t = 5;
  crypto::SecretBytes no_t = Encoded(rekey::MemberPut{ChannelId("news"), member});
  EXPECT_FALSE(Again(no_t).empty());
  no_t.back() = 0;
  EXPECT_TRUE(Again(no_t).empty());
}

// A subscriber as formats 1 and 2 wrote it: it has no number of leaves.
constexpr std::string_view kSubscriberOfFormat2 =
    "06"                                  // SubscriberPut
    "04616e6e61"                          // anna
    "06616e6e614062"                      // anna@b
    "18fae27693b40000"                    // created
    "0000000000000001"                    // revision
    "1000112233445566778899aabbccddeeff"  // user key
    ;

TEST(Codec, ReadsASubscriberOfFormat2) {
  Bytes octets;
  ASSERT_TRUE(FromHex(kSubscriberOfFormat2, octets));
  const Status read = ForEachChange(octets, [](const rekey::Change& change, ByteView) {
    const auto& put = std::get<rekey::SubscriberPut>(change);
    EXPECT_EQ(put.subscriber.identity, "anna@b");
    EXPECT_EQ(put.subscriber.leaves, 0U);
    EXPECT_EQ(put.user_key.size(), 16U);
  });
  EXPECT_TRUE(read.has_value());
  EXPECT_TRUE(Equal(Again(octets), octets)) << "without leaves it is written as it was";
}

TEST(Codec, RefusesANumberOfNoLeaves) {
  const crypto::SecretBytes octets = Encoded(rekey::SubscriberPut{
      {SubscriberId("anna"), "anna@b", {}, 1, 3}, crypto::Key32(Bytes(16, 7))});
  EXPECT_TRUE(Equal(Again(octets), octets));
  crypto::SecretBytes none = octets;
  none.back() = 0;
  EXPECT_TRUE(Again(none).empty());
}

// The numbers as formats 1 to 3 wrote them.
TEST(Numbers, OfFormat3AreReadAndWrittenAsTheyWere) {
  const Bytes octets{0, 0, 0, 0, 0, 0, 1, 1, 0, 9};
  rekey::State state;
  ASSERT_TRUE(ReadPage({}, octets, state).has_value());
  EXPECT_EQ(state.muk_counter.end, 257U);
  EXPECT_EQ(state.unknown_groups, KeyNumber(9));
  EXPECT_EQ(state.lost_report_t, 0U);
  EXPECT_EQ(state.tickets.past, Instant::min());
  EXPECT_TRUE(Equal(WritePages({}, state, 256).at(0).body, octets));
  state.lost_report_t = 5;
  const crypto::SecretBytes more = WritePages({}, state, 256).at(0).body;
  rekey::State again;
  ASSERT_TRUE(ReadPage({}, more, again).has_value());
  EXPECT_EQ(again.lost_report_t, 5U);
  crypto::SecretBytes nothing = more;
  nothing[13] = 0;
  EXPECT_FALSE(ReadPage({}, nothing, again).has_value()) << "each value has one spelling";
}

TEST(Codec, SecretsComeBack) {
  Dice dice(3);
  const rekey::Ladder ladder = [&] {
    rekey::Ladder made = dice.Ladder();
    while (!made.msk || !made.next_msk) made = dice.Ladder();
    return made;
  }();
  const crypto::SecretBytes octets = Encoded(rekey::LadderPut{ChannelId("news"), ladder});
  const Status read = ForEachChange(octets, [&](const rekey::Change& change, ByteView) {
    const rekey::Ladder& back = std::get<rekey::LadderPut>(change).ladder;
    EXPECT_TRUE(back.msk->key == ladder.msk->key && back.msk->seed == ladder.msk->seed);
    EXPECT_TRUE(back.next_msk->key == ladder.next_msk->key);
    EXPECT_EQ(back.msk->counter.next, ladder.msk->counter.next);
    EXPECT_EQ(back.active, ladder.active);
    EXPECT_EQ(back.epoch, ladder.epoch);
  });
  EXPECT_TRUE(read.has_value());
}

TEST(Codec, EveryTruncationIsRefused) {
  Dice dice(4);
  for (size_t kind = 0; kind < kAlternatives; ++kind) {
    const crypto::SecretBytes octets = Encoded(dice.Value(kind));
    for (size_t size = 1; size < octets.size(); ++size) {
      EXPECT_TRUE(Again(ByteView(octets).first(size)).empty()) << "kind " << kind << " " << size;
    }
  }
}

// There is one way to write each value: what is read at all is written again octet for octet.
TEST(Codec, EveryFlippedBitIsRefusedOrAnotherValue) {
  Dice dice(5);
  for (size_t kind = 0; kind < kAlternatives; ++kind) {
    crypto::SecretBytes octets = Encoded(dice.Value(kind));
    for (size_t bit = 0; bit < octets.size() * 8; ++bit) {
      octets[bit / 8] = static_cast<uint8_t>(octets[bit / 8] ^ (1 << bit % 8));
      const crypto::SecretBytes again = Again(octets);
      if (!again.empty()) {
        EXPECT_EQ(again, octets);
      }
      octets[bit / 8] = static_cast<uint8_t>(octets[bit / 8] ^ (1 << bit % 8));
    }
  }
}

TEST(Codec, WhatIsTooLongIsNotWritten) {
  crypto::SecretBytes octets(3);
  groups::Channel channel;
  channel.display_name.assign(256, 'x');
  EXPECT_EQ(Append(rekey::ChannelPut{channel}, octets).error(), Error::kTooLong);
  EXPECT_EQ(octets.size(), 3U);
  EXPECT_EQ(SizeOf(rekey::ChannelPut{channel}).error(), Error::kTooLong);
}

TEST(Codec, MapsOutOfOrderAreRefused) {
  Dice dice(6);
  rekey::PositionsPut put{ChannelId("a"), {}};
  for (const uint32_t ssrc : {1U, 2U}) put.positions[Ssrc(ssrc)] = {};
  crypto::SecretBytes octets = Encoded(put);
  const size_t entry = 4 + 8 + 4 + 2;
  const size_t first = octets.size() - 2 * entry;
  std::swap_ranges(octets.begin() + static_cast<long>(first),
                   octets.begin() + static_cast<long>(first + entry),
                   octets.begin() + static_cast<long>(first + entry));
  EXPECT_TRUE(Again(octets).empty());
}

TEST(Codec, CountsAreNotBelievedBeforeTheirElements) {
  // PositionsPut of channel "a" with 65,535 entries that are not there.
  const Bytes octets = {4, 1, 'a', 0xff, 0xff};
  EXPECT_TRUE(Again(octets).empty());
}

TEST(Parts, LeadToTheSameState) {
  Dice dice(7);
  rekey::State state;
  for (int i = 0; i < 2000; ++i) rekey::Apply(state, dice.Event());
  rekey::State again;
  ForEachPart(state, [&](const rekey::Change& part) { rekey::Apply(again, part); });
  EXPECT_EQ(Canonical(again), Canonical(state));
  rekey::Apply(again, rekey::MukCounterReserved{UINT64_MAX});
  EXPECT_NE(Canonical(again), Canonical(state));
}

}  // namespace
}  // namespace keymast::records
