// SPDX-License-Identifier: Apache-2.0
// What befalls the channel while it is on air, and how it is shown.
#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>

#include "demo/broadcast.h"

namespace keymast::demo {
namespace {

constexpr Duration kRestartPatience = std::chrono::seconds(15);

std::string Number(uint64_t value) { return std::to_string(value); }

}  // namespace

std::vector<Broadcast::Event> Broadcast::Script() {
  const auto bind = [this](Done (Broadcast::*act)()) {
    return [this, act] { return (this->*act)(); };
  };
  return {{timeline_.late, "a late receiver joins", bind(&Broadcast::LateJoin)},
          {timeline_.expel, "one receiver is expelled", bind(&Broadcast::Expel)},
          {timeline_.kill_server, "keymastd is killed (SIGKILL)", bind(&Broadcast::KillServer)},
          {timeline_.start_server, "keymastd is started again", bind(&Broadcast::StartServer)},
          {timeline_.kill_api, "keymast-api is killed (SIGKILL)", bind(&Broadcast::KillApi)},
          {timeline_.start_api, "keymast-api is started again", bind(&Broadcast::StartApi)}};
}

Broadcast::Done Broadcast::LateJoin() {
  result_.roc_at_late_join = audience_.front().report().lowest_roc;
  Viewer& late = Find(Role::kLate);
  if (auto done = late.StartReceiver(stage_); !done) return done;
  auto listens = WaitFor("the late receiver", kRestartPatience,
                         [&] { return std::ifstream(stage_.Path(late.name() + ".sdp")).good(); });
  if (!listens) return listens;
  if (auto done = control_.Join(late.name()); !done) return done;
  auto keyed = WaitFor("the late receiver's first key", kRestartPatience, [&] {
    late.receiver().Signal(SIGUSR1);  // asks for a report now
    return late.HasKey();
  });
  if (!keyed) return keyed;
  Tell("the late receiver holds MKI " + late.report().mki);
  if (auto done = late.StartDecoder(stage_); !done) return done;
  if (auto done = WaitForDecoder(late); !done) return done;
  result_.late_first_at_most = FrameAt(clock_.Now()) + kGopFrames;
  return {};
}

Broadcast::Done Broadcast::Expel() {
  auto absent = control_.Reachability(std::string(kAbsent));
  if (!absent) return tl::unexpected<Failure>(absent.error());
  result_.absent_member = *absent;
  expel_called_ = clock_.Now();
  auto switched = control_.Expel(Find(Role::kExpelled).name());
  if (!switched) return tl::unexpected<Failure>(switched.error());
  switched_ = *switched;
  result_.first_after_switch = FrameAt(*switched);
  const auto span =
      std::chrono::duration_cast<std::chrono::milliseconds>(*switched - expel_called_);
  Tell("keys change " + std::to_string(span.count()) + " ms after the call");
  return {};
}

Broadcast::Done Broadcast::KillServer() {
  is_server_due_ = false;
  server_killed_ = clock_.Now();
  server_.Stop(SIGKILL, Duration(0));
  return {};
}

Broadcast::Done Broadcast::StartServer() {
  if (auto done = StartProgram(server_, stage_.Server(), "keymastd"); !done) return done;
  is_server_due_ = true;
  auto answers = WaitFor("keymastd after its restart", kRestartPatience,
                         [this] { return control_.ServerAnswers(); });
  if (!answers) return answers;
  const Instant now = clock_.Now();
  result_.server_down_ms = std::chrono::duration<double, std::milli>(now - server_killed_).count();
  result_.first_after_restart = FrameAt(now);
  Tell("keymastd answers again");
  return {};
}

Broadcast::Done Broadcast::KillApi() {
  is_api_due_ = false;
  api_.Stop(SIGKILL, Duration(0));
  return {};
}

Broadcast::Done Broadcast::StartApi() {
  if (auto done = StartProgram(api_, stage_.Api(), "keymast-api"); !done) return done;
  is_api_due_ = true;
  auto answers = WaitFor("keymast-api after its restart", kRestartPatience,
                         [this] { return control_.ServerAnswers(); });
  if (answers) Tell("keymast-api answers again");
  return answers;
}

void Broadcast::Draw() {
  const auto program = [](Process& process, bool is_due) -> std::string {
    if (process.pid() < 0) return "-";
    if (process.IsRunning()) return "up";
    return is_due ? "ended" : "killed";
  };
  std::vector<ViewRow> rows;
  rows.push_back({"keymastd", program(server_, is_server_due_), "", "", "",
                  Number(ResidentBytes(server_.pid()) >> 20) + " MiB"});
  rows.push_back({"keymast-api", program(api_, is_api_due_), "", "", "", ""});
  rows.push_back(
      {"headend", is_headend_connected_ ? "connected" : program(headend_, true), "", "", "", ""});
  for (const Viewer& viewer : audience_) {
    const FrameLog& frames = viewer.frames();
    const uint32_t last = frames.last().value_or(0);
    const bool is_dark = viewer.role() == Role::kExpelled && switched_.has_value();
    rows.push_back({viewer.name(),
                    is_dark                 ? "expelled"
                    : viewer.is_decoding()  ? "decoding"
                    : viewer.is_receiving() ? "receiving"
                                            : "-",
                    frames.last() ? Number(last) : "", viewer.report().mki,
                    frames.first() ? Number(frames.Lost(last)) : "",
                    "opened " + Number(viewer.report().opened) + ", refused " +
                        Number(viewer.report().unknown_mki)});
  }
  std::array<char, 80> head{};
  std::snprintf(head.data(), head.size(), "first broadcast   %5.1f of %u s", Second(),
                timeline_.length);
  view_.Draw(head.data(), rows);
}

}  // namespace keymast::demo
