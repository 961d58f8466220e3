// SPDX-License-Identifier: Apache-2.0
// One backup, made in steps that are short enough for a commit to wait for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rekey/operation.h"
#include "server/durable.h"
#include "shell/descriptor.h"

namespace keymast::server {

// End the names of folders that are no backups: no id has a dot.
inline constexpr const char* kPart = ".part";  // of one that is being made
inline constexpr const char* kGone = ".gone";  // of one that is being removed

// OctetsIn a folder: of what is there, since files may come and go meanwhile.
uint64_t OctetsIn(const std::string& folder);

// BackupJob makes a copy of what is durable at its first step. The files are gathered by the store,
// brought into `folder` and kPart, and get the name `folder` when all of them are there and synced:
// by renaming where one file system has both, by copying elsewhere. One that is begun knows nothing
// of what an earlier one did: it removes what that left under kPart. What has the name itself is
// whole, and is never touched: the earlier one was over but for saying so, or the data are those of
// that backup, put back. Used by the committer.
class BackupJob {
 public:
  struct Pace {
    uint64_t octets = 4 << 20;  // that a step copies at most; of one file, which it syncs
    bool renames = true;        // where that can be done
  };
  // The folder's parent is made when it is missing. `durable` outlives the job.
  BackupJob(Durable& durable, std::string folder, Pace pace)
      : durable_(durable), folder_(std::move(folder)), pace_(pace) {}

  // Step does one part, and says how far it is: octets that are in their place, of all; in the end
  // notes = {folder}. Cancelled, or with what failed, it ends and leaves nothing: kIo, kNoSpace, or
  // as store::Store::BeginBackup, kAlreadyExists when something else has the name. It is not called
  // again behind an end.
  rekey::Progress Step(rekey::Progress progress);
  // GiveUp removes what there is of it; a step behind that says `why`.
  void GiveUp(const Failure& why);

 private:
  struct File {
    std::string name;
    uint64_t octets = 0;
  };
  using Done = tl::expected<void, Failure>;
  Done DoPart();
  Done Begin();
  Done Bring();
  Done Copy();
  Status CopyPiece(const File& file);
  Done Finish();
  void RemoveEarlier() const;
  bool HasMade() const;
  rekey::Progress Made(rekey::Progress progress) const;
  void RemoveOwn();
  std::string part() const { return folder_ + kPart; }
  tl::unexpected<Failure> CannotWrite(Error error) const;

  enum class Part : uint8_t { kBegin, kBring, kCopy, kFinish };

  Durable& durable_;
  const std::string folder_;
  const Pace pace_;
  Part next_ = Part::kBegin;
  std::string gathered_;  // by the store
  std::vector<File> files_;
  uint64_t total_ = 0;
  uint64_t done_ = 0;
  // Of copying: the file, how much of it is done, and both ends of it.
  size_t at_ = 0;
  uint64_t copied_ = 0;
  shell::Descriptor from_;
  shell::Descriptor to_;
  bool is_named_ = false;
  std::optional<Failure> given_up_;
};

}  // namespace keymast::server
