// SPDX-License-Identifier: Apache-2.0
// The durable state of one server: changes go in, the acknowledged state comes out. docs/store.md
// says what lies where and what each start does.
#pragma once

#include <atomic>
#include <mutex>

#include "records/audit_log.h"
#include "records/batch_writer.h"
#include "records/meta.h"
#include "records/rotation.h"
#include "records/split.h"
#include "records/start.h"
#include "store/witness.h"

namespace keymast::records {

// Commit is called by one thread at a time, as are the functions of a rotation; Load and CloseClean
// while no commit is in flight; NewRoom and revision at any time.
class Repository {
 public:
  // What a repository is opened with. `witness` is absent when there is no file; one is made at
  // `places.witness` when the start is accepted without it.
  struct Parts {
    std::unique_ptr<store::Store> store;
    std::unique_ptr<store::Witness> witness;
    Places places;
    Tuning tuning;
  };
  struct Opened;

  // Format makes an empty store a server's: format, import key and first record. `witness` is new.
  static tl::expected<void, Failure> Format(store::Store& store, store::Witness& witness,
                                            const crypto::MasterKey& master_key, crypto::Rng& rng,
                                            const Places& places);

  // Open recovers the acknowledged state and does what DecideStart says. One of `master_keys` is
  // that of the data, which then have no more need of it. `rng` outlives the repository. Failures:
  // kNotFound, kWrongMasterKey, kNewerFormat, kCorrupt, kRolledBack, or what the first commit met.
  static tl::expected<Opened, Failure> Open(Parts parts, const MasterKeys& master_keys,
                                            crypto::Rng& rng, bool accept_rollback);

  // Commit makes the changes durable, all or none, and gives the number of their commit, which
  // never comes twice, also after data were put back. Errors as store::Store::Commit; behind one
  // that leaves the outcome open, Load says what became of it, and nothing is committed before.
  Result<uint64_t> Commit(const std::vector<rekey::Change>& changes);
  // NewRoom is for steps that are to share one commit.
  SharedRoom NewRoom() const { return SharedRoom(tuning_.merged_octets); }
  tl::expected<rekey::State, Failure> Load();
  Status CloseClean();
  uint64_t revision() const { return revision_; }
  // Audit as ReadAudit; called at any time.
  Result<std::vector<audit::Record>> Audit(uint64_t after, size_t limit) const {
    const std::lock_guard lock(keys_);
    return ReadAudit(*store_, envelope_, after, limit);
  }

  // BeginRotation makes `next` the master key, in one commit, with a new record key, under which
  // everything is sealed from then on. The one before opens nothing any more, and is named until
  // all that older record keys seal is sealed anew. kFailedPrecondition while that goes on, or when
  // `next` does not open what it wraps; kInvalidArgument for the key in use; what its token said;
  // or as for Commit.
  tl::expected<void, Failure> BeginRotation(const crypto::MasterKey& next);
  // RotationStep seals a few values anew; when there are no more it forgets the older record keys
  // and the master key that was left, in one commit. After a start it goes on with what is left.
  // Without a rotation it does nothing. Errors as for Commit.
  Result<RotationProgress> RotationStep();
  // CancelRotation goes back to the master key that was being left, in one commit: it opens
  // everything again, also what was written since. kFailedPrecondition without a rotation.
  Status CancelRotation();
  RotationProgress rotation() const;
  // As of store::Store; called as Commit.
  Result<std::string> BeginBackup() { return store_->BeginBackup(); }
  Status EndBackup() { return store_->EndBackup(); }
  const std::string& master_key_id() const { return meta_.in_use.master_key_id; }

  // For tests: what is in memory beside the state.
  const BatchWriter& writer() const { return writer_; }

 private:
  Repository(Parts parts, Meta meta, crypto::Rng& rng, Recovered& recovered);
  // Begin writes what a start that is not clean has to write, and brings `state` up to it.
  Status Begin(const Start& start, rekey::State& state);
  Status BeginIncarnation(uint64_t incarnation);
  Result<std::vector<Body>> Bodies(const std::vector<rekey::Change>& changes) const;
  Status WriteStep(const std::vector<Body>& bodies, bool start);
  Status WriteRecord(const Body& body, RecordPlace place);
  Status RemoveTail();
  Status RenewAudit();
  Status Finish();
  Status MakeRoom();
  Status Fold();
  Status Settle(const Status& status);
  Status Ready() const;
  Status PutMeta(Meta next);
  void Adopt(Meta next);
  Status SettleMeta();

  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::Witness> witness_;
  const Places places_;
  const Tuning tuning_;
  crypto::Rng& rng_;
  Meta meta_;
  // Written without a word of what became of it, and its octets.
  std::optional<std::pair<Meta, Bytes>> open_meta_;
  mutable std::mutex keys_;  // held while envelope_ takes others, or another thread reads by them
  Envelope envelope_;
  BatchWriter writer_;
  std::vector<uint64_t> tail_;  // of a step that was cut short: removed before the next commit
  uint64_t incarnation_;
  uint64_t next_;             // commit number
  uint64_t reserved_ = 0;     // numbers up to here may be used
  std::string audit_cursor_;  // of a rotation: entries up to it are sealed anew
  bool audit_renewed_ = false;
  bool unsure_ = false;  // until Load
  bool closed_ = false;  // until the next start
  std::atomic<uint64_t> revision_;
};

struct Repository::Opened {
  std::unique_ptr<Repository> repository;
  rekey::State state;
  crypto::KeyPair import_key;
  Start start;
  uint64_t epoch = 0;
};

}  // namespace keymast::records
