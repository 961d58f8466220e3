// SPDX-License-Identifier: Apache-2.0
// A party's keys and certificates, and what those of others prove (MIKEYv2 §5, §6). A small
// receiver has another's in their place: small_credentials.h.
#pragma once

#include "mikey/v2/claim.h"

#ifdef KEYMAST_SMALL
#include "mikey/v2/small_credentials.h"
#else

#include <map>
#include <memory>
#include <vector>

#include "base/fixed_list.h"

namespace keymast::mikey::v2 {

using OwnKey = crypto::PrivateKey;
using ProvedKey = crypto::PublicKey;
using CertificateChain = std::vector<Bytes>;  // DER, leaf first, 1 to kMaxCertificates

// Credential is a key of ours and the certificates that lead from it to an authority.
struct Credential {
  crypto::PrivateKey key;
  CertificateChain chain;  // the leaf is of `key`
};

// Signer is one who signs; borrowed.
struct Signer {
  const Credential* credential = nullptr;  // null: nobody
  Shown shown = Shown::kCertificates;

  SignatureType type() const;
  size_t signature_size() const;  // octets; 0 of nobody
};

// Proved is a key that a claim was proved for.
struct Proved {
  crypto::PublicKey key;
  bool may_encrypt = false;  // an RSA key that an envelope may go under
  Instant until = kNever;    // the certificate's end; never for one that is known by its hash
  crypto::Fingerprint fingerprint{};
};

// Trust says whose certificates prove what. Judge may be called by several threads at once.
class Trust {
 public:
  // Anchors and revocation lists. Its pins count for whom the certificate names.
  crypto::TrustStore& store() { return store_; }
  const crypto::TrustStore& store() const { return store_; }

  // Pin: this identity's, or group's, record has the hash of that certificate (§6 rules 1, 2). Then
  // nothing else of the certificate counts.
  void Pin(const Identity& identity, const crypto::Fingerprint& fingerprint);
  // Know keeps certificates that are shown by hash or identity alone; they must prove what others
  // must. The last ones of an identity are those that its name stands for; without one they are
  // found by hash alone. An error of Certificate::FromDer, kInvalidArgument for no certificate or
  // too many.
  Status Know(const Identity& identity, CertificateChain chain);
  // The extended key usage, as in "1.3.6.1.5.5.7.3.1", of controllers' certificates; empty: only
  // pinned ones answer for a group.
  void set_controller_usage(std::string oid) { controller_usage_ = std::move(oid); }

  // Judge finds the certificate that a message shows and whether it proves the claim at `now`:
  // kUnknownIdentity when we do not have what its hash or identity stands for,
  // kCertificateUntrusted, kCertificateExpired, kCertificateRevoked, what FromDer refuses it for.
  Result<Proved> Judge(const Parts& shown, const Claim& claim, Instant now) const;
  // KnownOf finds what the hash or identity of a message stands for that shows no certificate, or
  // null. `kept`: what the owner has of that identity besides, or null. JudgeKnown judges it.
  const CertificateChain* KnownOf(const Parts& shown, const Identity& identity,
                                  const CertificateChain* kept = nullptr) const;
  Result<Proved> JudgeKnown(const CertificateChain& known, const Claim& claim, Instant now) const;

  // Digest is of what may be believed: crypto::TrustStore::Digest, and pins.
  crypto::Fingerprint Digest() const;

 private:
  using Known = std::shared_ptr<const CertificateChain>;
  static std::string NameOf(const Identity& identity);
  static Result<Proved> JudgeProvisionally(ByteView certificate, Instant now);
  Result<Proved> JudgeChain(std::span<const ByteView> chain, const Claim& claim, Instant now) const;
  Status CheckName(const crypto::Certificate& leaf, const Claim& claim) const;

  crypto::TrustStore store_;
  std::map<std::string, std::set<crypto::Fingerprint> > pins_;
  std::map<std::string, Known> known_;
  std::map<crypto::Fingerprint, Known> by_hash_;
  std::string controller_usage_;
};

// Credentials are all that a party needs for the modes by certificate. Whoever borrows them keeps
// pointers for as long as an exchange of an Offerer lasts, or a call of an Answerer.
struct Credentials {
  std::vector<Credential> own;         // in order of preference
  Shown shown = Shown::kCertificates;  // of an Answerer; an Offerer's Wish says its own
  OwnedIdentity self;                  // of an Answerer that a CAP did not name; may be empty
  Trust trust;

  // SignerFor an Answerer: of the types that the other verifies, in its order, the first that we
  // have a key for.
  Signer SignerFor(ByteView signatures) const;
  // First of our credentials that a mode can be offered with; null: none.
  const Credential* FirstFor(ExchangeMode mode) const;
};

}  // namespace keymast::mikey::v2

#endif
