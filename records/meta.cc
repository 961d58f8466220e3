// SPDX-License-Identifier: Apache-2.0
#include "records/meta.h"

#include <algorithm>

#include "records/coder.h"

namespace keymast::records {

template <class C>
void Fields(C& c, Ref<C, RecordKey> key) {
  All(c, key.number, key.sealing, key.vouching);
}

namespace {

constexpr std::string_view kMark("keymast meta\0\0\0\0", 16);
constexpr size_t kMaxWrapped = 1024;
constexpr size_t kMaxNamed = 2;

// Of formats before 5: check value of the master key, then an envelope.
constexpr size_t kCheckSize = 16;
constexpr size_t kIdOctets = 8;  // of the check value that are shown as the id

// Outside is what a value shows without any key.
struct Outside {
  uint16_t format = 0;
  std::vector<WrappedKey> named;  // without their keys
  ByteView clear;
  ByteView sealed;
};

std::string IdIn(Reader& reader) {
  const ByteView text = reader.Take(reader.U8());
  const bool is_id = !text.empty() && text.size() <= crypto::MasterKey::kMaxId &&
                     std::all_of(text.begin(), text.end(), [](uint8_t c) {
                       return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                     });
  return is_id ? std::string(AsText(text)) : std::string();
}

bool IsMarked(ByteView value) {
  return value.size() >= kMark.size() && Equal(value.first(kMark.size()), AsBytes(kMark));
}

Result<Outside> ReadOutside(ByteView value) {
  Reader reader(value);
  Outside outside;
  const bool is_marked = IsMarked(value);
  const ByteView front = reader.Take(kMark.size());
  outside.format = reader.U16();
  if (!reader.ok() || outside.format == 0) return Err(Error::kCorrupt);
  if (outside.format > kFormat) return Err(Error::kNewerFormat);
  if (!is_marked) {
    outside.named.push_back({ToHex(front.first(kIdOctets)), {}, {}});
    outside.clear = front;
    outside.sealed = value.subspan(kCheckSize);
    return outside;
  }
  const size_t count = reader.U8();
  if (count == 0 || count > kMaxNamed) return Err(Error::kCorrupt);
  for (size_t i = 0; i < count; ++i) {
    WrappedKey named;
    named.master_key_id = IdIn(reader);
    const size_t size = reader.U16();
    const ByteView wrapped = size > kMaxWrapped ? ByteView() : reader.Take(size);
    if (!reader.ok() || named.master_key_id.empty() || wrapped.empty()) return Err(Error::kCorrupt);
    named.octets.assign(wrapped.begin(), wrapped.end());
    outside.named.push_back(std::move(named));
  }
  outside.clear = value.first(reader.position());
  outside.sealed = reader.rest();
  return outside;
}

// The key that the master key wrapped which is being left is kept, so that going back to it does
// not need it.
template <class C>
void Fields(C& c, Ref<C, Meta> meta) {
  All(c, meta.import_key);
  Sequence(c, meta.record_keys);
  if (meta.left) All(c, meta.left->key);
}

bool IsWhole(const Meta& meta) {
  const auto has_32 = [](const RecordKey& key) {
    return key.sealing.size() == 32 && key.vouching.size() == 32;
  };
  const auto falls = [](const RecordKey& a, const RecordKey& b) { return a.number >= b.number; };
  const auto& keys = meta.record_keys;
  return meta.import_key.size() == 32 && (!meta.left || meta.left->key.size() == 32) &&
         !keys.empty() && std::all_of(keys.begin(), keys.end(), has_32) &&
         std::adjacent_find(keys.begin(), keys.end(), falls) == keys.end();
}

std::string IdsOf(const MasterKeys& master_keys) {
  std::string ids;
  for (const crypto::MasterKey* key : master_keys) ids += (ids.empty() ? "" : ", ") + key->id();
  return ids;
}

tl::unexpected<Failure> Wrong(const Outside& outside, const MasterKeys& master_keys,
                              const std::string& data) {
  const auto& named = outside.named;
  std::string text = "data " + data + ": belongs to another master key, " +
                     named.front().master_key_id + "; given: " + IdsOf(master_keys);
  if (named.size() > 1) {
    text += ". It is being rotated from " + named.back().master_key_id +
            ": give the new one, as next_master_key or in the old one's place";
  } else {
    text += ". Give the one of its `init`, or of its last rotation";
  }
  return Fail(Error::kWrongMasterKey, text);
}

// OpenFirst opens what was sealed before there were record keys, under a key that is in this
// process. A flipped bit breaks one of check value and seal, another key both.
tl::expected<Meta, Failure> OpenFirst(const Outside& outside, const MasterKeys& master_keys,
                                      const std::string& data) {
  for (const crypto::MasterKey* master_key : master_keys) {
    if (master_key->octets() == nullptr) continue;
    const auto check = crypto::MasterKeyCheck(*master_key->octets());
    const RecordKey first = FirstRecordKey(*master_key->octets());
    crypto::SeededRng unused(0);
    const auto opened = Envelope({first}, unused).Open(EntryType::kMeta, kMetaKey, outside.sealed);
    const bool same_key = Equal(outside.clear, check);
    if (opened && same_key && opened->body.size() == 32) {
      Meta meta;
      meta.import_key = crypto::SecretKey<32>(opened->body);
      meta.record_keys = {first};
      meta.in_use.master_key_id = master_key->id();
      meta.is_current = false;
      return meta;
    }
    if (opened || same_key) return Damaged(data, "meta entry is damaged");
  }
  return Wrong(outside, master_keys, data);
}

tl::expected<Meta, Failure> OpenUnder(const crypto::SecretKey<32>& key, const Outside& outside,
                                      const std::string& data) {
  Meta meta;
  meta.in_use = outside.named.front();
  meta.in_use.key = key;
  if (outside.named.size() > 1) meta.left = outside.named.back();
  const auto body = crypto::Sealer(key).Open(outside.clear, outside.sealed);
  if (!body) return Damaged(data, "meta entry is damaged");
  Decoder decoder(*body);
  Fields(decoder, meta);
  if (!decoder.Finished() || !IsWhole(meta)) return Damaged(data, "meta entry is damaged");
  return meta;
}

}  // namespace

tl::unexpected<Failure> Damaged(const std::string& data, const std::string& what) {
  return Fail(Error::kCorrupt, "data " + data + ": " + what +
                                   "; nothing was changed. Restore a backup of data and start with "
                                   "--accept-rollback");
}

tl::unexpected<Failure> ReadFailure(Error error, const std::string& data, const std::string& what) {
  if (error == Error::kCorrupt || error == Error::kDecryptionFailed) {
    return Damaged(data, what + " is damaged");
  }
  if (error == Error::kNewerFormat) {
    return Fail(error, "data " + data + ": " + what + " was written by a newer keymast");
  }
  return Fail(error,
              "data " + data + ": " + what + " cannot be read: " + std::string(ErrorName(error)));
}

tl::expected<WrappedKey, Failure> WrapMetaKey(const crypto::MasterKey& master_key,
                                              crypto::Rng& rng) {
  WrappedKey made{master_key.id(), {}, crypto::SecretKey<32>::OfSize(32)};
  rng.Fill(made.key.mutable_view());
  auto wrapped = master_key.Wrap(made.key, rng);
  if (!wrapped) return tl::unexpected(wrapped.error());
  KEYMAST_CHECK(!wrapped->empty() && wrapped->size() <= kMaxWrapped);
  made.octets = std::move(*wrapped);
  return made;
}

Bytes WriteMeta(const Meta& meta, crypto::Rng& rng) {
  Bytes value(kMark.begin(), kMark.end());
  const auto put = [&value](size_t number, size_t width) {
    for (size_t i = width; i-- > 0;) value.push_back(static_cast<uint8_t>(number >> (8 * i)));
  };
  put(kFormat, 2);
  put(meta.left ? 2 : 1, 1);
  for (const WrappedKey* named : {&meta.in_use, meta.left ? &*meta.left : nullptr}) {
    if (named == nullptr) continue;
    put(named->master_key_id.size(), 1);
    value.insert(value.end(), named->master_key_id.begin(), named->master_key_id.end());
    put(named->octets.size(), 2);
    value.insert(value.end(), named->octets.begin(), named->octets.end());
  }
  crypto::SecretBytes body;
  Encoder encoder(body);
  Fields(encoder, meta);
  KEYMAST_CHECK(encoder.ok());
  const Bytes sealed = crypto::Sealer(meta.in_use.key).Seal(value, body, rng);
  value.insert(value.end(), sealed.begin(), sealed.end());
  return value;
}

tl::expected<Meta, Failure> OpenMeta(ByteView value, const MasterKeys& master_keys,
                                     const std::string& data) {
  const Result<Outside> outside = ReadOutside(value);
  if (!outside) return ReadFailure(outside.error(), data, "meta entry");
  if (!IsMarked(value)) return OpenFirst(*outside, master_keys, data);
  for (const crypto::MasterKey* master_key : master_keys) {
    if (master_key->id() != outside->named.front().master_key_id) continue;
    const auto key = master_key->Unwrap(outside->named.front().octets);
    if (key) return OpenUnder(*key, *outside, data);
    if (key.error().error != Error::kDecryptionFailed) return tl::unexpected(key.error());
    return Damaged(data, "meta entry is damaged (" + key.error().message + ")");
  }
  return Wrong(*outside, master_keys, data);
}

tl::expected<Meta, Failure> ReadMeta(store::Store& store, const MasterKeys& master_keys,
                                     const std::string& data) {
  const auto found = store.Scan(kMetaKey, {}, 1, 0);
  if (!found) return ReadFailure(found.error(), data, "meta entry");
  if (found->empty() || found->front().key != kMetaKey) {
    const auto any = store.Scan({}, {}, 1, 0);
    if (any && !any->empty()) return Damaged(data, "its meta entry is missing");
    return Fail(Error::kNotFound, "data " + data + ": holds nothing yet; `keymastd init` makes it");
  }
  return OpenMeta(found->front().value, master_keys, data);
}

Result<std::vector<std::string>> MasterKeyIdsIn(ByteView value) {
  const Result<Outside> outside = ReadOutside(value);
  if (!outside) return Err(outside.error());
  std::vector<std::string> ids;
  for (const WrappedKey& named : outside->named) ids.push_back(named.master_key_id);
  return ids;
}

}  // namespace keymast::records
