// SPDX-License-Identifier: Apache-2.0
// The master key that everything at rest hangs from (docs/keys-at-rest.md). There is no call that
// unseals: it comes from a descriptor, a file that only its owner reads, or a systemd credential,
// or stays in a token.
#pragma once

#include <memory>
#include <string>

#include "crypto/pkcs11.h"

namespace keymast::server {

inline constexpr size_t kMasterKeySize = 32;

struct MasterKeySource {
  int fd = -1;       // given on the command line
  std::string file;  // of the configuration
  // The systemd credential that is taken when neither is given.
  std::string credential = "keymast-master-key";
  crypto::TokenKeyName token = {};  // without module: the key is in no token
  std::string pin_file = {};        // of the token; empty: the credential, with `-pin` behind
  bool IsInToken() const { return !token.module.empty(); }
};

// MasterKeyFile is where ReadMasterKey looks for the key when no descriptor is given.
std::string MasterKeyFile(const MasterKeySource& source, const std::string& default_file);

// ReadMasterKey takes the descriptor if there is one, else the file, else the credential of
// $CREDENTIALS_DIRECTORY, else `default_file`. The failure says what to do.
tl::expected<crypto::SecretKey<32>, Failure> ReadMasterKey(const MasterKeySource& source,
                                                           const std::string& default_file);

// OpenMasterKey takes the key from there, or logs in to the token that keeps it.
tl::expected<std::unique_ptr<crypto::MasterKey>, Failure> OpenMasterKey(
    const MasterKeySource& source, const std::string& default_file);

// NameOf says where a source has its key, for people.
std::string NameOf(const MasterKeySource& source, const std::string& default_file);

// MakeMasterKey writes a new random key, mode 0600; false when there is one already.
tl::expected<bool, Failure> MakeMasterKey(const std::string& file);

}  // namespace keymast::server
