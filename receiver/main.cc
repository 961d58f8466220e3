// SPDX-License-Identifier: Apache-2.0
// keymast-receiver: keys and packets of one channel in, plain RTP out.
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>

#include "crypto/primitives.h"
#include "crypto/rng.h"
#include "receiver/doctor.h"
#include "receiver/program.h"
#include "receiver/replay.h"
#include "shell/args.h"
#include "shell/config.h"
#include "shell/failpoints.h"
#include "shell/files.h"
#include "shell/log.h"
#include "shell/process.h"

namespace keymast::receiver {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr size_t kUserKeyLength = 16;
constexpr Duration kReportPeriod = std::chrono::seconds(1);

struct CommandLine {
  Options options;
  std::string pcap;
  std::string after;
  std::string deadline = "10s";
};

int Refuse(const Failure& failure) {
  std::fprintf(stderr, "keymast-receiver: %s\n", failure.message.c_str());
  for (const FieldViolation& violation : failure.violations) {
    std::fprintf(stderr, "  %s: %s\n", violation.field.c_str(), violation.description.c_str());
  }
  return failure.error == Error::kInvalidArgument ? kUsage : kFailed;
}

void AddIdentityOptions(shell::Args& args, Options& options) {
  args.Option("-c,--config", options.config, "TOML file; the command line goes over it");
  args.Option("--sdp", options.sdp, "session description of the channel");
  args.Option("--key-file", options.key_file, "user key, made by `init`");
  args.Option("--identity", options.identity, "identity as the subscriber is provisioned");
}

void AddRunOptions(shell::Args& args, Options& options) {
  AddIdentityOptions(args, options);
  args.Option("--listen", options.listen, "HOST:PORT for MSK messages (127.0.0.1:2271)");
  args.Option("--interface", options.interface_address, "address of the interface to join on");
  args.Option("--forward", options.forward, "MEDIA=HOST:PORT[,...]: where plain packets go");
  args.Option("--record", options.record, "pcapng file of the datagrams received and answered");
  args.Option("--state", options.state, "file of COUNTERs: replays stay refused over a restart");
  args.Option("--write-sdp", options.write_sdp, "write the plain session description here");
  args.Flag("--print-sdp", options.print_sdp, "print the plain session description and leave");
  args.Option(
      "--join", options.join,
      "join by MIKEYv2: all, or early-dh,early-dhhmac,dh,dhhmac,rsa,psk in order of preference");
  args.Option("--join-certificate", options.join_certificate,
              "certificate for --join with those that lead to an authority, PEM");
  args.Option("--join-private-key", options.join_private_key, "its key, PEM, mode 0600");
  args.Option("--join-anchors", options.join_anchors, "FILE[,...]: authorities, PEM");
  args.Option("--join-revocation-lists", options.join_revocation_lists, "FILE[,...]: PEM or DER");
  args.Option("--join-pin", options.join_pin, "SHA-256 of the controller's certificate");
  args.Option("--join-controller-use", options.join_controller_use,
              "OID that certificates of controllers have as extended key usage");
  args.Option("--join-known-certificates", options.join_known_certificates,
              "FILE[,...]: PEM, of controllers that name theirs by hash alone");
  args.Flag("--join-by-hash", options.join_by_hash,
            "the controller has our certificate: name it by hash");
  args.Flag("--leave", options.leave,
            "leave the channel at the end, where it was joined by MIKEYv2");
  args.Flag("--no-msk-messages", options.no_msk_messages,
            "with --join: new MSKs come by KEYS of MIKEYv2 alone");
  args.Option("--log-level", options.log_level, "debug, info, warning, error");
}

void Describe(shell::Args& args, CommandLine& line) {
  AddRunOptions(args, line.options);
  AddRunOptions(args.Command("run", "receive (this is what happens without a command)"),
                line.options);
  args.Command("init", "make a user key")
      .Option("--key-file", line.options.key_file, "new file, mode 0600", true);
  shell::Args& doctor = args.Command("doctor", "check step by step from the clock to the picture");
  AddRunOptions(doctor, line.options);
  doctor.Option("--deadline", line.deadline, "how long to wait for keys and packets (10s)");
  shell::Args& replay = args.Command("replay", "what a recording opens to, before and after");
  AddIdentityOptions(replay, line.options);
  replay.Option("--pcap", line.pcap, "recording made with --record", true);
  replay.Option("--after", line.after, "instant in nanoseconds since the Unix epoch");
}

int InitCommand(const std::string& path) {
  auto key = crypto::SecretKey<kUserKeyLength>::OfSize(kUserKeyLength);
  crypto::SystemRng().Fill(key.mutable_view());
  const Status written = shell::WriteSecretFile(path, key.view());
  if (!written) {
    return Refuse(
        {written.error(),
         path + ": " +
             (written.error() == Error::kAlreadyExists ? "there is a key already; it was left alone"
                                                       : std::string(ErrorName(written.error()))),
         {},
         {},
         0});
  }
  std::printf("%s: new user key of %zu octets\n", path.c_str(), kUserKeyLength);
  return 0;
}

Failure BadLogLevel() {
  return {Error::kInvalidArgument, "--log-level: debug, info, warning, error", {}, {}, 0};
}

bool SetUpLog(const std::string& level) {
  shell::LogLevel lowest = shell::LogLevel::kInfo;
  if (!level.empty() && !shell::ParseLogLevel(level, lowest)) return false;
  shell::InitLog("keymast-receiver", lowest);
  return true;
}

// ReportFd becomes readable at SIGUSR1, which asks for a line out of turn.
int ReportFd() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

bool Drain(int fd) {
  signalfd_siginfo info{};
  return read(fd, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info));
}

// Reload reads the files of joins by certificate again: a new set takes the place of the old one as
// a whole, or not at all.
void Reload(Program& program, const Options& options) {
  const std::optional<JoinSetup>& join = program.setup().join;
  if (!join || join->credentials == nullptr) {
    return shell::Log(shell::LogLevel::kInfo, "nothing_to_reload",
                      {{"reason", "nothing is joined by certificate"}});
  }
  auto credentials = ReadJoinCredentials(options, join->uri);
  if (credentials && *credentials == nullptr) {
    credentials = Fail(Error::kInvalidArgument, "--join-certificate is missing");
  }
  if (!credentials) {
    return shell::Log(
        shell::LogLevel::kError, "join_reload_failed",
        {{"reason", credentials.error().message}, {"kept", "the files that were read before"}});
  }
  program.UseCredentials(*std::move(credentials));
  shell::Log(shell::LogLevel::kInfo, "join_reload");
}

void Loop(Program& program, const Clock& clock, int stop_fd, int report_fd, int reload_fd,
          const Options& options) {
  Instant next = clock.Now() + kReportPeriod;
  program.PrintReport();
  for (;;) {
    const Duration left = next - clock.Now();
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(left).count() + 1;
    const auto milliseconds = static_cast<int>(std::max<int64_t>(wait, 0));
    if (program.Poll(milliseconds, stop_fd, report_fd, reload_fd)) return;
    if (Drain(report_fd)) program.PrintReport();
    if (shell::TakeReload(reload_fd)) Reload(program, options);
    if (clock.Now() < next) continue;
    program.Tick();
    program.PrintReport();
    next = std::max(next + kReportPeriod, clock.Now());
  }
}

// LeaveChannel waits until the controller has heard of it, or was told four times. It is stopped by
// nothing but a kill.
void LeaveChannel(Program& program) {
  program.Leave();
  while (!program.has_left()) program.Poll(100, -1);
  shell::Log(shell::LogLevel::kInfo, program.is_left() ? "left" : "leave_not_answered");
}

int RunCommand(const Options& options) {
  shell::ArmFailpoint();
  const int stop_fd = shell::TerminationFd();
  const int report_fd = ReportFd();
  const int reload_fd = shell::ReloadFd();
  tl::expected<Setup, Failure> setup = MakeSetup(options);
  if (!setup) return Refuse(setup.error());
  if (!SetUpLog(setup->log_level)) return Refuse(BadLogLevel());
  const std::string plain = PlainSdp(setup->channel, setup->targets);
  if (setup->print_sdp) {
    std::fputs(plain.c_str(), stdout);
    return 0;
  }
  if (!setup->write_sdp.empty()) {
    std::ofstream file(setup->write_sdp, std::ios::binary | std::ios::trunc);
    if (!(file << plain).flush()) {
      return Refuse({Error::kIo, setup->write_sdp + ": cannot be written", {}, {}, 0});
    }
  }
  const shell::SystemClock clock;
  auto program = Program::Open(std::move(*setup), clock);
  if (!program) return Refuse(program.error());
  shell::NotifyReady();
  const bool leaves = (*program)->setup().leaves;
  Loop(**program, clock, stop_fd, report_fd, reload_fd, options);
  shell::NotifyStopping();
  if (leaves) LeaveChannel(**program);
  (*program)->PrintReport();
  return 0;
}

int Replayed(const CommandLine& line) {
  // Nothing is joined or bound: the endpoints of the session description are enough.
  const tl::expected<Setup, Failure> setup = MakeSetup(line.options);
  if (!setup) return Refuse(setup.error());
  Instant after = kNever;
  if (!line.after.empty()) {
    char* end = nullptr;
    after = FromUnixNanos(std::strtoll(line.after.c_str(), &end, 10));
    if (*end != '\0') return Refuse({Error::kInvalidArgument, "--after is a number", {}, {}, 0});
  }
  return ReplayCommand(line.pcap, *setup, after);
}

int Main(int argc, char** argv) {
  CommandLine line;
  shell::Args args("keymast-receiver", "Receives one keyed broadcast channel.");
  Describe(args, line);
  if (const std::optional<int> status = args.Parse(argc, argv)) return *status;
  if (!SetUpLog(line.options.log_level)) {
    return Refuse(BadLogLevel());
  }
  if (!crypto::SelfTest()) {
    return Refuse(
        {Error::kInternal, "the installed crypto library gives wrong answers", {}, {}, 0});
  }
  crypto::HardenProcess();
  const std::string command = args.command();
  if (command == "init") return InitCommand(line.options.key_file);
  if (command == "replay") return Replayed(line);
  if (command == "doctor") {
    const Result<Duration> deadline = shell::ParseDuration(line.deadline);
    if (!deadline) return Refuse({Error::kInvalidArgument, "--deadline: as 10s", {}, {}, 0});
    return DoctorCommand(line.options, *deadline, shell::SystemClock());
  }
  return RunCommand(line.options);
}

}  // namespace
}  // namespace keymast::receiver

int main(int argc, char** argv) {
  try {
    return keymast::receiver::Main(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "keymast-receiver: %s\n", failure.what());
    return 1;
  }
}
