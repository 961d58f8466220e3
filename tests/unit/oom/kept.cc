// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/oom/kept.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/check.h"
#include "base/cursor.h"

namespace keymast::oom {
namespace {

void PutText(Bytes& out, ByteView text) {
  std::array<uint8_t, 4> length{};
  Writer(length).U32(text.size());
  out.insert(out.end(), length.begin(), length.end());
  out.insert(out.end(), text.begin(), text.end());
}

ByteView TakeText(Reader& reader) {
  const uint32_t length = reader.U32();
  return reader.Take(length);
}

}  // namespace

Result<store::Revision> KeptStore::Commit(const store::Batch& batch) {
  KEYMAST_CHECK(batch.puts.size() <= UINT8_MAX && batch.deletes.size() <= UINT8_MAX);
  Bytes record;
  const std::array<uint8_t, 2> counts{static_cast<uint8_t>(batch.puts.size()),
                                      static_cast<uint8_t>(batch.deletes.size())};
  record.insert(record.end(), counts.begin(), counts.end());
  for (const auto& [key, value] : batch.puts) {
    PutText(record, AsBytes(key));
    PutText(record, value);
  }
  for (const std::string& key : batch.deletes) PutText(record, AsBytes(key));
  const Result<store::Revision> revision = inner_->Commit(batch);
  if (!revision) return revision;
  KEYMAST_CHECK(write(file_, record.data(), record.size()) == static_cast<ssize_t>(record.size()));
  return revision;
}

Result<std::string> KeptStore::BeginBackup() {
  if (!EndBackup() || mkdir(backup_.c_str(), 0700) != 0) return Err(Error::kIo);
  const int file = open((backup_ + "/file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  KEYMAST_CHECK(write(file, "k", 1) == 1);
  close(file);
  return backup_;
}

Status KeptStore::EndBackup() {
  std::error_code problem;
  std::filesystem::remove_all(backup_, problem);
  return problem ? Status(Err(Error::kIo)) : Status();
}

void CommitAgain(ByteView file, store::Store& store) {
  Reader reader(file);
  while (reader.remaining() > 0) {
    store::Batch batch;
    const size_t puts = reader.U8();
    const size_t deletes = reader.U8();
    for (size_t i = 0; i < puts; ++i) {
      const ByteView key = TakeText(reader);
      const ByteView value = TakeText(reader);
      batch.puts.emplace_back(AsText(key), Bytes(value.begin(), value.end()));
    }
    for (size_t i = 0; i < deletes; ++i) batch.deletes.emplace_back(AsText(TakeText(reader)));
    batch.fence = store.fence();
    KEYMAST_CHECK(reader.ok() && store.Commit(batch).has_value());
  }
}

}  // namespace keymast::oom
