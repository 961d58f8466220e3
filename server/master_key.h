// SPDX-License-Identifier: Apache-2.0
// The master key that seals everything at rest. There is no call that unseals: it comes from a
// descriptor, a file that only its owner reads, or a systemd credential.
#pragma once

#include <string>

#include "base/error.h"
#include "crypto/secret.h"

namespace keymast::server {

inline constexpr size_t kMasterKeySize = 32;

struct MasterKeySource {
  int fd = -1;       // given on the command line
  std::string file;  // of the configuration
};

// MasterKeyFile is where ReadMasterKey looks for the key when no descriptor is given.
std::string MasterKeyFile(const MasterKeySource& source, const std::string& default_file);

// ReadMasterKey takes the descriptor if there is one, else the file, else the credential
// `keymast-master-key` of $CREDENTIALS_DIRECTORY, else `default_file`. The failure says what to do.
tl::expected<crypto::SecretKey<32>, Failure> ReadMasterKey(const MasterKeySource& source,
                                                           const std::string& default_file);

// MakeMasterKey writes a new random key, mode 0600; false when there is one already.
tl::expected<bool, Failure> MakeMasterKey(const std::string& file);

}  // namespace keymast::server
