// SPDX-License-Identifier: Apache-2.0
#include "store/rocks_failure.h"

#include <cctype>

namespace keymast::store {
namespace {

// FileIn finds the path of a file of the directory in RocksDB's message.
std::string FileIn(const std::string& message, const std::string& path) {
  const size_t begin = message.find(path + "/");
  size_t end = begin;
  if (begin == std::string::npos) return {};
  for (end += path.size() + 1; end < message.size(); ++end) {
    const auto c = static_cast<unsigned char>(message[end]);
    if (std::isalnum(c) == 0 && c != '-' && c != '_' && c != '.') break;
  }
  std::string file = message.substr(begin, end - begin);
  while (file.ends_with('.')) file.pop_back();
  // RocksDB looks for a missing table under its old name last.
  if (file.ends_with(".ldb")) file.replace(file.size() - 3, 3, "sst");
  return file;
}

}  // namespace

Failure Damaged(const std::string& path, const std::string& file, const std::string& what) {
  return Failure{Error::kCorrupt,
                 "The store is damaged: " + file + " (" + what + "). Keep a copy of " + path +
                     " as it is, and restore it from the last backup.",
                 {},
                 file,
                 0};
}

Failure OpenFailure(const rocksdb::Status& status, const std::string& path,
                    const std::string& last_read) {
  const std::string message = status.ToString();
  if (status.IsNoSpace()) {
    return Failure{Error::kNoSpace,
                   "There is no room left on the disk of " + path +
                       ". Make room there, then start again; nothing is lost.",
                   {},
                   path,
                   0};
  }
  const bool missing = status.IsPathNotFound() || status.IsNotFound();
  if (status.IsIOError() && !missing) {
    return Failure{Error::kIo,
                   "The store in " + path + " could not be read or written: " + message +
                       ". Check the disk and the directory's permissions, then start again.",
                   {},
                   path,
                   0};
  }
  const std::string named = FileIn(message, path);
  const bool gone = message.find("No such file") != std::string::npos;
  return Damaged(path, named.empty() ? last_read : named, gone ? "it is missing" : message);
}

Error ReadError(const rocksdb::Status& status) {
  return status.IsIOError() ? Error::kIo : Error::kCorrupt;
}

}  // namespace keymast::store
