// SPDX-License-Identifier: Apache-2.0
// REPORTs at the controller: what is sent to the address that one came from (MIKEYv2 §2, §10).
#include "tests/unit/controller/reporter.h"

namespace keymast::controller {
namespace {

// Moved is a member whose address is another one than it joined from.
struct Moved : Reporting {
  void Move(Reporter& anna) {
    anna.Join();
    NewMsk();
    anna.address = EndpointOf(77);
  }
  size_t SentTo(int place) const {
    const auto keys = std::ranges::count(world.of_version2, EndpointOf(place), &Datagram::to);
    return static_cast<size_t>(keys) + world.MsksTo(place).size();
  }
};

// MIKEYv2 §10: a REPORT is answered where it came from, once, and moves its member nowhere.
TEST_F(Moved, NothingIsSentWhereAReportCameFromButItsAnswer) {
  for (const uint32_t features : {kReports, kMskMessages | kReports}) {
    Reporter anna(world, features == kReports ? 1 : 2, features);
    const int home = features == kReports ? 1 : 2;
    Move(anna);
    const size_t before = SentTo(77);
    const Bytes report = anna.Write(ReportKind::kMissing);
    const Bytes keys = anna.Ask(report);
    ASSERT_TRUE(anna.Open(keys));
    EXPECT_LE(keys.size(), 3 * report.size());
    const size_t at_home = SentTo(home);
    world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
    world.Pass(minutes(2));
    EXPECT_EQ(SentTo(77), before + 1) << features;
    EXPECT_GT(SentTo(home), at_home);
    EXPECT_EQ(Durable(home).msk_endpoint, EndpointOf(home));
  }
}

// Who did not get them cannot tell what KEYS hash to, whatever else it knows of them.
TEST_F(Moved, AnAcknowledgementOfWhatItDidNotGetProvesNoAddress) {
  Reporter anna(world, 1);
  Move(anna);
  const Bytes keys = anna.Ask(anna.Write(ReportKind::kMissing));
  ASSERT_TRUE(anna.Open(keys));
  anna.held = anna.NewestTaken();
  const auto is_home = [&] { return Durable(1).msk_endpoint == EndpointOf(1); };
  EXPECT_FALSE(anna.Report(ReportKind::kAcknowledge));
  EXPECT_TRUE(is_home());
  Bytes other = keys;
  other.back() ^= 1;
  anna.Acknowledge(other);
  EXPECT_TRUE(is_home());
  anna.Ask(anna.Write(ReportKind::kMissing, crypto::Sha256(keys)));
  EXPECT_TRUE(is_home()) << "it acknowledges nothing";
  anna.address = EndpointOf(78);
  anna.Acknowledge(keys);
  EXPECT_TRUE(is_home()) << "they went elsewhere";
}

TEST_F(Moved, AnAcknowledgementOfItsKeysProvesItsAddress) {
  Reporter anna(world, 1, kMskMessages | kReports);
  Move(anna);
  const uint64_t revision = MemberOf(1).revision;
  const Bytes keys = anna.Ask(anna.Write(ReportKind::kMissing));
  ASSERT_TRUE(anna.Open(keys));
  EXPECT_TRUE(anna.Acknowledge(keys).empty());
  EXPECT_EQ(Durable(1).msk_endpoint, EndpointOf(77));
  EXPECT_EQ(MemberOf(1).revision, revision + 1);
  world.Restart(seconds(1));
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  world.Pass(seconds(1));
  EXPECT_FALSE(world.MsksTo(77).empty()) << "also behind a restart";
  // It is told of once.
  anna.address = EndpointOf(78);
  anna.Acknowledge(keys);
  EXPECT_EQ(Durable(1).msk_endpoint, EndpointOf(77));
}

struct ManyStreams : Reporting {
  ManyStreams() {
    world.Do(DeleteChannel{kNews, {}, true});
    groups::Channel channel = NewsChannel();
    for (uint16_t i = 0; i < 12; ++i) {
      groups::Stream stream = channel.streams.front();
      stream.ssrc = Ssrc(0xA0000000U + i);
      stream.port = static_cast<uint16_t>(40000 + 2 * i);
      channel.streams.push_back(stream);
    }
    world.Do(CreateChannel{channel});
    NewMember anna;
    anna.member.subscriber = IdOf(1);
    anna.member.msk_endpoint = EndpointOf(1);
    world.Do(CreateMembers{kNews, {anna}});
  }
};

// MIKEYv2 §2: without PADDING there is no room for what is longer than three times the REPORT.
TEST_F(ManyStreams, KeysHaveAtMostThreeTimesTheOctetsOfTheReport) {
  Reporter anna(world, 1, 0);
  anna.Join();
  const Bytes padded = anna.Write(ReportKind::kMissing);
  const Bytes keys = anna.Ask(padded);
  ASSERT_TRUE(anna.Open(keys));
  const Bytes bare = anna.WriteBare(ReportKind::kMissing);
  ASSERT_LT(3 * bare.size(), keys.size());
  EXPECT_TRUE(anna.Ask(bare).empty());
  EXPECT_EQ(Discarded(Error::kTooLong), 1U);
  EXPECT_EQ(counters().taken[2], 2U);
}

}  // namespace
}  // namespace keymast::controller
