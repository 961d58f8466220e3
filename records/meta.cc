// SPDX-License-Identifier: Apache-2.0
#include "records/meta.h"

#include "base/cursor.h"

namespace keymast::records {
namespace {

// FormatOf is the format of the sealed part; 0 when there is none.
uint16_t FormatOf(ByteView sealed) { return Reader(sealed).U16(); }

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

Bytes WriteMeta(const Envelope& envelope, const Header& header,
                const crypto::SecretKey<32>& import_key) {
  Bytes value(envelope.key_check().begin(), envelope.key_check().end());
  const Bytes sealed = envelope.Seal(EntryType::kMeta, kMetaKey, header, import_key.view());
  value.insert(value.end(), sealed.begin(), sealed.end());
  return value;
}

tl::expected<crypto::SecretKey<32>, Failure> ReadMeta(store::Store& store, const Envelope& envelope,
                                                      const std::string& data) {
  const auto found = store.Scan(kMetaKey, {}, 1, 0);
  if (!found) return ReadFailure(found.error(), data, "meta entry");
  if (found->empty() || found->front().key != kMetaKey) {
    const auto any = store.Scan({}, {}, 1, 0);
    if (any && !any->empty()) return Damaged(data, "its meta entry is missing");
    return Fail(Error::kNotFound, "data " + data + ": holds nothing yet; `keymastd init` makes it");
  }
  const ByteView value = found->front().value;
  const size_t check_size = envelope.key_check().size();
  if (value.size() < check_size) return Damaged(data, "meta entry is damaged");
  const ByteView sealed = value.subspan(check_size);
  const Result<Opened> opened = envelope.Open(EntryType::kMeta, kMetaKey, sealed);
  const bool same_key = Equal(value.first(check_size), envelope.key_check());
  if (opened && same_key && opened->body.size() == 32) {
    return crypto::SecretKey<32>(opened->body);
  }
  if (FormatOf(sealed) > kFormat) return ReadFailure(Error::kNewerFormat, data, "meta entry");
  // A flipped bit breaks one of the two, another key both.
  if (opened || same_key) return Damaged(data, "meta entry is damaged");
  return Fail(Error::kWrongMasterKey,
              "data " + data + ": belongs to another master key; give the one of its `init`");
}

}  // namespace keymast::records
