// SPDX-License-Identifier: Apache-2.0
// The primitives that the other rooms use. Only this room sees OpenSSL and libsodium.
// Keys and outputs are caller's memory; no function keeps a pointer after it returns.
#pragma once

#include "base/error.h"
#include "crypto/rng.h"
#include "crypto/secret.h"

namespace keymast::crypto {

enum class Hash : uint8_t { kSha1, kSha256 };
inline constexpr size_t HashSize(Hash hash) { return hash == Hash::kSha1 ? 20 : 32; }

// Sha256 hashes public octets.
std::array<uint8_t, 32> Sha256(ByteView data);

// Key wrap takes up to kMaxKeyWrap octets, and makes KeyWrapSize of them.
inline constexpr size_t kMaxKeyWrap = 16384;
inline constexpr size_t KeyWrapSize(size_t plain) { return (plain + 7) / 8 * 8 + 8; }

struct PublicSuite;  // crypto/public_key.h

// SuiteFunctions are what a Suite does; each is handed the suite's own `context`. No function
// allocates on the caller's behalf beyond what its implementation hides; none fails on inputs of
// the stated sizes.
struct SuiteFunctions {
  using Parts = std::span<const ByteView>;
  void (*hmac)(const void* context, Hash hash, ByteView key, Parts parts, MutableBytes out);
  void (*hmac_once)(const void* context, Hash hash, ByteView key, Parts parts, MutableBytes out);
  void (*sha256)(const void* context, Parts parts, MutableBytes out);
  void (*aes_ctr)(const void* context, ByteView key, ByteView iv, MutableBytes data);
  // Null where key wrap is not spoken.
  void (*key_wrap)(ByteView key, ByteView plain, MutableBytes out);
  Result<size_t> (*key_unwrap)(ByteView key, ByteView wrapped, MutableBytes out);
};

// Suite is the table through which mikey and the receiver core reach primitives, so that a receiver
// without OpenSSL can bring its own.
struct Suite {
  const SuiteFunctions* functions;
  // Null in a build for pre-shared keys only.
  const PublicSuite* pk = nullptr;
  const void* context = nullptr;

  // HMAC (RFC 2104) of the concatenation of `parts`; `out` has HashSize(hash) octets.
  void hmac(Hash hash, ByteView key, SuiteFunctions::Parts parts, MutableBytes out) const {
    functions->hmac(context, hash, key, parts, out);
  }
  // hmac_once is the same under a key that does not come again: nothing is readied for a next time.
  void hmac_once(Hash hash, ByteView key, SuiteFunctions::Parts parts, MutableBytes out) const {
    functions->hmac_once(context, hash, key, parts, out);
  }
  // SHA-256 of the concatenation of `parts`; `out` has 32 octets.
  void sha256(SuiteFunctions::Parts parts, MutableBytes out) const {
    functions->sha256(context, parts, out);
  }
  // AES in counter mode (RFC 3711 §4.1.1): XORs the keystream of (key 16 or 32 octets, 16-octet
  // initial counter block, which may be public) into `data` in place.
  void aes_ctr(ByteView key, ByteView iv, MutableBytes data) const {
    functions->aes_ctr(context, key, iv, data);
  }
  // AES-256 key wrap with padding (RFC 5649) under a key of 32 octets. key_wrap fills `out`,
  // KeyWrapSize(plain.size()) octets; `plain` has 1 to kMaxKeyWrap.
  void key_wrap(ByteView key, ByteView plain, MutableBytes out) const {
    functions->key_wrap(key, plain, out);
  }
  // key_unwrap writes what key_wrap took to the front of `out` and returns its length; `out` has
  // wrapped.size() octets or more, the rest becomes zero. kDecryptionFailed, leaving all of it
  // zero, for anything else; the time taken shows the length of `wrapped` alone.
  Result<size_t> key_unwrap(ByteView key, ByteView wrapped, MutableBytes out) const {
    return functions->key_unwrap(key, wrapped, out);
  }
};

// DefaultSuite is OpenSSL's primitives with contexts made once per thread and re-armed.
const Suite& DefaultSuite();

// SelfTest is false when the installed libraries give wrong answers: OpenSSL before 3.0.3 re-arms
// an HMAC context wrongly. Every program calls it at start.
bool SelfTest();

// HmacSha256 is KDF of the key `key` over the parts (also used as MAC of public data).
SecretKey<32> HmacSha256(ByteView key, std::span<const ByteView> parts);

// HkdfSha256 (RFC 5869) fills `out`.
void HkdfSha256(ByteView key, ByteView salt, ByteView info, MutableBytes out);

// X25519 (RFC 7748) fills `shared`; false, leaving it empty, for a public key that is not 32 octets
// or is a small-order point, whose shared secret everybody knows.
bool X25519(const SecretKey<32>& private_key, ByteView public_key, SecretKey<32>& shared);

struct KeyPair {
  std::array<uint8_t, 32> public_key{};
  SecretKey<32> private_key;
};
KeyPair MakeKeyPair(Rng& rng);
std::array<uint8_t, 32> PublicKeyOf(const SecretKey<32>& private_key);

// SealBox seals `plain` to an X25519 public key: ephemeral key, key = HKDF-SHA-256(Z, salt
// epk || pk, info "keymast box 1" || purpose), XChaCha20-Poly1305 with zero nonce. The box is
// epk (32) || ciphertext || tag (16). kInvalidArgument when the public key is a small-order point.
inline constexpr size_t kBoxOverhead = 48;
Result<Bytes> SealBox(ByteView public_key, std::string_view purpose, ByteView aad, ByteView plain,
                      Rng& rng);
// OpenBox is kTruncated for a box below kBoxOverhead, kDecryptionFailed for every other failure.
Result<SecretBytes> OpenBox(const KeyPair& recipient, std::string_view purpose, ByteView aad,
                            ByteView box);

// Sealer is encryption at rest: XChaCha20-Poly1305, random nonce in front (24), tag behind (16).
class Sealer {
 public:
  // `master_key` has 32 octets.
  explicit Sealer(const SecretKey<32>& master_key) : key_(master_key) {}
  static constexpr size_t kOverhead = 40;
  Bytes Seal(ByteView aad, ByteView plain, Rng& rng) const;
  // kDecryptionFailed when key, AAD or a single octet differ.
  Result<SecretBytes> Open(ByteView aad, ByteView sealed) const;

 private:
  SecretKey<32> key_;
};

// HardenProcess forbids core dumps and tracing by others, and keeps all memory, also that to come,
// out of swap where RLIMIT_MEMLOCK has no end: false where it has.
bool HardenProcess();

// AskNewHandler has OpenSSL ask the new handler where there is no memory, as `new` does: without
// it, what takes memory in there fails as if it had been given something wrong. Before anything
// else of this room; false when OpenSSL has taken memory already.
bool AskNewHandler();

// ShortHash is SipHash-2-4 under a secret key of 16 octets: for tables that others fill.
uint64_t ShortHash(ByteView key, ByteView octets);

}  // namespace keymast::crypto
