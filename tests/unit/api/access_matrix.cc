// SPDX-License-Identifier: Apache-2.0
#include "access_matrix.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "api/methods.h"

namespace keymast::api {

const std::vector<MatrixRow>& Matrix() {
  static const std::vector<MatrixRow> rows = {
      {"Channels.CreateChannel", "operator", "new", "channel_id: '$'"},
      {"Channels.GetChannel", "operator, auditor, viewer", "named", "name: 'channels/$'"},
      {"Channels.BatchGetChannels", "operator, auditor, viewer", "named", "names: 'channels/$'"},
      {"Channels.ListChannels", "operator, auditor, viewer", "shown", ""},
      {"Channels.UpdateChannel", "operator", "named", "channel { name: 'channels/$' }"},
      {"Channels.DeleteChannel", "operator", "named", "name: 'channels/$'"},
      {"Subscribers.CreateSubscriber", "operator", "-", "subscriber_id: 'alice'"},
      {"Subscribers.BatchCreateSubscribers", "operator", "-",
       "requests { subscriber_id: 'alice' }"},
      {"Subscribers.GetSubscriber", "operator, auditor", "-", "name: 'subscribers/alice'"},
      {"Subscribers.BatchGetSubscribers", "operator, auditor", "-", "names: 'subscribers/alice'"},
      {"Subscribers.ListSubscribers", "operator, auditor", "-", ""},
      {"Subscribers.UpdateSubscriber", "operator", "-", "subscriber { name: 'subscribers/alice' }"},
      {"Subscribers.DeleteSubscriber", "operator", "-", "name: 'subscribers/alice'"},
      {"Subscribers.BatchDeleteSubscribers", "operator", "-", "names: 'subscribers/alice'"},
      {"Members.CreateMember", "operator", "named", "parent: 'channels/$' member_id: 'alice'"},
      {"Members.BatchCreateMembers", "operator", "named",
       "parent: 'channels/$' requests { parent: 'channels/$' } requests {}"},
      {"Members.GetMember", "operator, auditor", "named", "name: 'channels/$/members/alice'"},
      {"Members.BatchGetMembers", "operator, auditor", "named",
       "parent: 'channels/$' names: 'channels/$/members/alice'"},
      {"Members.ListMembers", "operator, auditor", "named", "parent: 'channels/$'"},
      {"Members.UpdateMember", "operator", "named", "member { name: 'channels/$/members/alice' }"},
      {"Members.DeleteMember", "operator", "named", "name: 'channels/$/members/alice'"},
      {"Members.JoinChannel", "operator", "named", "name: 'channels/$/members/alice'"},
      {"Members.LeaveChannel", "operator", "named", "name: 'channels/$/members/alice'"},
      {"Members.ExpelMembers", "operator", "named",
       "parent: 'channels/$' names: 'channels/$/members/alice'"},
      {"Headends.CreateHeadend", "operator", "-", "headend { channels: 'channels/$' }"},
      {"Headends.GetHeadend", "operator, auditor, viewer", "-", "name: 'headends/north'"},
      {"Headends.ListHeadends", "operator, auditor, viewer", "shown", ""},
      {"Headends.UpdateHeadend", "operator", "-",
       "headend { name: 'headends/north' channels: 'channels/$' }"},
      {"Headends.DeleteHeadend", "operator", "-", "name: 'headends/north'"},
      {"Headends.TrafficKeys", "headend", "-", "headend: 'headends/north'"},
      {"RekeySchedules.CreateRekeySchedule", "operator", "named", "parent: 'channels/$'"},
      {"RekeySchedules.GetRekeySchedule", "operator, auditor, viewer", "named",
       "name: 'channels/$/rekeySchedules/nightly'"},
      {"RekeySchedules.ListRekeySchedules", "operator, auditor, viewer", "named",
       "parent: 'channels/$'"},
      {"RekeySchedules.UpdateRekeySchedule", "operator", "named",
       "rekey_schedule { name: 'channels/$/rekeySchedules/nightly' }"},
      {"RekeySchedules.DeleteRekeySchedule", "operator", "named",
       "name: 'channels/$/rekeySchedules/nightly'"},
      {"RekeySchedules.ListUpcomingRekeys", "operator, auditor, viewer", "named",
       "parent: 'channels/$'"},
      {"RekeySchedules.ListRekeyConflicts", "operator, auditor, viewer", "shown", ""},
      {"Rekeys.RekeyNow", "operator", "named", "channel: 'channels/$'"},
      {"Rekeys.PlanRekey", "operator, auditor", "named", "channel: 'channels/$'"},
      {"Rekeys.RekeyChannels", "operator", "shown", ""},
      {"Rekeys.GetRekey", "operator, auditor, viewer", "named", "name: 'channels/$/rekeys/7'"},
      {"Rekeys.ListRekeys", "operator, auditor, viewer", "named", "parent: 'channels/$'"},
      {"Rekeys.Watch", "operator, auditor", "shown", ""},
      {"Operations.GetOperation", "operator, auditor", "-", "name: 'operations/x'"},
      {"Operations.ListOperations", "operator, auditor", "-", ""},
      {"Operations.CancelOperation", "operator", "-", "name: 'operations/x'"},
      {"Operations.DeleteOperation", "operator", "-", "name: 'operations/x'"},
      {"Operations.WaitOperation", "operator, auditor", "-", "name: 'operations/x'"},
      {"Audit.ListAuditRecords", "auditor", "-", ""},
      {"Server.GetServerStatus", "operator, auditor, viewer", "part", ""},
      {"Server.CreateBackup", "operator", "-", "backup_id: 'x'"},
      {"Server.GetBackup", "operator, auditor", "-", "name: 'backups/x'"},
      {"Server.ListBackups", "operator, auditor", "-", ""},
      {"Server.DeleteBackup", "operator", "-", "name: 'backups/x'"},
      {"Server.RotateMasterKey", "operator", "-", "old_key_id: 'x'"},
  };
  return rows;
}

std::unique_ptr<google::protobuf::Message> RequestOf(const MatrixRow& row,
                                                     const std::string& channel) {
  std::string text;
  for (const char c : row.request) c == '$' ? text.append(channel) : text.append(1, c);
  const Method& method = MethodOf(row.method);
  std::unique_ptr<google::protobuf::Message> request(
      google::protobuf::MessageFactory::generated_factory()
          ->GetPrototype(method.descriptor->input_type())
          ->New());
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, request.get())) << text;
  return request;
}

}  // namespace keymast::api
