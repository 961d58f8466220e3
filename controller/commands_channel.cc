// SPDX-License-Identifier: Apache-2.0
// Commands on channels.
#include "controller/impl.h"
#include "controller/names.h"

namespace keymast::controller {
namespace {

using rekey::KeyLevel;
using rekey::RekeyReason;

rekey::KeyGroupName GroupOf(const groups::Channel& channel) {
  return {channel.key_domain, channel.key_group};
}

// FirstLadder is a new channel's keys: the first MTK is active from now on.
Result<rekey::Ladder> FirstLadder(const groups::Channel& channel, KeyNumber used, CsbId csb_id,
                                  Instant now, crypto::Rng& rng) {
  rekey::Ladder ladder;
  ladder.last_key_number = used;
  const Instant starts = rekey::OnGrid(now);
  const Result<rekey::Msk> msk = rekey::MakeMsk(ladder, channel, csb_id, now, starts, rng);
  if (!msk) return Err(msk.error());
  ladder.msk = *msk;
  ladder.last_key_number = msk->id.number;
  ladder.next_msk_change = msk->ends;
  rekey::Prepare(ladder, {msk->id, msk->low, starts});
  rekey::Activate(ladder);
  ladder.old.reset();
  return ladder;
}

}  // namespace

// OverQuota says that the caller may not have so many more.
std::optional<Failure> Controller::Impl::OverQuota(uint64_t more_channels, uint64_t more_members) {
  if (asker == nullptr || (asker->quota.channels == 0 && asker->quota.members == 0)) return {};
  uint64_t of_channels = more_channels;
  uint64_t of_members = more_members;
  for (const auto& [id, channel] : state.channels) {
    if (!asker->scope.Has(id)) continue;
    ++of_channels;
    of_members += channel.members.size();
  }
  const auto over = [this](const char* what, uint64_t most) {
    return Failure{Error::kQuotaExceeded,
                   asker->principal + " may have no more " + what + " than " + std::to_string(most),
                   {},
                   {},
                   0,
                   {"principal:" + asker->principal, what + (": " + std::to_string(most))}};
  };
  const Quota& quota = asker->quota;
  if (more_channels > 0 && quota.channels != 0 && of_channels > quota.channels) {
    ++counters.channels_over_quota;
    return over("channels", quota.channels);
  }
  if (more_members > 0 && quota.members != 0 && of_members > quota.members) {
    ++counters.members_over_quota;
    return over("members", quota.members);
  }
  return {};
}

Controller::Impl::Outcome Controller::Impl::Handle(const CreateChannel& command, Instant now,
                                                   const Moment* m) {
  groups::Channel channel = command.channel;
  const std::string name = NameOf(channel.id);
  std::vector<FieldViolation> wrong = groups::CheckNewChannel(channel);
  if (!wrong.empty()) return RefuseFields(Error::kInvalidArgument, name, std::move(wrong));
  if (Find(channel.id) != nullptr) return Refuse(Error::kAlreadyExists, name, "exists already");
  if (auto over = OverQuota(1, 0)) return tl::unexpected(std::move(*over));
  const auto group = GroupOf(channel);
  for (const auto& [id, other] : state.channels) {
    if (GroupOf(other.channel) != group) continue;
    // An MSK ID must mean one key in its domain (TS 33.246 §6.3.2.1).
    const bool may_know = asker == nullptr || asker->scope.Has(id);
    return RefuseFields(
        Error::kInvalidArgument, name,
        {{"channel.key_group", "is used by " + (may_know ? NameOf(id) : "another channel")}});
  }
  const KeyNumber used = rekey::LastKeyNumber(state, group);
  if (used.value == rekey::kLastKeyNumber) return Refuse(Error::kIdsExhausted, name, kNoNumberLeft);
  if (m == nullptr) return Reply{};

  channel.created = now;
  channel.revision = 1;
  const rekey::Ladder ladder = *FirstLadder(channel, used, config.profile.csb_id, now, rng);
  Put(rekey::ChannelPut{channel}, *m);
  Put(rekey::LadderPut{channel.id, ladder}, *m);
  Open(state.channels.at(channel.id), now);
  Channel& opened = At(channel.id);
  Tell(Event::Kind::kCreated, channel.id, name, *m);
  const rekey::Slot& active = *ladder.active;
  Record(
      opened,
      {0, KeyLevel::kMsk, RekeyReason::kCreated, active.msk, active.mtk, {}, active.switch_at, 0},
      *m);
  Announce(opened, 1, now, *m);
  Schedule(opened, now);
  return Reply{};
}

Controller::Impl::Outcome Controller::Impl::Handle(const UpdateChannel& command, Instant now,
                                                   const Moment* m) {
  const std::string name = NameOf(command.id);
  Channel* channel = Find(command.id);
  if (channel == nullptr) return Refuse(Error::kNotFound, name, kNotThere);
  groups::Channel definition = channel->durable->channel;
  if (groups::IsAnother(command.expected, definition)) {
    return Refuse(Error::kEtagMismatch, name, kIsAnother);
  }
  const bool other_policy = command.policy != definition.policy;
  definition.display_name = command.display_name;
  definition.policy = command.policy;
  std::vector<FieldViolation> wrong = groups::CheckChannel(definition);
  if (wrong.empty()) {
    wrong = groups::CheckPolicy(command.policy, channel->durable->members.size());
  }
  if (!wrong.empty()) return RefuseFields(Error::kInvalidArgument, name, std::move(wrong));
  if (m == nullptr) return Reply{};

  ++definition.revision;
  const Duration repetition = definition.policy.mtk_repetition;
  const bool other_grid = repetition != channel->policy().mtk_repetition;
  Put(rekey::ChannelPut{std::move(definition)}, *m);
  // On the same one a round that is due is not passed over.
  if (other_grid) {
    channel->next_repetition = rekey::Grid(command.id, repetition).After(now + SendAhead(*channel));
  }
  // They keep to it also while they cannot be told: MTK period and max_datagram.
  if (other_policy) {
    for (const HeadendId& id : channel->headends) m->step.headends_to_redefine.push_back(id);
    FollowCalendar(*channel, {}, *m);
  }
  Tell(Event::Kind::kUpdated, command.id, name, *m);
  Run(*channel, *m);
  return Reply{};
}

Controller::Impl::Outcome Controller::Impl::Handle(const DeleteChannel& command, Instant,
                                                   const Moment* m) {
  const std::string name = NameOf(command.id);
  Channel* channel = Find(command.id);
  if (channel == nullptr && command.allow_missing) return Reply{};
  if (channel == nullptr) return Refuse(Error::kNotFound, name, kNotThere);
  const rekey::ChannelState& durable = *channel->durable;
  if (groups::IsAnother(command.expected, durable.channel)) {
    return Refuse(Error::kEtagMismatch, name, kIsAnother);
  }
  if (!durable.members.empty() && !command.force) {
    return Refuse(Error::kFailedPrecondition, name,
                  "has " + std::to_string(durable.members.size()) +
                      " members; delete them first, or force it");
  }
  if (m == nullptr) return Reply{};

  Put(rekey::KeyGroupRetired{GroupOf(durable.channel), durable.ladder.last_key_number}, *m);
  for (const auto& [id, member] : durable.members) {
    std::erase(subscribers.at(id).memberships, command.id);
  }
  for (const HeadendId& id : channel->headends) {
    groups::Headend headend = state.headends.at(id);
    std::erase(headend.channels, command.id);
    ++headend.revision;
    Put(rekey::HeadendPut{std::move(headend)}, *m);
    headends.at(id).views.erase(command.id);
    m->step.headends_to_redefine.push_back(id);
  }
  deadlines.Remove(*channel);
  channels.erase(command.id);
  Put(rekey::ChannelDeleted{command.id}, *m);
  Tell(Event::Kind::kDeleted, command.id, name, *m);
  return Reply{};
}

}  // namespace keymast::controller
