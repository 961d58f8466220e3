// SPDX-License-Identifier: Apache-2.0
// A keymast-api.toml as a text.
#pragma once

#include <string>

#include "api/config.h"

namespace keymast::api {

inline tl::expected<ApiConfig, Failure> Read(const std::string& text) {
  auto file = shell::ConfigFile::Parse(text, "keymast-api.toml");
  if (!file) return tl::unexpected(file.error());
  return ReadConfig(std::move(*file));
}

// Refusal is what is said of the text; empty when it is taken.
inline std::string Refusal(const std::string& text) {
  const auto config = Read(text);
  return config ? "" : config.error().message;
}

}  // namespace keymast::api
