// SPDX-License-Identifier: Apache-2.0
#include "base/cursor.h"
#include "rekey/messages.h"
#include "srtp/policy.h"

namespace keymast::rekey {
namespace {

constexpr std::string_view kMtkLabel = "mtk";
constexpr size_t kMaxMtk = 32 + 14;
constexpr size_t kMaxMtkMessage = 1400;

}  // namespace

Mtk DeriveMtk(const Msk& msk, MtkId id, const groups::Channel& channel) {
  const srtp::ProfileInfo& info = srtp::InfoOf(channel.profile);
  std::array<uint8_t, kMtkLabel.size() + 3 + 4 + 2> context{};
  Writer writer(context);
  writer.Put(AsBytes(kMtkLabel));
  writer.Put(channel.key_domain.octets);
  writer.U32(msk.id.value());
  writer.U16(id.value);
  auto octets =
      crypto::SecretKey<kMaxMtk>::OfSize(static_cast<size_t>(info.key_length) + info.salt_length);
  crypto::HkdfSha256(msk.seed.view(), {}, writer.written(), octets.mutable_view());
  return {crypto::Key32(octets.view().first(info.key_length)),
          crypto::Salt14(octets.view().subspan(info.key_length))};
}

Result<Bytes> MtkMessage(const crypto::Suite& suite, const mikey::Profile3gpp& profile,
                         const groups::Channel& channel, const Msk& msk, MtkId id,
                         uint32_t counter) {
  const Mtk mtk = DeriveMtk(msk, id, channel);
  mikey::MtkMessage message;
  message.ids = {channel.key_domain, msk.id, id};  // RFC 4563 §4
  message.csb_id = msk.csb_id;
  message.counter = counter;
  message.msk_rand = msk.rand;
  message.key = mtk.key.view();
  message.salt = mtk.salt.view();
  std::array<uint8_t, kMaxMtkMessage> room;  // as far as it is written
  const size_t most = std::min<size_t>(room.size(), channel.policy.max_datagram);
  const Result<size_t> size = mikey::WriteMtkMessage(suite, profile, message, msk.key.view(),
                                                     MutableBytes(room).first(most));
  if (!size) return Err(size.error());
  const ByteView written = ByteView(room).first(*size);
  return Bytes(written.begin(), written.end());
}

}  // namespace keymast::rekey
