// SPDX-License-Identifier: Apache-2.0
// The keys of one receiver on one channel: user key, MSKs, MTKs, and what an MSK or MTK message
// does to them (TS 33.246 §6.4.6, §6.5). Octets in, octets out; no clock, socket or heap.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/time.h"
#include "crypto/primitives.h"
#include "crypto/public_key.h"
#include "mikey/mbms.h"
#include "mikey/v2/party.h"
#include "receiver/msk_slots.h"
#include "receiver/mtk_slots.h"
#include "receiver/octets.h"

namespace keymast::receiver {

// Credential is who this receiver is to the key server.
struct Credential {
  crypto::Key32 user_key;  // MUK, 16..32 octets
  Octets<255> identity;    // IDr, as the subscriber is provisioned
};

// KeyScope is what a channel's MSKs are named under; messages of others are not looked at.
struct KeyScope {
  KeyDomainId domain;
  KeyGroup group;
};

// SenderCounter is the highest COUNTER that was taken from one sender (IDi) under the user key.
struct SenderCounter {
  Octets<255> idi;
  uint32_t highest = 0;
  friend bool operator==(const SenderCounter&, const SenderCounter&) = default;
};
inline constexpr size_t kMaxSenders = 4;
inline constexpr size_t kMaxAnswer = 512;

// MskEvent tells what an accepted MSK message did.
struct MskEvent {
  MskId id;
  bool is_new = false;     // an MSK ID that was not held before
  bool deleted = false;    // an empty interval: the MSK was given up
  size_t answer_size = 0;  // octets of verification message to send back; 0: none asked for
};

// MtkSigner is whose signature MTK messages have in a group that signs them; borrowed.
struct MtkSigner {
  uint32_t id = 0;
  const crypto::PublicKey* key = nullptr;  // null: none is held, so that no message is good
};

struct MtkEvent {
  MskId msk;
  MtkId mtk;
};

class Keyring {
 public:
  // `suite` outlives the keyring. `counters`, at most kMaxSenders, are those kept from earlier
  // runs.
  Keyring(const crypto::Suite& suite, const mikey::Profile3gpp& profile, const KeyScope& scope,
          const Credential& credential, std::span<const SenderCounter> counters);

  // OnMsk takes a datagram of the MSK endpoint. When it is accepted, `counters()` has changed and
  // is to be made durable before `answer`, at least kMaxAnswer octets, is sent: then no MSK message
  // that was answered is ever accepted again. An error is the reason of the discard; nothing
  // changed.
  Result<MskEvent> OnMsk(ByteView datagram, MutableBytes answer);

  // OnMtk takes a datagram of the MTK endpoint; nothing is ever sent back for it. An error is the
  // reason of the discard: kAlreadyHeld is the usual repetition for late joiners.
  // `signer`: a message without its signature is not taken (MIKEYv2 §10, feature 3).
  Result<MtkEvent> OnMtk(ByteView datagram, Instant now,
                         const std::optional<MtkSigner>& signer = std::nullopt);

  // OnJoin takes over what a join by MIKEYv2 brought: MSKs, their MTKs of now, policies and ROCs
  // (MIKEYv2 §10), or KEYS outside of an exchange. All of it or nothing: kUnknownChannel for
  // another group's, kUnsupportedPolicy, kMalformed for keys that do not belong together, kReplayed
  // for older ones than are held. What has retired or was let go stays so. From then on MSKs below
  // the first of these are not taken any more, and with the first use of one the older ones retire.
  Status OnJoin(const mikey::v2::Streams& streams, const mikey::v2::Contents& contents,
                Instant now);

  // OnTick lets keys go that are older than the one in use, MtkSlots::kGrace after the switch, and
  // those of MSKs that have retired. It is due about once a second, and at retires_at().
  void OnTick(Instant now);
  // When MTKs of retired MSKs go; kNever: there are none.
  Instant retires_at() const { return retires_at_; }

  // Used notes that an RTP packet opened under the key with this serial, UsedByRtcp the same of
  // RTCP, which says nothing of the key that media is under.
  void Used(uint64_t serial, Instant now);
  void UsedByRtcp(const MtkSlot& slot, Instant now) { RetireBelow(slot.msk.number, now); }

  // What belongs to an MSK below this one is past. 0: no join has said so.
  KeyNumber oldest() const { return oldest_; }
  // NumberOf an MKI is the Key Number of its MSK; nothing where that is not of our group.
  std::optional<KeyNumber> NumberOf(ByteView mki) const;

  const MskSlots& msks() const { return msks_; }
  const MtkSlots& mtks() const { return mtks_; }
  std::span<const SenderCounter> counters() const;
  size_t mki_length() const { return profile_.mki_with_domain ? 9 : 6; }
  uint64_t msk_changes() const { return msk_changes_; }

  // RocHint is the ROC that the newest MSK message naming `ssrc` said.
  std::optional<Roc> RocHint(Ssrc ssrc) const;

  // StateHash is SHA-256 over everything that messages can change: MSKs, MTKs, counters.
  std::array<uint8_t, 32> StateHash() const;

 private:
  Status CheckMsk(const mikey::Unverified& message) const;
  Result<mikey::OpenedMtk> OpenMtk(const mikey::Unverified& message, const MskSlot& msk,
                                   const std::optional<MtkSigner>& signer) const;
  Status CheckMtk(const mikey::Unverified& message, const MskSlot& msk) const;
  const SenderCounter* FindSender(ByteView idi) const;
  void CountSender(ByteView idi, uint32_t counter);
  Result<size_t> Answer(const mikey::Unverified& message, const mikey::OpenedMsk& opened,
                        MutableBytes answer) const;
  bool Apply(const mikey::Unverified& message, const mikey::OpenedMsk& opened, SrtpProfile profile);
  void Install(const mikey::Unverified& message, const mikey::OpenedMtk& opened,
               SrtpProfile profile, Instant now);
  void RaiseFloor(const MtkSlot& gone);
  void RetireBelow(KeyNumber number, Instant now);
  // Brought is what a join has, read and not yet taken.
  struct Brought {
    FixedList<MskSlot, mikey::v2::kMaxMsks> msks;
    FixedList<MtkSlot, mikey::v2::kMaxGivenKeys> mtks;
  };
  Result<Brought> Read(const mikey::v2::Streams& streams, const mikey::v2::Contents& contents,
                       Instant now) const;
  // Standing is what joins said of the group: nothing older of the same one is taken.
  struct Standing {
    CsbId csb_id;
    std::array<uint8_t, mikey::v2::kTreeIdSize> tree_id{};
    uint32_t epoch = 0;
    bool IsSameGroup(const Standing& other) const {
      return csb_id == other.csb_id && tree_id == other.tree_id;
    }
  };
  static Standing StandingOf(const mikey::v2::Contents& contents);
  Status CheckStanding(const Standing& standing, const Brought& brought) const;
  void LetGoBut(const Brought& brought, Instant now);
  Result<MskSlot> MskOf(const mikey::KeyDataPayload& key, const mikey::v2::MskState& state) const;
  Result<MtkSlot> MtkOf(const mikey::KeyDataPayload& key, SrtpProfile profile, Instant now) const;
  void Install(const MtkSlot& slot);
  bool Install(MskSlot slot);

  const crypto::Suite& suite_;
  mikey::Profile3gpp profile_;
  KeyScope scope_;
  Credential credential_;
  std::array<SenderCounter, kMaxSenders> senders_;
  size_t sender_count_ = 0;
  MskSlots msks_;
  MtkSlots mtks_;
  uint64_t msk_changes_ = 0;
  KeyNumber oldest_;  // below it nothing is taken: a join brought this one, or it is in use
  std::optional<Standing> standing_;  // of the last join
  Instant retires_at_ = kNever;
};

}  // namespace keymast::receiver
