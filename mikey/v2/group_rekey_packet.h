// SPDX-License-Identifier: Apache-2.0
// A GROUP_REKEY at a member (MIKEYv2 §10): its octets, what its proofs cover, and its key. Whether
// it is to be believed its reader knows.
#pragma once

#include "mikey/v2/grammar.h"
#include "mikey/v2/group_rekey.h"

namespace keymast::mikey::v2 {

inline constexpr uint32_t kMaxEpochsAhead = 64;

// GivenMsk is an MSK that an update brought.
struct GivenMsk {
  MskId id;
  crypto::Key32 key;
  MtkId low;
  MtkId high;
  std::array<uint8_t, kGroupRandSize> rand{};  // the update nonce; its first COUNTER is 1
  uint32_t epoch = 0;
  uint32_t first_use_ms = UpdateHead::kByMki;  // from its reception
};

// RekeyPacket is a GROUP_REKEY as it is read. It points into its octets.
struct RekeyPacket {
  ByteView octets;
  Message message;
  Parts parts;
  RekeyHead head;
  MerklePath path;
  std::optional<FilterMac> filter;
  std::optional<KeyRoll> roll;
  PacketParts covered;

  bool IsAnnouncement() const { return head.update.kind == UpdateKind::kAnnouncement; }
  // Read also asks for what SIGN and PRF can be alone.
  Status Read(ByteView packet);

  // FilterIsGood under the MSK that the filter MAC names.
  bool FilterIsGood(const crypto::Suite& suite, ByteView msk) const;
  // Signed is what SIGN covers: kMalformed for a path that leads nowhere.
  Result<SignedUpdate> Signed(const crypto::Suite& suite) const;
  // SignedByNext is what the signature of EXT 244 covers.
  SignedRoll SignedByNext() const;

  // CheckAlgorithms of the KEMAC: the group's (MIKEYv2 §4.4).
  Status CheckAlgorithms(EncrAlg encr) const;
  // Open checks the KEMAC under the tree's root, kAuthenticationFailed, and reads the one key of a
  // GROUP_REKEY, the new MSK: kDecryptionFailed, kMalformed, kTooLong.
  Status Open(const crypto::Suite& suite, EncrAlg encr, ByteView root, GivenMsk& given) const;

 private:
  Status ReadHead();
  Status ReadExtensions();
  Status ReadKey(ByteView plain, GivenMsk& given) const;
};

}  // namespace keymast::mikey::v2
