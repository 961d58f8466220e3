// SPDX-License-Identifier: Apache-2.0
// Server, headend and receivers over an in-memory queue that loses, doubles and reorders: the main
// job of a receiver without a socket.
#include <deque>
#include <random>

#include "tests/unit/receiver/broadcast.h"

namespace keymast::receiver {
namespace {

constexpr int64_t kPacketPeriod = 10;  // milliseconds
constexpr int64_t kMtkPeriod = 1000;
constexpr int64_t kMtkLead = 500;
constexpr int64_t kRepetition = 100;
constexpr int64_t kMskPeriod = 8000;
constexpr int64_t kMskLead = 3000;

enum class Port { kMtk, kMedia };
struct Datagram {
  Port port;
  Bytes octets;
};

// OnAir runs a channel millisecond by millisecond. MTK IDs go on over the MSK's life; the next MTK
// is announced a lead time ahead, and the next MSK before that.
class OnAir {
 public:
  explicit OnAir(uint16_t first_sequence)
      : headend_(server, kVideo, srtp::MakeIndex(Roc(0), first_sequence)) {}

  void RunTo(int64_t until) {
    for (; now_ < until; ++now_) Step();
  }
  // Join pushes the current MSK, and the next one if it was delivered already.
  void Join(Core& core) {
    members_.push_back(&core);
    server.roc = srtp::RocOf(headend_.next());
    Push(core, MskAt(now_));
    if (MskAt(now_ + kMskLead) != MskAt(now_)) Push(core, MskAt(now_ + kMskLead));
  }
  // Expel leaves a listener that gets no further MSK, and switches at once under a new one.
  void Expel(Core& core) {
    std::erase(members_, &core);
    listeners_.push_back(&core);
    ++expulsions_;
    for (Core* member : members_) Push(*member, MskAt(now_));
    mtk_on_air_ = 0;
  }
  uint64_t sent() const { return sent_; }
  int64_t now() const { return now_; }

  KeyServer server;
  double loss_of_key_messages = 0;
  bool doubled = false;
  bool reordered = false;

 private:
  MskId MskAt(int64_t t) const {
    return Msk(static_cast<uint16_t>(1 + t / kMskPeriod + 100 * expulsions_));
  }
  static uint16_t MtkAt(int64_t t) {
    return static_cast<uint16_t>(1 + t % kMskPeriod / kMtkPeriod);
  }

  void Push(Core& core, MskId msk) { EXPECT_TRUE(GiveMsk(core, server.MskMessage(msk))); }

  void Step() {
    const bool next_msk_due = MskAt(now_ + kMskLead) != MskAt(now_ - 1 + kMskLead);
    if (now_ > 0 && next_msk_due) {
      server.roc = srtp::RocOf(headend_.next());
      for (Core* member : members_) Push(*member, MskAt(now_ + kMskLead));
    }
    if (now_ % kRepetition == 0) {
      Multicast({Port::kMtk, server.MtkMessage(MskAt(now_), MtkAt(now_))});
      if (MtkAt(now_ + kMtkLead) != MtkAt(now_)) {
        Multicast({Port::kMtk, server.MtkMessage(MskAt(now_ + kMtkLead), MtkAt(now_ + kMtkLead))});
      }
    }
    if (now_ % kPacketPeriod == 0) {
      if (mtk_on_air_ != MtkAt(now_)) headend_.SwitchTo(MskAt(now_), MtkAt(now_));
      mtk_on_air_ = MtkAt(now_);
      ++sent_;
      Multicast({Port::kMedia, headend_.Send()});
    }
    if (now_ % 1000 == 0) {
      for (Core* core : Everybody()) core->OnTick(At(now_));
    }
  }

  void Multicast(const Datagram& datagram) {
    if (datagram.port == Port::kMtk) {
      if (chance_(random_) >= loss_of_key_messages) Deliver(datagram);
      return;
    }
    queue_.push_back(datagram);
    if (doubled) queue_.push_back(datagram);
    const size_t depth = reordered ? 6 : 0;
    while (queue_.size() > depth) {
      const size_t pick = reordered ? random_() % queue_.size() : 0;
      Deliver(queue_[pick]);
      queue_.erase(queue_.begin() + static_cast<long>(pick));
    }
  }

  void Deliver(const Datagram& datagram) {
    for (Core* core : Everybody()) {
      if (datagram.port == Port::kMtk) {
        static_cast<void>(core->OnMtk(datagram.octets, At(now_)));
      } else {
        static_cast<void>(GiveMedia(*core, datagram.octets, At(now_)));
      }
    }
  }

  std::vector<Core*> Everybody() const {
    std::vector<Core*> all = members_;
    all.insert(all.end(), listeners_.begin(), listeners_.end());
    return all;
  }

  Headend headend_;
  std::vector<Core*> members_;
  std::vector<Core*> listeners_;
  std::deque<Datagram> queue_;
  std::mt19937 random_{7};
  std::uniform_real_distribution<double> chance_{0, 1};
  int64_t now_ = 0;
  uint16_t mtk_on_air_ = 0;
  uint64_t sent_ = 0;
  int expulsions_ = 0;
};

uint64_t OpenedBy(const Core& core) { return core.streams()[0]->counters().opened; }
uint64_t Failed(const Core& core) {
  return core.media_discards()[static_cast<size_t>(Error::kAuthenticationFailed)];
}

TEST(OnAirTest, FortySecondsOfKeyChangesLoseNoPacket) {
  OnAir air(64'000);  // the ROC wraps after 15 s
  Core member = air.server.MakeCore();
  air.Join(member);
  air.RunTo(40'000);
  EXPECT_EQ(OpenedBy(member), air.sent());
  EXPECT_EQ(Failed(member), 0u);
  EXPECT_EQ(member.keyring().mtks().changes(), 39u);
  EXPECT_EQ(member.keyring().msk_changes(), 5u);
  EXPECT_LE(member.keyring().mtks().held(), 8u) << "older keys went";
}

TEST(OnAirTest, LostKeyMessagesAreRepeatedInTime) {
  OnAir air(100);
  air.loss_of_key_messages = 0.3;
  Core member = air.server.MakeCore();
  air.Join(member);
  air.RunTo(2000);
  const uint64_t missed = air.sent() - OpenedBy(member);
  air.RunTo(40'000);
  EXPECT_EQ(air.sent() - OpenedBy(member), missed);
}

TEST(OnAirTest, DoubledAndReorderedPacketsOpenOnce) {
  OnAir air(65'000);
  air.doubled = true;
  air.reordered = true;
  Core member = air.server.MakeCore();
  air.Join(member);
  air.RunTo(20'000);
  const uint64_t in_queue = 6;
  EXPECT_LE(OpenedBy(member), air.sent());
  EXPECT_GE(OpenedBy(member) + in_queue, air.sent());
  EXPECT_GE(member.media_discards()[static_cast<size_t>(Error::kReplayed)] + in_queue, air.sent());
}

TEST(OnAirTest, ALateJoinerOpensFromItsFirstKeyRepetitionOn) {
  OnAir air(65'000);
  Core member = air.server.MakeCore();
  air.Join(member);
  air.RunTo(20'050);
  Core late = air.server.MakeCore();
  air.server.msk_counter += 10;
  const uint64_t before = air.sent();
  air.Join(late);
  air.RunTo(20'101);
  EXPECT_LE(air.sent() - before - OpenedBy(late), 5u) << "at most until the next repetition";
  const uint64_t missed = air.sent() - before - OpenedBy(late);
  air.RunTo(30'000);
  EXPECT_EQ(air.sent() - before - OpenedBy(late), missed);
  EXPECT_EQ(late.streams()[0]->highest(), member.streams()[0]->highest());
}

TEST(OnAirTest, TheExpelledReceiverOpensNothingMore) {
  OnAir air(65'000);
  Core staying = air.server.MakeCore();
  Core leaving = air.server.MakeCore();
  air.Join(staying);
  air.Join(leaving);
  air.RunTo(10'000);
  EXPECT_EQ(OpenedBy(leaving), air.sent());
  const uint64_t at_expulsion = air.sent();
  air.Expel(leaving);
  air.RunTo(20'000);
  EXPECT_EQ(OpenedBy(leaving), at_expulsion);
  EXPECT_EQ(OpenedBy(staying), air.sent());
}

}  // namespace
}  // namespace keymast::receiver
