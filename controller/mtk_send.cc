// SPDX-License-Identifier: Apache-2.0
// MTK messages: first announcement, repetitions on the grid, and extra ones.
#include "controller/impl.h"
#include "rekey/messages.h"

namespace keymast::controller {
namespace {

constexpr Duration kExtraAfter = std::chrono::milliseconds(50);
constexpr uint64_t kLowWater = rekey::kMtkCounterBlock / 4;

}  // namespace

// TakeMtkCounter gives the next COUNTER under an MSK (TS 33.246 §6.4.3). The block is reserved
// anew while a quarter is left, so that a repetition as such waits for no commit.
std::optional<uint32_t> Controller::Impl::TakeMtkCounter(Channel& channel, MskId msk,
                                                         const Moment& m) {
  rekey::Msk* key = rekey::MskOf(channel.durable->ladder, msk);
  if (key == nullptr || key->counter.next > UINT32_MAX) return std::nullopt;
  if (frozen && key->counter.Empty()) return std::nullopt;
  if (!frozen && key->counter.end - key->counter.next <= kLowWater) {
    rekey::Ladder ladder = channel.ladder();
    rekey::MskOf(ladder, msk)->counter.end += rekey::kMtkCounterBlock;
    Put(rekey::LadderPut{channel.id(), std::move(ladder)}, m);
    key = rekey::MskOf(channel.durable->ladder, msk);
  }
  return static_cast<uint32_t>(key->counter.next++);
}

void Controller::Impl::SendMtk(Channel& channel, const rekey::Slot& slot, bool first,
                               const Moment& m) {
  const std::optional<uint32_t> counter = TakeMtkCounter(channel, slot.msk, m);
  if (!counter) return;
  const rekey::Msk& msk = *rekey::MskOf(channel.ladder(), slot.msk);
  Result<Bytes> octets =
      rekey::MtkMessage(suite, config.profile, channel.durable->channel, msk, slot.mtk, *counter);
  KEYMAST_CHECK(octets.has_value());  // the least max_datagram has room for every profile
  m.step.datagrams.push_back(
      {channel.durable->channel.multicast.mtk, channel.id(), std::move(*octets), m.due});
  ++(first ? counters.mtk_messages : counters.mtk_repetitions);
}

// SendRound sends what a receiver needs now and next: Active, then Prepared.
void Controller::Impl::SendRound(Channel& channel, bool fresh, const Moment& m) {
  // Copies: reserving a counter puts the ladder anew.
  const std::optional<rekey::Slot> active = channel.ladder().active;
  const std::optional<rekey::Slot> prepared = channel.ladder().prepared;
  if (active && !channel.excluding) SendMtk(channel, *active, false, m);
  if (prepared) SendMtk(channel, *prepared, fresh, m);
  channel.last_round = m.now;
}

void Controller::Impl::Announce(Channel& channel, uint32_t copies, const Moment& m) {
  SendRound(channel, true, m);
  channel.extras = copies - 1;
  channel.next_extra = channel.extras > 0 ? m.now + kExtraAfter : kNever;
}

void Controller::Impl::Hasten(Channel& channel, const Moment& m) {
  if (m.now >= channel.last_round + kExtraAfter) return SendRound(channel, false, m);
  // Many joins in a row share one round.
  channel.extras = std::max(channel.extras, 1U);
  channel.next_extra =
      std::min(channel.next_extra, rekey::OnGrid(channel.last_round + kExtraAfter));
}

void Controller::Impl::Repeat(Channel& channel, const Moment& m) {
  const bool regular = m.now >= channel.next_repetition;
  const bool extra = channel.extras > 0 && m.now >= channel.next_extra;
  if (regular) {
    const rekey::Grid grid(channel.id(), channel.policy().mtk_repetition);
    channel.next_repetition = grid.After(m.now);
  }
  if (extra) {
    --channel.extras;
    channel.next_extra = channel.extras > 0 ? m.due + kExtraAfter : kNever;
  }
  // What went out a moment ago in this same tick needs no repetition.
  if ((regular || extra) && channel.last_round != m.now) SendRound(channel, false, m);
}

}  // namespace keymast::controller
