// SPDX-License-Identifier: Apache-2.0
// Open RocksDB, scan it, unseal every value: the floor of a start.
#pragma once

#include <sodium.h>

#include <array>
#include <string>

namespace keymast::bench {

class PageFloor {
 public:
  // Copies the keys of the database at `source` to a new one at `path`, with values of the same
  // sizes, sealed under a key of its own. `source` is not in use, and left as it is.
  PageFloor(const std::string& source, std::string path);

  // OpenScanUnseal returns the seconds that it took.
  double OpenScanUnseal() const;

 private:
  std::string path_;
  std::array<unsigned char, crypto_aead_xchacha20poly1305_ietf_KEYBYTES> key_{};
};

}  // namespace keymast::bench
