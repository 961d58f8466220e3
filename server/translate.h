// SPDX-License-Identifier: Apache-2.0
// Between the messages of the API and the values of the core. Reading names every field that cannot
// be represented by its path in the API; whether values make sense is judged by the core.
#pragma once

#include "controller/controller.h"
#include "groups/version.h"
#include "keymast/v1/audit.pb.h"
#include "keymast/v1/channel.pb.h"
#include "keymast/v1/headend.pb.h"
#include "keymast/v1/member.pb.h"
#include "keymast/v1/operation.pb.h"
#include "keymast/v1/rekey.pb.h"
#include "keymast/v1/schedule.pb.h"
#include "keymast/v1/subscriber.pb.h"
#include "server/names.h"

namespace keymast::server {

template <class T>
using Outcome = tl::expected<T, Failure>;

// Violations gathers what is wrong with one request.
class Violations {
 public:
  void Add(std::string field, std::string description) {
    list_.push_back({std::move(field), std::move(description)});
  }
  bool empty() const { return list_.empty(); }
  // Failed gives them as one failure, kInvalidArgument.
  tl::unexpected<Failure> Failed(std::string resource = {}) &&;

 private:
  std::vector<FieldViolation> list_;
};

// Wrong is kInvalidArgument for one field.
Failure Wrong(std::string field, std::string description);

// NotThere is kNotFound for a resource.
Failure NotThere(std::string_view name);

// NoSuch is NotThere for what `field` names; kInvalidArgument where that has not the form of a
// name.
Failure NoSuch(std::string_view name, std::string field, const NameForm& form);

// Values.
google::protobuf::Timestamp ToProto(Instant instant);
google::protobuf::Duration ToProto(Duration duration);
Duration FromProto(const google::protobuf::Duration& duration, const std::string& field,
                   Violations& violations);
Instant FromProto(const google::protobuf::Timestamp& timestamp, const std::string& field,
                  Violations& violations);
std::string ToProto(MskId msk);  // 8 hexadecimal digits
// Etags are versions in quotes. No etag is none, so that any is taken; one that we never gave is
// that of no resource.
std::string EtagOf(const groups::Version& version);
std::optional<groups::Version> VersionOf(const std::string& etag);

// Channels (translate_channel.cc). `profile` has the ports that a request leaves out.
Outcome<controller::CreateChannel> FromProto(const v1::CreateChannelRequest& request,
                                             const mikey::Profile3gpp& profile = {});
// What of a channel is fixed may be left out of an update, or must be as it is.
Outcome<controller::UpdateChannel> FromProto(const v1::UpdateChannelRequest& request,
                                             const controller::Controller& controller);
Outcome<controller::DeleteChannel> FromProto(const v1::DeleteChannelRequest& request);
v1::Channel ToProto(const controller::Controller& controller, const rekey::ChannelState& channel);
// FillChangeable shows what an update can change of a channel, and what follows from it.
void FillChangeable(v1::Channel& message, const controller::Controller& controller,
                    const groups::Channel& channel);
v1::SrtpProfile ToProto(SrtpProfile profile);

// Subscribers (translate_subscriber.cc). `import_key` opens sealed credentials. `prefix` is the
// path of the request in a batch (`requests[3].`), or empty.
Outcome<controller::NewSubscriber> FromProto(const v1::CreateSubscriberRequest& request,
                                             const crypto::KeyPair& import_key,
                                             const std::string& prefix = {});
Outcome<controller::UpdateSubscriber> FromProto(const v1::UpdateSubscriberRequest& request,
                                                const controller::Controller& controller,
                                                const crypto::KeyPair& import_key);
v1::Subscriber ToProto(const rekey::SubscriberState& state);

// Members (translate_member.cc).
Outcome<controller::NewMember> FromProto(const v1::CreateMemberRequest& request,
                                         const mikey::Profile3gpp& profile = {},
                                         const std::string& prefix = {});
Outcome<controller::UpdateMember> FromProto(const v1::UpdateMemberRequest& request,
                                            const controller::Controller& controller,
                                            const mikey::Profile3gpp& profile = {});
Outcome<controller::Expel> FromProto(const v1::ExpelMembersRequest& request);
void Fill(v1::Member& message, const controller::Controller& controller, const ChannelId& channel,
          const groups::Member& member);
v1::Member ToProto(const controller::Controller& controller, const ChannelId& channel,
                   const groups::Member& member);

// Headends (translate_headend.cc).
Outcome<controller::CreateHeadend> FromProto(const v1::CreateHeadendRequest& request);
Outcome<controller::UpdateHeadend> FromProto(const v1::UpdateHeadendRequest& request,
                                             const controller::Controller& controller);
// Entries of channels or streams that we do not know are left out.
controller::HeadendReport FromProto(const HeadendId& headend, const v1::HeadendReport& report);
v1::Headend ToProto(const controller::Controller& controller, const groups::Headend& headend);
v1::ChannelDefinition DefinitionOf(const controller::Controller& controller,
                                   const rekey::ChannelState& channel);
v1::TrafficKeyBox ToProto(const controller::HeadendKey& key);

// Schedules (translate_schedule.cc).
Outcome<controller::PutSchedule> FromProto(const v1::CreateRekeyScheduleRequest& request);
Outcome<controller::PutSchedule> FromProto(const v1::UpdateRekeyScheduleRequest& request,
                                           const controller::Controller& controller, Instant now);
v1::RekeySchedule ToProto(const ChannelId& channel, const groups::Schedule& schedule, Instant now);

// Operations and audit records (translate_operation.cc).
v1::Operation ToProto(const rekey::Operation& operation);
v1::AuditRecord ToProto(const audit::Record& record);

// Rekeys and events (translate_rekey.cc).
Outcome<controller::RekeyNow> FromProto(const v1::RekeyNowRequest& request);
v1::Rekey ToProto(const ChannelId& channel, const rekey::Rekey& rekey);
v1::Event ToProto(const controller::Event& event);

}  // namespace keymast::server
