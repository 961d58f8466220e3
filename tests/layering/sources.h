// SPDX-License-Identifier: Apache-2.0
// The source tree as text, for tests of how it is laid out.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace keymast::layering {

struct Source {
  std::string path;  // from the top, with '/'
  std::vector<std::string> lines;
  // folder is the first segment of the path.
  std::string folder() const { return path.substr(0, path.find('/')); }
  std::string extension() const { return std::filesystem::path(path).extension().string(); }
};

// AllSources reads every source file of the project once; what is built or fetched is left out.
const std::vector<Source>& AllSources();

struct Include {
  size_t line = 0;  // from 1
  std::string header;
  bool is_quoted = false;
};

std::vector<Include> IncludesOf(const Source& source);

// ReadText returns the file at `path` from the top, or an empty text.
std::string ReadText(const std::string& path);

}  // namespace keymast::layering
