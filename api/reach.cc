// SPDX-License-Identifier: Apache-2.0
#include "api/reach.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace keymast::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::string_view kCollection = "channels/";

struct Row {
  std::string_view method;
  ReachKind kind;
  // Dotted, of the request; of kCurtailed, of the answer.
  std::array<std::string_view, 5> fields = {};
};

// Headends are not of one channel: who may name the channels of one could take it from others.
constexpr std::array kRows = {
    Row{"Channels.CreateChannel", ReachKind::kNew, {"channel_id"}},
    Row{"Channels.GetChannel", ReachKind::kNamed, {"name"}},
    Row{"Channels.BatchGetChannels", ReachKind::kNamed, {"names"}},
    Row{"Channels.ListChannels", ReachKind::kMany},
    Row{"Channels.UpdateChannel", ReachKind::kNamed, {"channel.name"}},
    Row{"Channels.DeleteChannel", ReachKind::kNamed, {"name"}},
    Row{"Subscribers.CreateSubscriber", ReachKind::kNothing},
    Row{"Subscribers.BatchCreateSubscribers", ReachKind::kNothing},
    Row{"Subscribers.GetSubscriber", ReachKind::kNothing},
    Row{"Subscribers.BatchGetSubscribers", ReachKind::kNothing},
    Row{"Subscribers.ListSubscribers", ReachKind::kNothing},
    Row{"Subscribers.UpdateSubscriber", ReachKind::kNothing},
    Row{"Subscribers.DeleteSubscriber", ReachKind::kNothing},
    Row{"Subscribers.BatchDeleteSubscribers", ReachKind::kNothing},
    Row{"Members.CreateMember", ReachKind::kNamed, {"parent"}},
    Row{"Members.BatchCreateMembers", ReachKind::kNamed, {"parent", "requests.parent"}},
    Row{"Members.GetMember", ReachKind::kNamed, {"name"}},
    Row{"Members.BatchGetMembers", ReachKind::kNamed, {"parent", "names"}},
    Row{"Members.ListMembers", ReachKind::kNamed, {"parent"}},
    Row{"Members.UpdateMember", ReachKind::kNamed, {"member.name"}},
    Row{"Members.DeleteMember", ReachKind::kNamed, {"name"}},
    Row{"Members.JoinChannel", ReachKind::kNamed, {"name"}},
    Row{"Members.LeaveChannel", ReachKind::kNamed, {"name"}},
    Row{"Members.ExpelMembers", ReachKind::kNamed, {"parent", "names"}},
    Row{"Headends.CreateHeadend", ReachKind::kNothing},
    Row{"Headends.GetHeadend", ReachKind::kNothing},
    Row{"Headends.ListHeadends", ReachKind::kMany},
    Row{"Headends.UpdateHeadend", ReachKind::kNothing},
    Row{"Headends.DeleteHeadend", ReachKind::kNothing},
    Row{"Headends.TrafficKeys", ReachKind::kNothing},
    Row{"RekeySchedules.CreateRekeySchedule", ReachKind::kNamed, {"parent"}},
    Row{"RekeySchedules.GetRekeySchedule", ReachKind::kNamed, {"name"}},
    Row{"RekeySchedules.ListRekeySchedules", ReachKind::kNamed, {"parent"}},
    Row{"RekeySchedules.UpdateRekeySchedule", ReachKind::kNamed, {"rekey_schedule.name"}},
    Row{"RekeySchedules.DeleteRekeySchedule", ReachKind::kNamed, {"name"}},
    Row{"RekeySchedules.ListUpcomingRekeys", ReachKind::kNamed, {"parent"}},
    Row{"RekeySchedules.ListRekeyConflicts", ReachKind::kMany},
    Row{"Rekeys.RekeyNow", ReachKind::kNamed, {"channel"}},
    Row{"Rekeys.PlanRekey", ReachKind::kNamed, {"channel"}},
    Row{"Rekeys.RekeyChannels", ReachKind::kMany},
    Row{"Rekeys.GetRekey", ReachKind::kNamed, {"name"}},
    Row{"Rekeys.ListRekeys", ReachKind::kNamed, {"parent"}},
    Row{"Rekeys.Watch", ReachKind::kMany, {"channel"}},
    Row{"Operations.GetOperation", ReachKind::kNothing},
    Row{"Operations.ListOperations", ReachKind::kNothing},
    Row{"Operations.CancelOperation", ReachKind::kNothing},
    Row{"Operations.DeleteOperation", ReachKind::kNothing},
    Row{"Operations.WaitOperation", ReachKind::kNothing},
    Row{"Audit.ListAuditRecords", ReachKind::kNothing},
    Row{"Server.GetServerStatus",
        ReachKind::kCurtailed,
        {"version", "start_time", "uptime", "store_state", "ready"}},
    Row{"Server.CreateBackup", ReachKind::kNothing},
    Row{"Server.GetBackup", ReachKind::kNothing},
    Row{"Server.ListBackups", ReachKind::kNothing},
    Row{"Server.DeleteBackup", ReachKind::kNothing},
    Row{"Server.RotateMasterKey", ReachKind::kNothing},
};

const Row* RowOf(std::string_view method) {
  const auto* row = std::find_if(kRows.begin(), kRows.end(),
                                 [&](const Row& candidate) { return candidate.method == method; });
  return row == kRows.end() ? nullptr : row;
}

Reach::Path PathOf(const Descriptor* message, std::string_view dotted) {
  Reach::Path path;
  while (!dotted.empty()) {
    KEYMAST_CHECK(message != nullptr);
    const std::string_view name = dotted.substr(0, dotted.find('.'));
    const FieldDescriptor* field = message->FindFieldByName(std::string(name));
    KEYMAST_CHECK(field != nullptr);
    path.push_back(field);
    message = field->message_type();
    dotted.remove_prefix(std::min(dotted.size(), name.size() + 1));
  }
  return path;
}

// The id of the channel that a resource belongs to or is; empty for what has no such name.
std::string_view ChannelIdOf(std::string_view name) {
  if (!name.starts_with(kCollection)) return {};
  name.remove_prefix(kCollection.size());
  return name.substr(0, name.find('/'));
}

// Calls `visit` with each text at the end of a path; empty ones, and what is not set, are left out.
// It is false, and visiting ends, when one visit was.
template <class Visit>
bool AllTexts(const Message& message, const Reach::Path& path, size_t depth, const Visit& visit) {
  const FieldDescriptor* field = path[depth];
  const auto* reflection = message.GetReflection();
  const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (!field->is_repeated()) {
    if (is_message) {
      return AllTexts(reflection->GetMessage(message, field), path, depth + 1, visit);
    }
    const std::string text = reflection->GetString(message, field);
    return text.empty() || visit(text);
  }
  for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
    const bool good = is_message ? AllTexts(reflection->GetRepeatedMessage(message, field, i), path,
                                            depth + 1, visit)
                                 : visit(reflection->GetRepeatedString(message, field, i));
    if (!good) return false;
  }
  return true;
}

}  // namespace

Reach ReachOf(std::string_view name, const google::protobuf::MethodDescriptor& method) {
  const Row* row = RowOf(name);
  if (row == nullptr) return {};
  Reach reach{row->kind};
  for (const std::string_view field : row->fields) {
    if (field.empty()) break;
    if (row->kind == ReachKind::kCurtailed) {
      reach.kept.push_back(PathOf(method.output_type(), field).front());
    } else {
      reach.fields.push_back(PathOf(method.input_type(), field));
    }
  }
  return reach;
}

bool HasReach(std::string_view name) { return RowOf(name) != nullptr; }

bool IsWithin(const ChannelSet& channels, const Reach& reach, const Message& request) {
  if (reach.kind == ReachKind::kNothing) return false;
  bool named = false;
  const auto is_within = [&](std::string_view text) {
    named = true;
    return channels.Has(reach.kind == ReachKind::kNew ? text : ChannelIdOf(text));
  };
  for (const Reach::Path& path : reach.fields) {
    named = false;
    if (!AllTexts(request, path, 0, is_within)) return false;
    const bool must = &path == &reach.fields.front() && reach.kind != ReachKind::kMany;
    if (must && !named) return false;
  }
  return true;
}

std::string ChannelIn(const Reach& reach, const Message& request) {
  std::string id;
  const auto take = [&](std::string_view text) {
    id = reach.kind == ReachKind::kNew ? text : ChannelIdOf(text);
    return false;
  };
  if (!reach.fields.empty()) AllTexts(request, reach.fields.front(), 0, take);
  return IsChannelId(id) ? id : "";
}

void Curtail(const Reach& reach, Message& answer) {
  std::vector<const FieldDescriptor*> fields;
  const auto* reflection = answer.GetReflection();
  reflection->ListFields(answer, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool keeps = std::find(reach.kept.begin(), reach.kept.end(), field) != reach.kept.end();
    if (!keeps) reflection->ClearField(&answer, field);
  }
}

}  // namespace keymast::api
