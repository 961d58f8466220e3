// SPDX-License-Identifier: Apache-2.0
// GROUP_REKEY at a member (MIKEYv2 §10): what comes by multicast is checked in the order of cost,
// and all keys of an update count, or none. What is inside a tree update its owner reads.
#pragma once

#include <algorithm>

#include "base/octets.h"
#include "base/time.h"
#include "mikey/v2/group_contents.h"
#include "mikey/v2/group_rekey_packet.h"

namespace keymast::mikey::v2 {

inline constexpr size_t kMaxPending = 4;  // packets of updates that could not be applied yet

// TreeKeys are a member's keys of a tree, read and kept by their owner.
class TreeKeys {
 public:
  enum class Found : uint8_t {
    kRoot,         // the update is for this member
    kNothingHere,  // not in this packet
    kNotYet,       // the keys that it is under are not held: kept until they come
  };
  virtual ~TreeKeys() = default;

  // Derive fills `root`, 16 or 32 octets, from EXT 241 of an update whose signature is good.
  // Nothing that it finds may count before Commit.
  virtual Found Derive(const RekeyHead& head, ByteView tree_update, crypto::Key32& root) = 0;
  // Commit: the KEMAC under the root that Derive found was good: its keys hold.
  virtual void Commit() = 0;
};

// FailureLimit counts what was computed in vain.
class FailureLimit {
 public:
  static constexpr size_t kMost = 20;
  static constexpr Duration kIn = std::chrono::seconds(1);
  bool IsReached(Instant now) const { return count_ == kMost && now - times_[next_] < kIn; }
  void Count(Instant now);

 private:
  std::array<Instant, kMost> times_{};  // a ring; the oldest is next
  size_t next_ = 0;
  size_t count_ = 0;
};

class RekeyReader {
 public:
  enum class Event : uint8_t {
    kNone,
    kApplied,      // msk() and the tree's keys hold: then call Resume
    kNothingHere,  // good, and of another part of the tree
    kKept,         // good, and tried again by Resume
    kAnnounced,    // of the tree that is held
    kFarAhead,     // good, and too far ahead: the member is stale
    kKeysStale,    // good, and under another root than the member's
    kOtherTree,    // announced under a tree id that is not held
  };
  // Outcome of a packet: every error is a discard that changed nothing but counters. The head's
  // views are of the packet, from Resume good until the next call.
  struct Outcome {
    Status status;
    Event event = Event::kNone;
    RekeyHead head;

    // WantsMissing is true when REPORT `missing` is due.
    bool WantsMissing() const { return event >= Event::kFarAhead; }
  };

  // Suite (with public-key half) and tree keys are borrowed. Nothing is taken before Install.
  RekeyReader(const crypto::Suite& suite, const GroupName& group, TreeKeys& tree);

  // Install takes where the member stands from contents with group keys: of an exchange or of the
  // KEYS to a REPORT that it opened itself (`asked`), or of unasked KEYS. kUnknownChannel for keys
  // of another group, kReplayed for older ones, kUnexpected for a new tree that was not asked for,
  // kMalformed without EXT 248: nothing is to be taken of them then. Call Resume after it.
  // `asked_at` is when that exchange or REPORT was opened: contents of an epoch below that of a key
  // roll that was taken since, or of one at all where nobody asked, do not undo the roll.
  Status Install(const Contents& contents, bool asked, Instant asked_at = {});
  // CheckInstall is what Install would say.
  Status CheckInstall(const Contents& contents, bool asked) const;

  // Receive steps in the order of MIKEYv2 §10.
  Outcome Receive(ByteView packet, Instant now);
  // Resume tries the kept packet of the lowest epoch that still counts; kNone: there is none that
  // can be applied. Call it until then.
  Outcome Resume();

  // Retire lets go of an MSK that is not used any more.
  void Retire(MskId msk);

  bool is_installed() const { return installed_; }
  ByteView tree_id() const { return tree_id_; }
  uint32_t epoch() const { return epoch_; }  // of the last applied update
  uint32_t t() const { return t_; }          // its T
  // The repair window that was told last: of what was installed, or of a packet since. 0 counts as
  // 1 ms, so that what is asked for twice is not asked for at once.
  Duration window() const { return std::chrono::milliseconds(std::max(window_ms_, 1U)); }
  size_t pending() const;
  std::optional<VerificationKeyId> verification_key() const;
  // Its key; null where verification_key is nothing. Good until the next call that changes
  // anything.
  const crypto::PublicKey* verification_public_key() const {
    return verifier_ ? &verifier_->key : nullptr;
  }
  // The MSK of the last kApplied.
  const GivenMsk& msk() const { return given_; }

 private:
  using Packet = RekeyPacket;
  struct Kept {
    uint32_t epoch = 0;
    Bytes octets;  // empty: free
  };
  struct Msk {
    MskId id;
    crypto::Key32 key;
  };
  struct Verifier {
    VerificationKeyId id;
    crypto::PublicKey key;
  };
  // The key before a roll still signs the other packets of the update that rolled it, until what
  // is installed has a verification key of that epoch or of a later one.
  struct Rolled {
    Verifier verifier;
    uint32_t epoch = 0;
    uint32_t t = 0;
    Instant at;  // when it was taken
  };

  Status CheckPlace(const Packet& packet) const;
  Result<bool> CheckFilter(const Packet& packet) const;
  const Verifier* VerifierOf(const Packet& packet) const;
  Status CheckSignature(const Packet& packet, bool filtered, Instant now);
  Result<std::optional<Verifier>> ReadRoll(const Packet& packet) const;
  Outcome Take(const Packet& packet, Instant now);
  void TakeWindow(const RekeyHead& head);
  void TakeVerifier(const Contents& contents, Instant asked_at);
  Outcome Apply(const Packet& packet);
  void Hold(const Msk& msk);
  Status Keep(uint32_t epoch, ByteView packet);
  void DropPending(bool all);
  Kept* NextPending(uint32_t above);
  const Msk* Find(MskId id) const;

  const crypto::Suite& suite_;
  const GroupName group_;
  TreeKeys& tree_;
  bool installed_ = false;
  std::array<uint8_t, kTreeIdSize> tree_id_{};
  uint32_t epoch_ = 0;
  uint32_t t_ = 0;
  uint32_t announced_t_ = 0;  // of the last announcement under another tree id
  uint32_t window_ms_ = 0;
  uint32_t window_t_ = 0;          // of the last packet that told it
  FixedList<Msk, kMaxMsks> msks_;  // newest last
  std::optional<Verifier> verifier_;
  std::optional<Rolled> rolled_;
  FailureLimit failures_;
  std::array<Kept, kMaxPending> pending_;
  Bytes resumed_;
  GivenMsk given_;
};

}  // namespace keymast::mikey::v2
