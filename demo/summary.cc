// SPDX-License-Identifier: Apache-2.0
#include "demo/summary.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "demo/frame_code.h"
#include "demo/stage.h"

namespace keymast::demo {
namespace {

// A frame is generated some way ahead of its packets (encoding, one turn of the headend), and
// ffmpeg keeps the last few frames to itself when packets stop: only members get tail frames.
constexpr uint32_t kPipelineFrames = 10;
constexpr double kDarkLimitMs = 500;
constexpr std::string_view kUnreachable = "UNREACHABLE";
constexpr Duration kInFlight = std::chrono::milliseconds(50);
// MTK periods without a change: at both ends, and while the server is down and what is on air
// stays.
constexpr uint64_t kMtkMargin = 5;
constexpr uint64_t kLeastMskChanges = 2;

uint64_t AfterExpulsion(const ReceiverResult& receiver, const RunResult& run) {
  if (receiver.role != Role::kExpelled || !run.first_after_switch) return 0;
  return receiver.frames.From(*run.first_after_switch);
}

uint64_t AfterRestart(const ReceiverResult& receiver, const RunResult& run) {
  return run.first_after_restart ? receiver.frames.From(*run.first_after_restart) : 0;
}

template <class T>
nlohmann::ordered_json OrNull(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json ReceiverJson(const ReceiverResult& receiver, const RunResult& run) {
  return {{"name", receiver.name},
          {"role", RoleName(receiver.role)},
          {"frames_decoded", receiver.frames.decoded()},
          {"frames_lost", FramesLost(receiver, run)},
          {"frames_after_expulsion", AfterExpulsion(receiver, run)},
          {"frames_after_restart", AfterRestart(receiver, run)},
          {"kernel_drops", receiver.kernel_drops},
          {"first_frame", OrNull(receiver.frames.first())},
          {"last_frame", OrNull(receiver.frames.last())}};
}

// Judge says what a receiver of its role should have seen and did not.
class Judge {
 public:
  Judge(const RunResult& run, std::vector<std::string>& out) : run_(run), out_(out) {}

  void Check(const ReceiverResult& receiver) {
    const FrameLog& frames = receiver.frames;
    if (!frames.first()) return Say(receiver, "decoded nothing");
    if (const uint64_t lost = FramesLost(receiver, run_); lost != 0) {
      Say(receiver, std::to_string(lost) + " frames lost" +
                        (receiver.kernel_drops != 0 ? " (the kernel dropped datagrams)" : ""));
    }
    if (receiver.kernel_drops != 0) {
      Say(receiver, std::to_string(receiver.kernel_drops) + " datagrams dropped by the kernel");
    }
    if (receiver.role == Role::kExpelled) return CheckExpelled(receiver);
    if (receiver.refused_since_key != 0) {
      Say(receiver, std::to_string(receiver.refused_since_key) +
                        " packets did not open although a key was held");
    }
    if (receiver.role == Role::kLate) CheckLate(receiver);
    if (receiver.role == Role::kMember && *frames.first() != 0) {
      Say(receiver, "first frame is " + std::to_string(*frames.first()));
    }
    if (*frames.last() + 1 != run_.frames_sent) {
      Say(receiver, "last frame is " + std::to_string(*frames.last()));
    }
    if (AfterRestart(receiver, run_) == 0) Say(receiver, "nothing decoded after the restart");
  }

 private:
  void CheckLate(const ReceiverResult& receiver) {
    const uint32_t first = *receiver.frames.first();
    if (first <= run_.late_first_at_most.value_or(0)) return;
    Say(receiver, "first picture later than one GOP: frame " + std::to_string(first));
  }
  void CheckExpelled(const ReceiverResult& receiver) {
    if (*receiver.frames.first() != 0) Say(receiver, "did not see the beginning");
    if (const uint64_t after = AfterExpulsion(receiver, run_); after != 0) {
      Say(receiver, std::to_string(after) + " frames decoded after its expulsion");
    }
  }
  void Say(const ReceiverResult& receiver, const std::string& what) {
    out_.push_back(receiver.name + ": " + what);
  }
  const RunResult& run_;
  std::vector<std::string>& out_;
};

void CheckKeys(const RunResult& run, std::vector<std::string>& out) {
  const uint64_t periods = run.frames_sent / (kFrameRate * kMtkPeriodSeconds);
  if (run.mtk_changes + kMtkMargin < periods) {
    out.push_back("only " + std::to_string(run.mtk_changes) + " MTK changes in " +
                  std::to_string(periods) + " periods");
  }
  if (run.msk_changes < kLeastMskChanges) {
    out.push_back("only " + std::to_string(run.msk_changes) + " MSK changes");
  }
  if (run.roc_at_late_join.value_or(0) == 0) {
    out.emplace_back("the late receiver came before every stream had wrapped its ROC");
  }
}

std::string Line(const char* format, auto... values) {
  std::array<char, 200> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

}  // namespace

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kMember:
      return "member";
    case Role::kLate:
      return "late";
    case Role::kExpelled:
      return "expelled";
  }
  return "";
}

uint64_t FramesLost(const ReceiverResult& receiver, const RunResult& run) {
  if (receiver.role != Role::kExpelled) {
    return run.frames_sent == 0 ? 0 : receiver.frames.Lost(run.frames_sent - 1);
  }
  const uint32_t switched = run.first_after_switch.value_or(run.frames_sent);
  const uint32_t sure = switched > kPipelineFrames ? switched - kPipelineFrames : 0;
  return receiver.frames.Lost(std::max(sure, receiver.frames.last().value_or(0)));
}

Instant DarkFrom(Instant switched) { return switched + kInFlight; }

std::vector<std::string> Violations(const RunResult& run) {
  std::vector<std::string> out = run.mishaps;
  if (run.frames_sent == 0) out.emplace_back("nothing was sent");
  Judge judge(run, out);
  for (const ReceiverResult& receiver : run.receivers) judge.Check(receiver);
  CheckKeys(run, out);
  if (!run.first_after_switch) out.emplace_back("nobody was expelled");
  if (run.absent_member != kUnreachable) {
    out.push_back("the absent member was not UNREACHABLE at the exclusion but " +
                  (run.absent_member.empty() ? "not known" : run.absent_member));
  }
  if (!run.expel_call_to_dark_ms) {
    out.emplace_back("the expelled receiver's last packet is not known");
  } else if (*run.expel_call_to_dark_ms > kDarkLimitMs) {
    out.push_back(Line("expelled receiver dark only after %.0f ms", *run.expel_call_to_dark_ms));
  }
  if (!run.opened_after_expulsion) {
    out.emplace_back("the expelled receiver's recording was not tried");
  } else if (*run.opened_after_expulsion != 0) {
    out.push_back(std::to_string(*run.opened_after_expulsion) +
                  " packets after the switch open with the expelled receiver's keys");
  }
  if (!run.server_down_ms) out.emplace_back("keymastd did not come back");
  return out;
}

std::string SummaryJson(const RunResult& run) {
  nlohmann::ordered_json json;
  json["receivers"] = nlohmann::ordered_json::array();
  for (const ReceiverResult& receiver : run.receivers) {
    json["receivers"].push_back(ReceiverJson(receiver, run));
  }
  json["frames_sent"] = run.frames_sent;
  json["mtk_changes"] = run.mtk_changes;
  json["msk_changes"] = run.msk_changes;
  json["roc_at_late_join"] = OrNull(run.roc_at_late_join);
  json["absent_member"] = run.absent_member;
  json["expel_call_to_dark_ms"] = OrNull(run.expel_call_to_dark_ms);
  json["server_down_ms"] = OrNull(run.server_down_ms);
  json["server_rss_bytes"] = run.server_rss_bytes;
  json["cpu_idle_percent"] = run.cpu_idle_percent;
  json["opened_after_expulsion"] = OrNull(run.opened_after_expulsion);
  json["violations"] = Violations(run);
  return json.dump(2) + "\n";
}

std::string SummaryTable(const RunResult& run) {
  std::string text = "receiver     role      frames   lost  first   last  after restart  drops\n";
  for (const ReceiverResult& receiver : run.receivers) {
    const FrameLog& frames = receiver.frames;
    text += Line("%-12s %-9s %6llu %6llu %6lld %6lld %14llu %6llu\n", receiver.name.c_str(),
                 std::string(RoleName(receiver.role)).c_str(),
                 static_cast<unsigned long long>(frames.decoded()),
                 static_cast<unsigned long long>(FramesLost(receiver, run)),
                 frames.first() ? static_cast<long long>(*frames.first()) : -1LL,
                 frames.last() ? static_cast<long long>(*frames.last()) : -1LL,
                 static_cast<unsigned long long>(AfterRestart(receiver, run)),
                 static_cast<unsigned long long>(receiver.kernel_drops));
  }
  text += Line("%u frames sent, %llu MTK and %llu MSK changes, CPU idle %.0f %%\n", run.frames_sent,
               static_cast<unsigned long long>(run.mtk_changes),
               static_cast<unsigned long long>(run.msk_changes), run.cpu_idle_percent);
  text +=
      Line("expelled: dark %.0f ms after the call, %lld packets open after the switch\n",
           run.expel_call_to_dark_ms.value_or(-1),
           run.opened_after_expulsion ? static_cast<long long>(*run.opened_after_expulsion) : -1LL);
  text += Line("keymastd: down %.0f ms, %.1f MB resident\n", run.server_down_ms.value_or(-1),
               static_cast<double>(run.server_rss_bytes) / 1e6);
  return text;
}

}  // namespace keymast::demo
