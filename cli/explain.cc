// SPDX-License-Identifier: Apache-2.0
// What a channel is doing, and why: told from what several methods say. What one of them refuses is
// left out, with a word.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/blackouts.h"
#include "cli/channels.h"
#include "cli/commands.h"
#include "cli/methods.h"
#include "cli/rekeys.h"
#include "cli/yaml.h"
#include "keymast/v1/member.pb.h"
#include "keymast/v1/schedule.pb.h"

namespace keymast::cli {
namespace {

constexpr int kShown = 20;

struct ExplainOptions {
  std::string channel;
};

// Findings are what was learnt of a channel; each but the first may have been refused.
struct Findings {
  v1::Channel channel;
  Outcome<v1::ListRekeysResponse> rekeys;       // the last one
  Outcome<v1::ListRekeysResponse> msk_changes;  // the last one: of MTKs there are many behind it
  Outcome<v1::ListUpcomingRekeysResponse> upcoming;
  Outcome<Blackouts> blackouts;
  Outcome<v1::ListMembersResponse> unacknowledged;
};

const char* ReasonText(v1::RekeyReason reason) {
  switch (reason) {
    case v1::CREATED:
      return "first keys of the channel";
    case v1::SCHEDULE:
      return "the period of the policy ended";
    case v1::OPERATOR:
      return "an operator asked for it";
    case v1::EXCLUSION:
      return "members were expelled";
    case v1::LEAVE:
      return "members left, or their entitlement ended";
    case v1::EXHAUSTION:
      return "MTK IDs or counters ran out";
    case v1::INCARNATION:
      return "the store came back older than its witness";
    case v1::HEADEND:
      return "a headend came that could not be given the MTK on air";
    case v1::CALENDAR:
      return "a rekey schedule of the channel";
    case v1::LIFE:
      return "the MSK reached its longest life in a blackout";
    default:
      return "a reason that this version does not know";
  }
}

template <class Response, class Request>
Outcome<Response> Ask(Context& context, const std::string& method, const Request& request) {
  Response response;
  if (auto called = context.session.Call(method, request, response); !called) {
    return tl::unexpected(called.error());
  }
  return response;
}

// Joined members that have not confirmed the MSK. The server's filter is held to: one that does not
// know it answers with all.
Outcome<v1::ListMembersResponse> Unacknowledged(Context& context, const std::string& channel) {
  v1::ListMembersRequest request;
  request.set_parent(channel);
  request.set_filter("joined AND reachability != CONFIRMED");
  v1::ListMembersResponse members;
  auto fetched = FetchAll(context, "Members.ListMembers", request, members);
  if (!fetched) return tl::unexpected(fetched.error());
  auto& list = *members.mutable_members();
  list.erase(std::remove_if(list.begin(), list.end(),
                            [](const v1::Member& member) {
                              return !member.joined() || member.reachability() == v1::CONFIRMED;
                            }),
             list.end());
  return members;
}

Outcome<Blackouts> AskBlackouts(Context& context, const std::string& channel) {
  v1::ListRekeySchedulesRequest request;
  request.set_parent(channel);
  v1::ListRekeySchedulesResponse schedules;
  auto fetched = FetchAll(context, "RekeySchedules.ListRekeySchedules", request, schedules);
  if (!fetched) return tl::unexpected(fetched.error());
  return BlackoutsOf(schedules, context.around.now());
}

Findings Ask(Context& context, v1::Channel channel) {
  v1::ListRekeysRequest rekeys;
  rekeys.set_parent(channel.name());
  rekeys.set_page_size(1);
  v1::ListRekeysRequest msk_changes = rekeys;
  msk_changes.set_filter("level = MSK");
  msk_changes.set_page_size(10);  // some may be on their way, or have been dropped
  v1::ListUpcomingRekeysRequest upcoming;
  upcoming.set_parent(channel.name());
  return {
      channel,
      Ask<v1::ListRekeysResponse>(context, "Rekeys.ListRekeys", rekeys),
      Ask<v1::ListRekeysResponse>(context, "Rekeys.ListRekeys", msk_changes),
      Ask<v1::ListUpcomingRekeysResponse>(context, "RekeySchedules.ListUpcomingRekeys", upcoming),
      AskBlackouts(context, channel.name()),
      Unacknowledged(context, channel.name())};
}

std::string NotKnown(const Problem& problem) { return "not known: " + problem.message; }

std::string In(const google::protobuf::Timestamp& time, Instant now) {
  const Duration until = InstantOf(time) - now;
  return TimeCell(time, true) +
         (until > Duration::zero() ? ", in " + SpanCell(until) : ", " + SpanCell(-until) + " ago");
}

std::string In(Instant time, Instant now) { return In(TimestampOf(time), now); }

std::string OnAir(const v1::KeySlot& active, Instant now) {
  if (active.msk_id().empty()) return "nothing";
  return "MSK " + active.msk_id() + ", MTK " + std::to_string(active.mtk_id()) +
         (active.has_switch_time() ? ", since " + In(active.switch_time(), now) : "");
}

std::string NextSwitch(const v1::KeyState& keys, Instant now) {
  if (!keys.has_prepared()) return "no MTK is announced yet";
  std::string text = "to " + SlotCell(keys.prepared());
  if (keys.prepared().has_switch_time()) text += ": " + In(keys.prepared().switch_time(), now);
  return text;
}

std::string WhyOf(const v1::UpcomingRekey& rekey) {
  std::string why = rekey.rekey_schedule().empty()
                        ? std::string(ReasonText(rekey.reason()))
                        : "schedule " + LastSegment(rekey.rekey_schedule());
  if (IsPutOff(rekey)) {
    why += ", put off from " + TimeCell(rekey.deferred_from(), true);
  }
  return why + (rekey.pierces() ? ", through a blackout" : "");
}

std::string NextChange(const Findings& found, Instant now) {
  if (found.upcoming && found.upcoming->upcoming_rekeys_size() > 0) {
    const v1::UpcomingRekey& next = found.upcoming->upcoming_rekeys(0);
    return In(next.time(), now) + ": " + WhyOf(next);
  }
  const v1::KeyState& keys = found.channel.key_state();
  return keys.has_next_msk_change_time() ? In(keys.next_msk_change_time(), now) : "";
}

std::string RekeyText(const v1::Rekey& rekey, Instant now) {
  std::string text = v1::KeyLevel_Name(rekey.level()) + " " + KeyCell(rekey);
  if (rekey.has_switch_time()) text += ", " + In(rekey.switch_time(), now);
  return text + ": " + ReasonText(rekey.reason());
}

std::string LastRekey(const Outcome<v1::ListRekeysResponse>& rekeys, Instant now) {
  if (!rekeys) return NotKnown(rekeys.error());
  return rekeys->rekeys_size() == 0 ? "none" : RekeyText(rekeys->rekeys(0), now);
}

// The newest change to this MSK; null: it is not among the last ones.
const v1::Rekey* ChangeTo(const std::string& msk_id, const Findings& found) {
  if (!found.msk_changes || msk_id.empty()) return nullptr;
  for (const v1::Rekey& rekey : found.msk_changes->rekeys()) {
    if (rekey.msk_id() == msk_id) return &rekey;
  }
  return nullptr;
}

// The change to the MSK that is on air.
const v1::Rekey* LastMskChange(const Findings& found) {
  return ChangeTo(found.channel.key_state().active().msk_id(), found);
}

std::string LastMskChange(const Findings& found, Instant now) {
  if (!found.msk_changes) return NotKnown(found.msk_changes.error());
  const v1::Rekey* last = LastMskChange(found);
  return last == nullptr ? "none" : RekeyText(*last, now);
}

std::string MskOnItsWay(const Findings& found, Instant now) {
  const std::string& id = found.channel.key_state().next_msk_id();
  const v1::Rekey* next = ChangeTo(id, found);
  return next == nullptr ? id : RekeyText(*next, now);
}

std::string BlackoutText(const Outcome<Blackouts>& blackouts, Instant now) {
  if (!blackouts) return NotKnown(blackouts.error());
  if (!blackouts->end) {
    const std::string none = "none in force";
    return blackouts->next == kNever ? none
                                     : none + "; the next begins " + In(blackouts->next, now);
  }
  const bool ends = *blackouts->end != kNever;
  return "in force " + (ends ? "until " + In(*blackouts->end, now) : "for a year and longer") +
         ": scheduled MSK changes wait";
}

std::string Missing(const Outcome<v1::ListMembersResponse>& members) {
  if (!members) return NotKnown(members.error());
  std::string text = std::to_string(members->members_size());
  for (int i = 0; i < std::min(members->members_size(), kShown); ++i) {
    text += (i == 0 ? ": " : ", ") + LastSegment(members->members(i).name());
  }
  return text + (members->members_size() > kShown ? ", ..." : "");
}

void WriteUpcoming(const Outcome<v1::ListUpcomingRekeysResponse>& upcoming, Instant now,
                   std::ostream& out) {
  out << "upcoming MSK changes\n";
  if (!upcoming) out << "  " << NotKnown(upcoming.error()) << "\n";
  if (!upcoming) return;
  for (const v1::UpcomingRekey& rekey : upcoming->upcoming_rekeys()) {
    out << "  " << In(rekey.time(), now) << ": " << WhyOf(rekey) << "\n";
  }
  if (upcoming->upcoming_rekeys().empty()) out << "  none\n";
}

void WriteText(const Findings& found, Instant now, std::ostream& out) {
  const v1::KeyState& keys = found.channel.key_state();
  WritePairs(
      {{"channel", found.channel.name()},
       {"display name", found.channel.display_name()},
       {"on air", OnAir(keys.active(), now)},
       {"next switch", NextSwitch(keys, now)},
       {"switch held", keys.switch_held() ? "yes: no connected headend holds the next MTK" : "no"},
       {"last rekey", LastRekey(found.rekeys, now)},
       {"last MSK change", LastMskChange(found, now)},
       {"MSK on its way", MskOnItsWay(found, now)},
       {"next MSK change", NextChange(found, now)},
       {"blackout", BlackoutText(found.blackouts, now)},
       {"members", std::to_string(found.channel.member_count()) + ", " +
                       std::to_string(found.channel.joined_count()) + " joined, " +
                       std::to_string(found.channel.confirmed_count()) + " confirmed"},
       {"not acknowledged", Missing(found.unacknowledged)}},
      out);
  WriteUpcoming(found.upcoming, now, out);
}

using Json = nlohmann::ordered_json;

template <class Response>
void Put(Json& into, const char* name, const Outcome<Response>& response) {
  if (response) {
    into.update(Json::parse(ToJson(*response, true)));
  } else {
    into["notKnown"][name] = response.error().message;
  }
}

// One object with the fields of the answers; under notKnown what was refused.
std::string JsonOf(const Findings& found) {
  Json all = {{"channel", Json::parse(ToJson(found.channel, true))}};
  Put(all, "rekeys", found.rekeys);
  if (const v1::Rekey* last = LastMskChange(found)) {
    all["lastMskChange"] = Json::parse(ToJson(*last, true));
  }
  if (const v1::Rekey* next = ChangeTo(found.channel.key_state().next_msk_id(), found)) {
    all["mskOnItsWay"] = Json::parse(ToJson(*next, true));
  }
  Put(all, "upcomingRekeys", found.upcoming);
  Put(all, "members", found.unacknowledged);
  all.erase("nextPageToken");
  if (!found.blackouts) {
    all["notKnown"]["blackoutInForce"] = found.blackouts.error().message;
  } else {
    const std::optional<Instant>& end = found.blackouts->end;
    all["blackoutInForce"] = end.has_value();
    if (end && *end != kNever) all["blackoutEndTime"] = TimeCell(TimestampOf(*end), true);
  }
  return all.dump(1);
}

Outcome<void> Explain(Context& context, const ExplainOptions& options) {
  auto channel = FetchChannel(context, options.channel);
  if (!channel) return tl::unexpected(channel.error());
  const Findings found = Ask(context, std::move(*channel));
  if (context.format == Format::kTable) {
    WriteText(found, context.around.now(), context.out);
  } else {
    const std::string json = JsonOf(found);
    context.out << (context.format == Format::kYaml ? YamlOf(json) : json + "\n");
  }
  return {};
}

}  // namespace

void AddExplain(Command& program) {
  Command& command = program.Add("explain", "Tell what a channel's keys are doing, and why");
  auto& options = OptionsOf<ExplainOptions>(command, Explain);
  command.Add(Named("CHANNEL", "channels/", options.channel));
  command.Example("keymastctl explain news");
}

}  // namespace keymast::cli
