// SPDX-License-Identifier: Apache-2.0
// Values of a configuration file that are read into fields: what is not there leaves a field as it
// was.
#pragma once

#include <array>
#include <string>
#include <utility>

#include "shell/config.h"

namespace keymast::shell {

// ConfigFields borrows the file, which keeps what is wrong.
class ConfigFields {
 public:
  explicit ConfigFields(ConfigFile& file) : file_(file) {}

  // OneOf reads a name that stands for a code.
  template <class Code, size_t N>
  void OneOf(std::string_view key, Code& value,
             const std::array<std::pair<std::string_view, Code>, N>& names) {
    if (!file_.Has(key)) return;
    const std::string given = file_.String(key, "");
    std::string known;
    for (const auto& [name, code] : names) {
      if (name == given) {
        value = code;
        return;
      }
      known.append(known.empty() ? "" : ", ").append(name);
    }
    file_.Refuse(key, "must be one of " + known);
  }
  void Flag(std::string_view key, bool& value) { value = file_.Boolean(key, value); }
  template <class Int>
  void Number(std::string_view key, Int& value, int64_t lowest, int64_t highest) {
    value = static_cast<Int>(file_.Integer(key, value, lowest, highest));
  }

 private:
  ConfigFile& file_;
};

}  // namespace keymast::shell
