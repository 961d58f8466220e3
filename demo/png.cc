// SPDX-License-Identifier: Apache-2.0
#include "demo/png.h"

#include <zlib.h>

#include <fstream>

#include "base/check.h"

namespace keymast::demo {
namespace {

void AppendU32(Bytes& out, uint64_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(value >> shift));
}

// A chunk is length, type, data and the CRC of type and data (§5.3).
void AppendChunk(Bytes& out, std::string_view type, ByteView data) {
  AppendU32(out, data.size());
  const size_t begin = out.size();
  out.insert(out.end(), type.begin(), type.end());
  out.insert(out.end(), data.begin(), data.end());
  const ByteView covered = ByteView(out).subspan(begin);
  AppendU32(out, crc32(0, covered.data(), static_cast<uInt>(covered.size())));
}

Bytes Header(const Image& image) {
  Bytes header;
  AppendU32(header, static_cast<uint64_t>(image.width()));
  AppendU32(header, static_cast<uint64_t>(image.height()));
  // 8 bits a sample, colour type 2 (RGB), deflate, adaptive filters, no interlace (§11.2.2).
  header.insert(header.end(), {8, 2, 0, 0, 0});
  return header;
}

Bytes Deflated(const Bytes& octets) {
  uLongf size = compressBound(octets.size());
  Bytes out(size);
  const int status = compress2(out.data(), &size, octets.data(), octets.size(), 6);
  KEYMAST_CHECK(status == Z_OK);
  out.resize(size);
  return out;
}

}  // namespace

Image::Image(int width, int height, Colour ground)
    : width_(width), height_(height), octets_(static_cast<size_t>(width * height) * 3) {
  Fill(0, 0, width, height, ground);
}

void Image::Set(int x, int y, Colour colour) {
  if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
  const size_t at = static_cast<size_t>(y * width_ + x) * 3;
  octets_[at] = colour.red;
  octets_[at + 1] = colour.green;
  octets_[at + 2] = colour.blue;
}

void Image::Fill(int x, int y, int width, int height, Colour colour) {
  for (int row = y; row < y + height; ++row) {
    for (int column = x; column < x + width; ++column) Set(column, row, colour);
  }
}

void Image::Paste(int x, int y, int width, ByteView rgb) {
  for (size_t i = 0; i + 2 < rgb.size(); i += 3) {
    const int pixel = static_cast<int>(i / 3);
    Set(x + pixel % width, y + pixel / width, {rgb[i], rgb[i + 1], rgb[i + 2]});
  }
}

Bytes EncodePng(const Image& image) {
  Bytes lines;
  const size_t stride = static_cast<size_t>(image.width()) * 3;
  for (size_t row = 0; row < static_cast<size_t>(image.height()); ++row) {
    lines.push_back(0);  // filter type None (§9.2)
    const ByteView line = image.octets().subspan(row * stride, stride);
    lines.insert(lines.end(), line.begin(), line.end());
  }
  Bytes out = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  AppendChunk(out, "IHDR", Header(image));
  AppendChunk(out, "IDAT", Deflated(lines));
  AppendChunk(out, "IEND", {});
  return out;
}

Status WriteFile(const std::string& path, ByteView octets) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(octets.data()),
             static_cast<std::streamsize>(octets.size()));
  if (!file.flush()) return Err(Error::kIo);
  return {};
}

}  // namespace keymast::demo
