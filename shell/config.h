// SPDX-License-Identifier: Apache-2.0
// TOML configuration. Getters take a dotted key and a default; every error (wrong type, out of
// range, unknown key) is kept with line and column and told by Finish.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace keymast::shell {

// kLongestSocketPath is what a Unix socket's address has room for (sun_path, with its end).
inline constexpr size_t kLongestSocketPath = 107;

class ConfigFile {
 public:
  // Load reads and parses; a syntax error's message has the form `FILE:LINE:COLUMN: text`.
  static tl::expected<ConfigFile, Failure> Load(const std::string& path);
  // Parse is Load on a text; `path` is used in messages.
  static tl::expected<ConfigFile, Failure> Parse(std::string_view text, const std::string& path);
  // Empty has no keys: every getter gives its default.
  static ConfigFile Empty();
  ConfigFile(ConfigFile&&) noexcept;
  ConfigFile& operator=(ConfigFile&&) noexcept;
  ~ConfigFile();

  bool Has(std::string_view key) const;
  std::string String(std::string_view key, std::string fallback);
  int64_t Integer(std::string_view key, int64_t fallback, int64_t lowest, int64_t highest);
  bool Boolean(std::string_view key, bool fallback);
  // DurationOf reads a text such as "500ms", "2s", "10m", "1h".
  Duration DurationOf(std::string_view key, Duration fallback);
  std::vector<std::string> Strings(std::string_view key);
  // Table lists the keys directly under `key`; they count as known.
  std::vector<std::string> Table(std::string_view key);

  // Tables counts the tables of an array (`[[key]]`); the keys of the first are as `key[0].name`.
  size_t Tables(std::string_view key);

  // Path is String for a file or folder: what is empty is refused, and what has more than `longest`
  // octets.
  std::string Path(std::string_view key, std::string fallback, size_t longest = SIZE_MAX);

  // Refuse keeps an error that the caller found in the value of `key`, with its place. A value
  // that was refused before is not refused twice.
  void Refuse(std::string_view key, const std::string& what);

  // Place is how messages about the value of `key` begin: `FILE:LINE:COLUMN: `, or empty when the
  // file does not have it.
  std::string Place(std::string_view key) const;

  // Finish gives every error found, one a line, unknown keys among them.
  tl::expected<void, Failure> Finish();

 private:
  struct State;
  explicit ConfigFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// ParseDuration reads "500ms", "2s", "10m", "1h"; kMalformed otherwise.
Result<Duration> ParseDuration(std::string_view text);

}  // namespace keymast::shell
