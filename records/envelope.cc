// SPDX-License-Identifier: Apache-2.0
#include "records/envelope.h"

#include <algorithm>

#include "base/cursor.h"

namespace keymast::records {
namespace {

constexpr size_t kHeader = 2 + 8 + 8;
constexpr size_t kNonce = 24;
constexpr size_t kTag = 16;

crypto::SecretKey<32> Derive(const crypto::SecretKey<32>& master_key, std::string_view purpose) {
  auto key = crypto::SecretKey<32>::OfSize(32);
  crypto::HkdfSha256(master_key.view(), {}, AsBytes(purpose), key.mutable_view());
  return key;
}

Bytes Aad(EntryType type, std::string_view key, ByteView header) {
  Bytes aad(1 + 2 + key.size() + header.size());
  Writer writer(aad);
  writer.U8(static_cast<uint8_t>(type));
  writer.U16(key.size());
  writer.Put(AsBytes(key));
  writer.Put(header);
  return aad;
}

}  // namespace

void Toggle(Fingerprint& all, const Fingerprint& one) {
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint8_t>(all[i] ^ one[i]);
}

Envelope::Envelope(const crypto::SecretKey<32>& master_key, crypto::Rng& rng)
    : sealer_(Derive(master_key, "keymast records")),
      fingerprint_key_(Derive(master_key, "keymast pages")),
      rng_(rng) {
  crypto::HkdfSha256(master_key.view(), {}, AsBytes("keymast key check"), key_check_);
}

Bytes Envelope::Seal(EntryType type, std::string_view key, const Header& header,
                     ByteView body) const {
  std::array<uint8_t, kHeader> clear{};
  Writer writer(clear);
  writer.U16(kFormat);
  writer.U64(header.number);
  writer.U64(header.incarnation);
  const Bytes sealed = sealer_.Seal(Aad(type, key, clear), body, rng_);
  Bytes value(kHeader + sealed.size());
  std::copy(sealed.begin(), sealed.end(), std::copy(clear.begin(), clear.end(), value.begin()));
  return value;
}

Result<Opened> Envelope::Open(EntryType type, std::string_view key, ByteView value) const {
  Reader reader(value);
  const uint16_t format = reader.U16();
  Opened opened;
  opened.header.number = reader.U64();
  opened.header.incarnation = reader.U64();
  if (!reader.ok() || format == 0) return Err(Error::kCorrupt);
  if (format > kFormat) return Err(Error::kNewerFormat);
  Result<crypto::SecretBytes> body =
      sealer_.Open(Aad(type, key, value.first(kHeader)), value.subspan(kHeader));
  if (!body) return Err(Error::kCorrupt);
  opened.body = std::move(*body);
  return opened;
}

Fingerprint Envelope::FingerprintOf(std::string_view key, ByteView value) const {
  // Nonce and tag stand for all that is sealed between them.
  KEYMAST_CHECK(value.size() >= kOverhead);
  const ByteView parts[] = {AsBytes(key), value.first(kHeader + kNonce), value.last(kTag)};
  const crypto::SecretKey<32> mac = crypto::HmacSha256(fingerprint_key_.view(), parts);
  Fingerprint fingerprint;
  std::copy(mac.view().begin(), mac.view().end(), fingerprint.begin());
  return fingerprint;
}

}  // namespace keymast::records
