// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/keys.h"

#include "base/cursor.h"

namespace keymast::mikey::v2 {
namespace {

constexpr std::string_view kPrefix = "MIKEYv2 ";
constexpr std::array<uint8_t, 1> kEnd{0};
constexpr size_t kMaxFields = 4;
constexpr size_t kMaxLabel = 128;  // 4 + 1 + 4 + 1 + 2 * (1 + 32) + 1 + 32 = 109

// IdHead is an identity's type and length, which stand before its octets (MIKEYv2 §4.3).
std::array<uint8_t, 3> IdHead(const Identity& identity) {
  std::array<uint8_t, 3> head{};
  Writer writer(head);
  writer.U8(static_cast<uint8_t>(identity.type));
  writer.U16(identity.data.size());
  return head;
}

crypto::Key32 ForIdentities(const crypto::Suite& suite, ByteView key, std::string_view name,
                            const Identity& offerer, const Identity& answerer) {
  const auto head_i = IdHead(offerer);
  const auto head_r = IdHead(answerer);
  const std::array<ByteView, 4> fields{head_i, offerer.data, head_r, answerer.data};
  return Kdf(suite, key, name, fields);
}

void DeriveLabelled(const crypto::Suite& suite, PrfFunc prf, ByteView inkey, KeyConstant constant,
                    uint8_t cs_id, const Label& label, MutableBytes out) {
  std::array<uint8_t, kMaxLabel> octets;  // as far as it is written
  Writer writer(octets);
  writer.U32(static_cast<uint32_t>(constant));
  writer.U8(cs_id);
  writer.U32(label.csb_id.value);
  writer.U8(label.data_type);
  for (const ByteView rand : {label.rand_i, label.rand_r}) {
    writer.U8(rand.size());
    writer.Put(rand);
  }
  writer.U8(label.context.size());
  writer.Put(label.context);
  KEYMAST_CHECK(writer.ok() && !inkey.empty());
  Prf(suite, prf, inkey, writer.written(), out);
}

}  // namespace

Digest HashOf(const crypto::Suite& suite, std::span<const ByteView> parts) {
  Digest digest{};
  suite.sha256(parts, digest);
  return digest;
}

Digest HashOf(const crypto::Suite& suite, ByteView octets) {
  const std::array<ByteView, 1> parts{octets};
  return HashOf(suite, parts);
}

Digest FinishHash(const crypto::Suite& suite, const Digest& th, const Digest& ah) {
  const std::array<ByteView, 2> parts{th, ah};
  return HashOf(suite, parts);
}

crypto::Key32 Kdf(const crypto::Suite& suite, ByteView key, std::string_view name,
                  std::span<const ByteView> fields) {
  KEYMAST_CHECK(fields.size() <= kMaxFields && !key.empty());
  std::array<ByteView, 3 + kMaxFields> parts{AsBytes(kPrefix), AsBytes(name), kEnd};
  std::copy(fields.begin(), fields.end(), parts.begin() + 3);
  auto out = crypto::Key32::OfSize(32);
  suite.hmac(crypto::Hash::kSha256, key, std::span(parts).first(3 + fields.size()),
             out.mutable_view());
  return out;
}

crypto::Key32 PskV2(const crypto::Suite& suite, ByteView psk, const Identity& offerer,
                    const Identity& answerer) {
  return ForIdentities(suite, psk, "PSK", offerer, answerer);
}

crypto::Key32 ResumedPsk(const crypto::Suite& suite, ByteView resumption_secret,
                         const Identity& offerer, const Identity& answerer) {
  return ForIdentities(suite, resumption_secret, "O", offerer, answerer);
}

ExchangeSecret MixedSecret(const crypto::Suite& suite, ByteView psk_v2, ByteView z,
                           const Digest& th) {
  const std::array<ByteView, 2> fields{z, th};
  return ExchangeSecret(Kdf(suite, psk_v2, "X", fields).view());
}

crypto::Key32 ReportKey(const crypto::Suite& suite, ByteView secret) {
  return Kdf(suite, secret, "report", {});
}

crypto::Key32 ResumptionSecret(const crypto::Suite& suite, ByteView exchange_secret,
                               const Digest& th, const Digest& ah) {
  const std::array<ByteView, 2> fields{th, ah};
  return Kdf(suite, exchange_secret, "resume", fields);
}

void DeriveMessageKey(const crypto::Suite& suite, PrfFunc prf, ByteView inkey, KeyConstant constant,
                      const Label& label, MutableBytes out) {
  DeriveLabelled(suite, prf, inkey, constant, kMikeyOwnKeys, label, out);
}

void DeriveTraffic(const crypto::Suite& suite, PrfFunc prf, ByteView tgk, uint8_t cs_id,
                   const Label& label, MutableBytes key, MutableBytes salt) {
  DeriveLabelled(suite, prf, tgk, KeyConstant::kTek, cs_id, label, key);
  DeriveLabelled(suite, prf, tgk, KeyConstant::kTgkSalt, cs_id, label, salt);
}

}  // namespace keymast::mikey::v2
