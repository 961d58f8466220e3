// SPDX-License-Identifier: Apache-2.0
#include "demo/sheet.h"

#include <algorithm>

#include "demo/font.h"

namespace keymast::demo {
namespace {

constexpr Colour kPaper = {30, 32, 36};
constexpr Colour kInk = {225, 225, 220};
constexpr Colour kDark = {0, 0, 0};
constexpr int kScale = 2;
constexpr int kGap = 3;
constexpr int kLabelWidth = 130;
constexpr int kHeadHeight = kGlyphHeight * kScale + 2 * kGap;

}  // namespace

uint32_t Columns(const SheetLayout& layout) {
  return (layout.seconds + layout.step - 1) / layout.step;
}

int CellX(uint32_t column) { return kLabelWidth + static_cast<int>(column) * (kThumbWidth + kGap); }

int CellY(size_t row) { return kHeadHeight + static_cast<int>(row) * (kThumbHeight + kGap); }

Image ComposeSheet(const std::vector<SheetRow>& rows, const SheetLayout& layout) {
  Image image(CellX(Columns(layout)), CellY(rows.size()), kPaper);
  for (uint32_t column = 0; column < Columns(layout); ++column) {
    DrawText(image, CellX(column), kGap, kScale, std::to_string(column * layout.step) + " s", kInk);
  }
  for (size_t row = 0; row < rows.size(); ++row) {
    const int label_y = CellY(row) + (kThumbHeight - kGlyphHeight * kScale) / 2;
    DrawText(image, kGap, label_y, kScale, rows[row].name, kInk);
    for (uint32_t column = 0; column < Columns(layout); ++column) {
      const auto thumb = rows[row].thumbs.find(column * layout.step);
      image.Fill(CellX(column), CellY(row), kThumbWidth, kThumbHeight, kDark);
      if (thumb == rows[row].thumbs.end()) continue;
      image.Paste(CellX(column), CellY(row), kThumbWidth, thumb->second);
    }
  }
  return image;
}

}  // namespace keymast::demo
