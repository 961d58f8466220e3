// SPDX-License-Identifier: Apache-2.0
// Primitives that hide and prove nothing, for the receiver core behind the MAC: its messages can be
// read and changed by a fuzzer. Randomness counts, so that a run is what its input says.
#pragma once

#include <keymast/receiver.h>

#include <array>
#include <cstdint>

namespace keymast::fuzz {

// Mixer tells inputs apart, no more (FNV-1a, the state repeated and stirred).
class Mixer {
 public:
  void Add(const uint8_t* octets, size_t size) {
    for (size_t i = 0; i < size; ++i) state_ = (state_ ^ octets[i]) * 0x100000001b3u;
  }
  void Finish(uint8_t* out, size_t size) {
    for (size_t i = 0; i < size; ++i) {
      state_ = (state_ ^ i) * 0x100000001b3u;
      out[i] = static_cast<uint8_t>(state_ >> 56);
    }
  }

 private:
  uint64_t state_ = 0xcbf29ce484222325u;
};

inline void ToyHash(const keymast_octets* parts, size_t count, Mixer& mixer) {
  for (size_t i = 0; i < count; ++i) mixer.Add(parts[i].data, parts[i].size);
}
inline void ToyHmac(void*, keymast_hash hash, keymast_octets key, const keymast_octets* parts,
                    size_t count, uint8_t* out) {
  Mixer mixer;
  mixer.Add(key.data, key.size);
  ToyHash(parts, count, mixer);
  mixer.Finish(out, hash == KEYMAST_SHA1 ? 20 : 32);
}
inline void ToySha256(void*, const keymast_octets* parts, size_t count, uint8_t* out) {
  Mixer mixer;
  ToyHash(parts, count, mixer);
  mixer.Finish(out, 32);
}
inline void ToyAesCtr(void*, keymast_octets, const uint8_t*, uint8_t*, size_t) {}
inline void ToyRandom(void* user, uint8_t* out, size_t size) {
  auto& next = *static_cast<uint32_t*>(user);
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(++next * 2654435761u >> 24);
}

// Scalar and point make the same of each other, and never zeros.
inline int ToyX25519(void*, const uint8_t* scalar, const uint8_t* point, uint8_t* out) {
  for (int i = 0; i < 32; ++i) out[i] = static_cast<uint8_t>(scalar[i] ^ point[i] ^ (i == 0));
  return 1;
}
inline int ToyEd25519Verify(void*, const uint8_t*, const keymast_octets*, size_t,
                            const uint8_t* signature) {
  return signature[0] & 1;
}

// `next` is 0 at the begin of a run.
inline keymast_crypto ToyTable(uint32_t& next) {
  return {&next, ToyHmac, ToySha256, ToyAesCtr, ToyRandom, ToyX25519, ToyEd25519Verify};
}

// Whom both sides know, and what a step of an input is: an octet, and what it says.
inline constexpr char kToyMember[] = "member@example.org";
// As the server of the unit tests has it.
inline constexpr uint8_t kToyKey[16] = {0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a,
                                        0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a};
enum class Step : uint8_t {
  kReceive,    // 2 octets of length, a datagram
  kPass,       // 2 octets of milliseconds
  kDue,        // until the deadline, 10 minutes at most
  kUsed,       // channel, MKI 6
  kMissing,    // channel, MKI 6
  kJoin,       // channel, which group
  kLeave,      // channel
  kStart,      // anew, with what was saved last
  kSaved,      // 2 octets of length: a start with these
  kCertified,  // anew as kStart, with certificates and without user key
};
inline constexpr uint8_t kSteps = 10;

// The owner of a tree: the first octet of an update says what it finds.
inline void ToyTakeKey(void*, const keymast_tree_key*) {}
inline keymast_tree_found ToyDerive(void*, const keymast_tree_update* update, uint8_t* root,
                                    size_t* size) {
  for (int i = 0; i < 32; ++i) root[i] = 0x72;
  *size = 32;
  const int kind = update->update.size == 0 ? 0 : update->update.data[0] % 3;
  return static_cast<keymast_tree_found>(KEYMAST_TREE_ROOT + kind);
}
inline void ToyCommit(void*) {}
inline constexpr keymast_tree kToyTree = {nullptr, 1, ToyTakeKey, ToyDerive, ToyCommit};

// The owner of certificates: the first octet of what is shown says what it finds.
// What a certificate's key is found by (RFC 5280 §4.1), and nothing else: RSA of 2048 bits, of no
// two primes. Its first octet finds it good.
inline constexpr auto kToyLeaf = [] {
  constexpr uint8_t kHead[] = {
      0x30, 0x82, 0x01, 0x35, 0x30, 0x82, 0x01, 0x31, 0x02, 0x01, 0x01,  // serial number
      0x30, 0x00, 0x30, 0x00, 0x30, 0x00, 0x30, 0x00,                    // up to the subject
      0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48,
      0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01,
      0x0f, 0x00, 0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00};
  constexpr uint8_t kTail[] = {0x02, 0x03, 0x01, 0x00, 0x01};
  std::array<uint8_t, sizeof kHead + 256 + sizeof kTail> leaf{};
  leaf.fill(0xff);  // the modulus
  for (size_t i = 0; i < sizeof kHead; ++i) leaf[i] = kHead[i];
  for (size_t i = 0; i < sizeof kTail; ++i) leaf[sizeof kHead + 256 + i] = kTail[i];
  return leaf;
}();
inline constexpr keymast_octets kToyChain[] = {{kToyLeaf.data(), kToyLeaf.size()}};
inline constexpr uint8_t kToyVerifies[] = {KEYMAST_ED25519, KEYMAST_ECDSA_P256, KEYMAST_RSA_PSS};
inline constexpr size_t kToySignature = 256;
inline void ToySign(void*, const keymast_octets*, size_t, uint8_t* out) {
  for (size_t i = 0; i < kToySignature; ++i) out[i] = 1;
}
inline void ToyOpenEnvelope(void*, keymast_octets sealed, uint8_t* out) {
  for (size_t i = 0; i < 32; ++i) out[i] = sealed.size == 0 ? 0 : sealed.data[i % sealed.size];
}
inline keymast_reason ToyJudge(void*, const keymast_shown* shown, keymast_octets* leaf,
                               uint32_t* seconds) {
  static constexpr keymast_reason kReasons[] = {KEYMAST_OK, KEYMAST_UNKNOWN_IDENTITY,
                                                KEYMAST_CERTIFICATE_EXPIRED, KEYMAST_MALFORMED};
  *leaf = shown->chain_size == 0 ? kToyChain[0] : shown->chain[0];
  const bool is_named = shown->chain_size == 0 && shown->hash != nullptr;
  const uint8_t says = is_named ? shown->hash[0] : leaf->size == 0 ? uint8_t{3} : leaf->data[0];
  *seconds = says >= 128 ? UINT32_MAX : says;
  return kReasons[says % 4];
}
inline int ToyVerify(void*, keymast_octets, keymast_signature, const keymast_octets*, size_t,
                     keymast_octets signature) {
  return signature.size != 0 && (signature.data[0] & 1) != 0 ? 1 : 0;
}
inline constexpr keymast_certificates kToyCertificates = {nullptr,
                                                          kToyChain,
                                                          1,
                                                          0,
                                                          KEYMAST_RSA_PSS,
                                                          kToySignature,
                                                          kToyVerifies,
                                                          sizeof kToyVerifies,
                                                          ToySign,
                                                          ToyOpenEnvelope,
                                                          ToyJudge,
                                                          ToyVerify};

// The groups: a joined one, one by messages of 3GPP, one that nobody answers for.
inline keymast_group ToyGroup(uint8_t which) {
  static const char* const kUris[] = {"mikey://a/1", "mikey://a/2", "mikey://a/3"};
  keymast_group group{};
  which = static_cast<uint8_t>(which % 3);
  group.uri = {reinterpret_cast<const uint8_t*>(kUris[which]), 11};
  group.by_3gpp = which == 1 ? 1 : 0;
  group.tree = &kToyTree;
  if (which == 1) {
    group.key_domain[0] = 1;
    group.key_domain[1] = 2;
    group.key_domain[2] = 3;
    group.key_group = 8;
  }
  return group;
}

}  // namespace keymast::fuzz
