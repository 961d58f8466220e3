// SPDX-License-Identifier: Apache-2.0
// The contact sheet: what each receiver saw, in one picture.
#pragma once

#include <vector>

#include "demo/png.h"
#include "demo/thumbs.h"

namespace keymast::demo {

struct SheetRow {
  std::string name;
  Thumbs thumbs;
};

struct SheetLayout {
  uint32_t seconds = 60;
  uint32_t step = 5;  // seconds from one column to the next
};

// Columns are the seconds 0, step, 2 step, ... below `seconds`.
uint32_t Columns(const SheetLayout& layout);

// CellX and CellY are the upper left corner of the cell of a column and a row.
int CellX(uint32_t column);
int CellY(size_t row);

// ComposeSheet draws one row a receiver; a second of which nothing was decoded is a dark cell.
Image ComposeSheet(const std::vector<SheetRow>& rows, const SheetLayout& layout);

}  // namespace keymast::demo
