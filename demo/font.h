// SPDX-License-Identifier: Apache-2.0
// A font of 5 x 7 dots for the labels of the contact sheet.
#pragma once

#include <string_view>

#include "demo/png.h"

namespace keymast::demo {

inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphHeight = 7;
inline constexpr int kGlyphPitch = kGlyphWidth + 1;

// DrawText writes letters (small ones as capitals), digits and '-' from (x, y) to the right, each
// dot `scale` pixels wide; anything else is a space.
void DrawText(Image& image, int x, int y, int scale, std::string_view text, Colour colour);

}  // namespace keymast::demo
