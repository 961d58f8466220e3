// SPDX-License-Identifier: Apache-2.0
// What the demo reads from the programs it runs and from the kernel: lines, times, tables, pictures
// and the files of them.
#include <algorithm>
#include <array>
#include <sstream>

#include "base/bytes.h"
#include "demo/control.h"
#include "demo/machine.h"
#include "demo/picture.h"
#include "demo/thumbs.h"
#include "demo/viewer.h"
#include "tests/fuzz/memory_file.h"

namespace {

using namespace keymast;

// A picture whose strip has the colours that the input says.
Bytes Picture(const std::array<int, demo::kBlocks>& lumas) {
  Bytes rgb(demo::kRgbSize);
  for (size_t at = 0; at < rgb.size(); ++at) {
    const size_t x = at / 3 % demo::kWidth;
    const size_t y = at / 3 / demo::kWidth;
    const size_t block = y / demo::kBlock * demo::kBlockColumns + x / demo::kBlock;
    if (block < lumas.size()) rgb[at] = static_cast<uint8_t>(lumas[block]);
  }
  return rgb;
}

void ReadPictures(ByteView octets) {
  std::array<int, demo::kBlocks> lumas{};
  std::copy_n(octets.begin(), std::min<size_t>(octets.size(), lumas.size()), lumas.begin());
  const auto code = demo::ReadBlocks(lumas);
  const auto read = demo::ReadFrameCode(Picture(lumas));
  KEYMAST_CHECK(!read || !code || *read == *code);
  const MemoryFile file(octets);
  KEYMAST_CHECK(demo::ReadThumbs(file.path()).size() <= octets.size() / (4 + demo::kThumbSize));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string line(keymast::AsText(keymast::ByteView(data, size)));
  keymast::demo::ParseReport(line);
  keymast::demo::ParseTime(line);
  keymast::demo::FrameLog log;
  keymast::demo::ReadFrameLine(line, log);
  std::istringstream table(line);
  keymast::demo::ListsUdpPort(table, 2269);
  ReadPictures({data, size});
  return 0;
}
