// SPDX-License-Identifier: Apache-2.0
// Primitives that hide and prove nothing, for the receiver core behind the MAC: its messages can be
// read and changed by a fuzzer. Randomness counts, so that a run is what its input says.
#pragma once

#include <keymast/receiver.h>

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
  kReceive,  // 2 octets of length, a datagram
  kPass,     // 2 octets of milliseconds
  kDue,      // until the deadline, 10 minutes at most
  kUsed,     // channel, MKI 6
  kMissing,  // channel, MKI 6
  kJoin,     // channel, which group
  kLeave,    // channel
  kStart,    // anew, with what was saved last
  kSaved,    // 2 octets of length: a start with these
};
inline constexpr uint8_t kSteps = 9;

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
