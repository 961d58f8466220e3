// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "headend/state.h"
#include "shell/files.h"

namespace keymast::headend {
namespace {

tl::expected<shell::FileLock, Failure> Lock(const std::string& path) {
  Result<shell::FileLock> lock = shell::FileLock::Take(path);
  if (lock) return std::move(*lock);
  if (lock.error() == Error::kInUse) {
    return Fail(Error::kInUse, path + ": another keymast-headend runs with this state file");
  }
  return Fail(lock.error(),
              path + ".lock: cannot be made: " + std::string(ErrorName(lock.error())));
}

Failure Unusable(const std::string& path, Error error) {
  return {error,
          path + ": the state file is damaged or not ours (" + std::string(ErrorName(error)) +
              "). It says which packet indexes were used. Move it away and start again: the "
              "server then gives a fresh MTK, under which no index was used.",
          {},
          {},
          0};
}

}  // namespace

tl::expected<StateFile, Failure> StateFile::Open(const std::string& name) {
  const std::string path = shell::FollowLinks(name);
  tl::expected<shell::FileLock, Failure> lock = Lock(path);
  if (!lock) return tl::unexpected<Failure>(lock.error());
  StateFile file(path, std::move(*lock));
  const Result<std::string> text = shell::ReadFile(path, kMaxStateFile);
  if (!text && text.error() == Error::kNotFound) return file;
  if (!text && text.error() != Error::kTooLong) {
    return Fail(text.error(), path + ": cannot be read: " + std::string(ErrorName(text.error())));
  }
  Result<State> state = text ? StateFromText(*text) : Err(Error::kCorrupt);
  if (!state) return tl::unexpected<Failure>(Unusable(path, state.error()));
  file.loaded_ = std::move(*state);
  return file;
}

Status StateFile::Save(const State& state) const {
  if (state.ends.size() + state.claims.size() > kMaxStateRows) return Err(Error::kNoSpace);
  return shell::ReplaceStateFile(path_, ToText(state));
}

}  // namespace keymast::headend
