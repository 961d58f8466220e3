// SPDX-License-Identifier: Apache-2.0
#include "store/witness.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <utility>

#include "base/check.h"
#include "base/failpoint.h"
#include "store/witness_file.h"

namespace keymast::store {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

Error ErrorOf(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return Error::kNotFound;
    case EEXIST:
      return Error::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
      return Error::kNoSpace;
    case EWOULDBLOCK:
      return Error::kInUse;
    default:
      return Error::kIo;
  }
}

Status FromErrno() { return Err(ErrorOf(errno)); }

Status WriteAt(int fd, ByteView octets, size_t offset) {
  while (!octets.empty()) {
    const ssize_t written = pwrite(fd, octets.data(), octets.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FromErrno();
    octets = octets.subspan(static_cast<size_t>(written));
    offset += static_cast<size_t>(written);
  }
  return {};
}

// ReadAll reads at most one octet more than a witness has.
Result<Bytes> ReadAll(int fd) {
  Bytes octets(kWitnessSize + 1);
  size_t size = 0;
  while (size < octets.size()) {
    const MutableBytes rest = MutableBytes(octets).subspan(size);
    const ssize_t got = pread(fd, rest.data(), rest.size(), static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Err(Error::kIo);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  octets.resize(size);
  return octets;
}

Status SyncDirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor directory(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.ok() || fsync(directory.get()) != 0) return Err(Error::kIo);
  return {};
}

class FileWitness final : public Witness {
 public:
  FileWitness(Descriptor file, const WitnessState& state, const BootDigest& boot)
      : file_(std::move(file)), state_(state), boot_(boot) {}

  const WitnessRecord& record() const override { return state_.record; }

  Status Reserve(uint64_t until) override {
    KEYMAST_CHECK(until >= record().reserved);
    WitnessRecord next = record();
    next.reserved = until;
    next.confirmed = next.last;
    next.clean = false;
    return WriteSynced(next);
  }

  Status Note(uint64_t last) override {
    KEYMAST_CHECK(last >= record().last && last <= record().reserved);
    if (record().clean) {
      if (const Status opened = Reserve(record().reserved); !opened) return opened;
    }
    WitnessRecord next = record();
    next.last = last;
    next.last_is_exact = true;
    return WriteNote(next);
  }

  Status CloseClean(uint64_t last) override {
    KEYMAST_CHECK(last >= record().last && last <= record().reserved);
    WitnessRecord next = record();
    next.confirmed = next.last = last;
    next.last_is_exact = next.clean = true;
    const Status written = WriteSynced(next);
    closed_ = true;
    return written;
  }

  Status Renew(uint64_t incarnation) override {
    WitnessRecord next = record();
    next.incarnation = incarnation;
    next.confirmed = next.last = 0;
    next.last_is_exact = true;
    next.clean = false;
    return WriteSynced(next);
  }

 private:
  // Encode leaves the boot out while `last` is only the best that is known, so that it does not
  // look exact to the next start of this boot.
  std::array<uint8_t, kWitnessBlock> Encode(const WitnessState& state) const {
    return EncodeWitness(state, state.record.last_is_exact ? boot_ : BootDigest{});
  }

  // WriteSynced takes the other slot, so that the newest one stays whole until this one is. The
  // note then repeats it: one damaged block loses nothing.
  Status WriteSynced(const WitnessRecord& next) {
    if (closed_) return Err(Error::kStoreClosed);
    const WitnessState state{next, state_.sequence + 1};
    PassFailpoint("witness.write.before");
    const Status written = Write(Encode(state), state.sequence % 2 * kWitnessBlock);
    if (!written) return written;
    PassFailpoint("witness.write.unsynced");
    if (fdatasync(file_.get()) != 0) {
      closed_ = true;  // a second sync would tell nothing
      return Err(Error::kIo);
    }
    state_ = state;
    PassFailpoint("witness.write.synced");
    return WriteNote(next);
  }

  Status WriteNote(const WitnessRecord& next) {
    if (closed_) return Err(Error::kStoreClosed);
    const WitnessState state{next, state_.sequence};
    const Status written = Write(Encode(state), kWitnessNote * kWitnessBlock);
    PassFailpoint("witness.note.written");
    if (written) state_ = state;
    return written;
  }

  // Write closes after any failure but lack of room, behind which the same block is written again.
  Status Write(ByteView block, size_t offset) {
    const Status written = WriteAt(file_.get(), block, offset);
    closed_ = !written && written.error() != Error::kNoSpace;
    return written;
  }

  const Descriptor file_;
  WitnessState state_;
  const BootDigest boot_;
  bool closed_ = false;
};

// Publish gives the finished file its name, unless that is taken.
Status Publish(const std::string& unfinished, const std::string& path) {
  PassFailpoint("witness.create.written");
  if (renameat2(AT_FDCWD, unfinished.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) {
    return FromErrno();
  }
  PassFailpoint("witness.create.named");
  return SyncDirectoryOf(path);
}

}  // namespace

std::string ThisBoot() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::getline(file, boot);
  return boot;
}

Result<std::unique_ptr<Witness>> Witness::Create(const std::string& path, uint64_t incarnation,
                                                 const std::string& boot) {
  if (access(path.c_str(), F_OK) == 0) return Err(Error::kAlreadyExists);
  const std::string unfinished = path + ".new";
  Descriptor file(open(unfinished.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.ok()) return Err(ErrorOf(errno));
  // Locked before it is emptied: another creation may be at work on it.
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) return Err(ErrorOf(errno));
  if (ftruncate(file.get(), 0) != 0) return Err(ErrorOf(errno));

  WitnessState state;
  state.record.incarnation = incarnation;
  state.record.last_is_exact = true;
  const BootDigest digest = DigestOfBoot(boot);
  const auto block = EncodeWitness(state, digest);
  Bytes octets(kWitnessSize);
  std::copy(block.begin(), block.end(), octets.begin());
  std::copy(block.begin(), block.end(), octets.end() - block.size());
  Status written = WriteAt(file.get(), octets, 0);
  if (written && fsync(file.get()) != 0) written = FromErrno();
  if (written) written = Publish(unfinished, path);
  if (!written) return Err(written.error());
  return std::make_unique<FileWitness>(std::move(file), state, digest);
}

Result<std::unique_ptr<Witness>> Witness::Open(const std::string& path, const std::string& boot) {
  Descriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!file.ok()) return Err(ErrorOf(errno));
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) return Err(ErrorOf(errno));
  struct stat about {};
  if (fstat(file.get(), &about) != 0) return Err(Error::kIo);
  if (!S_ISREG(about.st_mode)) return Err(Error::kCorrupt);
  const Result<Bytes> octets = ReadAll(file.get());
  if (!octets) return Err(octets.error());
  const BootDigest digest = DigestOfBoot(boot);
  const Result<WitnessState> state = ReadWitness(*octets, digest);
  if (!state) return Err(state.error());
  return std::make_unique<FileWitness>(std::move(file), *state, digest);
}

}  // namespace keymast::store
