// SPDX-License-Identifier: Apache-2.0
#include "rekey/messages.h"

#include <gtest/gtest.h>

#include <set>

#include "rekey/ladder.h"
#include "srtp/policy.h"

namespace keymast::rekey {
namespace {

struct Messages : testing::Test {
  Messages() {
    channel.id = ChannelId("news");
    channel.key_group = KeyGroup(7);
    groups::Stream stream;
    stream.ssrc = Ssrc(0x1234);
    channel.streams = {stream};
    msk = *MakeMsk({}, channel, CsbId(0), Instant{}, Instant{}, rng);
  }
  groups::Channel channel;
  crypto::SeededRng rng{1};
  Msk msk;
};

TEST_F(Messages, AnMtkIsAFunctionOfItsIds) {
  const Mtk one = DeriveMtk(msk, MtkId(1), channel);
  EXPECT_TRUE(one.key == DeriveMtk(msk, MtkId(1), channel).key);
  std::set<Bytes> keys;
  for (uint16_t id = 1; id <= 300; ++id) {
    const Mtk mtk = DeriveMtk(msk, MtkId(id), channel);
    keys.insert(Bytes(mtk.key.view().begin(), mtk.key.view().end()));
  }
  EXPECT_EQ(keys.size(), 300U);
  groups::Channel abroad = channel;
  abroad.key_domain.octets[0] = 1;
  EXPECT_FALSE(one.key == DeriveMtk(msk, MtkId(1), abroad).key);
  Msk other = msk;
  other.id.number = KeyNumber(2);
  EXPECT_FALSE(one.key == DeriveMtk(other, MtkId(1), channel).key);
}

TEST_F(Messages, EveryProfileFitsTheLeastDatagramAndOpens) {
  for (const srtp::ProfileInfo& info : srtp::Profiles()) {
    channel.profile = info.profile;
    channel.policy.max_datagram = 256;
    msk = *MakeMsk({}, channel, CsbId(0), Instant{}, Instant{}, rng);
    const auto octets = MtkMessage(crypto::DefaultSuite(), {}, channel, msk, MtkId(5), 77);
    ASSERT_TRUE(octets.has_value()) << info.name;
    const auto seen = mikey::Inspect(*octets);
    ASSERT_TRUE(seen.has_value());
    EXPECT_EQ(seen->counter, 77U);
    EXPECT_EQ(seen->ids.mtk, MtkId(5));
    const auto opened = mikey::OpenMtk(crypto::DefaultSuite(), {}, *seen, msk.key.view(), msk.rand);
    ASSERT_TRUE(opened.has_value());
    const Mtk mtk = DeriveMtk(msk, MtkId(5), channel);
    EXPECT_TRUE(opened->key == mtk.key);
    EXPECT_TRUE(opened->salt == mtk.salt);
    EXPECT_EQ(mtk.key.size(), info.key_length);
    EXPECT_EQ(mtk.salt.size(), info.salt_length);
  }
}

TEST_F(Messages, AnMskMessageSaysWhatAReceiverNeeds) {
  for (const srtp::ProfileInfo& info : srtp::Profiles()) {
    channel.profile = info.profile;
    ChannelState state;
    state.channel = channel;
    msk = *MakeMsk({}, channel, CsbId(0), Instant{}, Instant{}, rng);
    state.ladder.msk = msk;
    state.ladder.active = Slot{msk.id, MtkId(41), Instant{}};
    state.positions[Ssrc(0x1234)] = {PacketIndex(uint64_t{3} << 16), msk.id, MtkId(41)};
    const Bytes user_key(16, 9);
    const MskRecipient to{"bmsc@example.org", "s1@example.org", user_key, 12};
    const auto octets = MskMessage(crypto::DefaultSuite(), {}, state, msk, to);
    ASSERT_TRUE(octets.has_value());
    const auto seen = mikey::Inspect(*octets);
    ASSERT_TRUE(seen.has_value());
    EXPECT_TRUE(seen->wants_verification);
    EXPECT_EQ(AsText(seen->idr), "s1@example.org");
    const auto opened = mikey::OpenMsk(crypto::DefaultSuite(), {}, *seen, user_key);
    ASSERT_TRUE(opened.has_value());
    EXPECT_TRUE(opened->msk == msk.key);
    EXPECT_EQ(opened->low, MtkId(41));
    EXPECT_EQ(opened->high, msk.high);
    ASSERT_EQ(opened->stream_count, 1U);
    EXPECT_EQ(opened->streams[0].roc, Roc(3));
    std::vector<srtp::PolicyParam> params;
    for (size_t i = 0; i < opened->policy_count; ++i) {
      params.push_back({opened->policy[i].type, opened->policy[i].value});
    }
    EXPECT_EQ(srtp::ProfileFromParams(params).value(), info.profile);
  }
}

TEST_F(Messages, UnderTheNextMskAllItsIdsAreGiven) {
  ChannelState state;
  state.channel = channel;
  state.ladder.active = Slot{MskId{KeyGroup(7), KeyNumber(9)}, MtkId(41), Instant{}};
  const Bytes user_key(16, 9);
  const auto octets =
      MskMessage(crypto::DefaultSuite(), {}, state, msk, {"a@b", "c@d", user_key, 1});
  const auto opened =
      mikey::OpenMsk(crypto::DefaultSuite(), {}, *mikey::Inspect(*octets), user_key);
  EXPECT_EQ(opened->low, msk.low);
}

}  // namespace
}  // namespace keymast::rekey
