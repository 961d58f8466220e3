// SPDX-License-Identifier: Apache-2.0
// keymast-peer: one side of a session of two.
#include <cstdio>
#include <exception>

#include "crypto/primitives.h"
#include "shell/args.h"
#include "shell/log.h"
#include "shell/process.h"
#include "tools/peer_program.h"

namespace keymast::tools {
namespace {

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;

int Refuse(const Failure& failure) {
  std::fprintf(stderr, "keymast-peer: %s\n", failure.message.c_str());
  return failure.error == Error::kInvalidArgument ? kBadUsage : kFailed;
}

void DescribeParty(shell::Args& args, PeerOptions& options) {
  args.Option("--identity", options.identity, "ours: nai:alice@example.org, uri:sip:...", true);
  args.Option("--peer-identity", options.peer_identity, "the other side's", true);
  args.Option("--key-file", options.key_file, "pre-shared key in hexadecimal, mode 0600, or `-`");
  args.Option("--certificate", options.certificate, "ours in PEM, for the modes by certificate");
  args.Option("--private-key", options.private_key, "its key in PEM, mode 0600");
  args.Option("--modes", options.modes, "psk, dhhmac, early-dhhmac, or dh, early-dh, rsa");
  args.Option("--profiles", options.profiles, "as AEAD_AES_256_GCM, in order of preference");
}

void DescribeSession(shell::Args& args, PeerOptions& options) {
  args.Option("--offer", options.offer, "file or named pipe of the offer, or `-`", true);
  args.Option("--answer", options.answer, "of the answer", true);
  args.Option("--media", options.media, "ADDRESS or ADDRESS:PORT where we receive (127.0.0.1)");
  args.Option("--stream", options.streams, "sendrecv, sendonly:L16, recvonly:PCMU ...: each one");
  args.Option("--source", options.sources, "1=tone (so it is), 1=udp:HOST:PORT, 1=-, 1=none");
  args.Option("--sink", options.sinks, "1=udp:HOST:PORT, 1=file:PATH: where plain packets go");
  args.Option("--next", options.next, "a second round: our part in it, offer or answer");
  args.Option("--next-offer", options.next_offer, "its offer");
  args.Option("--next-answer", options.next_answer, "its answer");
  args.Option("--add", options.added, "a stream that the second round adds");
  args.Option("--for", options.duration, "stop after that long, as 10s");
  args.Option("--reveal-keys", options.reveal_keys, "new file, mode 0600, for the SRTP keys");
  args.Option("--log-level", options.log_level, "debug, info, warning, error");
}

void Describe(shell::Args& args, PeerOptions& options) {
  shell::Args& offer = args.Command("offer", "write an offer, read its answer");
  DescribeParty(offer, options);
  DescribeSession(offer, options);
  offer.Option("--early", options.early, "send CAP there before the answer has come");
  offer.Flag("--key-mgmt", options.key_mgmt, "send CAP in the offer itself (RFC 4567)");
  shell::Args& answer = args.Command("answer", "read an offer, write its answer");
  DescribeParty(answer, options);
  DescribeSession(answer, options);
  answer.Option("--ring", options.ring, "write the answer that much later, as 2s");
}

int Main(int argc, char** argv) {
  PeerOptions options;
  shell::Args args("keymast-peer", "One side of a session of two: SDP, MIKEYv2, SRTP.");
  Describe(args, options);
  if (const std::optional<int> status = args.Parse(argc, argv)) return *status;
  shell::LogLevel lowest = shell::LogLevel::kWarning;
  if (!options.log_level.empty() && !shell::ParseLogLevel(options.log_level, lowest)) {
    return Refuse({Error::kInvalidArgument, "--log-level: debug, info, warning, error", {}, {}, 0});
  }
  shell::InitLog("keymast-peer", lowest);
  if (!crypto::SelfTest()) {
    return Refuse(
        {Error::kInternal, "the installed crypto library gives wrong answers", {}, {}, 0});
  }
  crypto::HardenProcess();
  if (args.command().empty()) {
    return Refuse({Error::kInvalidArgument, "offer or answer; see --help", {}, {}, 0});
  }
  options.offers = args.command() == "offer";
  tl::expected<PeerPlan, Failure> plan = MakePlan(options);
  if (!plan) return Refuse(plan.error());
  const int stop_fd = shell::TerminationFd();
  const shell::SystemClock clock;
  auto program = PeerProgram::Open(std::move(*plan), clock);
  if (!program) return Refuse(program.error());
  return (*program)->Run(stop_fd);
}

}  // namespace
}  // namespace keymast::tools

int main(int argc, char** argv) {
  try {
    return keymast::tools::Main(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "keymast-peer: %s\n", failure.what());
    return 1;
  }
}
