// SPDX-License-Identifier: Apache-2.0
// Preparing and switching of MTKs.
#include "controller/impl.h"
#include "controller/names.h"
#include "rekey/calendar.h"

namespace keymast::controller {

using rekey::KeyLevel;
using rekey::RekeyReason;

namespace {

// A lead too short for repetitions is made up for by copies.
constexpr uint32_t kShortLeadCopies = 3;

}  // namespace

// Record keeps the change in the channel's history and tells it.
rekey::Rekey Controller::Impl::Record(Channel& channel, rekey::Rekey rekey, const Moment& m) {
  const auto& history = channel.durable->history;
  rekey.sequence = history.empty() ? 1 : history.back().sequence + 1;
  rekey.prepared_at = m.now;
  Put(rekey::RekeyRecorded{channel.id(), rekey}, m);
  ++counters.rekeys[{rekey.level, rekey.reason}];
  const bool is_unplanned =
      rekey.level == KeyLevel::kMsk && rekey.reason != RekeyReason::kCreated &&
      rekey.reason != RekeyReason::kSchedule && rekey.reason != RekeyReason::kCalendar;
  if (is_unplanned && rekey::IsInBlackout(channel.durable->schedules, rekey.switch_at)) {
    ++counters.blackouts_pierced[rekey.reason];
  }
  m.step.events.push_back(
      {Event::Kind::kRekeyed, channel.id(), NameOf(channel.id(), rekey.sequence), m.now, rekey});
  return rekey;
}

// PrepareMtk makes the next MTK ready for `switch_at`, or for the next switch of the schedule, and
// announces it; one that is prepared already is dropped for it. When the IDs under the MSK are used
// up a new MSK comes with it. Nothing is prepared when no MSK can be made any more: the active MTK
// stays.
std::optional<rekey::Rekey> Controller::Impl::PrepareMtk(Channel& channel, RekeyReason reason,
                                                         std::optional<Instant> switch_at,
                                                         const Moment& m) {
  const groups::Channel& definition = channel.durable->channel;
  const Instant at =
      switch_at ? *switch_at : rekey::NextSwitch(channel.ladder(), definition, m.now);
  const Instant announced =
      switch_at ? m.now : std::max(m.now, rekey::PrepareAt(channel.ladder(), definition));
  Result<rekey::Slot> slot = rekey::NextSlot(channel.ladder(), at);
  if (!slot && rekey::Excludes(channel.ladder().next_msk_reason)) {
    auto replaced =
        Replace(channel, channel.ladder().next_msk_reason, definition.policy.exclusion_lead, m);
    channel.vetoed = !replaced;
    return replaced;
  }
  if (!slot && !channel.next) MakeNextMsk(channel, RekeyReason::kExhaustion, at, m);
  rekey::Ladder ladder = channel.ladder();
  if (!slot && ladder.next_msk) {
    ladder.next_msk_change = std::min(ladder.next_msk_change, at);
    slot = rekey::NextSlot(ladder, at);
  }
  channel.vetoed = !slot;
  if (!slot) return std::nullopt;
  rekey::Prepare(ladder, *slot);
  rekey::PlanExhaustion(ladder, definition);
  Put(rekey::LadderPut{channel.id(), std::move(ladder)}, m);
  const rekey::Rekey done =
      Record(channel, {0, KeyLevel::kMtk, reason, slot->msk, slot->mtk, {}, at, 0}, m);
  const bool is_short = at <= rekey::OnGrid(announced + definition.policy.exclusion_lead);
  Announce(channel, is_short ? kShortLeadCopies : 1, announced, m);
  IssuePrepared(channel, m);
  return done;
}

// ActivateMtk needs no commit of its own: a restart that finds the instant past does the same, and
// the next ladder that is put holds it.
void Controller::Impl::ActivateMtk(Channel& channel, const Moment& m) {
  rekey::Ladder ladder = channel.ladder();
  const MskId before = ladder.msk->id;
  rekey::Activate(ladder);
  const MskId after = ladder.msk->id;
  if (after != before) rekey::Replan(*channel.durable, ladder, ladder.active->switch_at);
  rekey::Apply(state, rekey::LadderPut{channel.id(), std::move(ladder)});
  channel.held = false;
  // Keys rise: an older one is given to nobody any more.
  const rekey::Slot& active = *channel.ladder().active;
  channel.given.erase(channel.given.begin(), channel.given.lower_bound({active.msk, active.mtk}));
  if (after == before) return;
  channel.excluding = false;
  channel.current = std::move(channel.next);
  channel.next.reset();
  channel.confirmed = 0;
  std::vector<SubscriberId> answered;  // for this MSK, and not for the one before
  const bool is_asked = channel.current && config.profile.want_verification;
  for (const auto& [id, member] : channel.durable->members) {
    if (!member.joined) continue;
    if (member.confirmed >= after) {
      ++channel.confirmed;
    } else if (is_asked && IsPushedTo(member) && !channel.current->Holds(id)) {
      answered.push_back(id);
    }
  }
  if (frozen) return;
  for (const SubscriberId& id : answered) KeepConfirmed(channel, id, after, m);
}

}  // namespace keymast::controller
