// SPDX-License-Identifier: Apache-2.0
#include <ostream>

#include "cli/batch.h"
#include "cli/commands.h"
#include "keymast/v1/member.pb.h"

namespace keymast::cli {
namespace {

std::string WindowCell(const v1::Member& member) {
  if (!member.has_entitlement_start() && !member.has_entitlement_end()) return "always";
  return TimeCell(member.entitlement_start(), member.has_entitlement_start()) + ".." +
         TimeCell(member.entitlement_end(), member.has_entitlement_end());
}

std::string DeliveryCell(const v1::Member& member) {
  return member.delivery() == v1::DELIVERY_KIND_UNSPECIFIED
             ? ""
             : v1::DeliveryKind_Name(member.delivery());
}

void WriteMember(const v1::Member& member, std::ostream& out) {
  WritePairs({{"name", member.name()},
              {"MSK endpoint", member.msk_endpoint()},
              {"entitled", WindowCell(member)},
              {"joined", YesNo(member.joined())},
              {"reachability", v1::Reachability_Name(member.reachability())},
              {"delivery", DeliveryCell(member)},
              {"confirmed MSK", member.confirmed_msk_id()},
              {"created", TimeCell(member.create_time(), member.has_create_time())},
              {"etag", member.etag()}},
             out);
}

template <class List>
void WriteMembers(const List& list, std::ostream& out) {
  Table table({"MEMBER", "JOINED", "REACHABILITY", "CONFIRMED MSK", "MSK ENDPOINT", "ENTITLED"});
  for (const v1::Member& member : list.members()) {
    table.Add({LastSegment(member.name()), YesNo(member.joined()),
               v1::Reachability_Name(member.reachability()), member.confirmed_msk_id(),
               member.msk_endpoint(), WindowCell(member)});
  }
  table.Write(out);
}

void WriteListed(const v1::ListMembersResponse& list, std::ostream& out) {
  WriteMembers(list, out);
}

void WriteChosen(const v1::BatchGetMembersResponse& list, std::ostream& out) {
  WriteMembers(list, out);
}

void WriteExpulsion(const v1::ExpelMembersResponse& response, std::ostream& out) {
  WritePairs({{"new MSK", response.msk_id()},
              {"switch", TimeCell(response.switch_time(), response.has_switch_time())},
              {"remaining", std::to_string(response.remaining())}},
             out);
}

struct BatchOptions {
  CsvOptions csv;
  v1::BatchCreateMembersRequest batch;
  bool join = false;
};

Outcome<std::set<std::string>> Existing(Context& context, const std::string& channel) {
  v1::ListMembersRequest request;
  request.set_parent(channel);
  v1::ListMembersResponse members;
  auto fetched = FetchAll(context, "Members.ListMembers", request, members);
  if (!fetched) return tl::unexpected(fetched.error());
  std::set<std::string> existing;
  for (const v1::Member& member : members.members()) existing.insert(LastSegment(member.name()));
  return existing;
}

Outcome<void> BatchAdd(Context& context, const BatchOptions& options) {
  auto rows = ReadCsv(options.csv.file, 2);
  if (!rows) return tl::unexpected(rows.error());
  size_t left = 0;
  if (options.csv.skip_existing) {
    const auto existing = Existing(context, options.batch.parent());
    if (!existing) return tl::unexpected(existing.error());
    left = Leave(*existing, *rows);
  }
  v1::BatchCreateMembersResponse all;
  const auto put = [&](const CsvRow& row, v1::BatchCreateMembersRequest& batch) -> Outcome<void> {
    v1::CreateMemberRequest& request = *batch.add_requests();
    request.set_parent(batch.parent());
    request.set_member_id(row.cells[0]);
    request.mutable_member()->set_msk_endpoint(row.cells[1]);
    request.set_join(options.join);
    return {};
  };
  auto sent = SendBatches(context, "Members.BatchCreateMembers", options.csv, *rows, options.batch,
                          put, all);
  if (!sent) return sent;
  return Show(context, all, [&](const v1::BatchCreateMembersResponse& made, std::ostream& out) {
    WriteMembers(made, out);
    if (left > 0) out << "passed over: " << left << "\n";
    if (options.csv.validate_only) WriteLine(kOnlyChecked, out);
  });
}

void AddWindow(Command& command, const Fields& fields) {
  command.Add(fields.Of("entitlement_start", "--from", "TIME",
                        "Entitlement begins, RFC 3339; none: no limit"));
  command.Add(fields.Of("entitlement_end", "--until", "TIME",
                        "Entitlement ends, RFC 3339; none: no limit"));
}

Option Endpoint(const Fields& fields) {
  return fields.Of("msk_endpoint", "--msk-endpoint", "ADDRESS:PORT", "Where MSK messages go");
}

void AddAdd(Command& group) {
  Command& command = group.Add("add", "Make a subscriber a member");
  auto& request = Calls<v1::CreateMemberRequest>(command, "Members.CreateMember", WriteMember);
  command.Add(Named("CHANNEL", "channels/", *request.mutable_parent()));
  command.Add(Id("SUBSCRIBER", "subscribers/", *request.mutable_member_id()));
  const Fields fields(*request.mutable_member());
  command.Add(Endpoint(fields).Required());
  AddWindow(command, fields);
  command.Add(Fields(request).Of("join", "--join", "", "And join at once"));
  group.Example("keymastctl members add news alice --msk-endpoint 192.0.2.7:2271 --join");
}

void AddUpdate(Command& group) {
  Command& command = group.Add("update", "Change window or endpoint");
  auto& request = Calls<v1::UpdateMemberRequest>(command, "Members.UpdateMember", WriteMember);
  v1::Member& member = *request.mutable_member();
  command.Add(Named("CHANNEL", "channels/", *member.mutable_name()));
  command.Add(Below("SUBSCRIBER", "/members/", *member.mutable_name()));
  const Fields fields(member, request.mutable_update_mask());
  command.Add(Endpoint(fields));
  AddWindow(command, fields);
  command.Add(Fields(member).Of("etag", "--etag", "ETAG", "Only while it still has this etag"));
  group.Example("keymastctl members update news alice --until 2027-01-01T00:00:00Z");
}

// A command about one member, whose name the request has.
template <class Request>
void AddOne(Command& group, const std::string& name, const std::string& what,
            const std::string& method) {
  Command& command = group.Add(name, what);
  auto& request = Calls<Request>(command, method, WriteMember);
  command.Add(Named("CHANNEL", "channels/", *request.mutable_name()));
  command.Add(Below("SUBSCRIBER", "/members/", *request.mutable_name()));
}

// A command about some members of one channel.
template <class Request, class Response>
void AddSome(Command& group, const std::string& name, const std::string& what,
             const std::string& method, void (*as_table)(const Response&, std::ostream&)) {
  Command& command = group.Add(name, what);
  auto& request = Calls<Request>(command, method, as_table);
  command.Add(Named("CHANNEL", "channels/", *request.mutable_parent()));
  command.Add(EachBelow("SUBSCRIBER", "/members/", request.parent(), *request.mutable_names()));
}

void AddBatch(Command& group) {
  Command& command = group.Add("batch-add", "Add many, 1000 a request, each request atomic");
  auto& options = OptionsOf<BatchOptions>(command, BatchAdd);
  command.Add(Named("CHANNEL", "channels/", *options.batch.mutable_parent()));
  AddCsvOptions(command, "SUBSCRIBER,MSK_ENDPOINT", options.csv);
  command.Add(SkipExisting(options.csv));
  command.Add(Flag("--join", "And join at once", options.join));
}

}  // namespace

void AddMembers(Command& program) {
  Command& group = program.Add("members", "Members of a channel");
  AddAdd(group);
  AddBatch(group);
  AddUpdate(group);
  AddOne<v1::GetMemberRequest>(group, "get", "Show a member", "Members.GetMember");
  AddSome<v1::BatchGetMembersRequest>(group, "batch-get", "Show some members: all of them or none",
                                      "Members.BatchGetMembers", WriteChosen);
  Command& list = group.Add("list", "List members");
  auto& request = Lists<v1::ListMembersRequest>(list, "Members.ListMembers", WriteListed);
  list.Add(Named("CHANNEL", "channels/", *request.mutable_parent()));
  group.Example("keymastctl members list news --filter 'joined AND reachability != CONFIRMED'");
  AddOne<v1::JoinChannelRequest>(group, "join", "Deliver the keys to a member",
                                 "Members.JoinChannel");
  AddOne<v1::LeaveChannelRequest>(
      group, "leave", "End delivery; keys change as the leave policy says", "Members.LeaveChannel");
  AddSome<v1::ExpelMembersRequest>(group, "expel", "Remove members and change the keys at once",
                                   "Members.ExpelMembers", WriteExpulsion);
  group.Example("keymastctl members expel news alice bob");
  Command& remove = group.Add("delete", "Take a member out; keys change if it may hold some");
  auto& deleted =
      Deletes<v1::DeleteMemberRequest, v1::DeleteMemberResponse>(remove, "Members.DeleteMember");
  remove.Add(Named("CHANNEL", "channels/", *deleted.mutable_name()));
  remove.Add(Below("SUBSCRIBER", "/members/", *deleted.mutable_name()));
}

}  // namespace keymast::cli
