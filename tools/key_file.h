// SPDX-License-Identifier: Apache-2.0
// The keys that a run is given: a file of mode 0600 or a descriptor, never the command line.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "crypto/secret.h"

namespace keymast::tools {

inline constexpr size_t kMaxKeyFile = 64 * 1024;
inline constexpr size_t kMaxKeys = 256;

// Key is one line of a key file.
struct Key {
  std::string name;  // empty: the line has none
  crypto::SecretBytes octets;
};
using Keys = std::vector<Key>;

// ReadKeys reads `HEX` or `NAME HEX` a line, `#` begins a comment; a key has 1 to 1,024 octets, a
// name letters, digits and `_.-`, and does not look like a key. kMalformed, with the line and never
// with what it says.
tl::expected<Keys, Failure> ReadKeys(ByteView text);

// LoadKeys reads a key file: `-` is standard input, `/dev/fd/N` a descriptor; any other path must
// be a file that only its owner can read. The message says what to do.
tl::expected<Keys, Failure> LoadKeys(const std::string& path);

// FindKey is null when no key has that name.
const Key* FindKey(const Keys& keys, std::string_view name);

// Fingerprint is the beginning, 8 octets, of SHA-256 over a key, in hexadecimal.
std::string Fingerprint(ByteView key);

}  // namespace keymast::tools
