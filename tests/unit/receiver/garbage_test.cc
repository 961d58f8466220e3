// SPDX-License-Identifier: Apache-2.0
// 10,000 truncated, flipped, replayed and foreign datagrams on each port: counted by reason,
// nothing changes, nothing is sent back.
#include <numeric>
#include <random>

#include "tests/unit/receiver/broadcast.h"

namespace keymast::receiver {
namespace {

constexpr int kDatagrams = 10'000;

uint64_t Total(const Discards& discards) {
  return std::accumulate(discards.begin(), discards.end(), uint64_t{0});
}

class Garbage : public testing::Test {
 protected:
  void SetUp() override {
    msk_samples_ = {server_.MskMessage(Msk(1))};
    ASSERT_TRUE(GiveMsk(core_, msk_samples_[0]));
    mtk_samples_ = {server_.MtkMessage(Msk(1), 1), server_.MtkMessage(Msk(1), 2)};
    for (const Bytes& sample : mtk_samples_) ASSERT_TRUE(core_.OnMtk(sample, At(0)));
    Headend headend(server_, kVideo, srtp::MakeIndex(Roc(0), 100));
    headend.SwitchTo(Msk(1), 1);
    for (int i = 0; i < 20; ++i) media_samples_.push_back(headend.Send());
    media_samples_.push_back(headend.SendReport());
    for (const Bytes& sample : media_samples_) ASSERT_TRUE(GiveMedia(core_, sample, At(0)));
    // Of another channel's server: well formed and authentic, elsewhere.
    KeyServer foreign = server_;
    foreign.idr = "two@example.org";
    foreign.user_key = KeyOf(0x77);
    foreign.msk_counter = 100;
    foreign_ = {foreign.MskMessage(Msk(1)), foreign.MtkMessage(Msk(9), 1)};
  }

  // Spoil makes one bad datagram out of the samples: none is ever a good one again, since all
  // samples were taken already.
  Bytes Spoil(const std::vector<Bytes>& samples) {
    Bytes datagram = samples[random_() % samples.size()];
    switch (random_() % 5) {
      case 0:  // truncated
        datagram.resize(random_() % datagram.size());
        break;
      case 1:  // flipped
        datagram[random_() % datagram.size()] ^= static_cast<uint8_t>(1u << random_() % 8);
        break;
      case 2:  // replayed
        break;
      case 3:  // foreign
        datagram = foreign_[random_() % foreign_.size()];
        break;
      default:  // noise
        datagram.resize(random_() % 200);
        for (uint8_t& octet : datagram) octet = static_cast<uint8_t>(random_());
    }
    return datagram;
  }

  KeyServer server_;
  Core core_ = server_.MakeCore();
  std::vector<Bytes> msk_samples_;
  std::vector<Bytes> mtk_samples_;
  std::vector<Bytes> media_samples_;
  std::vector<Bytes> foreign_;
  std::mt19937 random_{42};
};

TEST_F(Garbage, OnTheMskPort) {
  const auto before = core_.keyring().StateHash();
  const uint64_t counted = Total(core_.key_discards());
  for (int i = 0; i < kDatagrams; ++i) {
    std::array<uint8_t, kMaxAnswer> answer{};
    const auto event = core_.OnMsk(Spoil(msk_samples_), answer);
    ASSERT_FALSE(event) << i;
    const std::array<uint8_t, kMaxAnswer> untouched{};
    ASSERT_EQ(answer, untouched) << "nothing is written that could be sent back";
  }
  EXPECT_EQ(core_.keyring().StateHash(), before);
  EXPECT_EQ(Total(core_.key_discards()) - counted, uint64_t{kDatagrams});
  EXPECT_TRUE(GiveMsk(core_, server_.MskMessage(Msk(2))));
  EXPECT_NE(core_.keyring().StateHash(), before);
}

TEST_F(Garbage, OnTheMtkPort) {
  const auto before = core_.keyring().StateHash();
  const uint64_t counted = Total(core_.key_discards());
  for (int i = 0; i < kDatagrams; ++i) ASSERT_FALSE(core_.OnMtk(Spoil(mtk_samples_), At(1))) << i;
  EXPECT_EQ(core_.keyring().StateHash(), before);
  EXPECT_EQ(Total(core_.key_discards()) - counted, uint64_t{kDatagrams});
  EXPECT_TRUE(core_.OnMtk(server_.MtkMessage(Msk(1), 3), At(2)));
  EXPECT_NE(core_.keyring().StateHash(), before);
}

TEST_F(Garbage, OnTheMediaPorts) {
  const auto before = core_.keyring().StateHash();
  const auto index = core_.streams()[0]->highest();
  const uint64_t counted = Total(core_.media_discards());
  for (int i = 0; i < kDatagrams; ++i) {
    ASSERT_FALSE(GiveMedia(core_, Spoil(media_samples_), At(1 + i))) << i;
  }
  EXPECT_EQ(core_.keyring().StateHash(), before);
  EXPECT_EQ(core_.streams()[0]->highest(), index);
  EXPECT_EQ(Total(core_.media_discards()) - counted, uint64_t{kDatagrams});
  Headend headend(server_, kVideo, srtp::MakeIndex(Roc(0), 200));
  headend.SwitchTo(Msk(1), 2);
  EXPECT_TRUE(GiveMedia(core_, headend.Send(), At(20'000)));
}

}  // namespace
}  // namespace keymast::receiver
