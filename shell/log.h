// SPDX-License-Identifier: Apache-2.0
// Structured log on standard error: one JSON object a line. Fields never hold key material.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace keymast::shell {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

using LogField = std::pair<std::string_view, std::string>;

// InitLog names the program in every line and sets the lowest level that is written.
void InitLog(std::string_view program, LogLevel lowest);

// Log writes {time, level, program, event, fields...}; `event` is a fixed snake_case name.
void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

// ParseLogLevel reads debug, info, warning, error; false for anything else.
bool ParseLogLevel(std::string_view text, LogLevel& level);

}  // namespace keymast::shell
