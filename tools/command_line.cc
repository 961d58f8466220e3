// SPDX-License-Identifier: Apache-2.0
// The only file of this room that includes CLI11.
#include "tools/command_line.h"

#include <CLI/CLI.hpp>

#include "tools/exit.h"

namespace keymast::tools {
namespace {

constexpr const char* kDecodeFooter = R"(
Exit status, of several messages the worst:
  2  malformed: no receiver takes it, whoever made it. Worst, since nothing more
     can be said of it
  3  its MAC holds under none of the keys: damaged, or somebody else's
  1  well formed, and not verified: no key, NULL algorithms, a signature
  0  verified: every message's MAC holds under a key that was given
  4  the command line, or a file named on it

Keys come from a file or a descriptor only. Messages in order serve each other:
an MSK message gives RAND and MSK of the MTK messages behind it, and a
verification message is checked against what it answers.)";

constexpr const char* kBuildFooter = R"(
A description is what `decode --json` prints, or one written by hand; both are in
docs/keymast-mikey.md. Several messages of a description are separated by empty
lines, as `decode` reads them. Exit status: 0, or 4 when it cannot be built.)";

void AddDecode(CLI::App& app, DecodeOptions& options) {
  CLI::App* decode = app.add_subcommand("decode", "Show messages, field by field, and verify them");
  auto* file = decode->add_option("FILE", options.input,
                                  "Capture (pcap, pcapng), hexadecimal text, or a message as it "
                                  "is; - is standard input");
  auto* hex = decode->add_option("--hex", options.hex, "Messages in hexadecimal, one a word");
  file->excludes(hex);
  decode->add_option("--key-file", options.key_file,
                     "Lines `HEX` or `NAME HEX`: pre-shared keys, MSKs, envelope keys; each is "
                     "tried. Mode 0600, or - for standard input");
  decode->add_option("--rand", options.rands, "RAND of messages whose first message is not here")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  auto* port = decode->add_option("--port", options.port, "UDP port of MIKEY in a capture")
                   ->check(CLI::Range(1, 65535))
                   ->capture_default_str();
  decode->add_flag("--any-port", options.any_port, "Take whatever is a MIKEY message")
      ->excludes(port);
  decode->add_flag("--json", options.json, "One JSON document, nothing left out");
  decode->add_flag("--reveal", options.reveal, "Show keys, not their fingerprints");
  decode->add_option("--color", options.color, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  decode->footer(kDecodeFooter);
}

void AddBuild(CLI::App& app, BuildOptions& options) {
  CLI::App* build =
      app.add_subcommand("build", "Make messages from a description, also wrong ones");
  build->add_option("FILE", options.input, "JSON description; - is standard input")
      ->capture_default_str();
  build->add_option("--key-file", options.key_file,
                    "Lines `NAME HEX`: the keys that the description names. Mode 0600, or - for "
                    "standard input");
  auto* binary = build->add_flag("--binary", options.binary, "The octets of one message");
  build->add_flag("--pcap", options.pcap, "A capture of UDP datagrams to port 2269")
      ->excludes(binary);
  build->add_option("--output", options.output, "File to write, instead of standard output");
  build->footer(kBuildFooter);
}

void AddVectors(CLI::App& app, VectorsOptions& options) {
  CLI::App* vectors = app.add_subcommand("vectors", "Write the published test vectors");
  vectors->add_option("DIR", options.folder, "Folder for them, one file a kind")->required();
}

std::string UsageText(const CLI::App*, const CLI::Error& error) {
  return std::string("keymast-mikey: ") + error.what() +
         "\n  keymast-mikey --help, and --help behind a command, tell what there is\n";
}

}  // namespace

std::optional<int> ParseCommandLine(int argc, char** argv, CommandLine& line) {
  CLI::App app{"Reads, verifies and makes MIKEY messages (RFC 3830).", "keymast-mikey"};
  app.set_version_flag("--version", "keymast-mikey " KEYMAST_VERSION);
  app.require_subcommand(1);
  app.failure_message(UsageText);
  AddDecode(app, line.decode);
  AddBuild(app, line.build);
  AddVectors(app, line.vectors);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& shown) {
    return app.exit(shown);
  } catch (const CLI::ParseError& problem) {
    app.exit(problem);
    return kUsage;
  }
  if (app.got_subcommand("build")) line.command = CommandLine::Command::kBuild;
  if (app.got_subcommand("vectors")) line.command = CommandLine::Command::kVectors;
  return std::nullopt;
}

}  // namespace keymast::tools
