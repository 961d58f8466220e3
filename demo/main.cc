// SPDX-License-Identifier: Apache-2.0
// keymast-demo: the first broadcast, a minute of one real channel on this machine's loopback.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "demo/broadcast.h"
#include "demo/sheet.h"
#include "shell/args.h"

namespace keymast::demo {
namespace {

struct CommandLine {
  std::string programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  std::string folder = "build/quickstart";
  std::string summary;
  bool is_headless = false;
};

std::optional<int> Parse(int argc, char** argv, CommandLine& line) {
  shell::Args args("keymast-demo", "A minute of one keyed channel, from the call to the picture.");
  args.Option("--programs", line.programs, "folder of the keymast programs (this one's)");
  args.Option("--folder", line.folder,
              "folder of this run (build/quickstart), new, empty or of an earlier run");
  args.Option("--summary", line.summary, "JSON file for what was measured");
  args.Flag("--headless", line.is_headless, "plain lines, also on a terminal");
  return args.Parse(argc, argv);
}

// WriteUsers lists the key file of each identity, for a reader of the recordings.
Status WriteUsers(const Stage& stage, const RunResult& run) {
  nlohmann::ordered_json users;
  for (const ReceiverResult& receiver : run.receivers) {
    users[stage.Identity(receiver.name)] = stage.Path(receiver.name + ".key");
  }
  users[stage.Identity("absent")] = stage.Path("absent.key");
  return WriteFile(stage.Path("users.json"), AsBytes(users.dump(2) + "\n"));
}

Status WriteSheet(const Stage& stage, const RunResult& run, const std::string& path) {
  std::vector<SheetRow> rows;
  for (const ReceiverResult& receiver : run.receivers) {
    rows.push_back({receiver.name, ReadThumbs(stage.Path(receiver.name + ".thumbs"))});
  }
  return WriteFile(path, EncodePng(ComposeSheet(rows, {})));
}

int Tell(const Stage& stage, const RunResult& run, const std::string& summary) {
  const std::string sheet = stage.Path("contact-sheet.png");
  const bool is_written = WriteSheet(stage, run, sheet) && WriteUsers(stage, run) &&
                          (summary.empty() || WriteFile(summary, AsBytes(SummaryJson(run))));
  std::printf("\n%s\ncontact sheet: %s\n", SummaryTable(run).c_str(), sheet.c_str());
  const std::vector<std::string> violations = Violations(run);
  for (const std::string& violation : violations) std::printf("FAILED: %s\n", violation.c_str());
  if (violations.empty()) std::puts("everything held");
  if (!is_written) std::fputs("keymast-demo: not all files could be written\n", stderr);
  return violations.empty() && is_written ? 0 : 1;
}

int Main(int argc, char** argv) {
  CommandLine line;
  if (const std::optional<int> status = Parse(argc, argv, line)) return *status;
  const int stop_fd = shell::TerminationFd();
  // Absolute: the programs write the paths of their configuration into it.
  Stage stage(line.programs, std::filesystem::absolute(line.folder));
  tl::expected<RunResult, Failure> run = tl::unexpected<Failure>(Failure{});
  if (auto prepared = stage.Prepare(); !prepared) {
    run = tl::unexpected<Failure>(prepared.error());
  } else {
    Broadcast broadcast(stage, {}, !line.is_headless && isatty(STDOUT_FILENO) == 1, stop_fd);
    run = broadcast.Go();
  }
  if (!run) {
    std::fprintf(stderr, "keymast-demo: %s\n", run.error().message.c_str());
    return 1;
  }
  return Tell(stage, *run, line.summary);
}

}  // namespace
}  // namespace keymast::demo

int main(int argc, char** argv) {
  try {
    return keymast::demo::Main(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "keymast-demo: %s\n", failure.what());
    return 1;
  }
}
