// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

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
  if (message.has_start_time() && message.timing_case() != v1::RekeySchedule::kPeriod) {
    violations.Add(path + "start_time", "is of a period only");
  } else if (message.has_start_time()) {
    schedule.start = FromProto(message.start_time(), path + "start_time", violations);
  }
  schedule.jitter = FromProto(message.jitter(), path + "jitter", violations);
  schedule.blackout = FromProto(message.blackout(), path + "blackout", violations);
  schedule.paused = message.paused();
  return schedule;
}

bool IsWhole(const google::protobuf::FieldMask& mask) {
  return mask.paths().empty() || (mask.paths_size() == 1 && mask.paths(0) == "*");
}

bool Names(const google::protobuf::FieldMask& mask, std::string_view field) {
  return std::find(mask.paths().begin(), mask.paths().end(), field) != mask.paths().end();
}

// CheckTiming wants of the timings that a mask names the one that is given.
void CheckTiming(const v1::RekeySchedule& asked, const google::protobuf::FieldMask& mask,
                 Violations& violations) {
  std::vector<std::string> named;
  const auto& timings = *v1::RekeySchedule::descriptor()->FindOneofByName("timing");
  for (int i = 0; i < timings.field_count(); ++i) {
    const auto& field = *timings.field(i);
    if (!Names(mask, field.name())) continue;
    if (field.number() == asked.timing_case()) return;
    named.push_back(field.name());
  }
  for (const std::string& field : named) {
    violations.Add(kPath + field, "is named by update_mask, but not given");
  }
}

}  // namespace

Outcome<controller::PutSchedule> FromProto(const v1::CreateRekeyScheduleRequest& request) {
  const auto channel = ChannelOf(request.parent());
  if (!channel) return tl::unexpected(NoSuch(request.parent(), "parent", kChannelForm));
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
    return tl::unexpected(NoSuch(asked.name(), "rekey_schedule.name", kScheduleForm));
  }
  v1::RekeySchedule merged =
      ToProto(name->channel, channel->second.schedules.at(name->schedule), now);
  constexpr std::string_view kChangeable[] = {"period", "cron",     "once",  "start_time",
                                              "jitter", "blackout", "paused"};
  // Of a timing one is set: a mask that names another than the one that is there takes its place.
  if (auto read = Merge(asked, &request.update_mask(), kChangeable, merged); !read) {
    return tl::unexpected(read.error());
  }
  const google::protobuf::FieldMask& mask = request.update_mask();
  Violations violations;
  CheckTiming(asked, mask, violations);
  if (!violations.empty()) return std::move(violations).Failed(asked.name());
  // The begin of a period that is one no more goes with it.
  const bool gives_start = asked.has_start_time() && (IsWhole(mask) || Names(mask, "start_time"));
  if (merged.timing_case() != v1::RekeySchedule::kPeriod && !gives_start) {
    merged.clear_start_time();
  }
  controller::PutSchedule command{name->channel, Read(merged, violations), false,
                                  VersionOf(asked.etag())};
  command.schedule.id = name->schedule;
  if (!violations.empty()) return std::move(violations).Failed(asked.name());
  return command;
}

v1::RekeySchedule ToProto(const ChannelId& channel, const groups::Schedule& schedule, Instant now) {
  v1::RekeySchedule message;
  message.set_name(NameOf(channel, schedule.id));
  // Of one that is not made: when it would begin is not known.
  const bool begins_with_creation =
      schedule.timing == groups::Timing::kPeriod && schedule.start == Instant::min();
  switch (schedule.timing) {
    case groups::Timing::kPeriod:
      *message.mutable_period() = ToProto(schedule.period);
      if (!begins_with_creation) *message.mutable_start_time() = ToProto(schedule.start);
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
  const Instant next = begins_with_creation    ? kNever
                       : schedule.IsBlackout() ? groups::InstantAfter(schedule, now)
                                               : rekey::ScheduledAfter(channel, schedule, now);
  if (next != kNever) *message.mutable_next_time() = ToProto(next);
  *message.mutable_create_time() = ToProto(schedule.created);
  message.set_etag(EtagOf(groups::VersionOf(schedule)));
  return message;
}

}  // namespace keymast::server
