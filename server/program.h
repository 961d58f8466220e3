// SPDX-License-Identifier: Apache-2.0
// The commands of keymastd.
#pragma once

#include "records/meta.h"
#include "server/config.h"

namespace keymast::server {

// DefaultMasterKeyFile is where `init` puts the key when the configuration names no file.
std::string DefaultMasterKeyFile();

// GivenMasterKeys are those that the configuration leads to, one at least.
struct GivenMasterKeys {
  std::unique_ptr<crypto::MasterKey> current;
  std::unique_ptr<crypto::MasterKey> next;
  records::MasterKeys list() const;
};

// MasterKeysOf opens the keys where the configuration has them. One of the two may be missing while
// a rotation is being prepared, or is over. The failure says what to do; a key that is not there is
// kNotFound.
tl::expected<GivenMasterKeys, Failure> MasterKeysOf(const ServerConfig& config);

// OpenNextMasterKey opens the key that a rotation leads to, as the configuration file names it now.
tl::expected<std::unique_ptr<crypto::MasterKey>, Failure> OpenNextMasterKey(
    const ServerConfig& config);

// Init makes what is missing of master key, data directory, witness and import key, and prints what
// there is and the next commands. Doing it again changes nothing. No key is made where there are
// data already (kNotFound), another could not open them, nor in a token.
tl::expected<void, Failure> Init(const ServerConfig& config);

// Finding is one thing that was looked at.
struct Finding {
  std::string what;
  std::string wrong;  // empty: nothing
};
// Check looks at keys, files, data and certificates as a start would, and writes nothing. keymastd
// may be running.
std::vector<Finding> Check(const ServerConfig& config);
// PrintCheck prints the findings, and `ok` behind them; false when anything is wrong.
bool PrintCheck(const ServerConfig& config);

// Signals are descriptors of shell/process.h.
struct Signals {
  int termination = -1;
  int reload = -1;  // below 0: nothing is read again
};

// Run serves until a termination comes, then drains. At a reload the files of joins by certificate
// are read again.
tl::expected<void, Failure> Run(const ServerConfig& config, const Signals& signals);

}  // namespace keymast::server
