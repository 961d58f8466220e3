// SPDX-License-Identifier: Apache-2.0
// What a run came to, as numbers; and whether it kept what keymast promises.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "demo/frame_log.h"

namespace keymast::demo {

enum class Role { kMember, kLate, kExpelled };
std::string_view RoleName(Role role);

struct ReceiverResult {
  std::string name;
  Role role = Role::kMember;
  FrameLog frames;
  uint64_t kernel_drops = 0;
  uint64_t refused_since_key = 0;  // packets that did not open although a key was held
};

// RunResult is measured by the run; instants are told as frame numbers. A value that was never
// measured is absent, and the run has then failed.
struct RunResult {
  std::vector<ReceiverResult> receivers;
  uint32_t frames_sent = 0;
  // First frame that can only have been sent after the exclusion's switch, after the restart.
  std::optional<uint32_t> first_after_switch;
  std::optional<uint32_t> first_after_restart;
  // Last frame whose picture may be the late receiver's first: one GOP after its decoder listened.
  std::optional<uint32_t> late_first_at_most;
  uint64_t mtk_changes = 0;
  uint64_t msk_changes = 0;
  // The lowest ROC of the streams when the late receiver came; all began at 0.
  std::optional<uint64_t> roc_at_late_join;
  // What the server said of the absent member just before the exclusion.
  std::string absent_member;
  std::optional<double> expel_call_to_dark_ms;
  std::optional<double> server_down_ms;
  uint64_t server_rss_bytes = 0;
  double cpu_idle_percent = 0;
  // Packets that the expelled receiver's keys open in the whole capture after the switch.
  std::optional<uint64_t> opened_after_expulsion;
  // What went wrong besides: a program that ended, a call that failed.
  std::vector<std::string> mishaps;
};

// FramesLost counts up to the last frame sent, for the expelled receiver up to the switch.
uint64_t FramesLost(const ReceiverResult& receiver, const RunResult& run);

// DarkFrom is the instant from which nothing may open for a receiver that the switch at `switched`
// locks out. It does not depend on what did open. A packet that was protected just before the
// switch may come after it: the headend's turn, the group, the receiver's turn are given 50 ms
// together.
Instant DarkFrom(Instant switched);

// Violations says in words what did not hold; empty: all of it held.
std::vector<std::string> Violations(const RunResult& run);

// SummaryJson is the summary file.
std::string SummaryJson(const RunResult& run);

// SummaryTable is the same for people, several lines.
std::string SummaryTable(const RunResult& run);

}  // namespace keymast::demo
