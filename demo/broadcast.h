// SPDX-License-Identifier: Apache-2.0
// The run: a channel on air, its audience, and what befalls them.
#pragma once

#include <functional>

#include "demo/control.h"
#include "demo/live_view.h"
#include "demo/machine.h"
#include "demo/viewer.h"
#include "shell/process.h"

namespace keymast::demo {

// Timeline has the seconds after the first frame at which something happens.
struct Timeline {
  uint32_t length = 60;  // counted frames
  uint32_t tail = 2;     // uncounted ones behind
  double late = 20;
  double expel = 30;
  double kill_server = 40;
  double start_server = 41.5;
  double kill_api = 46;
  double start_api = 47;
};

// A subscriber whose endpoint nobody listens at: an exclusion must not wait for it.
inline constexpr std::string_view kAbsent = "absent";

// Broadcast runs everything in one thread: it waits for output of programs, and does what is due.
class Broadcast {
 public:
  // `stop_fd` becomes readable when the run is to end early.
  Broadcast(Stage stage, Timeline timeline, bool is_terminal, int stop_fd);
  // Go runs from nothing to the result; a failure says what could not be set up.
  tl::expected<RunResult, Failure> Go();

 private:
  using Done = tl::expected<void, Failure>;
  struct Event {
    double second;
    std::string text;
    std::function<Done()> act;
  };

  Done SetUp();
  Done StartAudience();
  Done StartSender();
  Done PlayScript();
  void CloseDown();
  void Prove();

  std::vector<Event> Script();
  Done LateJoin();
  Done Expel();
  Done KillServer();
  Done StartServer();
  Done KillApi();
  Done StartApi();

  Done StartProgram(Process& process, const Words& argv, const std::string& name);
  Done WaitForDecoder(const Viewer& viewer);
  Done WaitFor(const std::string& what, Duration patience, const std::function<bool()>& condition);
  // Turn waits up to `milliseconds` for output, takes it in and draws.
  void Turn(int milliseconds);
  void Draw();
  void ReadHeadend();
  void NoticeKeyChanges();
  void NoticeDeaths();
  void StopProgram(Process& process, const std::string& name);
  void Tell(const std::string& text) { view_.Event(Second(), text); }
  // Second is since the first frame; 0 before.
  double Second() const;
  uint32_t FrameAt(Instant instant) const;
  Viewer& Find(Role role);

  const Stage stage_;
  const Timeline timeline_;
  const Control control_;
  const shell::SystemClock clock_;
  LiveView view_;
  int stop_fd_;
  bool is_interrupted_ = false;

  Process server_;
  Process api_;
  Process headend_;
  Chain sender_;
  std::vector<Viewer> audience_;
  bool is_server_due_ = true;  // false while it is down on purpose
  bool is_api_due_ = true;
  bool is_headend_connected_ = false;

  std::optional<Instant> began_;
  Instant expel_called_{};
  std::optional<Instant> switched_;
  Instant server_killed_{};
  Instant next_draw_{};
  uint64_t msk_changes_told_ = 0;
  CpuTimes cpu_at_start_;
  RunResult result_;
};

}  // namespace keymast::demo
