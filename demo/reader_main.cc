// SPDX-License-Identifier: Apache-2.0
// keymast-demo-reader: decoded rgb24 pictures on standard input, their numbers as JSON lines on
// standard output: {"frame":17,"tail":false,"time":NANOSECONDS} or {"unreadable":true,"time":...}.
#include <cinttypes>
#include <cstdio>
#include <exception>

#include "demo/thumbs.h"
#include "shell/args.h"
#include "shell/process.h"

namespace keymast::demo {
namespace {

class Reader {
 public:
  explicit Reader(std::FILE* thumbs) : thumbs_(thumbs) {}

  void Read(ByteView rgb) {
    const int64_t now = ToUnixNanos(clock_.Now());
    const std::optional<FrameCode> code = ReadFrameCode(rgb);
    if (!code) {
      std::printf("{\"unreadable\":true,\"time\":%" PRId64 "}\n", now);
    } else {
      std::printf("{\"frame\":%" PRIu32 ",\"tail\":%s,\"time\":%" PRId64 "}\n", code->frame,
                  code->is_tail ? "true" : "false", now);
      KeepThumb(code->frame / kFrameRate, rgb);
    }
    std::fflush(stdout);
  }

 private:
  void KeepThumb(uint32_t second, ByteView rgb) {
    if (thumbs_ == nullptr || second < next_second_) return;
    next_second_ = second + 1;
    if (!AppendThumb(thumbs_, second, Thumbnail(rgb))) thumbs_ = nullptr;
  }

  shell::SystemClock clock_;
  std::FILE* thumbs_;  // null: none are kept
  uint32_t next_second_ = 0;
};

int Main(int argc, char** argv) {
  std::string path;
  shell::Args args("keymast-demo-reader", "Reads back the numbers of decoded frames (rgb24).");
  args.Option("--thumbs", path, "file to append a thumbnail a second to");
  if (const std::optional<int> status = args.Parse(argc, argv)) return *status;
  std::FILE* thumbs = path.empty() ? nullptr : std::fopen(path.c_str(), "ab");
  if (!path.empty() && thumbs == nullptr) {
    std::fprintf(stderr, "keymast-demo-reader: %s: cannot be written\n", path.c_str());
    return 1;
  }
  Reader reader(thumbs);
  Bytes rgb(kRgbSize);
  while (std::fread(rgb.data(), rgb.size(), 1, stdin) == 1) reader.Read(rgb);
  if (thumbs != nullptr) std::fclose(thumbs);
  return 0;
}

}  // namespace
}  // namespace keymast::demo

int main(int argc, char** argv) {
  try {
    return keymast::demo::Main(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "keymast-demo-reader: %s\n", failure.what());
    return 1;
  }
}
