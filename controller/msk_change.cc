// SPDX-License-Identifier: Apache-2.0
// New MSKs: delivered a lead ahead of their use, or at once when someone is shut out.
#include "controller/impl.h"
#include "controller/names.h"

namespace keymast::controller {
namespace {

using rekey::KeyLevel;
using rekey::RekeyReason;

constexpr uint32_t kExclusionCopies = 3;

}  // namespace

// Both MSK messages and KEYS are under what a user key gives.
bool Controller::Impl::IsPushedTo(const groups::Member& member) const {
  return member.IsPushedTo() && !state.subscribers.at(member.subscriber).user_key.empty();
}

void Controller::Impl::DeliverToAll(Channel& channel, Delivery& delivery) {
  delivery.Reserve(channel.joined);
  for (const auto& [id, member] : channel.durable->members) {
    if (IsPushedTo(member)) delivery.Add(id);
  }
}

// MakeNextMsk makes the MSK that takes over at `change` and begins to deliver it. Nothing happens
// when the key group has no Key Number left.
std::optional<rekey::Rekey> Controller::Impl::MakeNextMsk(Channel& channel, RekeyReason reason,
                                                          Instant change, const Moment& m) {
  rekey::Ladder ladder = channel.ladder();
  Result<rekey::Msk> msk =
      rekey::MakeMsk(ladder, channel.durable->channel, config.profile.csb_id, m.now, change, rng);
  ladder.next_msk_change = msk ? change : kNever;
  ladder.next_msk_reason = reason;
  if (!msk) {
    Put(rekey::LadderPut{channel.id(), std::move(ladder)}, m);
    return std::nullopt;
  }
  ladder.last_key_number = msk->id.number;
  ladder.next_msk = *msk;
  Put(rekey::LadderPut{channel.id(), std::move(ladder)}, m);
  channel.next.emplace(msk->id, config.profile.want_verification);
  DeliverToAll(channel, *channel.next);
  return Record(channel, {0, KeyLevel::kMsk, reason, msk->id, msk->low, {}, change, channel.joined},
                m);
}

// Replace takes every key of now out of use as soon as `lead` allows: the prepared MTK and an MSK
// under way are dropped, the first MTK under a new MSK takes over. It waits for no member.
std::optional<rekey::Rekey> Controller::Impl::Replace(Channel& channel, RekeyReason reason,
                                                      Duration lead, const Moment& m) {
  rekey::Ladder ladder = channel.ladder();
  const Instant switch_at = rekey::OnGrid(m.now + lead);
  Result<rekey::Msk> msk = rekey::MakeMsk(ladder, channel.durable->channel, config.profile.csb_id,
                                          m.now, switch_at, rng);
  if (!msk) {
    ladder.next_msk_change = kNever;
    Put(rekey::LadderPut{channel.id(), std::move(ladder)}, m);
    return std::nullopt;
  }
  rekey::Drop(ladder);
  ladder.last_key_number = msk->id.number;
  ladder.next_msk = *msk;
  ladder.next_msk_change = msk->ends;
  ladder.next_msk_reason = RekeyReason::kSchedule;
  ladder.next_msk_origin = {};
  rekey::Prepare(ladder, {msk->id, msk->low, switch_at});
  Put(rekey::LadderPut{channel.id(), std::move(ladder)}, m);
  channel.excluding = rekey::Excludes(reason);
  channel.held = false;
  // A leaver holds the old MSK: what is under way of it is of no more use.
  if (channel.excluding) channel.current.reset();
  channel.next.emplace(msk->id, config.profile.want_verification);
  DeliverToAll(channel, *channel.next);
  const rekey::Rekey done = Record(
      channel, {0, KeyLevel::kMsk, reason, msk->id, msk->low, {}, switch_at, channel.joined}, m);
  Announce(channel, kExclusionCopies, m.now, m);
  IssuePrepared(channel, m);
  SendMsks(channel, m);
  return done;
}

// ShutOut replaces the keys now, or, while an exclusion is on its way, right behind it: its members
// are receiving the second MSK already, and a third would push out one they need (TS 31.102
// §4.2.80). Either way the old keys are dark after at most two exclusion leads.
rekey::Rekey Controller::Impl::ShutOut(Channel& channel, RekeyReason reason, const Moment& m) {
  if (!channel.excluding || channel.held) {
    const Duration lead = channel.policy().exclusion_lead;
    return Replace(channel, reason, lead, m).value_or(rekey::Rekey{});
  }
  rekey::Ladder ladder = channel.ladder();
  // The first of the two may be waited for past its instant.
  const Instant begins = std::max(ladder.prepared->switch_at, rekey::OnGrid(m.now));
  ladder.next_msk_change = begins;
  ladder.next_msk_reason = reason;
  Put(rekey::LadderPut{channel.id(), ladder}, m);
  const MskId msk{ladder.msk->id.group,
                  KeyNumber(static_cast<uint16_t>(ladder.last_key_number.value + 1))};
  const Instant switch_at = rekey::OnGrid(begins + channel.policy().exclusion_lead);
  return {channel.durable->history.back().sequence + 1,
          KeyLevel::kMsk,
          reason,
          msk,
          MtkId(1),
          begins,
          switch_at,
          channel.joined};
}

// Checked is what is known of a rekey before it is made: it has no sequence and no keys.
rekey::Rekey Controller::Impl::Checked(const Channel& channel, KeyLevel level, Instant now) const {
  const rekey::Ladder& ladder = channel.ladder();
  rekey::Rekey rekey;
  rekey.level = level;
  const bool excludes = level == KeyLevel::kMsk && rekey::Excludes(ladder.next_msk_reason);
  rekey.reason = excludes ? ladder.next_msk_reason : RekeyReason::kOperator;
  rekey.switch_at = PlannedSwitch(channel, level, excludes, now);
  if (level == KeyLevel::kMsk) rekey.recipients = channel.joined;
  return rekey;
}

Controller::Impl::Outcome Controller::Impl::Handle(const RekeyNow& command, Instant now,
                                                   const Moment* m) {
  Channel* channel = Find(command.channel);
  if (channel == nullptr) return Refuse(Error::kNotFound, NameOf(command.channel), kNotThere);
  if (groups::IsAnother(command.expected, channel->durable->channel)) {
    return Refuse(Error::kEtagMismatch, NameOf(command.channel), kIsAnother);
  }
  const rekey::Ladder& ladder = channel->ladder();
  const bool msk = command.level == KeyLevel::kMsk;
  // A change that is under way already is the answer; a new one beside it would need a third key.
  const bool under_way = msk ? ladder.next_msk.has_value() : ladder.prepared.has_value();
  const bool out_of_ids = !rekey::NextSlot(ladder, now);
  if (!under_way && (msk || out_of_ids) && !rekey::CanMakeMsk(ladder)) {
    return Refuse(Error::kIdsExhausted, NameOf(command.channel), kNoNumberLeft);
  }
  Reply reply;
  if (under_way) {
    const auto& history = channel->durable->history;
    const auto made = std::find_if(history.rbegin(), history.rend(), [&](const auto& rekey) {
      if (msk) return rekey.level == KeyLevel::kMsk && rekey.msk == ladder.next_msk->id;
      return rekey.msk == ladder.prepared->msk && rekey.mtk == ladder.prepared->mtk;
    });
    if (made != history.rend()) reply.rekey = *made;
    return reply;
  }
  if (m == nullptr) {
    reply.rekey = Checked(*channel, command.level, now);
    return reply;
  }
  if (!msk) {
    const Instant at = rekey::OnGrid(now + channel->policy().mtk_lead);
    reply.rekey = PrepareMtk(*channel, RekeyReason::kOperator, at, *m);
  } else if (rekey::Excludes(ladder.next_msk_reason)) {
    reply.rekey = ShutOut(*channel, ladder.next_msk_reason, *m);
  } else {
    const Instant change = rekey::OnGrid(now + channel->policy().msk_lead);
    reply.rekey = MakeNextMsk(*channel, RekeyReason::kOperator, change, *m);
    SendMsks(*channel, *m);
  }
  Schedule(*channel, now);
  return reply;
}

}  // namespace keymast::controller
