// SPDX-License-Identifier: Apache-2.0
#include "records/envelope.h"

#include <algorithm>

#include "base/cursor.h"

namespace keymast::records {
namespace {

constexpr uint16_t kFirstWithRecordKey = 5;
constexpr size_t kHeader = 2 + 4 + 8 + 8;
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

// Front is the header of a value, read; `size` is 0 when it is cut short.
struct Front {
  uint16_t format = 0;
  uint32_t record_key = 0;
  Header header;
  size_t size = 0;
};

Front ReadFront(ByteView value) {
  Reader reader(value);
  Front front;
  front.format = reader.U16();
  if (front.format >= kFirstWithRecordKey) front.record_key = reader.U32();
  front.header.number = reader.U64();
  front.header.incarnation = reader.U64();
  if (reader.ok()) front.size = reader.position();
  return front;
}

}  // namespace

RecordKey MakeRecordKey(uint32_t number, crypto::Rng& rng) {
  RecordKey key{number, crypto::SecretKey<32>::OfSize(32), crypto::SecretKey<32>::OfSize(32)};
  rng.Fill(key.sealing.mutable_view());
  rng.Fill(key.vouching.mutable_view());
  return key;
}

RecordKey FirstRecordKey(const crypto::SecretKey<32>& master_key) {
  return {0, Derive(master_key, "keymast records"), Derive(master_key, "keymast pages")};
}

void Toggle(Fingerprint& all, const Fingerprint& one) {
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint8_t>(all[i] ^ one[i]);
}

uint32_t RecordKeyOf(ByteView value) { return ReadFront(value).record_key; }

Envelope::Envelope(const std::vector<RecordKey>& keys, crypto::Rng& rng) : rng_(rng) { Use(keys); }

void Envelope::Use(const std::vector<RecordKey>& keys) {
  KEYMAST_CHECK(!keys.empty());
  keys_.clear();
  keys_.reserve(keys.size());
  for (const RecordKey& key : keys) {
    keys_.push_back({key.number, crypto::Sealer(key.sealing), key.vouching});
  }
}

const Envelope::Key* Envelope::Find(uint32_t number) const {
  const auto found = std::find_if(keys_.begin(), keys_.end(),
                                  [number](const Key& key) { return key.number == number; });
  return found == keys_.end() ? nullptr : &*found;
}

Bytes Envelope::Seal(EntryType type, std::string_view key, const Header& header,
                     ByteView body) const {
  std::array<uint8_t, kHeader> clear{};
  Writer writer(clear);
  writer.U16(kFormat);
  writer.U32(newest());
  writer.U64(header.number);
  writer.U64(header.incarnation);
  const Bytes sealed = keys_.back().sealer.Seal(Aad(type, key, clear), body, rng_);
  Bytes value(kHeader + sealed.size());
  std::copy(sealed.begin(), sealed.end(), std::copy(clear.begin(), clear.end(), value.begin()));
  return value;
}

Result<Opened> Envelope::Open(EntryType type, std::string_view key, ByteView value) const {
  const Front front = ReadFront(value);
  if (front.size == 0 || front.format == 0) return Err(Error::kCorrupt);
  if (front.format > kFormat) return Err(Error::kNewerFormat);
  const Key* under = Find(front.record_key);
  if (under == nullptr) return Err(Error::kCorrupt);
  Result<crypto::SecretBytes> body =
      under->sealer.Open(Aad(type, key, value.first(front.size)), value.subspan(front.size));
  if (!body) return Err(Error::kCorrupt);
  return Opened{front.header, front.record_key, std::move(*body)};
}

Fingerprint Envelope::FingerprintOf(std::string_view key, ByteView value) const {
  const Front front = ReadFront(value);
  const Key* under = Find(front.record_key);
  Fingerprint fingerprint{};
  if (under == nullptr || front.size == 0 || value.size() < front.size + kNonce + kTag) {
    return fingerprint;
  }
  // Nonce and tag stand for all that is sealed between them.
  const ByteView parts[] = {AsBytes(key), value.first(front.size + kNonce), value.last(kTag)};
  const crypto::SecretKey<32> mac = crypto::HmacSha256(under->vouching.view(), parts);
  std::copy(mac.view().begin(), mac.view().end(), fingerprint.begin());
  return fingerprint;
}

}  // namespace keymast::records
