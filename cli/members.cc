// SPDX-License-Identifier: Apache-2.0
#include "cli/members.h"

#include <ostream>

#include "keymast/v1/member.pb.h"

namespace keymast::cli {
namespace {

constexpr const char* kOpenEnd = "none";

std::string WindowCell(const v1::Member& member) {
  if (!member.has_entitlement_start() && !member.has_entitlement_end()) return "always";
  return TimeCell(member.entitlement_start(), member.has_entitlement_start()) + ".." +
         TimeCell(member.entitlement_end(), member.has_entitlement_end());
}

void WriteMember(const v1::Member& member, std::ostream& out) {
  WritePairs({{"name", member.name()},
              {"MSK endpoint", member.msk_endpoint()},
              {"entitled", WindowCell(member)},
              {"joined", YesNo(member.joined())},
              {"reachability", v1::Reachability_Name(member.reachability())},
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

// The window and the endpoint as typed; what was not typed stays.
Outcome<void> Apply(const MemberOptions& options, v1::Member& member) {
  if (!options.msk_endpoint.empty()) member.set_msk_endpoint(options.msk_endpoint);
  if (options.from == kOpenEnd) {
    member.clear_entitlement_start();
  } else if (!options.from.empty()) {
    auto parsed = ParseTime("--from", options.from, *member.mutable_entitlement_start());
    if (!parsed) return parsed;
  }
  if (options.until == kOpenEnd) {
    member.clear_entitlement_end();
  } else if (!options.until.empty()) {
    return ParseTime("--until", options.until, *member.mutable_entitlement_end());
  }
  return {};
}

template <class Request>
Outcome<void> CallByName(Context& context, const std::string& method, const std::string& name) {
  Request request;
  request.set_name(name);
  return CallAndShow<v1::Member>(context, method, request, WriteMember);
}

}  // namespace

Outcome<void> AddMember(Context& context, const MemberOptions& options) {
  v1::CreateMemberRequest request;
  request.set_parent(ChannelName(options.channel));
  request.set_member_id(LastSegment(options.subscriber));
  request.set_join(options.join);
  request.set_validate_only(options.validate_only);
  if (auto applied = Apply(options, *request.mutable_member()); !applied) return applied;
  return CallAndShow<v1::Member>(context, "Members.CreateMember", request, WriteMember);
}

Outcome<void> BatchAddMembers(Context& context, const std::string& channel, const CsvOptions& csv,
                              bool join) {
  auto rows = ReadCsv(csv.file, 2);
  if (!rows) return tl::unexpected(rows.error());
  v1::BatchCreateMembersRequest batch;
  batch.set_parent(ChannelName(channel));
  size_t left = 0;
  if (csv.skip_existing) {
    v1::ListMembersRequest list;
    list.set_parent(batch.parent());
    v1::ListMembersResponse members;
    auto listed = List(context, "Members.ListMembers", PageOptions(), list, members);
    if (!listed) return listed;
    std::set<std::string> existing;
    for (const v1::Member& member : members.members()) existing.insert(LastSegment(member.name()));
    left = Leave(existing, *rows);
  }
  v1::BatchCreateMembersResponse all;
  const auto request_of = [&](const CsvRow& row) -> Outcome<v1::CreateMemberRequest> {
    v1::CreateMemberRequest request;
    request.set_parent(batch.parent());
    request.set_member_id(LastSegment(row.cells[0]));
    request.mutable_member()->set_msk_endpoint(row.cells[1]);
    request.set_join(join);
    return request;
  };
  auto sent =
      SendBatches(context, "Members.BatchCreateMembers", csv, *rows, batch, request_of, all);
  if (!sent) return sent;
  return Show(context, all, [&](const v1::BatchCreateMembersResponse& made, std::ostream& out) {
    WriteMembers(made, out);
    if (left > 0) out << "passed over: " << left << "\n";
  });
}

Outcome<void> UpdateMember(Context& context, const MemberOptions& options) {
  v1::GetMemberRequest get;
  get.set_name(MemberName(options.channel, options.subscriber));
  v1::UpdateMemberRequest request;
  v1::Member& member = *request.mutable_member();
  if (auto called = context.session.Call("Members.GetMember", get, member); !called) return called;
  if (auto applied = Apply(options, member); !applied) return applied;
  request.set_validate_only(options.validate_only);
  return CallAndShow<v1::Member>(context, "Members.UpdateMember", request, WriteMember);
}

Outcome<void> GetMember(Context& context, const std::string& channel,
                        const std::string& subscriber) {
  return CallByName<v1::GetMemberRequest>(context, "Members.GetMember",
                                          MemberName(channel, subscriber));
}

Outcome<void> ListMembers(Context& context, const std::string& channel, const PageOptions& page) {
  v1::ListMembersRequest request;
  request.set_parent(ChannelName(channel));
  v1::ListMembersResponse response;
  if (auto listed = List(context, "Members.ListMembers", page, request, response); !listed) {
    return listed;
  }
  return Show(context, response, [](const v1::ListMembersResponse& list, std::ostream& out) {
    WriteMembers(list, out);
    MorePages(list.next_page_token(), out);
  });
}

Outcome<void> JoinChannel(Context& context, const std::string& channel,
                          const std::string& subscriber) {
  return CallByName<v1::JoinChannelRequest>(context, "Members.JoinChannel",
                                            MemberName(channel, subscriber));
}

Outcome<void> LeaveChannel(Context& context, const std::string& channel,
                           const std::string& subscriber) {
  return CallByName<v1::LeaveChannelRequest>(context, "Members.LeaveChannel",
                                             MemberName(channel, subscriber));
}

Outcome<void> ExpelMembers(Context& context, const std::string& channel,
                           const std::vector<std::string>& subscribers) {
  v1::ExpelMembersRequest request;
  request.set_parent(ChannelName(channel));
  for (const std::string& subscriber : subscribers) {
    request.add_names(MemberName(channel, subscriber));
  }
  return CallAndShow<v1::ExpelMembersResponse>(
      context, "Members.ExpelMembers", request,
      [&](const v1::ExpelMembersResponse& response, std::ostream& out) {
        WritePairs({{"expelled", std::to_string(request.names_size())},
                    {"new MSK", response.msk_id()},
                    {"switch", TimeCell(response.switch_time(), response.has_switch_time())},
                    {"remaining", std::to_string(response.remaining())}},
                   out);
      });
}

}  // namespace keymast::cli
