// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <algorithm>
#include <ostream>

namespace keymast::cli {
namespace {

constexpr size_t kBar = 20;

std::string OneDecimal(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", number);
  return text;
}

std::string UnitsCell(const v1::Operation& operation) {
  std::string text = std::to_string(operation.done_units());
  if (operation.total_units() > 0) text += "/" + std::to_string(operation.total_units());
  return text + (operation.unit().empty() ? "" : " " + operation.unit());
}

double Share(const v1::Operation& operation) {
  if (operation.total_units() == 0) return 0;
  return std::min(1.0, static_cast<double>(operation.done_units()) /
                           static_cast<double>(operation.total_units()));
}

std::string Bar(const v1::Operation& operation) {
  const auto full = static_cast<size_t>(Share(operation) * kBar);
  return "[" + std::string(full, '#') + std::string(kBar - full, ' ') + "]  ";
}

}  // namespace

std::string ProgressText(const v1::Operation& operation, uint64_t first_units, Duration elapsed) {
  std::string text = UnitsCell(operation);
  if (operation.total_units() > 0) {
    text += "  " + std::to_string(static_cast<int>(Share(operation) * 100)) + "%";
  }
  const double seconds = std::chrono::duration<double>(elapsed).count();
  if (seconds <= 0 || operation.done_units() <= first_units) return text;
  const double rate = static_cast<double>(operation.done_units() - first_units) / seconds;
  text += "  " + OneDecimal(rate) + "/s";
  if (operation.total_units() > operation.done_units()) {
    const auto rest = static_cast<double>(operation.total_units() - operation.done_units());
    text += "  ETA " + SpanCell(std::chrono::duration_cast<Duration>(
                           std::chrono::duration<double>(std::min(rest / rate, 1e9))));
  }
  return text;
}

void Progress::Tell(const v1::Operation& operation) {
  const Instant now = around_.now();
  if (!is_begun_) {
    is_begun_ = true;
    first_ = now;
    first_units_ = operation.done_units();
    // Who interrupts the wait is to know.
    if (around_.err_is_terminal) around_.err << operation.name() << " goes on also without this\n";
  }
  const std::string text = ProgressText(operation, first_units_, now - first_);
  if (around_.err_is_terminal) {
    is_drawn_ = true;
    around_.err << "\r\x1b[K" << (operation.total_units() > 0 ? Bar(operation) : "") << text;
  } else if (const std::string units = UnitsCell(operation); units != last_) {
    last_ = units;
    around_.err << operation.name() << ": " << text << "\n";
  }
  around_.err.flush();
}

void Progress::End() {
  if (is_drawn_) around_.err << "\n";
  is_drawn_ = false;
}

}  // namespace keymast::cli
