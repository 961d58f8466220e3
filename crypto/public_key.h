// SPDX-License-Identifier: Apache-2.0
// Public-key primitives of the MIKEY modes PK, DH and RSA-R (RFC 3830 §3.2, §3.3, RFC 4738) and of
// MIKEYv2 (docs/mikeyv2.md §5): keys, certificates and whom they lead back to, and PublicSuite, the
// table of what is done with them. All objects may be read by several threads at once.
#pragma once

#include <map>
#include <optional>
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

// KeyKind is what a key is for: RSA, ECDSA over P-256 (secp256r1), Ed25519 (RFC 8032). MIKEY
// version 1 has RSA alone.
enum class KeyKind : uint8_t { kRsa, kP256, kEd25519 };

// RFC 3830 §4.2.6, §6.5: PKCS#1 v1.5 (RFC 8017 §8.2) or PSS (§8.1; MGF1 of the same hash, salt as
// long as the hash). MIKEYv2 has PSS, ECDSA (FIPS 186-5 §6.4) as r || s of 32 octets each, with low
// or high s, and pure Ed25519 (RFC 8032 §5.1).
enum class SignatureScheme : uint8_t {
  kRsaPkcs1Sha1,
  kRsaPkcs1Sha256,
  kRsaPssSha256,
  kEcdsaP256Sha256,
  kEd25519
};

// KindOf is the kind of key that signs by a scheme.
inline constexpr KeyKind KindOf(SignatureScheme scheme) {
  return scheme == SignatureScheme::kEcdsaP256Sha256 ? KeyKind::kP256
         : scheme == SignatureScheme::kEd25519       ? KeyKind::kEd25519
                                                     : KeyKind::kRsa;
}

inline constexpr size_t kEcSignature = 64;  // octets of ECDSA P-256 and Ed25519
inline constexpr size_t kEd25519Key = 32;   // octets of a public key, and of a private key's seed

// KeyForm is what a key says of itself before it is read, which takes as long as a signature.
struct KeyForm {
  KeyKind kind;
  size_t signature_size;  // octets
  bool operator==(const KeyForm&) const = default;
};

// PublicKey is a key to verify, and of kind kRsa to wrap with. Copies share one object.
class PublicKey {
 public:
  // FromSpki reads a DER SubjectPublicKeyInfo: kMalformed (also for a point that is not of P-256),
  // kTrailingOctets, kTooLong, kUnsupportedAlgorithm (no key of these kinds, or one of a size,
  // exponent, curve or form of point that we do not take).
  static Result<PublicKey> FromSpki(ByteView der);
  // FormIn a DER SubjectPublicKeyInfo of one of the kinds; it may be none that FromSpki takes.
  static std::optional<KeyForm> FormIn(ByteView spki);
  Bytes ToSpki() const;
  // FromEd25519 takes the key as RFC 8032 §5.1.5 has it: kMalformed unless it has kEd25519Key
  // octets. Nothing verifies under one that is no point, or of a small order.
  static Result<PublicKey> FromEd25519(ByteView octets);

  KeyKind kind() const { return kind_; }
  bool Takes(SignatureScheme scheme) const { return KindOf(scheme) == kind_; }
  size_t signature_size() const;  // octets
  size_t modulus_size() const;    // octets; 0 unless it is RSA
  ByteView ed25519() const;       // kEd25519Key octets; empty unless it is Ed25519
  evp_pkey_st* native() const { return key_.get(); }  // null for Ed25519

 private:
  friend class KeyMaker;
  PublicKey(KeyKind kind, std::shared_ptr<evp_pkey_st> key) : kind_(kind), key_(std::move(key)) {}
  KeyKind kind_;
  std::shared_ptr<evp_pkey_st> key_;
  std::array<uint8_t, kEd25519Key> ed25519_{};
};

// PrivateKey owns an RSA key with its two primes, or one of the other kinds. What reading it and
// releasing it leaves in the heap is wiped.
class PrivateKey {
 public:
  // FromPem reads the first block labelled PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY; text
  // before and after is skipped. kMalformed where there is none, else as FromDer. Keys under a
  // passphrase are kUnsupportedAlgorithm.
  static Result<PrivateKey> FromPem(ByteView pem);
  // FromDer reads PKCS#8 (RFC 5208, RFC 8410 §7), PKCS#1 (RFC 8017 §A.1.2) or SEC 1 (RFC 5915):
  // kMalformed (also when the parts do not belong to one key), kTrailingOctets, kTooLong,
  // kUnsupportedAlgorithm.
  static Result<PrivateKey> FromDer(ByteView der);
  // FromEd25519 makes the key of a seed (RFC 8032 §5.1.5) of kEd25519Key octets.
  static PrivateKey FromEd25519(const SecretKey<kEd25519Key>& seed);

  KeyKind kind() const { return kind_; }
  bool Takes(SignatureScheme scheme) const { return KindOf(scheme) == kind_; }
  size_t signature_size() const;  // octets
  size_t modulus_size() const;    // octets; 0 unless it is RSA
  PublicKey PublicPart() const;
  evp_pkey_st* native() const { return key_.get(); }  // null for Ed25519
  // The seed and the public key, 64 octets, as libsodium has them; empty unless it is Ed25519.
  ByteView ed25519() const { return ed25519_.view(); }
  // rejection_secret keys what `PublicSuite::unwrap` and `unwrap_oaep` answer to wrong padding: a
  // hash of the private number.
  ByteView rejection_secret() const { return rejection_secret_.view(); }

 private:
  struct Release {
    void operator()(evp_pkey_st* key) const;
  };
  friend class KeyMaker;
  PrivateKey(KeyKind kind, evp_pkey_st* key, ByteView number);
  KeyKind kind_;
  std::unique_ptr<evp_pkey_st, Release> key_;
  SecretKey<2 * kEd25519Key> ed25519_;
  SecretKey<32> rejection_secret_;
};

using Fingerprint = std::array<uint8_t, 32>;  // SHA-256 of a certificate's DER

inline constexpr size_t kMaxCertificate = 16384;  // octets

// Certificate is an X.509 end certificate (RFC 5280) with a key of any of the kinds. Nothing in it
// may be believed before TrustStore::Verify. Copies share one object.
class Certificate {
 public:
  // FromDer: kMalformed, kTrailingOctets, kTooLong, or a PublicKey::FromSpki's error of its key.
  static Result<Certificate> FromDer(ByteView der);
  // KeyIn is the subject's key of a certificate of which nothing else counts, since its fingerprint
  // is known: a tenth of FromDer's time. SpkiIn's errors, or PublicKey::FromSpki's.
  static Result<PublicKey> KeyIn(ByteView der);
  // SpkiIn is the SubjectPublicKeyInfo in `der`: kMalformed, kTrailingOctets, kTooLong.
  static Result<ByteView> SpkiIn(ByteView der);

  PublicKey public_key() const { return key_; }
  crypto::Fingerprint Fingerprint() const { return fingerprint_; }
  // Names is true when a subjectAltName of type URI, e-mail or DNS has just the octets of
  // `identity` (RFC 3830 §6.7: an NAI or a URI). The subject's name is never asked.
  bool Names(ByteView identity) const;
  // NamesAs is Names of one type of subjectAltName (docs/mikeyv2.md §6 rule 1).
  enum class NameKind : uint8_t { kUri, kEmail };
  bool NamesAs(NameKind kind, ByteView identity) const;
  // NamesAuthorityOf is true when a subjectAltName names the authority of `uri` (RFC 3986 §3.2,
  // docs/mikeyv2.md §6): of type DNS its host, whatever the port, of type URI its host and its
  // port. Hosts differ not by case; a name with `*` names no other host; an address is named by a
  // URI alone. False for a URI without `//` and for one whose host is not of letters, digits, `-`,
  // `.` and `_`, or an address in brackets.
  bool NamesAuthorityOf(std::string_view uri) const;
  // HasExtendedUsage is true when the extended key usage (RFC 5280 §4.2.1.12) lists `oid`, as in
  // "1.3.6.1.5.5.7.3.1". A certificate without that extension has none, and anyExtendedKeyUsage is
  // an entry as any other.
  bool HasExtendedUsage(const std::string& oid) const;
  // NotBefore and NotAfter are the first and last second of its validity (RFC 5280 §4.1.2.5).
  Instant NotBefore() const;
  Instant NotAfter() const;
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

inline constexpr size_t kMaxRevocationList = 4 << 20;  // octets: some 100,000 entries

// TrustStore says whose certificates are believed: those that lead to an anchor and are on no list,
// and single ones that are pinned.
class TrustStore {
 public:
  static constexpr size_t kMaxChain = 4;

  TrustStore();

  // AddAnchor believes a certification authority, self-signed or not, and whom it certifies:
  // kInvalidArgument for a certificate that is none, or an error of Certificate::FromDer.
  Status AddAnchor(ByteView der);
  // Pin believes one end certificate whoever signed it; lists are not asked about it.
  void Pin(const Fingerprint& fingerprint) { pins_.insert(fingerprint); }

  // AddRevocationList reads a DER certificate revocation list (RFC 5280 §5) of an anchor, or of an
  // authority on the way to one, of which a newer list counts before an older. Authorities that no
  // list was added of are not asked about. Its signature is checked when it is used: where that is
  // wrong, or the list names another key of the issuer's, no certificate of that issuer is
  // believed. kMalformed, kTrailingOctets, kTooLong, kUnsupportedAlgorithm (signed by another
  // algorithm than RSA PKCS#1 or ECDSA over SHA-256 to SHA-512 or Ed25519), kInvalidArgument (one
  // for a part of the certificates, a delta, or with another critical extension: to skip such a
  // list would let revoked ones in).
  Status AddRevocationList(ByteView der);
  // TakeStaleLists lets a list count beyond its nextUpdate. Without it the certificates that it is
  // about are kCertificateUntrusted then: who can keep the next list from arriving could otherwise
  // have a revoked certificate believed. Whoever cannot renew lists in time and fears the outage
  // more may ask for it; what a stale list revokes stays revoked. A list from the future never
  // counts.
  void TakeStaleLists() { takes_stale_lists_ = true; }

  // NextUpdate is the earliest nextUpdate of the lists that count, one of each issuer; nothing
  // where there are no lists, or none says when it ends.
  std::optional<Instant> NextUpdate() const;
  // TrustedUntil is when the first list stops counting; kNever where stale ones are taken too.
  Instant TrustedUntil() const {
    return takes_stale_lists_ ? kNever : NextUpdate().value_or(kNever);
  }
  // Digest is of whom is believed: anchors, pins and what lists revoke, however they were added. A
  // newer list that revokes the same changes nothing of it.
  crypto::Fingerprint Digest() const;

  // Verify judges an end certificate, which comes first, with the certificates that lead from it to
  // an anchor: signatures (never by SHA-1 or MD5, keys never below 112 bits of strength), CA bits,
  // path lengths, key usage and name constraints (RFC 5280 §6.1) of all, validity at `now`.
  // kInvalidArgument (no certificate), kTooLong (more than kMaxChain, or one too long), kMalformed,
  // kTrailingOctets, kCertificateExpired (a certificate on the way is not valid at `now`: expired
  // or not yet valid), kCertificateRevoked (one on the way is on its issuer's list),
  // kCertificateUntrusted for all else.
  Status Verify(std::span<const ByteView> chain_der, Instant now) const;

 private:
  // What a list of one issuer says of its own time.
  struct ListTime {
    Instant update;
    Instant next = kNever;
  };
  std::shared_ptr<x509_store_st> anchors_;
  std::set<crypto::Fingerprint> anchor_names_;
  std::set<crypto::Fingerprint> pins_;
  std::map<crypto::Fingerprint, ListTime> lists_;  // by issuer
  std::set<std::array<uint8_t, 16>> revoked_;      // hashes of issuer and serial number
  bool takes_stale_lists_ = false;
};

// Envelope is the key under RSA (env_key, RFC 3830 §6.3): 16 to 128 octets.
inline constexpr size_t kMinEnvelope = 16;
inline constexpr size_t kMaxEnvelope = 128;
using Envelope = SecretKey<kMaxEnvelope>;

inline constexpr size_t kOaepKey = 32;  // octets of the key under RSA-OAEP (docs/mikeyv2.md §5)

// PublicSuite is the public-key half of Suite, absent from one for pre-shared keys only.
struct PublicSuite {
  // read_key is PublicKey::FromSpki.
  Result<PublicKey> (*read_key)(ByteView spki);
  // sign writes the signature of the concatenation of `parts`, signature_size() octets, and returns
  // its length: kUnsupportedAlgorithm for a key that does not take the scheme, kTooLong for a
  // smaller `out`. The salt of PSS and the nonce of ECDSA are OpenSSL's own randomness; the others
  // are deterministic.
  Result<size_t> (*sign)(const PrivateKey& key, SignatureScheme scheme,
                         std::span<const ByteView> parts, MutableBytes out);
  // verify is false for a key that does not take the scheme, too.
  bool (*verify)(const PublicKey& key, SignatureScheme scheme, std::span<const ByteView> parts,
                 ByteView signature);
  // wrap encrypts `key` by RSAES-PKCS1-v1_5 (RFC 8017 §7.2.1) with padding drawn from `rng`, and
  // returns the length, modulus_size(): kUnsupportedAlgorithm for a key that is not RSA, kTooLong
  // for a smaller `out`, kInvalidArgument for a key outside kMinEnvelope..kMaxEnvelope.
  Result<size_t> (*wrap)(const PublicKey& public_key, ByteView key, Rng& rng, MutableBytes out);
  // unwrap decrypts what `wrap` made. Anything else gives a key of 16 to 128 octets too, always the
  // same for the same octets, which nobody else can know: good and bad padding look alike from
  // outside, so that nobody can ask which it was. Only the MAC under the key tells. A private key
  // that is not RSA gives such a key for everything.
  Envelope (*unwrap)(const PrivateKey& key, ByteView wrapped);
  // wrap_oaep encrypts a key of kOaepKey octets by RSAES-OAEP (RFC 8017 §7.1.1) with SHA-256,
  // MGF1-SHA-256 and an empty label, its seed drawn from `rng`; else as `wrap`.
  Result<size_t> (*wrap_oaep)(const PublicKey& public_key, ByteView key, Rng& rng,
                              MutableBytes out);
  // unwrap_oaep decrypts what `wrap_oaep` made. Anything else gives kOaepKey octets as well, as
  // `unwrap` does: bad padding, a message of another length and another key's look alike.
  SecretKey<kOaepKey> (*unwrap_oaep)(const PrivateKey& key, ByteView wrapped);
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
