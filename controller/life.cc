// SPDX-License-Identifier: Apache-2.0
// Start and reload: the working memory is built from the durable state.
#include "base/check.h"
#include "controller/impl.h"
#include "controller/names.h"
#include "srtp/index.h"

namespace keymast::controller {
namespace {

// IsExclusion says why the prepared MTK's MSK was made: the history of the channel knows it after a
// restart.
bool IsExclusion(const rekey::ChannelState& channel) {
  const rekey::Ladder& ladder = channel.ladder;
  if (!ladder.prepared || !ladder.next_msk || ladder.prepared->msk != ladder.next_msk->id) {
    return false;
  }
  for (auto rekey = channel.history.rbegin(); rekey != channel.history.rend(); ++rekey) {
    if (rekey->level != rekey::KeyLevel::kMsk || rekey->msk != ladder.prepared->msk) continue;
    return rekey::Excludes(rekey->reason);
  }
  return false;
}

// KeepPosition takes a counter's position over from before a reload. What lies behind the loaded
// end was never released, because its commit failed.
void KeepPosition(rekey::Reserved& loaded, const rekey::Reserved& before) {
  loaded.next = std::min(before.next, loaded.end);
}

void KeepPositions(rekey::Ladder& loaded, const rekey::Ladder& before) {
  for (auto* msk : {&loaded.msk, &loaded.next_msk}) {
    if (!*msk) continue;
    const rekey::Msk* known = rekey::MskOf(before, (*msk)->id);
    if (known != nullptr) {
      KeepPosition((*msk)->counter, known->counter);
    } else {
      (*msk)->counter.next = (*msk)->counter.end;
    }
  }
}

}  // namespace

void Controller::Impl::Open(rekey::ChannelState& durable, Instant now) {
  Channel& channel = channels[durable.channel.id];
  channel.durable = &durable;
  channel.next_repetition =
      rekey::Grid(channel.id(), channel.policy().mtk_repetition).AtOrAfter(now);
  channel.excluding = IsExclusion(durable);
  const rekey::Ladder& ladder = channel.ladder();
  for (const auto& [ssrc, position] : durable.positions) {
    channel.followed[ssrc] = srtp::RocOf(position.index);
  }
  const bool verified = config.profile.want_verification;
  if (!channel.excluding) channel.current.emplace(ladder.msk->id, verified);
  if (ladder.next_msk) channel.next.emplace(ladder.next_msk->id, verified);
  for (const auto& [subscriber, member] : durable.members) {
    subscribers[subscriber].memberships.push_back(channel.id());
    if (member.HoldsKeys() && member.entitled_until != kNever) {
      channel.window_ends.emplace(member.entitled_until, subscriber);
    }
    if (!member.joined) continue;
    ++channel.joined;
    if (member.confirmed >= ladder.msk->id) ++channel.confirmed;
    if (!IsPushedTo(member)) continue;
    if (member.entitled_until <= now) continue;  // its join ends with the first tick
    for (auto* delivery : {&channel.current, &channel.next}) {
      if (*delivery && member.confirmed < (*delivery)->msk()) (*delivery)->Add(subscriber);
    }
  }
}

void Controller::Impl::Rebuild(Instant now) {
  channels.clear();
  deadlines.Clear();
  identities.clear();
  user_keys.Clear(state.subscribers.size());
  for (auto& [id, subscriber] : subscribers) subscriber.memberships.clear();
  kept_certificates = 0;
  for (const auto& [id, subscriber] : state.subscribers) {
    kept_certificates += size_t{!subscriber.subscriber.certificates.empty()};
    identities.emplace(subscriber.subscriber.identity, id);
    user_keys.Add(subscriber.user_key.view());
    subscribers.try_emplace(id);
  }
  keying.LoadTickets();
  for (auto& [id, durable] : state.channels) {
    Open(durable, now);
    // To whom the keys went that were loaded is not known.
    for (const std::optional<rekey::Slot>* slot :
         {&durable.ladder.active, &durable.ladder.prepared}) {
      if (*slot) At(id).given.emplace((*slot)->msk, (*slot)->mtk);
    }
  }
  for (const auto& [id, headend] : state.headends) {
    headends.try_emplace(id);
    for (const ChannelId& channel : headend.channels) {
      if (Channel* at = Find(channel)) at->headends.push_back(id);
    }
  }
  std::erase_if(headends, [this](const auto& one) { return !state.headends.contains(one.first); });
}

// Reincarnate replaces every key. Members get the new MSK a whole MTK lead before it is used; who
// is being shut out is not kept for that.
void Controller::Impl::Reincarnate(Channel& channel, const Moment& m) {
  const groups::KeyPolicy& policy = channel.policy();
  const bool shuts_out = channel.excluding || rekey::Excludes(channel.ladder().next_msk_reason);
  if (shuts_out) {
    Replace(channel, rekey::RekeyReason::kExclusion, policy.exclusion_lead, m);
  } else {
    const Duration lead = std::max(policy.mtk_lead, policy.exclusion_lead);
    Replace(channel, rekey::RekeyReason::kIncarnation, lead, m);
  }
}

Step Controller::Impl::Start(Instant now, bool new_incarnation) {
  Step step;
  const Moment m{now, now, step};
  Rebuild(now);
  // What was recorded of REPORTs that were taken and lost counts in no later one (MIKEYv2 §10).
  if (new_incarnation) Put(rekey::ReportsSkipped{FirstReportT(now)}, m);
  start_method = new_incarnation ? audit::kRollback : audit::kStart;
  if (OwnRecordDue() <= now) PutOwnRecord(m);
  for (auto& [id, channel] : channels) {
    if (new_incarnation) {
      Reincarnate(channel, m);
    }
    Run(channel, m);
  }
  RunOperations(m);
  return step;
}

void Controller::Reload(rekey::State loaded, Instant now) {
  KeepPosition(loaded.muk_counter, impl_->state.muk_counter);
  for (auto& [id, channel] : loaded.channels) {
    const auto before = impl_->state.channels.find(id);
    KeepPositions(channel.ladder,
                  before == impl_->state.channels.end() ? rekey::Ladder{} : before->second.ladder);
  }
  impl_->state = std::move(loaded);
  // That commit may have held the record of this start.
  if (impl_->start_sequence > impl_->state.audit.sequence) impl_->start_sequence = 0;
  impl_->keying.Forget();
  impl_->user_counter = 0;
  impl_->Rebuild(now);
  for (auto& [id, channel] : impl_->channels) impl_->deadlines.Set(channel, now);
  impl_->next_operation = now;
}

void Controller::Impl::Put(rekey::Change change, const Moment& m) {
  KEYMAST_CHECK(!frozen);
  rekey::Apply(state, change);
  m.step.changes.push_back(std::move(change));
}

void Controller::Impl::Tell(Event::Kind kind, const ChannelId& channel, std::string resource,
                            const Moment& m) {
  m.step.events.push_back({kind, channel, std::move(resource), m.now, std::nullopt});
}

Channel* Controller::Impl::Find(const ChannelId& id) {
  const auto found = channels.find(id);
  return found == channels.end() ? nullptr : &found->second;
}

}  // namespace keymast::controller
