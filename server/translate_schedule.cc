// SPDX-License-Identifier: Apache-2.0
#include "rekey/calendar.h"
#include "server/masks.h"
#include "server/names.h"
#include "server/translate.h"

namespace keymast::server {
namespace {

constexpr const char* kPath = "rekey_schedule.";

groups::Schedule Read(const v1::RekeySchedule& message, Violations& violations) {
  const std::string path = kPath;
  groups::Schedule schedule;
  switch (message.timing_case()) {
    case v1::RekeySchedule::kPeriod:
      schedule.timing = groups::Timing::kPeriod;
      schedule.period = FromProto(message.period(), path + "period", violations);
      break;
    case v1::RekeySchedule::kCron:
      schedule.timing = groups::Timing::kCron;
      schedule.cron = message.cron();
      break;
    case v1::RekeySchedule::kOnce:
      schedule.timing = groups::Timing::kOnce;
      schedule.once = FromProto(message.once(), path + "once", violations);
      break;
    case v1::RekeySchedule::TIMING_NOT_SET:
      violations.Add(path + "timing", "must be a period, a cron or an instant");
  }
  if (message.has_start_time()) {
    schedule.start = FromProto(message.start_time(), path + "start_time", violations);
  }
  schedule.jitter = FromProto(message.jitter(), path + "jitter", violations);
  schedule.blackout = FromProto(message.blackout(), path + "blackout", violations);
  schedule.paused = message.paused();
  return schedule;
}

}  // namespace

Outcome<controller::PutSchedule> FromProto(const v1::CreateRekeyScheduleRequest& request) {
  const auto channel = ChannelOf(request.parent());
  if (!channel) return tl::unexpected(NotThere(request.parent()));
  Violations violations;
  controller::PutSchedule command{*channel, Read(request.rekey_schedule(), violations), true, {}};
  command.schedule.id = ScheduleId(request.rekey_schedule_id());
  if (!violations.empty()) return std::move(violations).Failed(request.parent());
  return command;
}

Outcome<controller::PutSchedule> FromProto(const v1::UpdateRekeyScheduleRequest& request,
                                           const controller::Controller& controller, Instant now) {
  const v1::RekeySchedule& asked = request.rekey_schedule();
  const auto name = ScheduleOf(asked.name());
  const auto& channels = controller.state().channels;
  const auto channel = name ? channels.find(name->channel) : channels.end();
  if (channel == channels.end() || !channel->second.schedules.contains(name->schedule)) {
    return tl::unexpected(NotThere(asked.name()));
  }
  v1::RekeySchedule merged =
      ToProto(name->channel, channel->second.schedules.at(name->schedule), now);
  constexpr std::string_view kChangeable[] = {"period", "cron",     "once",  "start_time",
                                              "jitter", "blackout", "paused"};
  // Of a timing one is set: a mask that names another than the one that is there takes its place.
  if (auto read = Merge(asked, &request.update_mask(), kChangeable, merged); !read) {
    return tl::unexpected(read.error());
  }
  Violations violations;
  controller::PutSchedule command{name->channel, Read(merged, violations), false,
                                  VersionOf(asked.etag())};
  command.schedule.id = name->schedule;
  if (!violations.empty()) return std::move(violations).Failed(asked.name());
  return command;
}

v1::RekeySchedule ToProto(const ChannelId& channel, const groups::Schedule& schedule, Instant now) {
  v1::RekeySchedule message;
  message.set_name(NameOf(channel, schedule.id));
  switch (schedule.timing) {
    case groups::Timing::kPeriod:
      *message.mutable_period() = ToProto(schedule.period);
      *message.mutable_start_time() = ToProto(schedule.start);
      break;
    case groups::Timing::kCron:
      message.set_cron(schedule.cron);
      break;
    case groups::Timing::kOnce:
      *message.mutable_once() = ToProto(schedule.once);
      break;
  }
  if (schedule.jitter != Duration::zero()) *message.mutable_jitter() = ToProto(schedule.jitter);
  if (schedule.IsBlackout()) *message.mutable_blackout() = ToProto(schedule.blackout);
  message.set_paused(schedule.paused);
  const Instant next = schedule.IsBlackout() ? groups::InstantAfter(schedule, now)
                                             : rekey::ScheduledAfter(channel, schedule, now);
  if (next != kNever) *message.mutable_next_time() = ToProto(next);
  *message.mutable_create_time() = ToProto(schedule.created);
  message.set_etag(EtagOf(groups::VersionOf(schedule)));
  return message;
}

}  // namespace keymast::server
