// SPDX-License-Identifier: Apache-2.0
#include "rekey/messages.h"
#include "srtp/index.h"
#include "srtp/policy.h"

namespace keymast::rekey {
namespace {

constexpr size_t kMaxMskMessage = 1400;

// Streams fills the SRTP-ID map (RFC 3830 §6.1.1): without the ROC of now a late joiner could not
// tell the index of its first packet (RFC 3711 §3.3.1).
std::span<const mikey::StreamSync> Streams(const ChannelState& channel,
                                           std::span<mikey::StreamSync> room) {
  size_t count = 0;
  for (const groups::Stream& stream : channel.channel.streams) {
    const auto position = channel.positions.find(stream.ssrc);
    const Roc roc =
        position == channel.positions.end() ? Roc(0) : srtp::RocOf(position->second.index);
    room[count++] = {0, stream.ssrc, roc};
  }
  return room.first(count);
}

std::span<const mikey::SpParam> Policy(SrtpProfile profile, std::span<mikey::SpParam> room) {
  size_t count = 0;
  for (const srtp::PolicyParam& param : srtp::ParamsOf(profile)) {
    room[count++] = {param.type, param.value};
  }
  return room.first(count);
}

}  // namespace

Result<Bytes> MskMessage(const crypto::Suite& suite, const mikey::Profile3gpp& profile,
                         const ChannelState& channel, const Msk& msk, const MskRecipient& to) {
  std::array<mikey::StreamSync, mikey::kMaxStreams> streams{};
  std::array<mikey::SpParam, 32> params{};
  const std::optional<Slot>& active = channel.ladder.active;
  mikey::MskMessage message;
  message.ids = {channel.channel.key_domain, msk.id, std::nullopt};  // RFC 4563 §4
  message.csb_id = msk.csb_id;
  message.counter = to.counter;
  message.rand = msk.rand;
  message.idi = AsBytes(to.server_identity);
  message.idr = AsBytes(to.identity);
  message.policy = Policy(channel.channel.profile, params);
  message.streams = Streams(channel, streams);
  message.msk = msk.key.view();
  message.low = active && active->msk == msk.id ? active->mtk : msk.low;
  message.high = msk.high;
  std::array<uint8_t, kMaxMskMessage> room;  // as far as it is written
  const Result<size_t> size = mikey::WriteMskMessage(suite, profile, message, to.user_key, room);
  if (!size) return Err(size.error());
  const ByteView written = ByteView(room).first(*size);
  return Bytes(written.begin(), written.end());
}

}  // namespace keymast::rekey
