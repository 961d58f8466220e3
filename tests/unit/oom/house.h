// SPDX-License-Identifier: Apache-2.0
// A server in use, as its store has it, and the process that serves it until its memory ends.
#pragma once

#include "tests/unit/controller/joins.h"
#include "tests/unit/controller/reporter.h"
#include "tests/unit/oom/fuse.h"
#include "tests/unit/oom/kept.h"
#include "tests/unit/records/site.h"

namespace keymast::oom {

using controller::World;

inline constexpr std::chrono::hours kHour{1};
inline const HeadendId kStudio{"studio"};

// Shared lies in memory that the process that serves and the one that asks share.
struct Shared {
  Fuse fuse;
  std::atomic<int64_t> now{};       // nanoseconds, of the clock of the server
  std::atomic<bool> ready{};        // it listens
  std::atomic<uint64_t> handled{};  // datagrams of which all is done that can be done now
};

// House has channels `news` and `spare`, of which `spare` has nobody in it. In `news` are s1, whose
// MSK is confirmed, s2, who has yet to confirm it, s3, who has not joined, and s4, who joined by
// MIKEYv2 and reports; s5 is a subscriber and no more. There are a headend, `studio`, a schedule,
// `daily`, an operation that goes on, `slow`, one that is done, `done`, and a backup, `old`.
class House {
 public:
  House();
  ~House();

  // Serve is the life of a server, from the store as it was left: it listens at `socket` and takes
  // datagrams at `port`, a socket that keeps messages apart. It ends when it is killed.
  [[noreturn]] void Serve(Shared& shared, int port) const;
  // PutBack undoes what a server did to the files.
  void PutBack() const;
  // Octets of the commits since, and of the witness.
  Bytes Commits() const;
  std::string Witness() const { return site_.SaveWitness(); }

  // Recovered is what a start finds behind the first of these commits.
  struct Recovered {
    tl::expected<records::Repository::Opened, Failure> opened;
    std::shared_ptr<store::MemoryDisk> disk;
  };
  Recovered Recover(ByteView commits, const std::string& witness) const;

  const Instant now;
  World& world() const { return *world_; }
  controller::Reporter& reporter() const { return *reporter_; }
  const controller::Config& config() const { return config_; }
  const crypto::KeyPair& import_key() const { return import_key_; }
  const crypto::KeyPair& headend_key() const { return headend_key_; }
  const mikey::v2::Resumption& ticket() const { return ticket_; }
  const std::string& socket() const { return socket_; }
  const std::string& log() const { return log_; }
  std::string OldKeyId() const { return site_.master_key.id(); }
  std::string NextKeyId() const { return next_key_.id(); }

 private:
  void Furnish();
  void Keep();

  records::Site site_;
  const crypto::LocalMasterKey next_key_ = records::MasterKeyOf(9);
  crypto::KeyPair import_key_;
  crypto::KeyPair headend_key_;
  controller::Config config_;
  std::unique_ptr<World> world_;
  std::unique_ptr<controller::Reporter> reporter_;
  mikey::v2::Resumption ticket_;
  std::shared_ptr<const controller::JoinCredentials> credentials_;
  std::string socket_;
  std::string log_;
  std::string backups_;
  std::string backup_;  // while it is made
  std::vector<store::Entry> entries_;
  std::string witness_;
  int file_ = -1;  // of commits
  // Open, and never used by this process: each server goes on with a copy.
  std::optional<records::Repository::Opened> opened_;
};

}  // namespace keymast::oom
