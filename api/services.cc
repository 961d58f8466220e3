// SPDX-License-Identifier: Apache-2.0
#include "api/services.h"

#include "api/streams.h"
#include "api/unary.h"
#include "keymast/v1/service.grpc.pb.h"

namespace keymast::api {
namespace {

using Context = grpc::CallbackServerContext;

// Every unary method forwards in the same way; a row names it and its response.
#define KEYMAST_FORWARD(Service, Name, Response)                                     \
  grpc::ServerUnaryReactor* Name(Context* context, const v1::Name##Request* request, \
                                 v1::Response* response) override {                  \
    static const Method& method = MethodOf(#Service "." #Name);                      \
    return ForwardUnary(gate_, access_, method, context, *request, response);        \
  }

template <class Base>
class Forwarding : public Base {
 public:
  Forwarding(Gate& gate, const Access& access) : gate_(gate), access_(access) {}

 protected:
  Gate& gate_;
  const Access access_;
};

class Channels final : public Forwarding<v1::Channels::CallbackService> {
 public:
  using Forwarding::Forwarding;
  KEYMAST_FORWARD(Channels, CreateChannel, Channel)
  KEYMAST_FORWARD(Channels, GetChannel, Channel)
  KEYMAST_FORWARD(Channels, BatchGetChannels, BatchGetChannelsResponse)
  KEYMAST_FORWARD(Channels, ListChannels, ListChannelsResponse)
  KEYMAST_FORWARD(Channels, UpdateChannel, Channel)
  KEYMAST_FORWARD(Channels, DeleteChannel, DeleteChannelResponse)
};

class Subscribers final : public Forwarding<v1::Subscribers::CallbackService> {
 public:
  using Forwarding::Forwarding;
  KEYMAST_FORWARD(Subscribers, CreateSubscriber, Subscriber)
  KEYMAST_FORWARD(Subscribers, BatchCreateSubscribers, BatchCreateSubscribersResponse)
  KEYMAST_FORWARD(Subscribers, GetSubscriber, Subscriber)
  KEYMAST_FORWARD(Subscribers, BatchGetSubscribers, BatchGetSubscribersResponse)
  KEYMAST_FORWARD(Subscribers, ListSubscribers, ListSubscribersResponse)
  KEYMAST_FORWARD(Subscribers, UpdateSubscriber, Subscriber)
  KEYMAST_FORWARD(Subscribers, DeleteSubscriber, DeleteSubscriberResponse)
  KEYMAST_FORWARD(Subscribers, BatchDeleteSubscribers, BatchDeleteSubscribersResponse)
};

class Members final : public Forwarding<v1::Members::CallbackService> {
 public:
  using Forwarding::Forwarding;
  KEYMAST_FORWARD(Members, CreateMember, Member)
  KEYMAST_FORWARD(Members, BatchCreateMembers, BatchCreateMembersResponse)
  KEYMAST_FORWARD(Members, GetMember, Member)
  KEYMAST_FORWARD(Members, BatchGetMembers, BatchGetMembersResponse)
  KEYMAST_FORWARD(Members, ListMembers, ListMembersResponse)
  KEYMAST_FORWARD(Members, UpdateMember, Member)
  KEYMAST_FORWARD(Members, DeleteMember, DeleteMemberResponse)
  KEYMAST_FORWARD(Members, JoinChannel, Member)
  KEYMAST_FORWARD(Members, LeaveChannel, Member)
  KEYMAST_FORWARD(Members, ExpelMembers, ExpelMembersResponse)
};

class Headends final : public Forwarding<v1::Headends::CallbackService> {
 public:
  using Forwarding::Forwarding;
  KEYMAST_FORWARD(Headends, CreateHeadend, Headend)
  KEYMAST_FORWARD(Headends, GetHeadend, Headend)
  KEYMAST_FORWARD(Headends, ListHeadends, ListHeadendsResponse)
  KEYMAST_FORWARD(Headends, UpdateHeadend, Headend)
  KEYMAST_FORWARD(Headends, DeleteHeadend, DeleteHeadendResponse)
  grpc::ServerBidiReactor<v1::HeadendReport, v1::HeadendDirective>* TrafficKeys(
      Context* context) override {
    return ForwardTrafficKeys(gate_, access_, context);
  }
};

class RekeySchedules final : public Forwarding<v1::RekeySchedules::CallbackService> {
 public:
  using Forwarding::Forwarding;
  KEYMAST_FORWARD(RekeySchedules, CreateRekeySchedule, RekeySchedule)
  KEYMAST_FORWARD(RekeySchedules, GetRekeySchedule, RekeySchedule)
  KEYMAST_FORWARD(RekeySchedules, ListRekeySchedules, ListRekeySchedulesResponse)
  KEYMAST_FORWARD(RekeySchedules, UpdateRekeySchedule, RekeySchedule)
  KEYMAST_FORWARD(RekeySchedules, DeleteRekeySchedule, DeleteRekeyScheduleResponse)
  KEYMAST_FORWARD(RekeySchedules, ListUpcomingRekeys, ListUpcomingRekeysResponse)
  KEYMAST_FORWARD(RekeySchedules, ListRekeyConflicts, ListRekeyConflictsResponse)
};

class Rekeys final : public Forwarding<v1::Rekeys::CallbackService> {
 public:
  using Forwarding::Forwarding;
  KEYMAST_FORWARD(Rekeys, RekeyNow, Rekey)
  KEYMAST_FORWARD(Rekeys, PlanRekey, RekeyPlan)
  KEYMAST_FORWARD(Rekeys, RekeyChannels, Operation)
  KEYMAST_FORWARD(Rekeys, GetRekey, Rekey)
  KEYMAST_FORWARD(Rekeys, ListRekeys, ListRekeysResponse)
  grpc::ServerWriteReactor<v1::Event>* Watch(Context* context,
                                             const v1::WatchRequest* request) override {
    return ForwardWatch(gate_, access_, context, *request);
  }
};

class Operations final : public Forwarding<v1::Operations::CallbackService> {
 public:
  using Forwarding::Forwarding;
  KEYMAST_FORWARD(Operations, GetOperation, Operation)
  KEYMAST_FORWARD(Operations, ListOperations, ListOperationsResponse)
  KEYMAST_FORWARD(Operations, CancelOperation, Operation)
  KEYMAST_FORWARD(Operations, DeleteOperation, DeleteOperationResponse)
  KEYMAST_FORWARD(Operations, WaitOperation, Operation)
};

class Audit final : public Forwarding<v1::Audit::CallbackService> {
 public:
  using Forwarding::Forwarding;
  KEYMAST_FORWARD(Audit, ListAuditRecords, ListAuditRecordsResponse)
};

class Server final : public Forwarding<v1::Server::CallbackService> {
 public:
  using Forwarding::Forwarding;
  KEYMAST_FORWARD(Server, GetServerStatus, ServerStatus)
  KEYMAST_FORWARD(Server, CreateBackup, Operation)
  KEYMAST_FORWARD(Server, GetBackup, Backup)
  KEYMAST_FORWARD(Server, ListBackups, ListBackupsResponse)
  KEYMAST_FORWARD(Server, DeleteBackup, DeleteBackupResponse)
  KEYMAST_FORWARD(Server, RotateMasterKey, Operation)
};

#undef KEYMAST_FORWARD

}  // namespace

std::vector<std::unique_ptr<grpc::Service>> MakeServices(Gate& gate, const Access& access) {
  std::vector<std::unique_ptr<grpc::Service>> services;
  services.push_back(std::make_unique<Channels>(gate, access));
  services.push_back(std::make_unique<Subscribers>(gate, access));
  services.push_back(std::make_unique<Members>(gate, access));
  services.push_back(std::make_unique<Headends>(gate, access));
  services.push_back(std::make_unique<RekeySchedules>(gate, access));
  services.push_back(std::make_unique<Rekeys>(gate, access));
  services.push_back(std::make_unique<Operations>(gate, access));
  services.push_back(std::make_unique<Audit>(gate, access));
  services.push_back(std::make_unique<Server>(gate, access));
  return services;
}

}  // namespace keymast::api
