// SPDX-License-Identifier: Apache-2.0
#include "demo/thumbs.h"

#include <fstream>

namespace keymast::demo {

Status AppendThumb(std::FILE* file, uint32_t second, ByteView thumb) {
  Bytes record;
  for (int shift = 24; shift >= 0; shift -= 8) {
    record.push_back(static_cast<uint8_t>(second >> shift));
  }
  record.insert(record.end(), thumb.begin(), thumb.end());
  const bool is_written = std::fwrite(record.data(), record.size(), 1, file) == 1;
  if (!is_written || std::fflush(file) != 0) return Err(Error::kIo);
  return {};
}

Thumbs ReadThumbs(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Thumbs thumbs;
  std::string record(4 + kThumbSize, '\0');
  while (file.read(record.data(), static_cast<std::streamsize>(record.size()))) {
    const ByteView octets = AsBytes(record);
    uint32_t second = 0;
    for (const uint8_t octet : octets.first(4)) second = second << 8 | octet;
    thumbs.emplace(second, Bytes(octets.begin() + 4, octets.end()));
  }
  return thumbs;
}

}  // namespace keymast::demo
