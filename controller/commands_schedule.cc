// SPDX-License-Identifier: Apache-2.0
// Commands on a channel's calendar.
#include <tuple>

#include "controller/impl.h"
#include "controller/names.h"
#include "rekey/calendar.h"

namespace keymast::controller {
namespace {

// IsMoved: it says other instants, before their jitter.
bool IsMoved(const groups::Schedule& before, const groups::Schedule& now) {
  const auto timing = [](const groups::Schedule& s) {
    return std::tie(s.timing, s.period, s.start, s.cron, s.once, s.blackout, s.paused);
  };
  return timing(before) != timing(now);
}

}  // namespace

// FollowCalendar plans the next MSK change anew, behind an edit of this schedule or of the policy.
// Also a plan that stays is put on record: a restart that finds an older ladder would plan by what
// was edited since.
void Controller::Impl::FollowCalendar(Channel& channel, const ScheduleId& edited, const Moment& m) {
  rekey::Ladder ladder = channel.ladder();
  rekey::Replan(*channel.durable, ladder, m.now, edited);
  Put(rekey::LadderPut{channel.id(), std::move(ladder)}, m);
}

Controller::Impl::Outcome Controller::Impl::Handle(const PutSchedule& command, Instant now,
                                                   const Moment* m) {
  groups::Schedule schedule = command.schedule;
  const std::string name = NameOf(command.channel, schedule.id);
  Channel* channel = Find(command.channel);
  if (channel == nullptr) return Refuse(Error::kNotFound, NameOf(command.channel), kNotThere);
  const rekey::Schedules& known = channel->durable->schedules;
  const auto before = known.find(schedule.id);
  const bool is_there = before != known.end();
  if (command.is_new && is_there) return Refuse(Error::kAlreadyExists, name, "exists already");
  if (!command.is_new && !is_there) return Refuse(Error::kNotFound, name, kNotThere);
  if (is_there && groups::IsAnother(command.expected, before->second)) {
    return Refuse(Error::kEtagMismatch, name, kIsAnother);
  }
  schedule.created = is_there ? before->second.created : now;
  schedule.revision = is_there ? before->second.revision + 1 : 1;
  if (schedule.start == Instant::min()) schedule.start = schedule.created;
  std::vector<FieldViolation> wrong = groups::CheckSchedule(schedule);
  if (!groups::IsResourceId(schedule.id.value)) {
    wrong.push_back({"rekey_schedule_id", std::string(groups::kResourceIdRule)});
  }
  const bool is_other = !is_there || before->second.once != schedule.once;
  if (wrong.empty() && schedule.timing == groups::Timing::kOnce && is_other) {
    if (!schedule.IsBlackout() && schedule.once < now + channel->policy().msk_lead) {
      wrong.push_back({"rekey_schedule.once", "must be at least msk_lead from now"});
    }
    if (schedule.IsBlackout() && schedule.once + schedule.blackout <= now) {
      wrong.push_back({"rekey_schedule.once", "begins a blackout that is over already"});
    }
  }
  if (!wrong.empty()) return RefuseFields(Error::kInvalidArgument, name, std::move(wrong));
  if (!is_there && known.size() >= groups::kMaxSchedules) {
    return Refuse(Error::kFailedPrecondition, NameOf(command.channel), "has 16 schedules already");
  }
  if (m == nullptr) return Reply{};
  const bool is_moved = !is_there || IsMoved(before->second, schedule);
  Put(rekey::SchedulePut{command.channel, std::move(schedule)}, *m);
  Tell(is_there ? Event::Kind::kUpdated : Event::Kind::kCreated, command.channel, name, *m);
  FollowCalendar(*channel, is_moved ? command.schedule.id : ScheduleId(), *m);
  Run(*channel, *m);
  return Reply{};
}

Controller::Impl::Outcome Controller::Impl::Handle(const DeleteSchedule& command, Instant,
                                                   const Moment* m) {
  const std::string name = NameOf(command.channel, command.id);
  Channel* channel = Find(command.channel);
  if (channel == nullptr) return Refuse(Error::kNotFound, NameOf(command.channel), kNotThere);
  const auto found = channel->durable->schedules.find(command.id);
  if (found == channel->durable->schedules.end()) {
    if (command.allow_missing) return Reply{};
    return Refuse(Error::kNotFound, name, kNotThere);
  }
  if (groups::IsAnother(command.expected, found->second)) {
    return Refuse(Error::kEtagMismatch, name, kIsAnother);
  }
  if (m == nullptr) return Reply{};
  Put(rekey::ScheduleDeleted{command.channel, command.id}, *m);
  Tell(Event::Kind::kDeleted, command.channel, name, *m);
  FollowCalendar(*channel, command.id, *m);
  Run(*channel, *m);
  return Reply{};
}

}  // namespace keymast::controller
