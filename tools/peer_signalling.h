// SPDX-License-Identifier: Apache-2.0
// Descriptions carried by files and pipes.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"

namespace keymast::tools {

// DescriptionSource waits for a description: a file is read when it is there, a named pipe to the
// end of what a writer writes, standard input (`-`) to its end or an empty line.
class DescriptionSource {
 public:
  explicit DescriptionSource(std::string path) : path_(std::move(path)) {}
  ~DescriptionSource();
  DescriptionSource(const DescriptionSource&) = delete;
  DescriptionSource& operator=(const DescriptionSource&) = delete;

  // Poll never waits: nothing until it is there. kTooLong, kIo.
  Result<std::optional<std::string>> Poll();

 private:
  bool Open();
  bool IsPipe() const;
  bool IsWhole(bool at_end) const;
  void Close();

  std::string path_;
  std::string text_;
  int fd_ = -1;
};

// WriteDescription puts a description where the other side waits for it: a file as a whole, a named
// pipe when somebody reads from it (false: nobody yet), `-` with an empty line behind it. kIo and
// what ReplaceStateFile refuses.
Result<bool> WriteDescription(const std::string& path, const std::string& text);

}  // namespace keymast::tools
