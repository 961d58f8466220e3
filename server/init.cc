// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>

#include "base/failpoint.h"
#include "server/master_key.h"
#include "server/open_store.h"
#include "server/program.h"
#include "shell/config.h"
#include "shell/process.h"

namespace keymast::server {
namespace {

// HowToMake is the command that makes a key in a token, for who has none yet.
std::string HowToMake(const MasterKeySource& source) {
  return "; make it with `pkcs11-tool --module " + source.token.module + " --token-label " +
         source.token.token + " --login --keygen --key-type AES:32 --label " + source.token.key +
         " --id $(openssl rand -hex 8) --sensitive --usage-decrypt --usage-wrap`";
}

tl::expected<std::unique_ptr<crypto::MasterKey>, Failure> OpenCurrent(const ServerConfig& config) {
  auto key = OpenMasterKey(config.master_key, DefaultMasterKeyFile());
  if (key || key.error().error != Error::kNotFound) return key;
  if (HoldsData(config)) {
    key.error().message += ", and the data in " + config.data +
                           " can be read with no other; bring it back (is its disk there?)";
  } else if (config.master_key.IsInToken()) {
    key.error().message += HowToMake(config.master_key);
  } else {
    key.error().message += "; `keymastd init` makes one";
  }
  return key;
}

// EnsureMasterKey makes a key file where there is nothing that another could be the key of; true
// when it did.
tl::expected<bool, Failure> EnsureMasterKey(const ServerConfig& config) {
  const MasterKeySource& source = config.master_key;
  if (source.fd >= 0 || source.IsInToken() || HoldsData(config)) return false;
  // A credential is there already; another key beside it would not be what `run` takes.
  return MakeMasterKey(MasterKeyFile(source, DefaultMasterKeyFile()));
}

// IsOfUnit: the configuration is the one that the packaged unit reads, as a user of its own.
bool IsOfUnit(const ServerConfig& config) {
  const std::string file =
      config.file.empty() ? shell::ConfigDirectory() + "/keymastd.toml" : config.file;
  std::error_code problem;
  return std::filesystem::absolute(file, problem).lexically_normal() ==
         "/etc/keymast/keymastd.toml";
}

void PrintNext(const ServerConfig& config) {
  std::printf("next:\n");
  if (IsOfUnit(config)) {
    // Run by hand as root it would leave files that the unit's user cannot open.
    std::printf("  systemctl enable --now keymastd keymast-api\n");
    std::printf("  keymastctl status\n");
    return;
  }
  const std::string option = config.file.empty() ? "" : " --config " + config.file;
  std::printf("  keymastd check%s\n", option.c_str());
  std::printf("  keymastd run%s &\n", option.c_str());
  if (config.socket.empty() || config.socket == DefaultSocket()) {
    std::printf("  keymast-api &\n");
  } else {
    std::printf("  keymast-api --config FILE &   # that has core_socket = \"%s\"\n",
                config.socket.c_str());
  }
  std::printf("  keymastctl status\n");
}

}  // namespace

std::string DefaultMasterKeyFile() { return shell::StateDirectory() + "/master.key"; }

records::MasterKeys GivenMasterKeys::list() const {
  records::MasterKeys keys;
  if (current != nullptr) keys.push_back(current.get());
  if (next != nullptr) keys.push_back(next.get());
  return keys;
}

tl::expected<GivenMasterKeys, Failure> MasterKeysOf(const ServerConfig& config) {
  GivenMasterKeys given;
  auto current = OpenCurrent(config);
  if (!current && !config.next_master_key) return tl::unexpected(current.error());
  if (config.next_master_key) {
    auto next = OpenMasterKey(*config.next_master_key, {});
    if (!current && !next) return tl::unexpected(current.error());
    if (next) given.next = std::move(*next);
  }
  if (current) given.current = std::move(*current);
  return given;
}

tl::expected<std::unique_ptr<crypto::MasterKey>, Failure> OpenNextMasterKey(
    const ServerConfig& config) {
  const std::string path =
      config.file.empty() ? shell::ConfigDirectory() + "/keymastd.toml" : config.file;
  auto file = shell::ConfigFile::Load(path);
  if (!file) return tl::unexpected(file.error());
  const auto now = ReadServerConfig(std::move(*file));
  if (!now) return tl::unexpected(now.error());
  if (!now->next_master_key) {
    return Fail(Error::kFailedPrecondition,
                path +
                    ": names no key to rotate to; give [next_master_key], or the systemd "
                    "credential keymast-next-master-key");
  }
  return OpenMasterKey(*now->next_master_key, {});
}

tl::expected<void, Failure> Init(const ServerConfig& config) {
  if (auto free = CheckInit(config); !free) return free;
  const auto made_key = EnsureMasterKey(config);
  if (!made_key) return tl::unexpected(made_key.error());
  PassFailpoint("init.key.made");
  const auto given = MasterKeysOf(config);
  if (!given) return tl::unexpected(given.error());
  const auto made = InitStore(config, given->list());
  if (!made) return tl::unexpected(made.error());
  std::printf("master key: %s (%s)\n", NameOf(config.master_key, DefaultMasterKeyFile()).c_str(),
              *made_key ? "new; keep a copy where the data is not" : "kept");
  std::printf("master key id: %s\n", made->master_key_id.c_str());
  std::printf("data: %s, witness: %s (%s)\n", config.data.c_str(), config.witness.c_str(),
              made->is_new ? "new" : "kept");
  std::printf("import key, public: %s\n", ToHex(made->import_key).c_str());
  PrintNext(config);
  return {};
}

}  // namespace keymast::server
