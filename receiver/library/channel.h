// SPDX-License-Identifier: Apache-2.0
// The keys of one group, and what messages and packets do to them (MIKEYv2 §10). Instants are
// milliseconds.
#pragma once

#include "include/keymast/receiver.h"
#include "mikey/mbms.h"
#include "mikey/v2/group_contents.h"
#include "receiver/library/table.h"

namespace keymast::mikey::v2 {
struct GivenMsk;
struct RekeyHead;
struct RekeyPacket;
}  // namespace keymast::mikey::v2

namespace keymast::receiver::library {

inline constexpr uint32_t kTrees = 1u << 0;  // features (MIKEYv2 §10)
inline constexpr uint32_t kSubsetDifference = 1u << 1;
inline constexpr uint32_t kSignedMtks = 1u << 3;

inline constexpr uint64_t kNoTime = KEYMAST_NEVER;
inline constexpr size_t kMkiSize = 6;
using Mki = std::array<uint8_t, kMkiSize>;

// Msk is a slot of an MSK and of what is used below it.
struct Msk {
  bool held = false;
  MskId id;
  crypto::Key32 key;
  Octets<32> rand;
  CsbId csb_id;
  MtkId low;  // the interval of MTK IDs; both ends count
  MtkId high;
  MtkId floor;                          // MTK IDs up to this one are past
  std::optional<uint32_t> mtk_counter;  // COUNTER of the last MTK message that was taken
  mikey::Algorithms algorithms;         // of its MTK messages
  bool is_of_3gpp = false;              // it came by a message of 3GPP
};

// Mtk is a slot of an MTK. Its key is wiped when it is let go.
struct Mtk {
  bool held = false;
  bool is_told = false;  // as installed
  bool is_used = false;
  bool is_passed = false;  // a later key under the same MSK was used
  MskId msk;
  MtkId id;
  keymast_key key{};
  uint64_t order = 0;          // grows with each key
  uint64_t last_used = 0;      // or passed
  uint64_t ends_at = kNoTime;  // at which it goes whatever comes
};

// What a member knows of its place in the group: nothing older is taken (MIKEYv2 §10).
struct Standing {
  std::array<uint8_t, mikey::v2::kTreeIdSize> tree_id{};
  uint32_t epoch = 0;
  uint32_t rekey_t = 0;
  uint32_t window_ms = 0;  // repair window
  uint32_t window_t = 0;   // of the last packet that told it
  KeyNumber newest;
};

// Verifier is a key of the group's controller: Ed25519.
struct Verifier {
  bool held = false;
  bool is_before_asking = false;  // it gave way before the last exchange was opened
  uint32_t id = 0;
  std::array<uint8_t, 32> key{};
};

// Signing is what a member knows of who signs, and of updates (MIKEYv2 §10).
struct Signing {
  Verifier verifier;
  // The key before a roll still signs the other packets of the update that rolled it, until what
  // is taken has a verification key of that epoch or of a later one.
  Verifier rolled;
  uint32_t rolled_epoch = 0;
  uint32_t rolled_t = 0;
  uint32_t announced_t = 0;  // of the last announcement under another tree id
  uint32_t failures = 0;     // wrong signatures, without a second of peace between them
  uint64_t last_failure = 0;
};

// Asked says what a message with keys answers.
enum class Asked : uint8_t { kByNobody, kByReport, kByJoin };

class Channel {
 public:
  static constexpr size_t kMsks = 2;
  static constexpr size_t kMtks = 6;
  static constexpr uint64_t kGrace = 5000;       // of an MTK behind another one under its MSK
  static constexpr uint64_t kRetireTime = 2000;  // of MTKs whose MSK has retired (MIKEYv2 §10)
  static constexpr uint32_t kDefaultWindow = 2000;

  // Follow begins anew for a group, or goes on with the same one.
  void Follow(const keymast_group& group);
  void Wipe();

  bool is_followed() const { return is_followed_; }
  bool is_by_3gpp() const { return by_3gpp_; }
  ByteView uri() const { return uri_.view(); }
  mikey::KeyIds scope() const { return {domain_, {group_, KeyNumber(0)}, {}}; }
  bool Is(const mikey::KeyIds& ids) const;
  std::span<const keymast_stream> streams() const {
    return std::span(streams_).first(stream_count_);
  }

  // TakeJoin takes what an answer or KEYS brought: kMalformed, kUnknownChannel for another group's,
  // kReplayed for what is older than what is held, kUnsupportedPolicy. Nothing changes then.
  Status TakeJoin(const mikey::v2::Contents& contents, const mikey::v2::Streams& streams,
                  const mikey::v2::Choice& choice, uint64_t now);
  // TakeContents takes what KEYS outside of an exchange brought. Also kUnexpected for a new tree
  // that nobody asked for.
  Status TakeContents(const mikey::v2::Contents& contents, const mikey::v2::Streams& streams,
                      Asked asked, uint64_t now);
  // TakeMore takes what KEYS without an MSK brought: keys of the tree that is held, kUnexpected for
  // another, and who signs.
  Status TakeMore(const mikey::v2::Contents& contents, Asked asked);
  // AsksToJoin notes that an exchange is opened: the answer knows of all key rolls so far. Of
  // REPORTs several may wait for theirs.
  void AsksToJoin() { signing_.rolled.is_before_asking = true; }
  // TakeMsk takes what a message of 3GPP brought. MTK IDs below `floor` are past.
  Status TakeMsk(const mikey::Unverified& message, const mikey::OpenedMsk& opened,
                 std::optional<uint32_t> mtk_counter, MtkId floor);
  // TakeMtk takes an MTK message: kUnknownKey, kOutsideInterval, kReplayed, or what opening it is;
  // kAlreadyHeld for another key under a known ID. True: the key is a new one.
  Result<bool> TakeMtk(const TablePk& pk, const crypto::Suite& suite,
                       const mikey::Unverified& message);
  // TakeRekey takes a GROUP_REKEY of a group with a tree: channel_rekey.cc. True: what it says is
  // proven, and the member has missed something. kUnavailable: it is good, and its tree lacks keys.
  Result<bool> TakeRekey(const TablePk& pk, const crypto::Suite& suite, ByteView datagram,
                         uint64_t now);

  const keymast_key* Find(ByteView mki) const;
  Status Used(ByteView mki, uint64_t now);
  bool Holds(MskId id) const { return FindMsk(id) != nullptr; }
  bool HoldsAny() const {
    return std::ranges::any_of(msks_, [](const Msk& msk) { return msk.held; });
  }
  // IsRetired is true for an MSK before one that was used: it is no longer held, nor missed. Not of
  // a group by 3GPP, whose Key Numbers begin anew.
  bool IsRetired(MskId id) const {
    return !by_3gpp_ && id.group == group_ && id.number < retired_below_;
  }
  // Misses is true for an MSK of the group that is neither held nor retired.
  bool Misses(MskId id) const { return id.group == group_ && !Holds(id) && !IsRetired(id); }
  bool IsOf3gpp(MskId id) const { return Holds(id) && FindMsk(id)->is_of_3gpp; }
  uint64_t deadline() const;
  void Tick(uint64_t now);

  // What is to be told, in this order; each once.
  const Mki* NextRetired();
  const keymast_key* NextInstalled();
  bool HasNews() const;
  void ForgetTold();

  // What a REPORT names, once the channel has been joined (MIKEYv2 §10).
  mikey::v2::GroupName name() const { return {domain_, group_, csb_id_, algorithms_.encr}; }
  MskId newest() const { return {group_, standing.newest}; }
  bool has_joined() const { return has_joined_; }
  const keymast_tree* tree() const { return tree_; }
  bool FollowsTree() const {
    return has_joined_ && tree_ != nullptr && (features_ & (kTrees | kSubsetDifference)) != 0;
  }
  uint32_t features() const { return features_; }
  // LetGo wipes all keys, and keeps who the group is.
  void LetGo();

  Standing standing;

 private:
  const Msk* FindMsk(MskId id) const;
  Msk* FindMsk(MskId id) { return const_cast<Msk*>(std::as_const(*this).FindMsk(id)); }
  Mtk* FindMtk(MskId msk, MtkId id);
  Status CheckJoin(const mikey::v2::Contents& contents, Asked asked, KeyNumber& newest) const;
  Status TakeStreams(const mikey::v2::Streams& streams);
  bool IsOurs(const mikey::KeyDataPayload& mtk) const;
  void TakeTree(const mikey::v2::Contents& contents, Asked asked);
  void BeginTree(const mikey::v2::Contents& contents, uint64_t now);
  Status CheckMtkSignature(const TablePk& pk, const crypto::Suite& suite, ByteView datagram) const;
  Status CheckRekeyPlace(const mikey::v2::RekeyPacket& packet) const;
  Result<bool> CheckFilter(const crypto::Suite& suite, const mikey::v2::RekeyPacket& packet) const;
  Status CheckRekeySignature(const TablePk& pk, const crypto::Suite& suite,
                             const mikey::v2::RekeyPacket& packet, bool is_filtered, uint64_t now);
  const Verifier* VerifierOf(const mikey::v2::RekeyPacket& packet) const;
  static Status CheckRoll(const TablePk& pk, const mikey::v2::RekeyPacket& packet);
  Status Roll(const TablePk& pk, const mikey::v2::RekeyPacket& packet);
  Result<bool> Apply(const crypto::Suite& suite, const mikey::v2::RekeyPacket& packet,
                     uint64_t now);
  void TakeWindow(const mikey::v2::RekeyHead& head);
  void TakeGiven(const mikey::v2::GivenMsk& given, uint64_t now);
  void RetireMsksBefore(KeyNumber number, uint64_t now);
  void PutMsk(const Msk& msk);
  bool PutMtk(MskId msk, MtkId id, ByteView key, ByteView salt);
  Mtk& Place();
  void Retire(Mtk& mtk);
  static uint64_t EndOf(const Mtk& mtk);

  bool is_followed_ = false;
  bool by_3gpp_ = false;
  bool has_joined_ = false;
  Octets<KEYMAST_IDENTITY_SIZE> uri_;
  KeyDomainId domain_;
  KeyGroup group_;
  CsbId csb_id_;
  mikey::Algorithms algorithms_;  // that the join chose
  uint8_t features_ = 0;          // too: those that are known here
  const keymast_tree* tree_ = nullptr;
  Signing signing_;
  uint64_t first_use_at_ = kNoTime;  // of the MSK of an update, where that told it
  KeyNumber first_use_of_;
  KeyNumber retired_below_;  // Key Number of the newest MSK that was used
  uint8_t key_size_ = 0;     // of the streams' profiles
  uint8_t salt_size_ = 0;
  uint8_t stream_count_ = 0;
  uint8_t retired_told_ = 0;
  std::array<Msk, kMsks> msks_;
  std::array<Mtk, kMtks> mtks_;
  uint64_t order_ = 0;
  FixedList<Mki, kMtks> retired_;  // of which retired_told_ were told
  std::array<keymast_stream, KEYMAST_STREAMS> streams_{};
};

}  // namespace keymast::receiver::library
