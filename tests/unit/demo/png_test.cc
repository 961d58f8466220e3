// SPDX-License-Identifier: Apache-2.0
#include "demo/png.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace keymast::demo {
namespace {

struct Chunk {
  std::string type;
  Bytes data;
};

uint32_t U32(ByteView octets) {
  return static_cast<uint32_t>(octets[0] << 24 | octets[1] << 16 | octets[2] << 8 | octets[3]);
}

// Chunks takes a PNG file apart and checks each CRC.
std::vector<Chunk> Chunks(ByteView png) {
  std::vector<Chunk> chunks;
  for (size_t at = 8; at + 12 <= png.size();) {
    const uint32_t length = U32(png.subspan(at));
    const ByteView covered = png.subspan(at + 4, length + 4);
    EXPECT_EQ(U32(png.subspan(at + 8 + length)),
              crc32(0, covered.data(), static_cast<uInt>(covered.size())));
    const ByteView data = covered.subspan(4);
    chunks.push_back({std::string(AsText(covered.first(4))), Bytes(data.begin(), data.end())});
    at += 12 + length;
  }
  return chunks;
}

TEST(Png, InflatesBackToItsPixels) {
  Image image(7, 3, {1, 2, 3});
  image.Set(6, 2, {255, 254, 253});
  const Bytes png = EncodePng(image);
  EXPECT_EQ(AsText(ByteView(png).first(8)), "\x89PNG\r\n\x1a\n");
  const std::vector<Chunk> chunks = Chunks(png);
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_EQ(chunks[0].type, "IHDR");
  EXPECT_EQ(chunks[0].data, (Bytes{0, 0, 0, 7, 0, 0, 0, 3, 8, 2, 0, 0, 0}));
  EXPECT_EQ(chunks[1].type, "IDAT");
  EXPECT_EQ(chunks[2].type, "IEND");

  Bytes lines(3 * (1 + 7 * 3));
  uLongf size = lines.size();
  ASSERT_EQ(uncompress(lines.data(), &size, chunks[1].data.data(), chunks[1].data.size()), Z_OK);
  ASSERT_EQ(size, lines.size());
  for (size_t row = 0; row < 3; ++row) {
    EXPECT_EQ(lines[row * 22], 0) << "filter";
    EXPECT_TRUE(
        Equal(ByteView(lines).subspan(row * 22 + 1, 21), image.octets().subspan(row * 21, 21)));
  }
}

TEST(Image, CutsOffWhatIsOutside) {
  Image image(4, 4, {});
  image.Fill(-2, -2, 100, 3, {9, 9, 9});
  EXPECT_EQ(image.octets()[0], 9);
  EXPECT_EQ(image.octets()[4 * 3], 0);
  image.Paste(3, 3, 2, Bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  EXPECT_EQ(image.octets()[15 * 3 + 1], 2);
}

TEST(Png, AFolderThatIsNotThereIsAnError) {
  EXPECT_EQ(WriteFile("/nonexistent/sheet.png", Bytes{1}).error(), Error::kIo);
}

}  // namespace
}  // namespace keymast::demo
