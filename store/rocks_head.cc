// SPDX-License-Identifier: Apache-2.0
#include "store/rocks_head.h"

#include <array>

#include "base/check.h"
#include "base/cursor.h"

namespace keymast::store {
namespace {

constexpr char kOwn = '\x00';
constexpr char kCallers = '\x01';
constexpr size_t kHeadSize = 4 + 8 + 8;
constexpr size_t kRevisionSize = 8;

}  // namespace

bool Follows(const Head& head, const Head& next) {
  const bool committed = next.revision == head.revision + 1 && next.fence == head.fence;
  const bool opened = next.revision == head.revision && next.fence == head.fence + 1;
  return committed || opened;
}

std::string_view HeadKey() {
  static constexpr std::array<char, 5> kKey = {kOwn, 'h', 'e', 'a', 'd'};
  return {kKey.data(), kKey.size()};
}

std::string EncodeHead(const Head& head) {
  std::array<uint8_t, kHeadSize> record;
  Writer writer(record);
  writer.U32(head.format);
  writer.U64(head.revision);
  writer.U64(head.fence);
  KEYMAST_CHECK(writer.ok() && writer.size() == record.size());
  return std::string(AsText(record));
}

Result<Head> DecodeHead(std::string_view record) {
  Reader reader(AsBytes(record));
  Head head;
  head.format = reader.U32();
  // The rest of a newer format is not ours to judge.
  if (reader.ok() && head.format > kRocksFormat) return Err(Error::kNewerFormat);
  head.revision = reader.U64();
  head.fence = reader.U64();
  if (!reader.Finish() || head.format != kRocksFormat) return Err(Error::kMalformed);
  return head;
}

std::string StoredKey(std::string_view key) {
  std::string stored;
  stored.reserve(key.size() + 1);
  stored.push_back(kCallers);
  stored.append(key);
  return stored;
}

std::string PastPrefix(std::string_view prefix) {
  std::string past = StoredKey(prefix);
  while (past.back() == '\xff') past.pop_back();
  past.back() = static_cast<char>(past.back() + 1);
  return past;
}

std::string_view CallersKey(std::string_view stored) { return stored.substr(1); }

std::string StoredValue(Revision revision, ByteView value) {
  std::array<uint8_t, kRevisionSize> number;
  Writer(number).U64(revision);
  std::string stored;
  stored.reserve(number.size() + value.size());
  stored.append(AsText(number));
  stored.append(AsText(value));
  return stored;
}

Result<ParsedValue> ParseValue(std::string_view stored) {
  Reader reader(AsBytes(stored));
  const Revision revision = reader.U64();
  if (!reader.ok()) return Err(Error::kCorrupt);
  return ParsedValue{revision, reader.Take(reader.remaining())};
}

}  // namespace keymast::store
