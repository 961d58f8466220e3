// SPDX-License-Identifier: Apache-2.0
#include "cli/rekeys.h"

#include <ostream>

#include "cli/channels.h"
#include "cli/commands.h"
#include "cli/methods.h"
#include "cli/operations.h"

namespace keymast::cli {
namespace {

void WriteRekey(const v1::Rekey& rekey, std::ostream& out) {
  WritePairs({{"name", rekey.name()},
              {"level", v1::KeyLevel_Name(rekey.level())},
              {"reason", v1::RekeyReason_Name(rekey.reason())},
              {"MSK/MTK", KeyCell(rekey)},
              {"prepared", TimeCell(rekey.prepare_time(), rekey.has_prepare_time())},
              {"switch", TimeCell(rekey.switch_time(), rekey.has_switch_time())},
              {"recipients", std::to_string(rekey.recipients())}},
             out);
}

void WriteRekeys(const v1::ListRekeysResponse& list, std::ostream& out) {
  Table table({"REKEY", "LEVEL", "REASON", "MSK/MTK", "SWITCH", "RECIPIENTS"});
  for (const v1::Rekey& rekey : list.rekeys()) {
    table.Add({LastSegment(rekey.name()), v1::KeyLevel_Name(rekey.level()),
               v1::RekeyReason_Name(rekey.reason()), KeyCell(rekey),
               TimeCell(rekey.switch_time(), rekey.has_switch_time()),
               std::to_string(rekey.recipients())});
  }
  table.Write(out);
}

void WritePlan(const v1::RekeyPlan& plan, std::ostream& out) {
  const auto sent = [](uint64_t messages, uint64_t octets) {
    return std::to_string(messages) + " messages, " + std::to_string(octets) + " octets";
  };
  WritePairs({{"channel", plan.channel()},
              {"level", v1::KeyLevel_Name(plan.level())},
              {"recipients", std::to_string(plan.recipients())},
              {"asking", std::to_string(plan.asking())},
              {"unicast", sent(plan.unicast_messages(), plan.unicast_octets()) + ", " +
                              DurationCell(plan.unicast_time())},
              {"multicast", sent(plan.multicast_messages(), plan.multicast_octets())},
              {"switch", TimeCell(plan.switch_time(), plan.has_switch_time())},
              {"joins another", plan.joins_another() ? "yes: a rekey is under way" : ""},
              {"blackout", plan.pierces_blackout() ? "one is on, which this pierces" : ""},
              {"etag", plan.etag()}},
             out);
}

Option Level(const Fields& fields, const std::string& fallback) {
  return fields.Of("level", "--level", "LEVEL", "mtk, or msk with an mtk under it")
      .Default(fallback);
}

bool IsHeld(Context& context, const std::string& channel) {
  const auto found = FetchChannel(context, channel);
  return found && found->key_state().switch_held();
}

// The answer of a rekey that joins one which is under way is that one; of a repeated request it is
// what that one has made.
Outcome<void> Now(Context& context, const v1::RekeyNowRequest& asked) {
  v1::RekeyNowRequest request = asked;
  const Instant before = context.around.now();
  v1::Rekey rekey;
  if (auto sent = Send(context, "Rekeys.RekeyNow", request, rekey); !sent) return sent;
  constexpr Duration kApart = std::chrono::seconds(1);  // clocks, and the call itself
  const auto is_past = [&](bool has, const google::protobuf::Timestamp& time) {
    return has && InstantOf(time) < before - kApart;
  };
  const bool joins =
      asked.request_id().empty() && is_past(rekey.has_prepare_time(), rekey.prepare_time());
  const bool is_held = context.format == Format::kTable &&
                       is_past(rekey.has_switch_time(), rekey.switch_time()) &&
                       IsHeld(context, request.channel());
  return ShowAnswer(context, request, rekey, [&](const v1::Rekey& answer, std::ostream& out) {
    WriteRekey(answer, out);
    if (joins) WriteLine("joins this one, which is under way already", out);
    if (is_held) WriteLine("its switch is held: keymastctl explain tells why", out);
  });
}

void AddNow(Command& group) {
  Command& command = group.Add("now", "Change a channel's key ahead of its time");
  auto& request = OptionsOf<v1::RekeyNowRequest>(command, Now);
  AddStandardOptions(command, request);
  request.set_level(v1::MTK);
  command.Add(Named("CHANNEL", "channels/", *request.mutable_channel()));
  command.Add(Level(Fields(request), "mtk"));
  group.Example("keymastctl rekeys now news --level msk");
}

void AddPlan(Command& group) {
  Command& command = group.Add("plan", "Say what a rekey would send, and do nothing");
  auto& request = Calls<v1::PlanRekeyRequest>(command, "Rekeys.PlanRekey", WritePlan);
  request.set_level(v1::MTK);
  command.Add(Named("CHANNEL", "channels/", *request.mutable_channel()));
  command.Add(Level(Fields(request), "mtk"));
  const Taker expel = [&request](const std::string& typed) -> Outcome<void> {
    auto name = MemberName("--expel", request.channel(), typed);
    if (!name) return tl::unexpected(std::move(name.error()));
    request.add_expelled(std::move(*name));
    request.set_level(v1::MSK);
    return {};
  };
  command.Add(
      Valued("--expel", "SUBSCRIBER", "As if this member were expelled; once per member", expel)
          .Repeated());
  group.Example("keymastctl rekeys plan news --expel mallory");
}

void AddRun(Command& group) {
  Command& command =
      group.Add("run", "Change the keys of many channels, one after the other; an operation");
  auto& request = Begins<v1::RekeyChannelsRequest>(command, "Rekeys.RekeyChannels");
  request.set_level(v1::MTK);
  const Fields fields(request);
  command.Add(Level(fields, "mtk"));
  command.Add(fields.Of("spread", "--spread", "DURATION", "Spread them over this time"));
  group.Example("keymastctl rekeys run --level msk --spread 10m --wait");
}

}  // namespace

std::string KeyCell(const v1::Rekey& rekey) {
  if (rekey.msk_id().empty()) return "";
  return rekey.msk_id() + "/" + std::to_string(rekey.mtk_id());
}

void AddRekeys(Command& program) {
  Command& group = program.Add("rekeys", "Changes of keys");
  AddNow(group);
  AddPlan(group);
  AddRun(group);
  Command& list = group.Add("list", "List a channel's key changes, newest first");
  list.Add(Named(
      "CHANNEL", "channels/",
      *Lists<v1::ListRekeysRequest>(list, "Rekeys.ListRekeys", WriteRekeys).mutable_parent()));
  Command& get = group.Add("get", "Show a key change");
  auto& request = Calls<v1::GetRekeyRequest>(get, "Rekeys.GetRekey", WriteRekey);
  get.Add(Named("CHANNEL", "channels/", *request.mutable_name()));
  get.Add(Below("REKEY", "/rekeys/", *request.mutable_name()));
}

}  // namespace keymast::cli
