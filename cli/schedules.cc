// SPDX-License-Identifier: Apache-2.0
#include <ostream>

#include "cli/blackouts.h"
#include "cli/commands.h"
#include "cli/methods.h"
#include "keymast/v1/schedule.pb.h"

namespace keymast::cli {
namespace {

constexpr const char* kCollection = "/rekeySchedules/";

std::string TimingCell(const v1::RekeySchedule& schedule) {
  if (schedule.has_period()) return "every " + DurationCell(schedule.period());
  if (schedule.has_once()) return "once at " + TimeCell(schedule.once(), true);
  return schedule.cron();
}

std::string KindCell(const v1::RekeySchedule& schedule) {
  return schedule.has_blackout() ? "blackout of " + DurationCell(schedule.blackout()) : "rekey";
}

void WriteSchedule(const v1::RekeySchedule& schedule, std::ostream& out) {
  WritePairs({{"name", schedule.name()},
              {"kind", KindCell(schedule)},
              {"timing", TimingCell(schedule)},
              {"start", TimeCell(schedule.start_time(), schedule.has_start_time())},
              {"jitter", schedule.has_jitter() ? DurationCell(schedule.jitter()) : ""},
              {"paused", YesNo(schedule.paused())},
              {"next", TimeCell(schedule.next_time(), schedule.has_next_time())},
              {"created", TimeCell(schedule.create_time(), schedule.has_create_time())},
              {"etag", schedule.etag()}},
             out);
}

void WriteSchedules(const v1::ListRekeySchedulesResponse& list, std::ostream& out) {
  Table table({"SCHEDULE", "KIND", "NEXT", "PAUSED", "TIMING"});
  for (const v1::RekeySchedule& schedule : list.rekey_schedules()) {
    table.Add({LastSegment(schedule.name()), KindCell(schedule),
               TimeCell(schedule.next_time(), schedule.has_next_time()), YesNo(schedule.paused()),
               TimingCell(schedule)});
  }
  table.Write(out);
}

// What pierces a blackout may have been put off by it first.
std::string BlackoutCell(const v1::UpcomingRekey& rekey) {
  std::string cell;
  if (IsPutOff(rekey)) cell = "put off from " + TimeCell(rekey.deferred_from(), true);
  if (rekey.pierces()) cell += cell.empty() ? "pierces it" : ", pierces it";
  return cell;
}

void WriteUpcoming(const v1::ListUpcomingRekeysResponse& list, std::ostream& out) {
  Table table({"TIME", "REASON", "SCHEDULE", "BLACKOUT"});
  for (const v1::UpcomingRekey& rekey : list.upcoming_rekeys()) {
    table.Add({TimeCell(rekey.time(), rekey.has_time()), v1::RekeyReason_Name(rekey.reason()),
               LastSegment(rekey.rekey_schedule()), BlackoutCell(rekey)});
  }
  table.Write(out);
  MorePages(list.next_page_token(), out);
}

void WriteConflicts(const v1::ListRekeyConflictsResponse& list, std::ostream& out) {
  Table table({"TIME", "RECIPIENTS", "MESSAGES/S", "SUGGESTED JITTER", "CHANNELS"});
  for (const v1::RekeyConflict& conflict : list.rekey_conflicts()) {
    std::string channels;
    for (const std::string& channel : conflict.channels()) {
      channels += (channels.empty() ? "" : " ") + LastSegment(channel);
    }
    table.Add({TimeCell(conflict.time(), conflict.has_time()),
               std::to_string(conflict.recipients()),
               std::to_string(conflict.messages_per_second()),
               DurationCell(conflict.suggested_jitter()), channels});
  }
  table.Write(out);
}

constexpr const char* kPeriod = "--period";

// Timing is the option that gave it, of which a schedule has one.
using Timing = std::shared_ptr<std::string>;

Option OneTiming(Option option, const Timing& timing) {
  option.take = [take = option.take, name = option.name,
                 timing](const std::string& value) -> Outcome<void> {
    if (value != "none" && !timing->empty()) {
      return UsageProblem(*timing + " and " + name + ": a schedule has one of them");
    }
    if (value != "none") *timing = name;
    return take(value);
  };
  return option;
}

Option OfPeriod(Option option, const Timing& timing) {
  option.take = [take = option.take, name = option.name,
                 timing](const std::string& value) -> Outcome<void> {
    if (value != "none" && !timing->empty() && *timing != kPeriod) {
      return UsageProblem(*timing + " and " + name + ": only a " + kPeriod + " has it");
    }
    return take(value);
  };
  return option;
}

void AddFields(Command& command, const Fields& fields) {
  const auto timing = std::make_shared<std::string>();
  command.Add(OneTiming(fields.Of("period", kPeriod, "DURATION", "Each so long; a minute at least"),
                        timing));
  command.Add(OneTiming(
      fields.Of("cron", "--cron", "FIELDS", "UTC: minute, hour, day of month, month, day of week"),
      timing));
  command.Add(OneTiming(fields.Of("once", "--once", "TIME", "Once, RFC 3339"), timing));
  // Behind the timings: values are taken in this order.
  command.Add(OfPeriod(
      fields.Of("start_time", "--start", "TIME", "With --period: its first instant"), timing));
  command.Add(fields.Of("jitter", "--jitter", "DURATION", "Put off by a part of this"));
  command.Add(fields.Of("blackout", "--blackout", "DURATION",
                        "Each instant begins a window in which MSK changes wait; none: a rekey"));
}

void AddCreate(Command& group) {
  Command& command = group.Add("create", "Add to a channel's calendar");
  auto& request = Calls<v1::CreateRekeyScheduleRequest>(
      command, "RekeySchedules.CreateRekeySchedule", WriteSchedule);
  command.Add(Named("CHANNEL", "channels/", *request.mutable_parent()));
  command.Add(Id("SCHEDULE", kCollection, *request.mutable_rekey_schedule_id(), &request.parent()));
  const Fields fields(*request.mutable_rekey_schedule());
  AddFields(command, fields);
  command.Add(fields.Of("paused", "--paused", "", "Keep it, and do not follow it"));
  group.Example("keymastctl schedules create news nightly --cron '0 3 * * *' --jitter 10m");
  group.Example("keymastctl schedules create news evening --cron '0 19 * * *' --blackout 4h");
}

void AddUpdate(Command& group) {
  Command& command = group.Add("update", "Change what is given");
  auto& request = Calls<v1::UpdateRekeyScheduleRequest>(
      command, "RekeySchedules.UpdateRekeySchedule", WriteSchedule);
  v1::RekeySchedule& schedule = *request.mutable_rekey_schedule();
  command.Add(Named("CHANNEL", "channels/", *schedule.mutable_name()));
  command.Add(Below("SCHEDULE", kCollection, *schedule.mutable_name()));
  const Fields fields(schedule, request.mutable_update_mask());
  AddFields(command, fields);
  command.Add(fields.Of("paused", "--pause", "", "Keep it, and do not follow it"));
  Option resume = fields.Of("paused", "--resume", "", "Follow it again");
  resume.take = [take = resume.take, &schedule](const std::string& value) -> Outcome<void> {
    auto taken = take(value);
    schedule.set_paused(false);
    return taken;
  };
  command.Add(std::move(resume));
  command.Add(Fields(schedule).Of("etag", "--etag", "ETAG", "Only while it still has this etag"));
  group.Example("keymastctl schedules update news nightly --pause");
}

void AddReadings(Command& group) {
  Command& get = group.Add("get", "Show a schedule");
  auto& one =
      Calls<v1::GetRekeyScheduleRequest>(get, "RekeySchedules.GetRekeySchedule", WriteSchedule);
  get.Add(Named("CHANNEL", "channels/", *one.mutable_name()));
  get.Add(Below("SCHEDULE", kCollection, *one.mutable_name()));
  Command& list = group.Add("list", "List a channel's schedules");
  list.Add(Named("CHANNEL", "channels/",
                 *Lists<v1::ListRekeySchedulesRequest>(list, "RekeySchedules.ListRekeySchedules",
                                                       WriteSchedules)
                      .mutable_parent()));
  Command& upcoming = group.Add("upcoming", "List a channel's next MSK changes");
  upcoming.Add(Named("CHANNEL", "channels/",
                     *Calls<v1::ListUpcomingRekeysRequest>(
                          upcoming, "RekeySchedules.ListUpcomingRekeys", WriteUpcoming)
                          .mutable_parent()));
  Command& conflicts = group.Add("conflicts", "List channels that change their MSKs together");
  auto& request = Lists<v1::ListRekeyConflictsRequest>(
      conflicts, "RekeySchedules.ListRekeyConflicts", WriteConflicts);
  const Fields fields(request);
  conflicts.Add(fields.Of("horizon", "--horizon", "DURATION", "From now on; 24h when not given"));
  conflicts.Add(
      fields.Of("within", "--within", "DURATION", "Together is so near; 1s when not given"));
  group.Example("keymastctl schedules conflicts --horizon 168h");
}

}  // namespace

void AddSchedules(Command& program) {
  Command& group = program.Add("schedules", "Calendars of MSK changes");
  AddCreate(group);
  AddUpdate(group);
  AddReadings(group);
  Command& remove = group.Add("delete", "Delete a schedule");
  auto& request = Deletes<v1::DeleteRekeyScheduleRequest, v1::DeleteRekeyScheduleResponse>(
      remove, "RekeySchedules.DeleteRekeySchedule");
  remove.Add(Named("CHANNEL", "channels/", *request.mutable_name()));
  remove.Add(Below("SCHEDULE", kCollection, *request.mutable_name()));
}

}  // namespace keymast::cli
