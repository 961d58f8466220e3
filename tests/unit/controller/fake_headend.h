// SPDX-License-Identifier: Apache-2.0
// A headend of the world: opens its boxes, switches, reports, crashes with or without its state.
#pragma once

#include "srtp/policy.h"
#include "tests/unit/controller/world.h"

namespace keymast::controller {

inline const HeadendId kStudio{"studio"};
inline constexpr Ssrc kVideo{0x11111111};
inline constexpr Ssrc kAudio{0x22222222};

struct KeyAt {
  MskId msk;
  MtkId mtk;
  Instant switch_at;
};

// FakeHeadend opens its boxes, switches at their instants and reports.
class FakeHeadend {
 public:
  explicit FakeHeadend(World& world, HeadendId id = kStudio)
      : world_(world),
        id_(std::move(id)),
        keys_(crypto::MakeKeyPair(*world.rng)),
        seen_(world.boxes.size()) {
    groups::Headend headend;
    headend.id = id_;
    headend.public_key = keys_.public_key;
    headend.channels = {kNews};
    world.Do(CreateHeadend{headend});
  }

  void TakeBoxes() {
    for (; seen_ < world_.boxes.size(); ++seen_) Open(world_.boxes[seen_]);
  }

  // Current is the key it sends under at the world's now.
  std::optional<KeyAt> Current() {
    TakeBoxes();
    std::optional<KeyAt> current;
    for (const auto& [epoch, key] : keys_by_epoch_) {
      if (key.switch_at <= world_.now) current = key;
    }
    return current;
  }

  HeadendReport Report() {
    HeadendReport report{id_, {}, {}, {}};
    const std::optional<KeyAt> current = Current();
    for (const auto& [epoch, key] : keys_by_epoch_) {
      report.held.push_back({kNews, key.msk, key.mtk});
    }
    if (current) {
      report.positions.push_back(
          {kNews, kVideo, {PacketIndex(index_ += 100), current->msk, current->mtk}});
    }
    return report;
  }

  void Connect() {
    world_.Connect(id_);
    HeadendReport report = Report();
    if (has_state_) {
      const Instant created = world_.channel().channel.created;
      const auto [msk, mtk] = newest_;
      report.kept.push_back({kNews, created, kVideo, PacketIndex(index_ + 100), msk, mtk});
      report.kept.push_back({kNews, created, kAudio, PacketIndex(100), msk, mtk});
    }
    world_.Report(report);
    TakeBoxes();
    has_state_ = true;  // it knows the channel now, and saved where it begins
  }
  // Restart loses what is in memory, and the state file too if that is not kept.
  void Restart(bool keeps_state) {
    TakeBoxes();
    world_.Disconnect(id_);
    keys_by_epoch_.clear();
    if (!keeps_state) KeepState(false, 0, {});
  }
  // Rewind puts an older state file back; KeepState gives it one of an earlier life.
  void Rewind(uint64_t packets) { index_ -= std::min(index_, packets); }
  void KeepState(bool has_state, uint64_t index, std::pair<MskId, MtkId> newest) {
    has_state_ = has_state;
    index_ = index;
    newest_ = newest;
  }

  // Run lets time pass with a report each second.
  void Run(Duration duration) {
    const Instant end = world_.now + duration;
    while (world_.now < end) {
      world_.Pass(std::min<Duration>(seconds(1), end - world_.now));
      world_.Report(Report());
    }
  }

  size_t boxes_opened() const { return keys_by_epoch_.size(); }

 private:
  void Open(const HeadendKey& key) {
    const crypto::TrafficKeyContext context{key.channel,   key.headend, key.msk,    key.mtk,
                                            key.switch_at, key.epoch,   key.profile};
    const auto plain =
        crypto::OpenBox(keys_, crypto::kTrafficKeyPurpose, crypto::TrafficKeyAad(context), key.box);
    ASSERT_TRUE(plain.has_value());
    const srtp::ProfileInfo& info = srtp::InfoOf(key.profile);
    EXPECT_EQ(plain->size(), static_cast<size_t>(info.key_length) + info.salt_length);
    keys_by_epoch_[key.epoch] = {key.msk, key.mtk, key.switch_at};
    newest_ = std::max(newest_, std::pair(key.msk, key.mtk));
  }

  World& world_;
  HeadendId id_;
  crypto::KeyPair keys_;
  bool has_state_ = false;
  std::pair<MskId, MtkId> newest_;  // that the state file names
  uint64_t index_ = 0;
  size_t seen_;
  std::map<uint64_t, KeyAt> keys_by_epoch_;
};

}  // namespace keymast::controller
