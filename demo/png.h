// SPDX-License-Identifier: Apache-2.0
// A picture in memory and as a PNG file (ISO/IEC 15948), by zlib alone.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace keymast::demo {

struct Colour {
  uint8_t red = 0, green = 0, blue = 0;
};

// Image is rows of red, green, blue; what is drawn outside of it is cut off.
class Image {
 public:
  Image(int width, int height, Colour ground);
  int width() const { return width_; }
  int height() const { return height_; }
  ByteView octets() const { return octets_; }
  void Set(int x, int y, Colour colour);
  void Fill(int x, int y, int width, int height, Colour colour);
  // Paste puts an rgb24 picture of `width` columns at (x, y).
  void Paste(int x, int y, int width, ByteView rgb);

 private:
  int width_;
  int height_;
  Bytes octets_;
};

// EncodePng gives the file's octets: 8-bit RGB, not interlaced.
Bytes EncodePng(const Image& image);

// WriteFile replaces the file at `path`; kIo.
Status WriteFile(const std::string& path, ByteView octets);

}  // namespace keymast::demo
