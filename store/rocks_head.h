// SPDX-License-Identifier: Apache-2.0
// What the embedded backend writes: keys, values and the one record of its own.
#pragma once

#include "store/store.h"

namespace keymast::store {

inline constexpr uint32_t kRocksFormat = 1;

// Head is the store's own record, written with every batch: exactly one of revision and fence goes
// up by one each time, so that a missing batch shows.
struct Head {
  uint32_t format = kRocksFormat;
  Revision revision = 0;
  Fence fence = 0;

  bool operator==(const Head&) const = default;
};

// Follows says whether a batch with `next` can come right after one with `head`.
bool Follows(const Head& head, const Head& next);

// HeadKey sorts before every key of a caller.
std::string_view HeadKey();
std::string EncodeHead(const Head& head);
// DecodeHead is kMalformed, or kNewerFormat when the format is not one of ours.
Result<Head> DecodeHead(std::string_view record);

// StoredKey is a caller's key as it is kept.
std::string StoredKey(std::string_view key);
// PastPrefix is the least stored key above all that begin with `prefix`.
std::string PastPrefix(std::string_view prefix);
// CallersKey undoes StoredKey.
std::string_view CallersKey(std::string_view stored);

// A value is kept behind the revision that wrote it.
std::string StoredValue(Revision revision, ByteView value);
struct ParsedValue {
  Revision revision = 0;
  ByteView value;  // borrowed
};
// ParseValue is kCorrupt when the revision is missing.
Result<ParsedValue> ParseValue(std::string_view stored);

}  // namespace keymast::store
