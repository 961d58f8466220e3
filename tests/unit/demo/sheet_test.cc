// SPDX-License-Identifier: Apache-2.0
#include "demo/sheet.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "demo/font.h"

namespace keymast::demo {
namespace {

Bytes Flat(uint8_t value) { return Bytes(kThumbSize, value); }

int RedAt(const Image& image, int x, int y) {
  return image.octets()[static_cast<size_t>(y * image.width() + x) * 3];
}

class TemporaryFile {
 public:
  TemporaryFile()
      : path_(std::filesystem::temp_directory_path() /
              ("keymast-thumbs-" + std::to_string(getpid()))) {}
  ~TemporaryFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(Sheet, DarkWhereNothingWasDecoded) {
  const SheetLayout layout{20, 5};
  const Image image = ComposeSheet({{"member", {{0, Flat(200)}, {5, Flat(180)}, {10, Flat(170)}}},
                                    {"expelled", {{0, Flat(200)}, {7, Flat(90)}}}},
                                   layout);
  EXPECT_EQ(Columns(layout), 4u);
  EXPECT_EQ(RedAt(image, CellX(1) + 40, CellY(0) + 20), 180);
  EXPECT_EQ(RedAt(image, CellX(3) + 40, CellY(0) + 20), 0);
  EXPECT_EQ(RedAt(image, CellX(0) + 40, CellY(1) + 20), 200);
  EXPECT_EQ(RedAt(image, CellX(1) + 40, CellY(1) + 20), 0);
}

TEST(Sheet, EveryRowHasItsLabel) {
  const Image with = ComposeSheet({{"member-1", {}}}, {});
  const Image without = ComposeSheet({{"", {}}}, {});
  EXPECT_FALSE(Equal(with.octets(), without.octets()));
}

TEST(Font, LettersDifferAndSmallOnesAreCapitals) {
  const auto drawn = [](std::string_view text) {
    Image image(12, 8, {});
    DrawText(image, 0, 0, 1, text, {255, 255, 255});
    return Bytes(image.octets().begin(), image.octets().end());
  };
  EXPECT_EQ(drawn("ab"), drawn("AB"));
  EXPECT_NE(drawn("AB"), drawn("BA"));
  EXPECT_EQ(drawn("#"), drawn(" "));
  EXPECT_NE(drawn("0"), drawn("O"));
}

TEST(Thumbs, AreReadBackAndACutRecordIsLeftOut) {
  const TemporaryFile file;
  std::FILE* out = std::fopen(file.path().c_str(), "ab");
  ASSERT_NE(out, nullptr);
  EXPECT_TRUE(AppendThumb(out, 3, Flat(7)).has_value());
  EXPECT_TRUE(AppendThumb(out, 70000, Flat(8)).has_value());
  std::fputs("cut", out);
  std::fclose(out);
  const Thumbs thumbs = ReadThumbs(file.path());
  ASSERT_EQ(thumbs.size(), 2u);
  EXPECT_EQ(thumbs.at(3), Flat(7));
  EXPECT_EQ(thumbs.at(70000), Flat(8));
}

TEST(Thumbs, AMissingFileHasNone) { EXPECT_TRUE(ReadThumbs("/nonexistent").empty()); }

}  // namespace
}  // namespace keymast::demo
