// SPDX-License-Identifier: Apache-2.0
// MTK messages: first announcement, repetitions on the grid, and extra ones.
#include "controller/impl.h"
#include "rekey/messages.h"

namespace keymast::controller {
namespace {

constexpr Duration kExtraAfter = std::chrono::milliseconds(50);
constexpr uint64_t kLowWater = rekey::kMtkCounterBlock / 2;
constexpr size_t kMostAnticipated = 64;  // channels: other things wait meanwhile

bool RepetitionIsDue(const Channel& channel, Instant at) { return at >= channel.next_repetition; }
bool ExtraIsDue(const Channel& channel, Instant at) {
  return channel.extras > 0 && at >= channel.next_extra;
}

}  // namespace

Duration Controller::Impl::SendAhead(const Channel& channel) const {
  return std::min(config.ahead.send, channel.policy().mtk_repetition / 2);
}

// TakeMtkCounter gives the next COUNTER under an MSK (TS 33.246 §6.4.3). The block is reserved
// anew while half of one is left, so that a repetition as such waits for no commit.
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

Bytes Controller::Impl::BuildMtk(const Channel& channel, const rekey::Slot& slot,
                                 uint32_t counter) const {
  const rekey::Msk& msk = *rekey::MskOf(channel.ladder(), slot.msk);
  Result<Bytes> octets =
      rekey::MtkMessage(suite, config.profile, channel.durable->channel, msk, slot.mtk, counter);
  KEYMAST_CHECK(octets.has_value());  // the least max_datagram has room for every profile
  return std::move(*octets);
}

Bytes Controller::Impl::TakeBuilt(Channel& channel, const rekey::Slot& slot,
                                  uint32_t counter) const {
  for (BuiltMtk& built : channel.built) {
    const bool wanted = built.msk == slot.msk && built.mtk == slot.mtk && built.counter == counter;
    if (wanted && !built.octets.empty()) return std::exchange(built.octets, {});
  }
  return BuildMtk(channel, slot, counter);
}

// BuildRound builds what SendRound will ask for, if nothing changes until then.
void Controller::Impl::BuildRound(Channel& channel, Instant at) const {
  if (!RepetitionIsDue(channel, at + SendAhead(channel)) && !ExtraIsDue(channel, at)) return;
  const rekey::Ladder& ladder = channel.ladder();
  std::optional<MskId> before;  // of the message ahead of this one
  for (size_t i = 0; i < channel.built.size(); ++i) {
    const std::optional<rekey::Slot>& slot = i == 0 ? ladder.active : ladder.prepared;
    if (!slot || (i == 0 && channel.excluding)) continue;
    const rekey::Msk* msk = rekey::MskOf(ladder, slot->msk);
    const uint64_t counter =
        msk == nullptr ? UINT64_MAX : msk->counter.next + (before == slot->msk);
    if (counter > UINT32_MAX) continue;
    const auto number = static_cast<uint32_t>(counter);
    channel.built[i] = {slot->msk, slot->mtk, number, BuildMtk(channel, *slot, number)};
    before = slot->msk;
  }
}

void Controller::Impl::Anticipate() {
  const Instant at = deadlines.Next();
  if (at == anticipated) return;
  anticipated = at;
  deadlines.VisitNext(kMostAnticipated, [&](Channel& channel) { BuildRound(channel, at); });
}

void Controller::Impl::SendMtk(Channel& channel, const rekey::Slot& slot, bool first,
                               const Moment& m) {
  const std::optional<uint32_t> counter = TakeMtkCounter(channel, slot.msk, m);
  if (!counter) return;
  const groups::Multicast& multicast = channel.durable->channel.multicast;
  m.step.datagrams.push_back({multicast.mtk,
                              channel.id(),
                              TakeBuilt(channel, slot, *counter),
                              m.due,
                              {multicast.interface_address, multicast.ttl, multicast.dscp}});
  ++(first ? counters.mtk_messages : counters.mtk_repetitions);
}

// SendRound sends what a receiver needs now and next: Active, then Prepared.
void Controller::Impl::SendRound(Channel& channel, const Moment& m) {
  // Copies: reserving a counter puts the ladder anew.
  const std::optional<rekey::Slot> active = channel.ladder().active;
  const std::optional<rekey::Slot> prepared = channel.ladder().prepared;
  if (active && !channel.excluding) SendMtk(channel, *active, false, m);
  const bool is_first = std::exchange(channel.unannounced, false);
  if (prepared) SendMtk(channel, *prepared, is_first, m);
  channel.last_round = m.now;
}

void Controller::Impl::Announce(Channel& channel, uint32_t copies, Instant at, const Moment& m) {
  channel.unannounced = true;
  if (at > m.now) {
    // A round that was promised to someone who just came is the first then.
    channel.extras += copies;
    channel.next_extra = std::min(channel.next_extra, at - SendAhead(channel));
    return;
  }
  SendRound(channel, m);
  channel.extras = copies - 1;
  channel.next_extra = channel.extras > 0 ? m.now + kExtraAfter : kNever;
}

void Controller::Impl::Hasten(Channel& channel, const Moment& m) {
  if (m.now >= channel.last_round + kExtraAfter) return SendRound(channel, m);
  // Many joins in a row share one round.
  channel.extras = std::max(channel.extras, 1U);
  channel.next_extra =
      std::min(channel.next_extra, rekey::OnGrid(channel.last_round + kExtraAfter));
}

void Controller::Impl::Repeat(Channel& channel, const Moment& m) {
  const Duration ahead = SendAhead(channel);
  const bool regular = RepetitionIsDue(channel, m.now + ahead);
  const bool extra = ExtraIsDue(channel, m.now);
  if (regular) {
    const rekey::Grid grid(channel.id(), channel.policy().mtk_repetition);
    channel.next_repetition = grid.After(m.now + ahead);
  }
  if (extra) {
    --channel.extras;
    channel.next_extra = channel.extras > 0 ? m.due + kExtraAfter : kNever;
  }
  // What went out a moment ago in this same tick needs no repetition.
  if (channel.last_round == m.now) return;
  if (regular) return SendRound(channel, {m.now, m.due + ahead, m.step});
  if (extra) SendRound(channel, m);
}

}  // namespace keymast::controller
