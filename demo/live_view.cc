// SPDX-License-Identifier: Apache-2.0
#include "demo/live_view.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace keymast::demo {
namespace {

constexpr size_t kEventsShown = 8;

std::string Padded(const std::string& text, size_t width, bool is_right) {
  const std::string fill(width > text.size() ? width - text.size() : 0, ' ');
  return is_right ? fill + text : text + fill;
}

std::string RowLine(const ViewRow& row) {
  return Padded(row.name, 14, false) + Padded(row.state, 13, false) + Padded(row.frame, 6, true) +
         Padded(row.lost, 6, true) + "  " + Padded(row.mki, 14, false) + row.detail + "\n";
}

}  // namespace

std::string Page(const std::string& head, const std::vector<ViewRow>& rows,
                 const std::vector<std::string>& events) {
  std::string page = head + "\n" + RowLine({"", "state", "frame", "MKI", "lost", ""});
  for (const ViewRow& row : rows) page += RowLine(row);
  page += "\n";
  const size_t from = events.size() > kEventsShown ? events.size() - kEventsShown : 0;
  for (size_t i = from; i < events.size(); ++i) page += events[i] + "\n";
  return page;
}

void LiveView::Event(double second, const std::string& text) {
  std::array<char, 16> at{};
  std::snprintf(at.data(), at.size(), "%6.1f s  ", second);
  events_.push_back(at.data() + text);
  if (is_terminal_) return;
  std::puts(events_.back().c_str());
  std::fflush(stdout);
}

void LiveView::Draw(const std::string& head, const std::vector<ViewRow>& rows) {
  if (!is_terminal_) return;
  std::string page = Page(head, rows, events_);
  const auto lines = static_cast<size_t>(std::count(page.begin(), page.end(), '\n'));
  // Without wrapping, so that a line stays one line; up over the last page; each line is cleared to
  // its end (DECAWM, and CUU and EL of ECMA-48).
  std::string out = "\x1b[?7l";
  if (drawn_lines_ > 0) out += "\x1b[" + std::to_string(drawn_lines_) + "A\r";
  for (const char c : page) out += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
  out += "\x1b[?7h";
  std::fwrite(out.data(), out.size(), 1, stdout);
  std::fflush(stdout);
  drawn_lines_ = lines;
}

}  // namespace keymast::demo
