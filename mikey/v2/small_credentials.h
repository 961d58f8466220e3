// SPDX-License-Identifier: Apache-2.0
// What a small receiver has in place of credentials.h: keys, certificates and the judgement of
// those of others are its owner's, whose functions receiver/library/table_certificates.cc calls.
#pragma once

#include "base/fixed_list.h"
#include "mikey/v2/claim.h"

namespace keymast::mikey::v2 {

// OwnKey is the owner's private key, by the signatures that it makes (MIKEYv2 §5).
struct OwnKey {
  SignatureType type = SignatureType::kEd25519;
  uint16_t octets = 0;  // of a signature

  crypto::KeyKind kind() const {
    return type == SignatureType::kRsaPss ? crypto::KeyKind::kRsa : crypto::KeyKind::kEd25519;
  }
  size_t signature_size() const { return octets; }
};

// ProvedKey is the key of a certificate that was judged: octets of the message that showed it, or
// the owner's. It is good as long as the message.
struct ProvedKey {
  ByteView certificate;
  size_t modulus_size() const;  // not asked by an Offerer
};

using CertificateChain = FixedList<ByteView, kMaxCertificates>;  // DER, leaf first; the owner's

struct Credential {
  OwnKey key;
  CertificateChain chain;
};

struct Signer {
  const Credential* credential = nullptr;  // null: nobody
  Shown shown = Shown::kCertificates;

  SignatureType type() const { return credential->key.type; }
  size_t signature_size() const { return credential == nullptr ? 0 : credential->key.octets; }
};

struct Proved {
  ProvedKey key;
  Instant until = kNever;  // the certificate's end
};

class Trust {
 public:
  explicit Trust(const crypto::PublicSuite& pk) : pk_(pk) {}
  // Judge asks the owner: what that refuses it for.
  Result<Proved> Judge(const Parts& shown, const Claim& claim, Instant now) const;

 private:
  const crypto::PublicSuite& pk_;
};

struct Credentials {
  Credential own;
  Trust trust;
  const Credential* FirstFor(ExchangeMode) const { return &own; }
};

}  // namespace keymast::mikey::v2
