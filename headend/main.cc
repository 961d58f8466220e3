// SPDX-License-Identifier: Apache-2.0
// keymast-headend: RTP of encoders in, SRTP of keyed channels out.
#include <cstdio>

#include "crypto/primitives.h"
#include "headend/key_file.h"
#include "headend/program.h"
#include "shell/args.h"
#include "shell/failpoints.h"
#include "shell/log.h"
#include "shell/process.h"
#include "srtpio/session.h"

namespace keymast::headend {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kTakenOver = 3;  // a supervisor should not start it again
constexpr Duration kReportPeriod = std::chrono::seconds(1);

int Refuse(const Failure& failure) {
  std::fprintf(stderr, "keymast-headend: %s\n", failure.message.c_str());
  return failure.error == Error::kInvalidArgument ? kUsage : kFailed;
}

void AddRunOptions(shell::Args& args, Options& options) {
  args.Option("-c,--config", options.config, "TOML file; the command line goes over it");
  args.Option("--server", options.target.server, "unix:PATH or HOST:PORT of keymast-api");
  args.Option("--tls-ca", options.target.tls_ca, "PEM file: who signs the server's certificate");
  args.Option("--tls-cert", options.target.tls_certificate, "PEM file: our certificate");
  args.Option("--tls-key", options.target.tls_key, "PEM file: its key");
  args.Option("--name", options.name, "name that the headend is enrolled under");
  args.Option("--key-file", options.key_file, "private key, made by `init`");
  args.Option("--state", options.state, "file of reserved indexes; one per headend, never copied");
  args.Option("--input", options.inputs, "[CHANNEL/]MEDIA=HOST:PORT where an encoder sends RTP");
  args.Option("--input-interface", options.input_interface,
              "address of the interface to join multicast inputs on");
  args.Option("--output-interface", options.output_interface,
              "address to send from, where this machine has not the channel's");
  args.Option("--record", options.record, "pcapng file of the datagrams sent");
  args.Option("--max-mtk-overrun", options.max_mtk_overrun,
              "how long to send on past a key's period while the server is away (60s)");
  args.Flag("--mki-with-domain", options.mki_with_domain,
            "MKI of 9 octets, as the server's profile says");
  args.Option("--log-level", options.log_level, "debug, info, warning, error");
}

bool SetUpLog(const std::string& level) {
  shell::LogLevel lowest = shell::LogLevel::kInfo;
  if (!level.empty() && !shell::ParseLogLevel(level, lowest)) return false;
  shell::InitLog("keymast-headend", lowest);
  return true;
}

Failure BadLogLevel() {
  return {Error::kInvalidArgument, "--log-level: debug, info, warning, error", {}, {}, 0};
}

int PrintPublicKey(const std::array<uint8_t, 32>& key) {
  std::printf("%s\n", ToHex(key).c_str());
  return 0;
}

int InitCommand(const std::string& path) {
  crypto::SystemRng rng;
  const auto made = MakeKeyFile(path, rng);
  return made ? PrintPublicKey(*made) : Refuse(made.error());
}

int PublicKeyCommand(const std::string& path) {
  const auto keys = ReadKeyFile(path);
  return keys ? PrintPublicKey(keys->public_key) : Refuse(keys.error());
}

void Loop(Program& program, shell::SystemClock& clock, int stop_fd) {
  Instant next = clock.Now() + kReportPeriod;
  program.PrintReport();
  while (program.Poll(next, stop_fd)) {
    if (clock.Now() < next) continue;
    // As keymastd does: both switch by the wall clock, which may be set meanwhile.
    clock.line().Approach(shell::ReadClocks(), true);
    program.Tick();
    program.PrintReport();
    next = std::max(next + kReportPeriod, clock.Now());
  }
}

int RunCommand(Options options) {
  shell::ArmFailpoint();
  const int stop_fd = shell::TerminationFd();
  tl::expected<Setup, Failure> setup = MakeSetup(std::move(options));
  if (!setup) return Refuse(setup.error());
  if (!SetUpLog(setup->log_level)) return Refuse(BadLogLevel());
  shell::SystemClock clock;
  auto program = Program::Open(std::move(*setup), clock);
  if (!program) return Refuse(program.error());
  shell::NotifyReady();
  Loop(**program, clock, stop_fd);
  shell::NotifyStopping();
  const Status stopped = (*program)->Stop();
  (*program)->PrintReport();
  if ((*program)->failure()) {
    Refuse(*(*program)->failure());
    return kTakenOver;
  }
  if (stopped) return 0;
  return Refuse({stopped.error(), "the state file was not written at the end", {}, {}, 0});
}

int Main(int argc, char** argv) {
  Options options;
  shell::Args args("keymast-headend", "Encrypts the streams of keyed broadcast channels.");
  args.Command("init", "make a key and print its public half")
      .Option("--key-file", options.key_file, "new file, mode 0600", true);
  args.Command("public-key", "print the public half of a key")
      .Option("--key-file", options.key_file, "private key, made by `init`", true);
  AddRunOptions(args.Command("run", "take RTP, send SRTP"), options);
  if (const std::optional<int> status = args.Parse(argc, argv)) return *status;
  if (!SetUpLog(options.log_level)) return Refuse(BadLogLevel());
  if (!crypto::SelfTest() || !srtpio::Init()) {
    return Refuse(
        {Error::kInternal, "the installed crypto library gives wrong answers", {}, {}, 0});
  }
  crypto::HardenProcess();
  const std::string command = args.command();
  if (command == "init") return InitCommand(options.key_file);
  if (command == "public-key") return PublicKeyCommand(options.key_file);
  if (command == "run") return RunCommand(std::move(options));
  return Refuse({Error::kInvalidArgument, "give a command: init, public-key or run", {}, {}, 0});
}

}  // namespace
}  // namespace keymast::headend

int main(int argc, char** argv) {
  try {
    return keymast::headend::Main(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "keymast-headend: %s\n", failure.what());
    return 1;
  }
}
