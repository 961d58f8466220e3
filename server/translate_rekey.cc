// SPDX-License-Identifier: Apache-2.0
#include "server/names.h"
#include "server/translate.h"

namespace keymast::server {

Outcome<controller::RekeyNow> FromProto(const v1::RekeyNowRequest& request) {
  const auto channel = ChannelOf(request.channel());
  if (!channel) return tl::unexpected(NoSuch(request.channel(), "channel", kChannelForm));
  if (request.level() != v1::MTK && request.level() != v1::MSK) {
    Violations violations;
    violations.Add("level", "must be MTK or MSK");
    return std::move(violations).Failed(request.channel());
  }
  return controller::RekeyNow{*channel, static_cast<rekey::KeyLevel>(request.level()),
                              VersionOf(request.etag())};
}

v1::Rekey ToProto(const ChannelId& channel, const rekey::Rekey& rekey) {
  v1::Rekey message;
  message.set_name(RekeyName(channel, rekey.sequence));
  message.set_level(static_cast<v1::KeyLevel>(rekey.level));
  message.set_reason(static_cast<v1::RekeyReason>(rekey.reason));
  message.set_msk_id(ToProto(rekey.msk));
  message.set_mtk_id(rekey.mtk.value);
  *message.mutable_prepare_time() = ToProto(rekey.prepared_at);
  *message.mutable_switch_time() = ToProto(rekey.switch_at);
  message.set_recipients(rekey.recipients);
  return message;
}

v1::Event ToProto(const controller::Event& event) {
  v1::Event message;
  *message.mutable_time() = ToProto(event.at);
  message.set_resource(event.resource);
  message.set_kind(static_cast<v1::Event::Kind>(event.kind));
  if (event.rekey) *message.mutable_rekey() = ToProto(event.channel, *event.rekey);
  return message;
}

}  // namespace keymast::server
