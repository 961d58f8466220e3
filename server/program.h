// SPDX-License-Identifier: Apache-2.0
// The commands of keymastd.
#pragma once

#include "crypto/secret.h"
#include "server/config.h"

namespace keymast::server {

// DefaultMasterKeyFile is where `init` puts the key when the configuration names no file.
std::string DefaultMasterKeyFile();

// MasterKeyOf reads the key where the configuration has it. The failure says what to do; one that
// is not there is kNotFound.
tl::expected<crypto::SecretKey<32>, Failure> MasterKeyOf(const ServerConfig& config);

// Init makes what is missing of master key, data directory, witness and import key, and prints the
// next step. Doing it again changes nothing. No key is made where there are data already
// (kNotFound): another could not open them.
tl::expected<void, Failure> Init(const ServerConfig& config);

// Signals are descriptors of shell/process.h.
struct Signals {
  int termination = -1;
  int reload = -1;  // below 0: nothing is read again
};

// Run serves until a termination comes, then drains. At a reload the files of joins by certificate
// are read again.
tl::expected<void, Failure> Run(const ServerConfig& config, const Signals& signals);

}  // namespace keymast::server
