// SPDX-License-Identifier: Apache-2.0
// MTK messages that a group's controller signs (MIKEYv2 §10): those of version 1 with EXT 242, one
// signature across the groups of a tick.
#pragma once

#include "mikey/v2/group_rekey.h"

namespace keymast::mikey::v2 {

// Extension 242.
struct MtkSignature {
  static constexpr const char* kClause = "MIKEYv2 §3.6";
  static constexpr size_t kHead = 6;
  uint32_t key_id = 0;
  uint8_t leaf = 0;
  uint8_t leaves = 1;
  ByteView path_and_signature;

  ByteView path() const {
    return path_and_signature.first(path_and_signature.size() - crypto::kEcSignature);
  }
  ByteView signature() const { return path_and_signature.last(crypto::kEcSignature); }

  template <class Io, class T>
  static void Describe(Io& io, T& signature) {
    io.U32("key_id", signature.key_id);
    io.U8("leaf", signature.leaf);
    io.U8("leaves", signature.leaves);
    io.Rest("path_and_signature", signature.path_and_signature);
    io.Require(signature.leaf < signature.leaves &&
                   signature.path_and_signature.size() ==
                       MerklePathLength(signature.leaf, signature.leaves) * MerklePath::kNodeSize +
                           crypto::kEcSignature,
               Error::kMalformed);
  }
};

// TickMessage is one MTK message of a tick. Views are borrowed for the call; of the profile the
// algorithms count, its form is MIKEYv2's.
struct TickMessage {
  Profile3gpp profile;
  MtkMessage message;
  ByteView msk;
};

// WriteSignedMtkMessages writes the messages of a tick, 1 to kMaxMerkleLeaves, in their order.
// kInvalidArgument for another number, keys of lengths that nobody uses and a signer without
// Ed25519 key.
Result<std::vector<Bytes>> WriteSignedMtkMessages(const crypto::Suite& suite,
                                                  std::span<const TickMessage> messages,
                                                  const SigningKey& signer);

// MtkLeaf of a message in which EXT 242's data is `data`: it counts as zeros, the MAC not at all.
MerkleNode MtkLeaf(const crypto::Suite& suite, uint8_t leaf, ByteView message, ByteView data,
                   size_t mac);

// SignedTick is what the signature covers.
class SignedTick {
 public:
  SignedTick(VerificationKeyId key, size_t leaves, const MerkleNode& root);
  ByteView view() const { return octets_; }

 private:
  std::array<uint8_t, 12 + 4 + 1 + MerklePath::kNodeSize> octets_{};
};

// MtkClaim is EXT 242 of a message, with what its signature must cover.
struct MtkClaim {
  MtkSignature signature;
  SignedTick covered;
};
// ReadMtkClaim is kPayloadMissing, kPayloadUnexpected (not in MIKEYv2's form), kMalformed.
Result<MtkClaim> ReadMtkClaim(const crypto::Suite& suite, ByteView datagram);

struct VerificationKey {
  VerificationKeyId id = 0;
  const crypto::PublicKey& key;
};

// OpenSignedMtk is OpenMtk where a message without EXT 242 is not taken: MAC, EXT 242, KEMAC. Also
// kPayloadMissing, kPayloadUnexpected (not in MIKEYv2's form), kMalformed, kUnknownKey,
// kAuthenticationFailed for the signature.
Result<OpenedMtk> OpenSignedMtk(const crypto::Suite& suite, const Profile3gpp& profile,
                                const Unverified& message, ByteView msk, ByteView msk_rand,
                                const VerificationKey& verifier);

}  // namespace keymast::mikey::v2
