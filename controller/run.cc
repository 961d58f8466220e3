// SPDX-License-Identifier: Apache-2.0
// One channel's tick: everything that is due, in the order in which one thing makes room for the
// next, and the instant of the next tick.
#include "controller/impl.h"

namespace keymast::controller {
namespace {

// ChangeTo is when the next MSK takes over. One that is overdue, after a long stop or a clock that
// was set, is brought to members a lead ahead as any other is, and what was missed is caught up
// once: the one after it is due a period later.
Instant ChangeTo(const rekey::Ladder& ladder, const groups::KeyPolicy& policy, Instant now) {
  if (ladder.next_msk_change >= now) return ladder.next_msk_change;
  return rekey::OnGrid(now + policy.msk_lead);
}

Instant Sooner(Instant at, Duration by) { return at == kNever ? kNever : at - by; }

}  // namespace

// Change does what is due and must be durable before it shows. What follows a schedule is decided
// ahead: its members and receivers are told when they would have been, or sooner.
void Controller::Impl::Change(Channel& channel, const Moment& m) {
  if (!channel.excluding || channel.held) {
    if (rekey::ShouldExclude(channel.ladder(), m.now)) {
      Replace(channel, channel.ladder().next_msk_reason, channel.policy().exclusion_lead, m);
    }
  }
  const Instant ahead = m.now + config.ahead.decide;
  if (rekey::ShouldMakeNextMsk(channel.ladder(), channel.durable->channel, ahead)) {
    MakeNextMsk(channel, channel.ladder().next_msk_reason,
                ChangeTo(channel.ladder(), channel.policy(), m.now), m);
  }
  if (!channel.vetoed && rekey::ShouldPrepare(channel.ladder(), channel.durable->channel, ahead)) {
    PrepareMtk(channel, rekey::RekeyReason::kSchedule, std::nullopt, m);
  }
}

void Controller::Impl::Run(Channel& channel, const Moment& m) {
  if (!frozen) EndWindows(channel, m);
  TrySwitch(channel, m);
  if (!frozen) Change(channel, m);
  Repeat(channel, m);
  SendMsks(channel, m);
  Schedule(channel, m.now);
}

Instant Controller::Impl::NextChangeOf(const Channel& channel) const {
  if (frozen) return kNever;
  const rekey::Ladder& ladder = channel.ladder();
  Instant at = rekey::NextMskAt(ladder, channel.durable->channel);
  if (!channel.vetoed) at = std::min(at, rekey::PrepareAt(ladder, channel.durable->channel));
  at = Sooner(at, config.ahead.decide);
  const bool excludes = rekey::Excludes(ladder.next_msk_reason);
  if (excludes && (!channel.excluding || channel.held)) at = std::min(at, ladder.next_msk_change);
  if (!channel.window_ends.empty()) at = std::min(at, channel.window_ends.begin()->first);
  return at;
}

Instant Controller::Impl::DeadlineOf(Channel& channel, Instant now) {
  Instant at = std::min(channel.next_repetition - SendAhead(channel), channel.next_extra);
  at = std::min(at, DecideSwitchAt(channel, now));
  at = std::min(at, NextChangeOf(channel));
  for (auto* delivery : {&channel.current, &channel.next}) {
    if (!*delivery) continue;
    at = std::min(at, (*delivery)->NextDue());
    if ((*delivery)->Ready() != nullptr) {
      at = std::min(at, channel.pacer.Next(channel.policy().msk_pacing_rate));
    }
  }
  return at;
}

void Controller::Impl::Schedule(Channel& channel, Instant now) {
  // Whatever is due was done, so that the next tick is later than this one on the grid.
  const Instant at = std::max(DeadlineOf(channel, now), now + Duration(1));
  deadlines.Set(channel, rekey::OnGrid(at));
}

}  // namespace keymast::controller
