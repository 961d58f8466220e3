// SPDX-License-Identifier: Apache-2.0
// keymast-demo-generator: numbered frames as raw yuv420p on standard output, at their pace.
#include <cstdio>
#include <exception>
#include <fstream>
#include <thread>

#include "demo/picture.h"
#include "shell/args.h"
#include "shell/process.h"

namespace keymast::demo {
namespace {

// TellBegin writes the instant of frame 0 (nanoseconds since the Unix epoch): frame n is not
// written before n frame times after it.
bool TellBegin(const std::string& path) {
  if (path.empty()) return true;
  std::ofstream file(path + ".new", std::ios::trunc);
  file << ToUnixNanos(shell::SystemClock().Now()) << "\n";
  file.close();
  return file && std::rename((path + ".new").c_str(), path.c_str()) == 0;
}

int Generate(uint32_t frames, uint32_t tail, bool is_paced) {
  using Clock = std::chrono::steady_clock;
  YuvPicture picture;
  const Clock::time_point begin = Clock::now();
  for (uint32_t frame = 0; frame < frames + tail; ++frame) {
    picture.Paint({frame, frame >= frames});
    if (is_paced) {
      std::this_thread::sleep_until(begin + frame * std::chrono::milliseconds(1000 / kFrameRate));
    }
    if (std::fwrite(picture.view().data(), picture.view().size(), 1, stdout) != 1) return 1;
    if (std::fflush(stdout) != 0) return 1;
  }
  return 0;
}

int Main(int argc, char** argv) {
  int64_t frames = 1500;
  int64_t tail = 0;
  bool is_fast = false;
  std::string began;
  shell::Args args("keymast-demo-generator", "Numbered frames, 320x180 yuv420p, 25 a second.");
  args.Option("--frames", frames, "counted frames (1500)");
  args.Option("--tail", tail, "uncounted frames behind them (0)");
  args.Option("--began", began, "file to write the instant of frame 0 to");
  args.Flag("--fast", is_fast, "as fast as they are read");
  if (const std::optional<int> status = args.Parse(argc, argv)) return *status;
  if (frames < 0 || tail < 0 || frames + tail > int64_t{kFrameLimit}) {
    std::fputs("keymast-demo-generator: at most 1048576 frames\n", stderr);
    return 2;
  }
  if (!TellBegin(began)) {
    std::fprintf(stderr, "keymast-demo-generator: %s: cannot be written\n", began.c_str());
    return 1;
  }
  return Generate(static_cast<uint32_t>(frames), static_cast<uint32_t>(tail), !is_fast);
}

}  // namespace
}  // namespace keymast::demo

int main(int argc, char** argv) {
  try {
    return keymast::demo::Main(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "keymast-demo-generator: %s\n", failure.what());
    return 1;
  }
}
