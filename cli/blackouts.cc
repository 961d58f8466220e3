// SPDX-License-Identifier: Apache-2.0
#include "cli/blackouts.h"

#include <google/protobuf/util/time_util.h>

#include <deque>

#include "cli/names.h"
#include "cli/output.h"
#include "groups/blackouts.h"

namespace keymast::cli {
namespace {

using google::protobuf::util::TimeUtil;

groups::Schedule Read(const v1::RekeySchedule& schedule) {
  groups::Schedule read;
  read.created = InstantOf(schedule.create_time());
  read.start = schedule.has_start_time() ? InstantOf(schedule.start_time()) : read.created;
  if (schedule.has_period()) {
    read.period = Duration(TimeUtil::DurationToNanoseconds(schedule.period()));
  } else if (schedule.has_once()) {
    read.timing = groups::Timing::kOnce;
    read.once = InstantOf(schedule.once());
  } else {
    read.timing = groups::Timing::kCron;
    read.cron = schedule.cron();
  }
  read.blackout = Duration(TimeUtil::DurationToNanoseconds(schedule.blackout()));
  return read;
}

}  // namespace

Outcome<Blackouts> BlackoutsOf(const v1::ListRekeySchedulesResponse& schedules, Instant now) {
  std::deque<groups::Schedule> read;
  groups::Blackouts windows;
  for (const v1::RekeySchedule& schedule : schedules.rekey_schedules()) {
    if (!schedule.has_blackout() || schedule.paused()) continue;
    read.push_back(Read(schedule));
    if (!groups::CheckSchedule(read.back()).empty()) {
      return tl::unexpected(Problem{.message = "this version cannot follow the schedule " +
                                               LastSegment(schedule.name())});
    }
    windows.Add(read.back());
  }
  return Blackouts{windows.End(now), windows.Next(now)};
}

bool IsPutOff(const v1::UpcomingRekey& rekey) {
  return rekey.has_deferred_from() && InstantOf(rekey.deferred_from()) != InstantOf(rekey.time());
}

}  // namespace keymast::cli
