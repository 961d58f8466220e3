// SPDX-License-Identifier: Apache-2.0
#include "crypto/boxes.h"

#include "base/cursor.h"

namespace keymast::crypto {
namespace {

void PutText(Writer& writer, std::string_view text) {
  KEYMAST_CHECK(text.size() <= 0xffff);
  writer.U16(text.size());
  writer.Put(AsBytes(text));
}

}  // namespace

Bytes UserKeyAad(const SubscriberId& subscriber, std::string_view identity) {
  Bytes aad(4 + subscriber.value.size() + identity.size());
  Writer writer(aad);
  PutText(writer, subscriber.value);
  PutText(writer, identity);
  return aad;
}

Bytes HeadendChallengeAad(const HeadendId& headend) {
  Bytes aad(2 + headend.value.size());
  Writer writer(aad);
  PutText(writer, headend.value);
  return aad;
}

Bytes TrafficKeyAad(const TrafficKeyContext& context) {
  Bytes aad(4 + context.channel.value.size() + context.headend.value.size() + 24);
  Writer writer(aad);
  PutText(writer, context.channel.value);
  PutText(writer, context.headend.value);
  writer.U32(context.msk.value());
  writer.U16(context.mtk.value);
  writer.U64(static_cast<uint64_t>(ToUnixNanos(context.switch_at)));
  writer.U64(context.epoch);
  writer.U16(static_cast<uint16_t>(context.profile));
  KEYMAST_CHECK(writer.ok() && writer.size() == aad.size());
  return aad;
}

}  // namespace keymast::crypto
