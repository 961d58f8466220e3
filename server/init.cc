// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "server/master_key.h"
#include "server/open_store.h"
#include "server/program.h"
#include "shell/process.h"

namespace keymast::server {

std::string DefaultMasterKeyFile() { return shell::StateDirectory() + "/master.key"; }

tl::expected<crypto::SecretKey<32>, Failure> MasterKeyOf(const ServerConfig& config) {
  auto key = ReadMasterKey({config.master_key_fd, config.master_key_file}, DefaultMasterKeyFile());
  if (!key && key.error().error == Error::kNotFound) {
    key.error().message +=
        HoldsData(config) ? ", and the data in " + config.data +
                                " can be read with no other; bring it back (is its disk there?)"
                          : "; `keymastd init` makes one";
  }
  return key;
}

tl::expected<void, Failure> Init(const ServerConfig& config) {
  if (auto free = CheckInit(config); !free) return free;
  const MasterKeySource source{config.master_key_fd, config.master_key_file};
  // A credential is there already; another key beside it would not be what `run` takes.
  const std::string file = MasterKeyFile(source, DefaultMasterKeyFile());
  const bool from_outside = config.master_key_fd >= 0;
  const bool keep = from_outside || HoldsData(config);
  const auto made_key = keep ? tl::expected<bool, Failure>(false) : MakeMasterKey(file);
  if (!made_key) return tl::unexpected(made_key.error());
  const auto master_key = MasterKeyOf(config);
  if (!master_key) return tl::unexpected(master_key.error());
  const auto made_store = InitStore(config, *master_key);
  if (!made_store) return tl::unexpected(made_store.error());
  std::printf("master key: %s (%s)\n", from_outside ? "from a descriptor" : file.c_str(),
              *made_key ? "new; keep a copy where the data is not" : "kept");
  std::printf("data: %s, witness: %s (%s)\n", config.data.c_str(), config.witness.c_str(),
              *made_store ? "new" : "kept");
  std::printf("next: keymastd run, then keymast-api\n");
  return {};
}

}  // namespace keymast::server
