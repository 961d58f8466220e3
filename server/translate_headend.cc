// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "server/masks.h"
#include "server/names.h"
#include "server/translate.h"

namespace keymast::server {
namespace {

constexpr uint64_t kMaxIndex = (uint64_t{1} << 48) - 1;  // RFC 3711 §3.3.1
constexpr uint32_t kMaxMtkId = 65535;

bool ReadKey(uint32_t msk, uint32_t mtk, MskId& msk_id, MtkId& mtk_id) {
  if (mtk == 0 || mtk > kMaxMtkId) return false;
  msk_id = MskId::FromValue(msk);
  mtk_id = MtkId(static_cast<uint16_t>(mtk));
  return true;
}

std::vector<ChannelId> ReadChannels(const v1::Headend& message, Violations& violations) {
  std::vector<ChannelId> channels;
  for (int i = 0; i < message.channels_size(); ++i) {
    if (const auto channel = ChannelOf(message.channels(i))) {
      channels.push_back(*channel);
    } else {
      violations.Add("headend.channels[" + std::to_string(i) + "]",
                     "must be the name of a channel, as channels/one");
    }
  }
  return channels;
}

}  // namespace

Outcome<controller::CreateHeadend> FromProto(const v1::CreateHeadendRequest& request) {
  Violations violations;
  groups::Headend headend;
  headend.id = HeadendId(request.headend_id());
  if (!groups::IsResourceId(request.headend_id())) {
    violations.Add("headend_id", std::string(groups::kResourceIdRule));
  }
  const ByteView key = AsBytes(request.headend().public_key());
  if (key.size() == headend.public_key.size()) {
    std::copy(key.begin(), key.end(), headend.public_key.begin());
  } else {
    violations.Add("headend.public_key", "must be an X25519 public key of 32 octets");
  }
  headend.channels = ReadChannels(request.headend(), violations);
  if (!violations.empty()) return std::move(violations).Failed(NameOf(headend.id));
  return controller::CreateHeadend{std::move(headend)};
}

Outcome<controller::UpdateHeadend> FromProto(const v1::UpdateHeadendRequest& request,
                                             const controller::Controller& controller) {
  const v1::Headend& asked = request.headend();
  const auto id = HeadendOf(asked.name());
  const auto& headends = controller.state().headends;
  const auto found = id ? headends.find(*id) : headends.end();
  if (found == headends.end())
    return tl::unexpected(NoSuch(asked.name(), "headend.name", kHeadendForm));
  v1::Headend merged = ToProto(controller, found->second);
  Violations violations;
  if (!asked.public_key().empty() && asked.public_key() != merged.public_key()) {
    violations.Add("headend.public_key", "is fixed; create another headend");
  }
  constexpr std::string_view kChangeable[] = {"channels"};
  if (auto read = Merge(asked, &request.update_mask(), kChangeable, merged); !read) {
    return tl::unexpected(read.error());
  }
  controller::UpdateHeadend command{*id, ReadChannels(merged, violations), VersionOf(asked.etag())};
  if (!violations.empty()) return std::move(violations).Failed(asked.name());
  return command;
}

controller::HeadendReport FromProto(const HeadendId& headend, const v1::HeadendReport& report) {
  controller::HeadendReport values;
  values.headend = headend;
  for (const v1::StreamPosition& message : report.positions()) {
    const auto channel = ChannelOf(message.channel());
    rekey::Position position;
    if (!channel || message.index() > kMaxIndex ||
        !ReadKey(message.msk_id(), message.mtk_id(), position.msk, position.mtk)) {
      continue;
    }
    position.index = PacketIndex(message.index());
    values.positions.push_back({*channel, Ssrc(message.ssrc()), position});
  }
  for (const v1::HeldKey& message : report.held()) {
    const auto channel = ChannelOf(message.channel());
    controller::HeadendReport::Held held;
    if (!channel || !ReadKey(message.msk_id(), message.mtk_id(), held.msk, held.mtk)) continue;
    held.channel = *channel;
    values.held.push_back(std::move(held));
  }
  for (const v1::KeptIndex& message : report.kept()) {
    const auto channel = ChannelOf(message.channel());
    Violations violations;
    const Instant created = FromProto(message.create_time(), "create_time", violations);
    if (!channel || !violations.empty() || message.end() > kMaxIndex + 1 ||
        message.mtk_id() > kMaxMtkId) {
      continue;
    }
    values.kept.push_back({*channel, created, Ssrc(message.ssrc()), PacketIndex(message.end()),
                           MskId::FromValue(message.msk_id()),
                           MtkId(static_cast<uint16_t>(message.mtk_id()))});
  }
  return values;
}

v1::Headend ToProto(const controller::Controller& controller, const groups::Headend& headend) {
  v1::Headend message;
  message.set_name(NameOf(headend.id));
  message.set_public_key(std::string(AsText(headend.public_key)));
  for (const ChannelId& channel : headend.channels) message.add_channels(NameOf(channel));
  message.set_connected(controller.HeadendIsConnected(headend.id));
  *message.mutable_create_time() = ToProto(headend.created);
  message.set_etag(EtagOf(groups::VersionOf(headend)));
  return message;
}

v1::ChannelDefinition DefinitionOf(const controller::Controller& controller,
                                   const rekey::ChannelState& channel) {
  v1::ChannelDefinition message;
  *message.mutable_channel() = ToProto(controller, channel);
  for (const auto& [ssrc, position] : channel.positions) {
    v1::StreamPosition& at = *message.add_positions();
    at.set_channel(NameOf(channel.channel.id));
    at.set_msk_id(position.msk.value());
    at.set_mtk_id(position.mtk.value);
    at.set_ssrc(ssrc.value);
    at.set_index(position.index.value);
  }
  return message;
}

v1::TrafficKeyBox ToProto(const controller::HeadendKey& key) {
  v1::TrafficKeyBox message;
  message.set_channel(NameOf(key.channel));
  message.set_msk_id(key.msk.value());
  message.set_mtk_id(key.mtk.value);
  *message.mutable_switch_time() = ToProto(key.switch_at);
  message.set_epoch(key.epoch);
  message.set_srtp_profile(ToProto(key.profile));
  message.set_box(std::string(AsText(key.box)));
  return message;
}

}  // namespace keymast::server
