// SPDX-License-Identifier: Apache-2.0
// keymast-demo-sheet: the thumbnails of several receivers as one contact sheet.
#include <cstdio>
#include <exception>

#include "demo/sheet.h"
#include "shell/args.h"

namespace keymast::demo {
namespace {

int Main(int argc, char** argv) {
  std::string out;
  std::vector<std::string> rows;
  int64_t seconds = 60;
  int64_t step = 5;
  shell::Args args("keymast-demo-sheet", "One contact sheet from files of thumbnails.");
  args.Option("--out", out, "PNG file to write", true);
  args.Option("--row", rows, "NAME=FILE of thumbnails, one row each");
  args.Option("--seconds", seconds, "length of the programme (60)");
  args.Option("--step", step, "seconds from column to column (5)");
  if (const std::optional<int> status = args.Parse(argc, argv)) return *status;
  if (seconds < 1 || step < 1 || seconds / step > 200) {
    std::fputs("keymast-demo-sheet: between 1 and 200 columns\n", stderr);
    return 2;
  }
  std::vector<SheetRow> sheet;
  for (const std::string& row : rows) {
    const size_t equals = std::min(row.find('='), row.size() - 1);
    sheet.push_back({row.substr(0, equals), ReadThumbs(row.substr(equals + 1))});
  }
  const SheetLayout layout{static_cast<uint32_t>(seconds), static_cast<uint32_t>(step)};
  if (!WriteFile(out, EncodePng(ComposeSheet(sheet, layout)))) {
    std::fprintf(stderr, "keymast-demo-sheet: %s: cannot be written\n", out.c_str());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace keymast::demo

int main(int argc, char** argv) {
  try {
    return keymast::demo::Main(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "keymast-demo-sheet: %s\n", failure.what());
    return 1;
  }
}
