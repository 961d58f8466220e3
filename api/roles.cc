// SPDX-License-Identifier: Apache-2.0
#include "api/roles.h"

#include <algorithm>
#include <array>

namespace keymast::api {
namespace {

constexpr unsigned kOperator = RoleBit(Role::kOperator);
constexpr unsigned kAuditLog = RoleBit(Role::kAuditor);
constexpr unsigned kAudit = kOperator | RoleBit(Role::kAuditor);
constexpr unsigned kView = kAudit | RoleBit(Role::kViewer);
constexpr unsigned kHeadend = RoleBit(Role::kHeadend);

struct Row {
  std::string_view method;
  unsigned roles;
};

constexpr std::array kRows = {
    Row{"Channels.CreateChannel", kOperator},
    Row{"Channels.GetChannel", kView},
    Row{"Channels.BatchGetChannels", kView},
    Row{"Channels.ListChannels", kView},
    Row{"Channels.UpdateChannel", kOperator},
    Row{"Channels.DeleteChannel", kOperator},
    Row{"Subscribers.CreateSubscriber", kOperator},
    Row{"Subscribers.BatchCreateSubscribers", kOperator},
    Row{"Subscribers.GetSubscriber", kAudit},
    Row{"Subscribers.BatchGetSubscribers", kAudit},
    Row{"Subscribers.ListSubscribers", kAudit},
    Row{"Subscribers.UpdateSubscriber", kOperator},
    Row{"Subscribers.DeleteSubscriber", kOperator},
    Row{"Subscribers.BatchDeleteSubscribers", kOperator},
    Row{"Members.CreateMember", kOperator},
    Row{"Members.BatchCreateMembers", kOperator},
    Row{"Members.GetMember", kAudit},
    Row{"Members.BatchGetMembers", kAudit},
    Row{"Members.ListMembers", kAudit},
    Row{"Members.UpdateMember", kOperator},
    Row{"Members.DeleteMember", kOperator},
    Row{"Members.JoinChannel", kOperator},
    Row{"Members.LeaveChannel", kOperator},
    Row{"Members.ExpelMembers", kOperator},
    Row{"Headends.CreateHeadend", kOperator},
    Row{"Headends.GetHeadend", kView},
    Row{"Headends.ListHeadends", kView},
    Row{"Headends.UpdateHeadend", kOperator},
    Row{"Headends.DeleteHeadend", kOperator},
    Row{"Headends.TrafficKeys", kHeadend},
    Row{"RekeySchedules.CreateRekeySchedule", kOperator},
    Row{"RekeySchedules.GetRekeySchedule", kView},
    Row{"RekeySchedules.ListRekeySchedules", kView},
    Row{"RekeySchedules.UpdateRekeySchedule", kOperator},
    Row{"RekeySchedules.DeleteRekeySchedule", kOperator},
    Row{"RekeySchedules.ListUpcomingRekeys", kView},
    Row{"RekeySchedules.ListRekeyConflicts", kView},
    Row{"Rekeys.RekeyNow", kOperator},
    Row{"Rekeys.PlanRekey", kAudit},
    Row{"Rekeys.RekeyChannels", kOperator},
    Row{"Rekeys.GetRekey", kView},
    Row{"Rekeys.ListRekeys", kView},
    // Events name members that join, leave and are expelled.
    Row{"Rekeys.Watch", kAudit},
    Row{"Operations.GetOperation", kAudit},
    Row{"Operations.ListOperations", kAudit},
    Row{"Operations.CancelOperation", kOperator},
    Row{"Operations.DeleteOperation", kOperator},
    Row{"Operations.WaitOperation", kAudit},
    Row{"Audit.ListAuditRecords", kAuditLog},
    Row{"Server.GetServerStatus", kView},
    Row{"Server.CreateBackup", kOperator},
    Row{"Server.GetBackup", kAudit},
    Row{"Server.ListBackups", kAudit},
    Row{"Server.DeleteBackup", kOperator},
    Row{"Server.RotateMasterKey", kOperator},
};

}  // namespace

std::string_view RoleName(Role role) {
  constexpr std::string_view kNames[] = {"operator", "viewer", "auditor", "headend"};
  return kNames[static_cast<size_t>(role)];
}

bool MayCall(Role role, std::string_view method) {
  const auto* row = std::find_if(kRows.begin(), kRows.end(),
                                 [&](const Row& candidate) { return candidate.method == method; });
  return row != kRows.end() && (row->roles & RoleBit(role)) != 0;
}

}  // namespace keymast::api
