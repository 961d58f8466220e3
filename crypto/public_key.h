// SPDX-License-Identifier: Apache-2.0
// Public-key primitives of the MIKEY modes PK, DH and RSA-R (RFC 3830 §3.2, §3.3, RFC 4738): RSA
// keys, certificates and whom they lead back to, and PublicSuite, the table of what is done with
// them. All objects may be read by several threads at once.
#pragma once

#include <set>

#include "base/time.h"
#include "crypto/dh.h"

// OpenSSL's objects; only this room sees inside.
struct evp_pkey_st;
struct x509_st;
struct x509_store_st;

namespace keymast::crypto {

// RSA moduli have 2048 to 4096 bits: below is too weak, above costs a server more than a stranger.
inline constexpr size_t kMinModulusBits = 2048;
inline constexpr size_t kMaxModulusBits = 4096;
inline constexpr size_t kMaxModulusSize = kMaxModulusBits / 8;

// RFC 3830 §4.2.6, §6.5: PKCS#1 v1.5 (RFC 8017 §8.2) or PSS (§8.1; MGF1 of the same hash, salt as
// long as the hash).
enum class SignatureScheme : uint8_t { kRsaPkcs1Sha1, kRsaPkcs1Sha256, kRsaPssSha256 };

// PublicKey is an RSA key to verify and to wrap with. Copies share one object.
class PublicKey {
 public:
  // FromSpki reads a DER SubjectPublicKeyInfo: kMalformed, kTrailingOctets, kNotCanonical,
  // kTooLong, kUnsupportedAlgorithm (no RSA key, or of a size or exponent that we do not take).
  static Result<PublicKey> FromSpki(ByteView der);

  size_t modulus_size() const;  // octets
  evp_pkey_st* native() const { return key_.get(); }

 private:
  friend class Certificate;
  explicit PublicKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

// PrivateKey owns an RSA key with its two primes. What reading it and releasing it leaves in the
// heap is wiped.
class PrivateKey {
 public:
  // FromPem reads the first block labelled PRIVATE KEY or RSA PRIVATE KEY; text before and after is
  // skipped. kMalformed where there is none, else as FromDer. Keys under a passphrase are
  // kUnsupportedAlgorithm.
  static Result<PrivateKey> FromPem(ByteView pem);
  // FromDer reads PKCS#8 (RFC 5208) or PKCS#1 (RFC 8017 §A.1.2): kMalformed (also when the parts do
  // not belong to one key), kTrailingOctets, kTooLong, kUnsupportedAlgorithm.
  static Result<PrivateKey> FromDer(ByteView der);

  size_t modulus_size() const;  // octets
  PublicKey PublicPart() const;
  evp_pkey_st* native() const { return key_.get(); }
  // rejection_secret keys what `PublicSuite::unwrap` answers to wrong padding: a hash of d.
  ByteView rejection_secret() const { return rejection_secret_.view(); }

 private:
  struct Release {
    void operator()(evp_pkey_st* key) const;
  };
  friend class PrivateKeyReader;
  PrivateKey(evp_pkey_st* key, const SecretKey<32>& rejection_secret)
      : key_(key), rejection_secret_(rejection_secret) {}
  std::unique_ptr<evp_pkey_st, Release> key_;
  SecretKey<32> rejection_secret_;
};

using Fingerprint = std::array<uint8_t, 32>;  // SHA-256 of a certificate's DER

inline constexpr size_t kMaxCertificate = 16384;  // octets

// Certificate is an X.509 end certificate with an RSA key (RFC 5280). Nothing in it may be believed
// before TrustStore::Verify. Copies share one object.
class Certificate {
 public:
  // FromDer: kMalformed, kTrailingOctets, kTooLong, or a PublicKey::FromSpki's error of its key.
  static Result<Certificate> FromDer(ByteView der);

  PublicKey public_key() const { return key_; }
  crypto::Fingerprint Fingerprint() const { return fingerprint_; }
  // Names is true when a subjectAltName of type URI, e-mail or DNS has just the octets of
  // `identity` (RFC 3830 §6.7: an NAI or a URI). The subject's name is never asked.
  bool Names(ByteView identity) const;
  // Key usage (RFC 5280 §4.2.1.3); a certificate without that extension allows both.
  bool MaySign() const;
  bool MayEncrypt() const;

 private:
  Certificate(std::shared_ptr<x509_st> certificate, PublicKey key, crypto::Fingerprint fingerprint)
      : certificate_(std::move(certificate)), key_(std::move(key)), fingerprint_(fingerprint) {}
  std::shared_ptr<x509_st> certificate_;
  PublicKey key_;
  crypto::Fingerprint fingerprint_;
};

// TrustStore says whose certificates are believed: those that lead to an anchor, and single ones
// that are pinned. Revocation lists are not read.
class TrustStore {
 public:
  static constexpr size_t kMaxChain = 4;

  TrustStore();

  // AddAnchor believes a certification authority, self-signed or not, and whom it certifies:
  // kInvalidArgument for a certificate that is none, or an error of Certificate::FromDer.
  Status AddAnchor(ByteView der);
  // Pin believes one end certificate whoever signed it.
  void Pin(const Fingerprint& fingerprint) { pins_.insert(fingerprint); }

  // Verify judges an end certificate, which comes first, with the certificates that lead from it to
  // an anchor: signatures (never by SHA-1 or MD5, keys never below 112 bits of strength), CA bits,
  // path lengths, key usage and name constraints (RFC 5280 §6.1) of all, validity at `now`.
  // kInvalidArgument (no certificate), kTooLong (more than kMaxChain, or one too long), kMalformed,
  // kTrailingOctets, kCertificateExpired (a certificate on the way is not valid at `now`: expired
  // or not yet valid), kCertificateUntrusted for all else.
  Status Verify(std::span<const ByteView> chain_der, Instant now) const;

 private:
  std::shared_ptr<x509_store_st> anchors_;
  std::set<crypto::Fingerprint> pins_;
};

// Envelope is the key under RSA (env_key, RFC 3830 §6.3): 16 to 128 octets.
inline constexpr size_t kMinEnvelope = 16;
inline constexpr size_t kMaxEnvelope = 128;
using Envelope = SecretKey<kMaxEnvelope>;

// PublicSuite is the public-key half of Suite, absent from one for pre-shared keys only.
struct PublicSuite {
  // sign writes the signature of the concatenation of `parts`, modulus_size() octets, and returns
  // its length: kTooLong for a smaller `out`. The salt of PSS is OpenSSL's own randomness; PKCS#1
  // v1.5 is deterministic.
  Result<size_t> (*sign)(const PrivateKey& key, SignatureScheme scheme,
                         std::span<const ByteView> parts, MutableBytes out);
  bool (*verify)(const PublicKey& key, SignatureScheme scheme, std::span<const ByteView> parts,
                 ByteView signature);
  // wrap encrypts `key` by RSAES-PKCS1-v1_5 (RFC 8017 §7.2.1) with padding drawn from `rng`, and
  // returns the length, modulus_size(): kTooLong for a smaller `out`, kInvalidArgument for a key
  // outside kMinEnvelope..kMaxEnvelope.
  Result<size_t> (*wrap)(const PublicKey& public_key, ByteView key, Rng& rng, MutableBytes out);
  // unwrap decrypts what `wrap` made. Anything else gives a key of 16 to 128 octets too, always the
  // same for the same octets, which nobody else can know: good and bad padding look alike from
  // outside, so that nobody can ask which it was. Only the MAC under the key tells.
  Envelope (*unwrap)(const PrivateKey& key, ByteView wrapped);
  // dh_generate draws a private value, kDhPrivateSize octets, and writes its public value,
  // DhPublicSize octets. Exponents modulo a prime have their top bit set; scalars of secp256r1 are
  // from 1 to n-1, the others drawn again.
  void (*dh_generate)(DhGroup group, Rng& rng, MutableBytes private_out, MutableBytes public_out);
  // dh_agree fills `shared`, DhSharedSize octets, modulo a prime padded on the left (RFC 3830
  // §4.1.3 does not say; a TGK has one length). The private value is one of dh_generate's. False,
  // leaving `shared` zero, for a peer's value of another length or one that everybody could guess
  // the secret of: outside 2..p-2; no point of secp256r1; all-zero secret of X25519.
  bool (*dh_agree)(DhGroup group, ByteView private_value, ByteView peer_public,
                   MutableBytes shared);
};

}  // namespace keymast::crypto
