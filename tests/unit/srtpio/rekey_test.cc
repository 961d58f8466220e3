// SPDX-License-Identifier: Apache-2.0
// One session per key over many keys: the ROC is the caller's own estimate, carried over.
#include <algorithm>
#include <map>
#include <vector>

#include "tests/unit/srtpio/packets.h"

namespace keymast::srtpio {
namespace {

constexpr int kPackets = 3000;
constexpr int kPacketsPerKey = 100;
constexpr uint64_t kFirstIndex = 65000;  // the ROC wraps after 536 packets

struct Sent {
  uint8_t key;
  Bytes octets;
};

// Everything that a headend sends in 30 key periods.
std::vector<Sent> Broadcast(SrtpProfile profile) {
  std::vector<Sent> sent;
  std::optional<Session> session;
  for (int i = 0; i < kPackets; ++i) {
    const PacketIndex index(kFirstIndex + static_cast<uint64_t>(i));
    const auto number = static_cast<uint8_t>(i / kPacketsPerKey + 1);
    if (i % kPacketsPerKey == 0) {
      session = Make(KeyNumber(profile, number), Session::Direction::kSend);
    }
    session->SetRoc(srtp::RocOf(index));
    const auto octets = Apply(*session, &Session::Protect, RtpPacket(srtp::SequenceOf(index)));
    EXPECT_TRUE(octets) << i;
    sent.push_back({number, octets.value_or(Bytes())});
  }
  return sent;
}

// Keeps one session per key and the highest index, as quickstart receivers do.
class Listener {
 public:
  explicit Listener(SrtpProfile profile) : profile_(profile) {}

  Result<Bytes> Hear(const Sent& packet) {
    const auto sequence = static_cast<uint16_t>(packet.octets[2] << 8 | packet.octets[3]);
    const PacketIndex index = srtp::EstimateIndex(highest_, sequence);
    auto session = sessions_.find(packet.key);
    if (session == sessions_.end()) {
      session = sessions_
                    .emplace(packet.key,
                             Make(KeyNumber(profile_, packet.key), Session::Direction::kReceive))
                    .first;
    }
    session->second.SetRoc(srtp::RocOf(index));
    auto plain = Apply(session->second, &Session::Unprotect, packet.octets);
    if (plain) highest_ = std::max(highest_, index);
    return plain;
  }

 private:
  SrtpProfile profile_;
  PacketIndex highest_{kFirstIndex};
  std::map<uint8_t, Session> sessions_;
};

class Rekey : public testing::TestWithParam<SrtpProfile> {};
INSTANTIATE_TEST_SUITE_P(
    Srtp, Rekey, testing::Values(SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAeadAes128Gcm),
    [](const auto& chosen) { return std::string(srtp::InfoOf(chosen.param).name); });

TEST_P(Rekey, ThirtyKeysAWrapAndReorderingByFiveLoseNothing) {
  std::vector<Sent> sent = Broadcast(GetParam());
  for (size_t i = 0; i + 5 < sent.size(); i += 7) std::swap(sent[i], sent[i + 5]);
  Listener listener(GetParam());
  int opened = 0;
  for (const Sent& packet : sent) opened += listener.Hear(packet).has_value() ? 1 : 0;
  EXPECT_EQ(opened, kPackets);
}

TEST_P(Rekey, EveryReplayIsRefused) {
  const std::vector<Sent> sent = Broadcast(GetParam());
  Listener listener(GetParam());
  int refused = 0;
  int replays = 0;
  for (size_t i = 0; i < sent.size(); ++i) {
    EXPECT_TRUE(listener.Hear(sent[i]));
    if (i % 3 != 2) continue;
    ++replays;
    refused += listener.Hear(sent[i - i % 40]) == Err(Error::kReplayed) ? 1 : 0;
  }
  EXPECT_EQ(refused, replays);
}

TEST_P(Rekey, ALatePacketFromBeforeTheWrapDoesNotTurnTheClockBack) {
  std::vector<Sent> sent = Broadcast(GetParam());
  // Packet 530 has ROC 0; it comes when the highest index has ROC 1.
  std::rotate(sent.begin() + 530, sent.begin() + 531, sent.begin() + 590);
  Listener listener(GetParam());
  for (size_t i = 0; i < sent.size(); ++i) EXPECT_TRUE(listener.Hear(sent[i])) << i;
}

}  // namespace
}  // namespace keymast::srtpio
