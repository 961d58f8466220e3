// SPDX-License-Identifier: Apache-2.0
// Random values and random histories, the same ones for the same seed.
#pragma once

#include <random>

#include "records/parts.h"
#include "rekey/state.h"

namespace keymast::records {

// Alternatives is how many kinds of change there are.
inline constexpr size_t kAlternatives = std::variant_size_v<rekey::Change>;

class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}

  uint64_t Below(uint64_t bound) { return engine_() % bound; }
  bool OneIn(uint64_t count) { return Below(count) == 0; }
  // Number has every length in bits, the ends of a range among them.
  uint64_t Number() { return OneIn(16) ? UINT64_MAX : engine_() >> Below(64); }
  std::string Text(size_t most);
  Instant Time() { return FromUnixNanos(static_cast<int64_t>(Number())); }
  crypto::Key32 Key();

  // Value is a change of this kind with everything in it random.
  rekey::Change Value(size_t alternative);
  // Event is a change that a history of a few channels and subscribers could go on with.
  rekey::Change Event();

  MskId Msk() { return MskId::FromValue(static_cast<uint32_t>(Number())); }
  Endpoint Address();
  groups::Channel Channel(ChannelId id);
  rekey::Ladder Ladder();
  rekey::Rekey Rekey();
  groups::Member Member(SubscriberId id);
  groups::Headend Headend(HeadendId id);
  std::map<Ssrc, rekey::Position> Positions();
  rekey::TicketKey TicketKey();
  rekey::SpentTicket SpentTicket();
  uint32_t Leaves();
  std::vector<Bytes> Certificates();
  groups::Schedule Schedule(ScheduleId id);
  rekey::KeptRequest Request(uint64_t sequence);
  rekey::Progress Progress();
  rekey::Operation Operation(OperationId id);
  audit::Record AuditRecord();
  OperationId AnOperation() { return OperationId("o" + std::to_string(Below(3))); }
  ChannelId AChannel() { return ChannelId("channel-" + std::to_string(Below(3))); }
  SubscriberId ASubscriber() { return SubscriberId("s-" + std::to_string(Below(60))); }
  HeadendId AHeadend() { return HeadendId("headend-" + std::to_string(Below(3))); }

 private:
  template <class Int>
  Int Of() {
    return static_cast<Int>(Number());
  }
  rekey::Msk AMsk();
  rekey::Slot Slot() { return {Msk(), MtkId(Of<uint16_t>()), Time()}; }
  rekey::KeyGroupName Group();

  std::mt19937_64 engine_;
  uint64_t requests_ = 0;
  uint64_t audited_ = 0;
};

// Canonical is all that a state holds, in one order.
crypto::SecretBytes Canonical(const rekey::State& state);
// Difference names the first part in which two states differ; empty when they are the same.
std::string Difference(const rekey::State& a, const rekey::State& b);

}  // namespace keymast::records
