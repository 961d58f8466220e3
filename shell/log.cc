// SPDX-License-Identifier: Apache-2.0
#include "shell/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <ctime>

#include "shell/json_line.h"

namespace keymast::shell {
namespace {

struct LevelName {
  LogLevel level;
  std::string_view name;
  spdlog::level::level_enum native;
};
constexpr std::array<LevelName, 4> kLevels{{
    {LogLevel::kDebug, "debug", spdlog::level::debug},
    {LogLevel::kInfo, "info", spdlog::level::info},
    {LogLevel::kWarning, "warning", spdlog::level::warn},
    {LogLevel::kError, "error", spdlog::level::err},
}};

const LevelName& Named(LogLevel level) { return kLevels[static_cast<size_t>(level)]; }

struct Output {
  std::string program = "keymast";
  std::shared_ptr<spdlog::logger> logger;
};

Output& TheOutput() {
  static Output output = [] {
    Output made;
    made.logger = std::make_shared<spdlog::logger>(
        "keymast", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made.logger->set_pattern("%v");
    made.logger->flush_on(spdlog::level::debug);
    return made;
  }();
  return output;
}

// RFC 3339 with milliseconds, UTC: the wall clock, which is what other logs go by.
std::string Timestamp() {
  const auto now = std::chrono::system_clock::now();
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const time_t seconds = static_cast<time_t>(millis / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::string fraction = std::to_string(1000 + millis % 1000);
  fraction[0] = '.';
  return std::string(text.data(), size) + fraction + "Z";
}

void AppendField(std::string& line, std::string_view name, std::string_view value) {
  line += ',';
  AppendJsonText(line, name);
  line += ':';
  AppendJsonText(line, value);
}

}  // namespace

void InitLog(std::string_view program, LogLevel lowest) {
  Output& output = TheOutput();
  output.program = program;
  output.logger->set_level(Named(lowest).native);
}

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  const Output& output = TheOutput();
  if (!output.logger->should_log(Named(level).native)) return;
  std::string line = "{\"time\":\"" + Timestamp() + "\"";
  AppendField(line, "level", Named(level).name);
  AppendField(line, "program", output.program);
  AppendField(line, "event", event);
  for (const auto& [name, value] : fields) AppendField(line, name, value);
  line += '}';
  output.logger->log(Named(level).native, spdlog::string_view_t(line));
}

bool ParseLogLevel(std::string_view text, LogLevel& level) {
  for (const LevelName& known : kLevels) {
    if (known.name != text) continue;
    level = known.level;
    return true;
  }
  return false;
}

}  // namespace keymast::shell
