// SPDX-License-Identifier: Apache-2.0
// The commands of keymastd.
#pragma once

#include "server/config.h"

namespace keymast::server {

// DefaultMasterKeyFile is where `init` puts the key when the configuration names no file.
std::string DefaultMasterKeyFile();

// Init makes what is missing of master key, data directory, witness and import key, and prints the
// next step. Doing it again changes nothing.
tl::expected<void, Failure> Init(const ServerConfig& config);

// Run serves until `termination` becomes readable, then drains.
tl::expected<void, Failure> Run(const ServerConfig& config, int termination);

}  // namespace keymast::server
