// SPDX-License-Identifier: Apache-2.0
#include "sources.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

namespace keymast::layering {
namespace {

namespace fs = std::filesystem;

bool IsSource(const fs::path& path) {
  static const std::set<std::string> kExtensions = {".cc", ".h", ".c", ".proto", ".py"};
  return kExtensions.contains(path.extension().string()) || path.filename() == "CMakeLists.txt";
}

bool IsLeftOut(const fs::path& folder) {
  const std::string name = folder.filename().string();
  return name == "build" || name.starts_with(".") || name == "corpus" || name == "__pycache__";
}

std::vector<std::string> ReadLines(const fs::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::vector<Source> ReadAll() {
  const fs::path top = KEYMAST_SOURCE_DIR;
  std::vector<Source> sources;
  for (auto at = fs::recursive_directory_iterator(top); at != fs::recursive_directory_iterator();
       ++at) {
    if (at->is_directory() && IsLeftOut(at->path())) {
      at.disable_recursion_pending();
    } else if (at->is_regular_file() && IsSource(at->path())) {
      sources.push_back({fs::relative(at->path(), top).generic_string(), ReadLines(at->path())});
    }
  }
  std::sort(sources.begin(), sources.end(),
            [](const Source& a, const Source& b) { return a.path < b.path; });
  return sources;
}

}  // namespace

const std::vector<Source>& AllSources() {
  static const std::vector<Source> sources = ReadAll();
  return sources;
}

std::vector<Include> IncludesOf(const Source& source) {
  static const std::regex kLine(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> includes;
  for (size_t i = 0; i < source.lines.size(); ++i) {
    std::smatch match;
    if (!std::regex_search(source.lines[i], match, kLine)) continue;
    includes.push_back({i + 1, match[2].str(), match[1].str() == "\""});
  }
  return includes;
}

std::string ReadText(const std::string& path) {
  std::ifstream file(fs::path(KEYMAST_SOURCE_DIR) / path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace keymast::layering
