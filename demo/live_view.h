// SPDX-License-Identifier: Apache-2.0
// The run as it goes: redrawn in place on a terminal, plain lines elsewhere.
#pragma once

#include <string>
#include <vector>

namespace keymast::demo {

// ViewRow is one program or receiver; an absent value is an empty text.
struct ViewRow {
  std::string name;
  std::string state;
  std::string frame;
  std::string mki;
  std::string lost;
  std::string detail;
};

// Page lays out rows under a head line and the latest events below them.
std::string Page(const std::string& head, const std::vector<ViewRow>& rows,
                 const std::vector<std::string>& events);

class LiveView {
 public:
  // `is_terminal`: draw pages and go up over the last one; otherwise only events are written.
  explicit LiveView(bool is_terminal) : is_terminal_(is_terminal) {}
  // Event is told once, with its second of the run.
  void Event(double second, const std::string& text);
  void Draw(const std::string& head, const std::vector<ViewRow>& rows);

 private:
  bool is_terminal_;
  size_t drawn_lines_ = 0;
  std::vector<std::string> events_;
};

}  // namespace keymast::demo
