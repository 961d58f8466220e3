// SPDX-License-Identifier: Apache-2.0
// GROUP_REKEY (MIKEYv2 §10): what its proofs cover, and its writer. An update is 1 to kMaxLeaves
// packets under one signature; what it says of the tree (EXT 241) is opaque here.
#pragma once

#include <vector>

#include "crypto/public_key.h"
#include "mikey/mbms.h"
#include "mikey/v2/contents.h"
#include "mikey/v2/merkle.h"
#include "mikey/v2/protection.h"

namespace keymast::mikey::v2 {

inline constexpr size_t kDefaultRekey = 1400;  // octets of a packet, MIKEYv2 §2
inline constexpr size_t kUpdateNameSize = 3 + 2 + kTreeIdSize + 4;

// RekeyHead is what all packets of an update share.
struct RekeyHead {
  KeyIds ids;    // of the group, with the new MSK
  CsbId csb_id;  // of the group
  uint32_t t = 0;
  UpdateHead update;

  // Key Domain ID || Key Group || tree id || epoch.
  std::array<uint8_t, kUpdateNameSize> Name() const;
};

// VerificationKeyId names an Ed25519 key of the group's controller.
using VerificationKeyId = uint32_t;

struct SigningKey {
  VerificationKeyId id = 0;
  const crypto::PrivateKey& key;  // Ed25519
};

// HeldMsk is an MSK with its ID; the key is borrowed.
struct HeldMsk {
  MskId id;
  ByteView key;
};

// Rekey is what the writer puts in. Views are borrowed for the call.
struct Rekey {
  RekeyHead head;
  std::span<const ByteView> tree_updates;   // EXT 241 of each packet; of an announcement none
  EncrAlg encr = EncrAlg::kAesCm256;        // the group's
  ByteView root;                            // the tree's new one, or the key drawn for the update
  KeyDataPayload msk;                       // TGK with its interval
  std::optional<HeldMsk> before;            // the MSK before the update, for the filter MAC
  const SigningKey* next_signer = nullptr;  // a key roll
  size_t largest = kDefaultRekey;
};

// WriteGroupRekey makes all packets of an update, or the one of an announcement. kInvalidArgument
// for a number of packets, keys or a kind that do not belong together, kTooLong for a packet above
// `largest`.
Result<std::vector<Bytes>> WriteGroupRekey(const crypto::Suite& suite, const Rekey& rekey,
                                           const SigningKey& signer);

// RekeyInkey is that of the KEMAC, OfGroupRekey its row of MIKEYv2 §4.4. The inkey is borrowed.
crypto::Key32 RekeyInkey(const crypto::Suite& suite, ByteView root, const UpdateHead& update);
Protection OfGroupRekey(const crypto::Suite& suite, const RekeyHead& head, EncrAlg encr,
                        const crypto::Key32& inkey);

// PacketParts are a packet's octets as leaf and filter MAC cover them.
struct PacketParts {
  std::array<ByteView, 2> body;  // all before EXT 245, the filter MAC as zeros
  ByteView rest;                 // EXT 245 and SIGN
};
// PartsOf a packet of which `path` is EXT 245's data, `mac` the filter MAC, or empty.
PacketParts PartsOf(ByteView packet, ByteView mac, ByteView path);

using FilterOctets = std::array<uint8_t, FilterMac::kMacSize>;
FilterOctets ComputeFilterMac(const crypto::Suite& suite, ByteView msk_before,
                              const UpdateHead& update, const PacketParts& parts);

// SignedUpdate is what SIGN covers, SignedRoll what the signature by the new key does.
class SignedUpdate {
 public:
  SignedUpdate(const RekeyHead& head, VerificationKeyId key, size_t leaves, const MerkleNode& root);
  ByteView view() const { return octets_; }

 private:
  std::array<uint8_t, 20 + kUpdateNameSize + 4 + 4 + 1 + MerklePath::kNodeSize> octets_{};
};
class SignedRoll {
 public:
  SignedRoll(const RekeyHead& head, VerificationKeyId old_key, VerificationKeyId new_key,
             ByteView public_key);
  ByteView view() const { return octets_; }

 private:
  std::array<uint8_t, 17 + kUpdateNameSize + 4 + 4 + 4 + crypto::kEd25519Key> octets_{};
};

}  // namespace keymast::mikey::v2
