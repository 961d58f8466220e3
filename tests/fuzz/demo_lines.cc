// SPDX-License-Identifier: Apache-2.0
// What the demo reads from the programs it runs: their lines, times and pictures.
#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "demo/control.h"
#include "demo/viewer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string line(keymast::AsText(keymast::ByteView(data, size)));
  keymast::demo::ParseReport(line);
  keymast::demo::ParseTime(line);
  keymast::demo::FrameLog log;
  keymast::demo::ReadFrameLine(line, log);
  std::array<int, keymast::demo::kBlocks> lumas{};
  std::copy_n(data, std::min<size_t>(size, lumas.size()), lumas.begin());
  keymast::demo::ReadBlocks(lumas);
  return 0;
}
