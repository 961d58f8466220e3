// SPDX-License-Identifier: Apache-2.0
#include "server/open_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/failpoint.h"
#include "server/durable_records.h"
#include "shell/files.h"
#include "store/rocks_store.h"

namespace keymast::server {
namespace {

using records::Repository;

// OwnedRecords has the randomness that its repository seals with.
class OwnedRecords final : public DurableRecords {
 public:
  OwnedRecords(std::unique_ptr<crypto::Rng> rng, std::unique_ptr<Repository> repository)
      : DurableRecords(*repository), rng_(std::move(rng)), repository_(std::move(repository)) {}

 private:
  const std::unique_ptr<crypto::Rng> rng_;
  const std::unique_ptr<Repository> repository_;
};

Failure WitnessFailure(Error error, const std::string& file) {
  const std::string name = "witness " + file;
  switch (error) {
    case Error::kInUse:
      return {
          error,
          name + ": in use by another keymastd; stop that one, or give each a witness of its own",
          {},
          {},
          0};
    case Error::kCorrupt:
      return {error,
              name +
                  ": damaged. If data are known to be the newest, move it away and start with "
                  "--accept-rollback",
              {},
              {},
              0};
    default:
      return {error, name + ": cannot be opened: " + std::string(ErrorName(error)), {}, {}, 0};
  }
}

// OpenWitness is null when there is no file.
tl::expected<std::unique_ptr<store::Witness>, Failure> OpenWitness(const std::string& file) {
  auto witness = store::Witness::Open(file);
  if (witness) return std::move(*witness);
  if (witness.error() == Error::kNotFound) return nullptr;
  return tl::unexpected(WitnessFailure(witness.error(), file));
}

// CheckUnused refuses a witness that knows commits.
tl::expected<void, Failure> CheckUnused(const ServerConfig& config, const store::Witness& witness) {
  const store::WitnessRecord& known = witness.record();
  if (known.incarnation == 1 && known.last == 0 && known.confirmed == 0) return {};
  return Fail(Error::kAlreadyExists,
              "witness " + config.witness + " knows commits up to " + std::to_string(known.last) +
                  " of data that are not in " + config.data +
                  ": bring them back, or move the witness away to begin anew");
}

// NewWitness makes the file, or takes one over that an `init` left which was cut short.
tl::expected<std::unique_ptr<store::Witness>, Failure> NewWitness(const ServerConfig& config) {
  auto found = OpenWitness(config.witness);
  if (!found) return found;
  if (*found == nullptr) {
    auto made = store::Witness::Create(config.witness, 1);
    if (!made) return tl::unexpected(WitnessFailure(made.error(), config.witness));
    return std::move(*made);
  }
  if (auto unused = CheckUnused(config, **found); !unused) return tl::unexpected(unused.error());
  return found;
}

// CreateStore makes an empty store, or opens the one that is there.
tl::expected<std::unique_ptr<store::Store>, Failure> CreateStore(const std::string& data) {
  auto made = store::OpenRocksStore({data, true});
  if (made || made.error().error != Error::kAlreadyExists) return made;
  return store::OpenRocksStore({data, false});
}

// CheckOwner refuses root where the data are another user's.
tl::expected<void, Failure> CheckOwner(const std::string& data) {
  struct stat about {};
  if (geteuid() != 0 || stat(data.c_str(), &about) != 0 || about.st_uid == 0) return {};
  return Fail(Error::kPermissionDenied,
              "data " + data + ": belongs to another user (" + std::to_string(about.st_uid) +
                  "), who could not open what root writes there; run keymastd as that one");
}

MadeStore MadeOf(const records::Meta& meta, bool is_new) {
  return {is_new, crypto::PublicKeyOf(meta.import_key), meta.in_use.master_key_id};
}

}  // namespace

tl::expected<void, Failure> CheckInit(const ServerConfig& config) {
  std::error_code problem;
  if (std::filesystem::exists(config.data, problem)) return {};  // then the store speaks first
  auto witness = OpenWitness(config.witness);
  if (!witness) return tl::unexpected(witness.error());
  return *witness == nullptr ? tl::expected<void, Failure>() : CheckUnused(config, **witness);
}

bool HoldsData(const ServerConfig& config) {
  std::error_code problem;
  if (!std::filesystem::exists(config.data, problem)) return bool{problem};
  std::filesystem::directory_iterator at(config.data, problem);
  // A creation that was cut short may have left its lock file.
  for (; !problem && at != std::filesystem::directory_iterator(); at.increment(problem)) {
    if (at->path().filename() != "LOCK") return true;
  }
  return bool{problem};
}

tl::expected<std::optional<records::Meta>, Failure> PeekMeta(
    const ServerConfig& config, const records::MasterKeys& master_keys) {
  if (!HoldsData(config)) return std::nullopt;
  const auto value = store::ReadRocksEntry(config.data, records::kMetaKey);
  if (!value) return tl::unexpected(value.error());
  if (!*value) return std::nullopt;
  auto meta = records::OpenMeta(**value, master_keys, config.data);
  if (!meta) return tl::unexpected(meta.error());
  return std::move(*meta);
}

tl::expected<MadeStore, Failure> InitStore(const ServerConfig& config,
                                           const records::MasterKeys& master_keys) {
  const auto there = PeekMeta(config, master_keys);
  if (!there) return tl::unexpected(there.error());
  if (*there && std::filesystem::exists(config.witness)) return MadeOf(**there, false);
  if (*there) {
    return Fail(
        Error::kRolledBack,
        "data " + config.data + " are there, but witness " + config.witness +
            " is not: bring it back, or start with --accept-rollback, which makes a new one");
  }
  if (auto made = shell::MakeFolder(config.data); !made) return tl::unexpected(made.error());
  const auto witness_folder = std::filesystem::path(config.witness).parent_path();
  if (auto made = shell::MakeFolder(witness_folder); !made) return tl::unexpected(made.error());
  const auto store = CreateStore(config.data);
  if (!store) return tl::unexpected(store.error());
  // Anything but an empty store is somebody's.
  const auto held = records::ReadMeta(**store, master_keys, config.data);
  if (held) return Fail(Error::kAlreadyExists, "data " + config.data + " hold a store already");
  if (held.error().error != Error::kNotFound) return tl::unexpected(held.error());
  PassFailpoint("init.store.made");
  const auto witness = NewWitness(config);
  if (!witness) return tl::unexpected(witness.error());
  crypto::SystemRng rng;
  const auto formatted = Repository::Format(**store, **witness, *master_keys.front(), rng,
                                            {config.data, config.witness});
  if (!formatted) return tl::unexpected(formatted.error());
  PassFailpoint("init.store.formatted");
  const auto made = records::ReadMeta(**store, master_keys, config.data);
  if (!made) return tl::unexpected(made.error());
  return MadeOf(*made, true);
}

tl::expected<OpenedStore, Failure> OpenStore(const ServerConfig& config,
                                             const records::MasterKeys& master_keys) {
  if (auto owner = CheckOwner(config.data); !owner) return tl::unexpected(owner.error());
  auto store = store::OpenRocksStore({config.data, false});
  if (!store) {
    if (store.error().error == Error::kNotFound)
      store.error().message += " `keymastd init` makes it.";
    return tl::unexpected(store.error());
  }
  auto witness = OpenWitness(config.witness);
  if (!witness) return tl::unexpected(witness.error());
  auto rng = std::make_unique<crypto::SystemRng>();
  auto opened =
      Repository::Open({std::move(*store), std::move(*witness), {config.data, config.witness}, {}},
                       master_keys, *rng, config.accept_rollback);
  if (!opened) return tl::unexpected(opened.error());
  OpenedStore result;
  result.about = {opened->start.incarnation, opened->epoch, opened->start.lost,
                  opened->start.new_incarnation, opened->repository->master_key_id()};
  result.durable = std::make_unique<OwnedRecords>(std::move(rng), std::move(opened->repository));
  result.state = std::move(opened->state);
  result.import_key = opened->import_key;
  return result;
}

}  // namespace keymast::server
