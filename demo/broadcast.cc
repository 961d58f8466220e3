// SPDX-License-Identifier: Apache-2.0
#include "demo/broadcast.h"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

namespace keymast::demo {
namespace {

constexpr Duration kStartPatience = std::chrono::seconds(30);
constexpr Duration kStopPatience = std::chrono::seconds(10);
constexpr Duration kDrawPeriod = std::chrono::milliseconds(250);
constexpr Duration kFrameTime = std::chrono::nanoseconds(1'000'000'000 / kFrameRate);
constexpr int kTurn = 20;

double Seconds(Duration span) { return std::chrono::duration<double>(span).count(); }
double Milliseconds(Duration span) { return 1e3 * Seconds(span); }

}  // namespace

Broadcast::Broadcast(Stage stage, Timeline timeline, bool is_terminal, int stop_fd)
    : stage_(std::move(stage)),
      timeline_(timeline),
      control_(stage_),
      view_(is_terminal),
      stop_fd_(stop_fd) {
  audience_.emplace_back("member-1", Role::kMember, 0);
  audience_.emplace_back("member-2", Role::kMember, 1);
  audience_.emplace_back("expelled", Role::kExpelled, 2);
  audience_.emplace_back("late", Role::kLate, 3);
}

tl::expected<RunResult, Failure> Broadcast::Go() {
  for (const auto step : {&Broadcast::SetUp, &Broadcast::StartAudience, &Broadcast::StartSender,
                          &Broadcast::PlayScript}) {
    if (auto done = (this->*step)(); !done) return tl::unexpected<Failure>(done.error());
    if (is_interrupted_) return Fail(Error::kUnavailable, "interrupted");
  }
  CloseDown();
  Prove();
  return result_;
}

Broadcast::Done Broadcast::SetUp() {
  auto made = Run(stage_.ServerInit(), stage_.Log("keymastd-init"), kStartPatience);
  if (!made) return tl::unexpected<Failure>(made.error());
  if (auto done = StartProgram(server_, stage_.Server(), "keymastd"); !done) return done;
  if (auto done = StartProgram(api_, stage_.Api(), "keymast-api"); !done) return done;
  auto answers = WaitFor("an answer of the server", kStartPatience,
                         [this] { return control_.ServerAnswers(); });
  if (!answers) return answers;
  Tell("keymastd and keymast-api answer");
  if (auto done = control_.CreateChannel(); !done) return done;
  for (const Viewer& viewer : audience_) {
    auto done = control_.AddMember(viewer.name(), stage_.MskEndpoint(viewer.seat()));
    if (!done) return done;
  }
  const int nobodys_seat = static_cast<int>(audience_.size());
  const std::string absent(kAbsent);
  if (auto done = control_.AddMember(absent, stage_.MskEndpoint(nobodys_seat)); !done) return done;
  if (auto done = control_.Join(absent); !done) return done;
  if (auto done = control_.EnrolHeadend(); !done) return done;
  Tell("channel, headend, 4 receivers and 1 absent member are set up");
  return StartProgram(headend_, stage_.Headend(), "keymast-headend");
}

Broadcast::Done Broadcast::StartAudience() {
  for (Viewer& viewer : audience_) {
    if (viewer.role() == Role::kLate) continue;
    if (auto done = viewer.StartReceiver(stage_); !done) return done;
  }
  // A receiver writes the session description of its decoder as it starts to listen.
  for (Viewer& viewer : audience_) {
    if (viewer.role() == Role::kLate) continue;
    auto listens = WaitFor(viewer.name() + " listens", kStartPatience, [&] {
      return std::ifstream(stage_.Path(viewer.name() + ".sdp")).good();
    });
    if (!listens) return listens;
    if (auto done = control_.Join(viewer.name()); !done) return done;
  }
  auto ready = WaitFor("the first keys", kStartPatience, [this] {
    return is_headend_connected_ &&
           std::all_of(audience_.begin(), audience_.end(), [](const Viewer& viewer) {
             return viewer.HasKey() || viewer.role() == Role::kLate;
           });
  });
  if (!ready) return ready;
  Tell("3 receivers and the headend hold their first keys");
  return {};
}

Broadcast::Done Broadcast::StartSender() {
  for (Viewer& viewer : audience_) {
    if (!viewer.is_receiving()) continue;
    if (auto done = viewer.StartDecoder(stage_); !done) return done;
  }
  for (const Viewer& viewer : audience_) {
    if (!viewer.is_receiving()) continue;
    if (auto done = WaitForDecoder(viewer); !done) return done;
  }
  const uint32_t seconds = timeline_.length + timeline_.tail;
  auto started =
      StartChain(stage_.Generator(timeline_.length * kFrameRate, timeline_.tail * kFrameRate),
                 stage_.Encoder(seconds), stage_.Log("sender"));
  if (!started) return tl::unexpected<Failure>(started.error());
  sender_ = std::move(*started);
  cpu_at_start_ = ReadCpuTimes();
  return WaitFor("the first frame", kStartPatience, [this] {
    int64_t nanos = 0;
    if (!(std::ifstream(stage_.Path("began")) >> nanos)) return false;
    began_ = FromUnixNanos(nanos);
    return true;
  });
}

// What comes before ffmpeg has bound its ports is lost.
Broadcast::Done Broadcast::WaitForDecoder(const Viewer& viewer) {
  const std::vector<uint16_t> ports = stage_.DecoderPorts(viewer.seat());
  return WaitFor("the decoder of " + viewer.name(), kStartPatience,
                 [&] { return std::all_of(ports.begin(), ports.end(), UdpPortIsBound); });
}

Broadcast::Done Broadcast::PlayScript() {
  Tell("on air");
  for (const Event& event : Script()) {
    while (Second() < event.second && !is_interrupted_) Turn(kTurn);
    if (is_interrupted_) return {};
    if (!event.text.empty()) Tell(event.text);
    if (auto done = event.act(); !done) return done;
  }
  const double end = timeline_.length + timeline_.tail + 1.0;
  while (Second() < end && !is_interrupted_) Turn(kTurn);
  return {};
}

Broadcast::Done Broadcast::StartProgram(Process& process, const Words& argv,
                                        const std::string& name) {
  auto started = Process::Start(argv, stage_.Log(name));
  if (!started) return tl::unexpected<Failure>(started.error());
  process = std::move(*started);
  return {};
}

Broadcast::Done Broadcast::WaitFor(const std::string& what, Duration patience,
                                   const std::function<bool()>& condition) {
  const Instant deadline = clock_.Now() + patience;
  while (!condition()) {
    Turn(kTurn);
    if (is_interrupted_) return Fail(Error::kUnavailable, "interrupted");
    if (!result_.mishaps.empty()) return Fail(Error::kUnavailable, result_.mishaps.front());
    if (clock_.Now() > deadline) {
      return Fail(Error::kUnavailable,
                  "waited in vain for " + what + "; logs are in " + stage_.Path(""));
    }
  }
  return {};
}

void Broadcast::Turn(int milliseconds) {
  std::vector<pollfd> fds = {{stop_fd_, POLLIN, 0}, {headend_.fd(), POLLIN, 0}};
  for (Viewer& viewer : audience_) {
    fds.push_back({viewer.receiver().fd(), POLLIN, 0});
    fds.push_back({viewer.decoder().reader.fd(), POLLIN, 0});
  }
  poll(fds.data(), fds.size(), milliseconds);
  if ((fds[0].revents & POLLIN) != 0) is_interrupted_ = true;
  for (Viewer& viewer : audience_) viewer.Drain();
  server_.TakeLines();
  api_.TakeLines();
  ReadHeadend();
  NoticeKeyChanges();
  NoticeDeaths();
  if (clock_.Now() < next_draw_) return;
  next_draw_ = clock_.Now() + kDrawPeriod;
  Draw();
}

void Broadcast::ReadHeadend() {
  for (const std::string& line : headend_.TakeLines()) {
    const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) continue;
    const auto connected = json.find("connected");
    is_headend_connected_ = connected != json.end() && connected->is_boolean() && *connected;
  }
}

void Broadcast::NoticeKeyChanges() {
  const ReceiverReport& report = audience_.front().report();
  if (report.msk_changes <= msk_changes_told_) return;
  msk_changes_told_ = report.msk_changes;
  if (began_) Tell("members have the next MSK; on air is MKI " + report.mki);
}

void Broadcast::NoticeDeaths() {
  const auto notice = [this](Process& process, bool is_due, const std::string& name) {
    if (process.pid() < 0 || !is_due || process.IsRunning()) return;
    process = Process();
    result_.mishaps.push_back(name + " ended by itself, see " + stage_.Log(name));
  };
  notice(server_, is_server_due_, "keymastd");
  notice(api_, is_api_due_, "keymast-api");
  notice(headend_, true, "keymast-headend");
  for (Viewer& viewer : audience_) notice(viewer.receiver(), viewer.is_receiving(), viewer.name());
  result_.server_rss_bytes = std::max(result_.server_rss_bytes, ResidentBytes(server_.pid()));
}

double Broadcast::Second() const { return began_ ? Seconds(clock_.Now() - *began_) : 0; }

uint32_t Broadcast::FrameAt(Instant instant) const {
  if (!began_ || instant <= *began_) return 0;
  return static_cast<uint32_t>((instant - *began_ + kFrameTime - Duration(1)) / kFrameTime);
}

Viewer& Broadcast::Find(Role role) {
  return *std::find_if(audience_.begin(), audience_.end(),
                       [role](const Viewer& viewer) { return viewer.role() == role; });
}

void Broadcast::StopProgram(Process& process, const std::string& name) {
  if (process.pid() >= 0 && process.Stop(SIGTERM, kStopPatience) != 0) {
    result_.mishaps.push_back(name + " did not end cleanly, see " + stage_.Log(name));
  }
}

void Broadcast::CloseDown() {
  Draw();
  result_.cpu_idle_percent = IdlePercent(cpu_at_start_, ReadCpuTimes());
  if (sender_.feeder.Stop(0, kStopPatience) == 0) {
    result_.frames_sent = timeline_.length * kFrameRate;
  } else {
    result_.mishaps.emplace_back("the sender failed, see " + stage_.Log("sender"));
  }
  sender_.reader.Stop(SIGKILL, Duration(0));
  for (Viewer& viewer : audience_) {
    viewer.Stop();
    result_.receivers.push_back(viewer.result());
    result_.mtk_changes = std::max(result_.mtk_changes, viewer.report().mtk_changes);
    result_.msk_changes = std::max(result_.msk_changes, viewer.report().msk_changes);
  }
  StopProgram(headend_, "keymast-headend");
  StopProgram(api_, "keymast-api");
  StopProgram(server_, "keymastd");
  const Viewer& expelled = Find(Role::kExpelled);
  if (switched_ && expelled.report().last_good_packet_ns) {
    const Instant dark = FromUnixNanos(*expelled.report().last_good_packet_ns);
    result_.expel_call_to_dark_ms = Milliseconds(dark - expel_called_);
  }
}

// The expelled receiver's recording has every datagram sent to the group. Behind the switch nothing
// must open, with all the keys that it was ever given.
void Broadcast::Prove() {
  const Viewer& expelled = Find(Role::kExpelled);
  if (!switched_) return;
  auto replayed = Run(stage_.Replay(expelled.name(), DarkFrom(*switched_)), stage_.Log("replay"),
                      kStartPatience);
  if (!replayed) {
    result_.mishaps.push_back(replayed.error().message);
    return;
  }
  const nlohmann::json json = nlohmann::json::parse(*replayed, nullptr, false);
  if (!json.is_object() || !json.contains("opened_after")) return;
  result_.opened_after_expulsion = json.value("opened_after", uint64_t{1});
  if (json.value("opened_before", uint64_t{0}) == 0 ||
      json.value("refused_after", uint64_t{0}) == 0) {
    result_.mishaps.emplace_back("the expelled receiver's recording proves nothing");
  }
}

}  // namespace keymast::demo
