// SPDX-License-Identifier: Apache-2.0
// The file of thumbnails that a reader appends to once a second of the programme.
#pragma once

#include <cstdio>
#include <map>
#include <string>

#include "base/error.h"
#include "demo/picture.h"

namespace keymast::demo {

// Thumbs are pictures (kThumbSize octets) by second of the programme.
using Thumbs = std::map<uint32_t, Bytes>;

// AppendThumb writes one record: second (4 octets, big endian), then the picture. kIo.
Status AppendThumb(std::FILE* file, uint32_t second, ByteView thumb);

// ReadThumbs reads the records of a file; one that is cut off at the end is left out. A file that
// is not there has none.
Thumbs ReadThumbs(const std::string& path);

}  // namespace keymast::demo
