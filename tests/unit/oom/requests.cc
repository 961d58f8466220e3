// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/text_format.h>

#include "tests/unit/oom/operation.h"

namespace keymast::oom {
namespace {

using core::CoreRequest;

CoreRequest Ask(const std::string& text) {
  CoreRequest request;
  KEYMAST_CHECK(google::protobuf::TextFormat::ParseFromString(text, &request));
  request.set_principal("operator:alice");
  return request;
}

// Once is a request that is answered with anything but an error.
Operation Once(CoreRequest request) {
  const std::string name =
      request.GetReflection()
          ->GetOneofFieldDescriptor(request, CoreRequest::descriptor()->FindOneofByName("request"))
          ->name();
  return {name, [request](Trial&) -> Operation::Act {
            return [request](Trial& trial) {
              const auto reply = trial.Call(request);
              if (!reply) return;
              EXPECT_FALSE(reply->has_error()) << reply->error().ShortDebugString();
              trial.Promised();
            };
          }};
}

Operation Once(const std::string& text) { return Once(Ask(text)); }

// Lasting begins an operation and waits for its end.
Operation Lasting(const std::string& text) {
  Operation once = Once(text);
  const CoreRequest request = Ask(text);
  return {once.name, [request](Trial&) -> Operation::Act {
            return [request](Trial& trial) {
              const auto begun = trial.Call(request);
              if (!begun) return;
              EXPECT_FALSE(begun->has_error()) << begun->error().ShortDebugString();
              const auto done =
                  trial.Call(Ask("wait_operation { name: '" + begun->operation().name() +
                                 "' timeout { seconds: 60 } }"));
              if (!done) return;
              EXPECT_TRUE(done->operation().done()) << done->ShortDebugString();
              EXPECT_TRUE(done->operation().has_response()) << done->ShortDebugString();
              trial.Promised();
            };
          }};
}

v1::CreateSubscriberRequest NewSubscriber(const House& house, const std::string& id) {
  v1::CreateSubscriberRequest create;
  create.set_subscriber_id(id);
  create.mutable_subscriber()->set_identity(id + "@example.org");
  crypto::SeededRng rng(5);
  const auto box =
      crypto::SealBox(house.import_key().public_key, crypto::kUserKeyPurpose,
                      crypto::UserKeyAad(SubscriberId(id), create.subscriber().identity()),
                      Bytes(16, static_cast<uint8_t>(id[0])), rng);
  create.mutable_subscriber()->set_sealed_credential(std::string(AsText(*box)));
  return create;
}

void AddSubscribers(const House& house, std::vector<Operation>& all) {
  CoreRequest one = Ask("");
  *one.mutable_create_subscriber() = NewSubscriber(house, "ada");
  all.push_back(Once(one));
  CoreRequest many = Ask("");
  for (const char* id : {"ada", "bob", "eve"}) {
    *many.mutable_batch_create_subscribers()->add_requests() = NewSubscriber(house, id);
  }
  all.push_back(Once(many));
  CoreRequest other = Ask(R"(update_subscriber { subscriber { name: "subscribers/s1" } })");
  other.mutable_update_subscriber()->mutable_subscriber()->set_sealed_credential(
      NewSubscriber(house, "s1").subscriber().sealed_credential());
  all.push_back(Once(other));
}

constexpr const char* kPlain[] = {
    R"(create_channel { channel_id: "sports" request_id: "5f0c4a52-9c4b-4f6e-8f7e-2f8e3a1b9c01"
        channel { display_name: "Sports" multicast { group: "239.255.42.9" ttl: 2 }
        streams { media: "video" port: 5004 ssrc: 7 payload_type: 96 rtpmap: "H264/90000" }
        key_domain: "262f01" key_group: 9 } })",
    R"(get_channel { name: "channels/news" })",
    R"(list_channels { filter: "key_group > 0" })",
    R"(update_channel { channel { name: "channels/news" display_name: "Late news" }
                        update_mask { paths: "display_name" } })",
    R"(delete_channel { name: "channels/spare" })",
    R"(batch_get_channels { names: "channels/news" names: "channels/spare" })",
    R"(get_subscriber { name: "subscribers/s1" })",
    R"(list_subscribers {})",
    R"(delete_subscriber { name: "subscribers/s1" force: true })",
    R"(batch_get_subscribers { names: "subscribers/s1" names: "subscribers/s5" })",
    R"(batch_delete_subscribers { names: "subscribers/s3" names: "subscribers/s5" force: true })",
    R"(create_member { parent: "channels/news" member_id: "s5" join: true
                       member { msk_endpoint: "10.0.0.5:2271" } })",
    R"(batch_create_members { parent: "channels/spare"
        requests { parent: "channels/spare" member_id: "s1" join: true
                   member { msk_endpoint: "10.0.0.1:2271" } }
        requests { parent: "channels/spare" member_id: "s2"
                   member { msk_endpoint: "10.0.0.2:2271" } } })",
    R"(get_member { name: "channels/news/members/s1" })",
    R"(list_members { parent: "channels/news" })",
    R"(update_member { member { name: "channels/news/members/s3" msk_endpoint: "10.0.0.33:2271" }
                       update_mask { paths: "msk_endpoint" } })",
    R"(join_channel { name: "channels/news/members/s3" })",
    R"(leave_channel { name: "channels/news/members/s1" })",
    R"(expel_members { parent: "channels/news" names: "channels/news/members/s1" })",
    R"(batch_get_members { parent: "channels/news" names: "channels/news/members/s1" })",
    R"(delete_member { name: "channels/news/members/s1" })",
    R"(get_headend { name: "headends/studio" })",
    R"(list_headends {})",
    R"(update_headend { headend { name: "headends/studio" channels: "channels/news"
                                  channels: "channels/spare" } update_mask { paths: "channels" } })",
    R"(delete_headend { name: "headends/studio" })",
    R"(rekey_now { channel: "channels/news" level: MSK })",
    R"(list_rekeys { parent: "channels/news" })",
    R"(plan_rekey { channel: "channels/news" expelled: "channels/news/members/s1" })",
    R"(rekey_channels { level: MTK spread { seconds: 3600 } })",
    R"(get_server_status {})",
    R"(get_backup { name: "backups/old" })",
    R"(list_backups {})",
    R"(delete_backup { name: "backups/old" })",
    R"(metrics {})",
    R"(state_hash {})",
    R"(create_rekey_schedule { parent: "channels/news" rekey_schedule_id: "night"
                               rekey_schedule { cron: "0 3 * * *" } })",
    R"(get_rekey_schedule { name: "channels/news/rekeySchedules/daily" })",
    R"(list_rekey_schedules { parent: "channels/news" })",
    R"(update_rekey_schedule { rekey_schedule { name: "channels/news/rekeySchedules/daily"
                               period { seconds: 3600 } } update_mask { paths: "period" } })",
    R"(delete_rekey_schedule { name: "channels/news/rekeySchedules/daily" })",
    R"(list_upcoming_rekeys { parent: "channels/news" page_size: 3 })",
    R"(list_rekey_conflicts { horizon { seconds: 86400 } within { seconds: 1 } })",
    R"(get_operation { name: "operations/slow" })",
    R"(list_operations {})",
    R"(cancel_operation { name: "operations/slow" })",
    R"(delete_operation { name: "operations/done" })",
    R"(wait_operation { name: "operations/done" timeout { seconds: 1 } })",
    R"(list_audit_records { page_size: 5 })",
};

}  // namespace

std::vector<Operation> Requests(const House& house) {
  std::vector<Operation> all;
  for (const char* text : kPlain) all.push_back(Once(text));
  AddSubscribers(house, all);
  CoreRequest headend = Ask(R"(create_headend { headend_id: "north"
                                                headend { channels: "channels/spare" } })");
  headend.mutable_create_headend()->mutable_headend()->set_public_key(
      std::string(AsText(house.import_key().public_key)));
  all.push_back(Once(headend));
  all.push_back(Lasting(R"(create_backup { backup_id: "new" })"));
  all.push_back(Lasting("rotate_master_key { old_key_id: '" + house.OldKeyId() + "' new_key_id: '" +
                        house.NextKeyId() + "' }"));
  const rekey::Rekey& last = house.world().channel().history.back();
  all.push_back(
      Once("get_rekey { name: 'channels/news/rekeys/" + std::to_string(last.sequence) + "' }"));
  // A request that is repeated, and one that is refused.
  Operation again{"create_channel again", [](Trial& trial) -> Operation::Act {
                    const CoreRequest request = Ask(kPlain[0]);
                    EXPECT_FALSE(trial.Call(request)->has_error());
                    return [request](Trial& twice) {
                      const auto reply = twice.Call(request);
                      if (!reply) return;
                      EXPECT_EQ(reply->channel().name(), "channels/sports");
                      twice.Promised();
                    };
                  }};
  all.push_back(std::move(again));
  all.push_back({"create_channel refused", [](Trial&) -> Operation::Act {
                   return [](Trial& trial) {
                     const auto reply =
                         trial.Call(Ask(R"(create_channel { channel_id: "News" channel {} })"));
                     if (!reply) return;
                     EXPECT_EQ(reply->error().reason(), "invalid_argument");
                   };
                 }});
  return all;
}

}  // namespace keymast::oom
