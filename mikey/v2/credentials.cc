// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/credentials.h"

#include "mikey/v2/signing.h"

namespace keymast::mikey::v2 {
namespace {

// ProvedByHash: nothing else of the certificate counts but its key (MIKEYv2 §5).
Result<Proved> ProvedByHash(ByteView certificate, const crypto::Fingerprint& fingerprint) {
  const Result<crypto::PublicKey> key = crypto::Certificate::KeyIn(certificate);
  if (!key) return Err(key.error());
  return Proved{*key, key->kind() == crypto::KeyKind::kRsa, kNever, fingerprint};
}

}  // namespace

SignatureType Signer::type() const {
  KEYMAST_CHECK(credential != nullptr);
  return TypeOf(credential->key.kind());
}

size_t Signer::signature_size() const {
  return credential == nullptr ? 0 : credential->key.signature_size();
}

std::string Trust::NameOf(const Identity& identity) {
  return std::string(1, static_cast<char>(identity.type)) + std::string(AsText(identity.data));
}

void Trust::Pin(const Identity& identity, const crypto::Fingerprint& fingerprint) {
  pins_[NameOf(identity)].insert(fingerprint);
}

crypto::Fingerprint Trust::Digest() const {
  const crypto::Fingerprint store = store_.Digest();
  Bytes all(store.begin(), store.end());
  for (const auto& [name, pinned] : pins_) {
    const crypto::Fingerprint hash = crypto::Sha256(AsBytes(name));
    all.insert(all.end(), hash.begin(), hash.end());
    for (const crypto::Fingerprint& one : pinned) all.insert(all.end(), one.begin(), one.end());
  }
  return crypto::Sha256(all);
}

Status Trust::Know(const Identity& identity, CertificateChain chain) {
  if (chain.empty() || chain.size() > kMaxCertificates) return Err(Error::kInvalidArgument);
  const auto leaf = crypto::Certificate::FromDer(chain[0]);
  if (!leaf) return Err(leaf.error());
  const auto known = std::make_shared<const CertificateChain>(std::move(chain));
  if (!identity.empty()) known_[NameOf(identity)] = known;
  by_hash_[leaf->Fingerprint()] = known;
  return {};
}

const CertificateChain* Trust::KnownOf(const Parts& shown, const Identity& identity,
                                       const CertificateChain* kept) const {
  if (shown.chash == nullptr) {
    if (kept != nullptr) return kept;
    const auto found = known_.find(NameOf(identity));
    return found == known_.end() ? nullptr : found->second.get();
  }
  crypto::Fingerprint hash{};
  if (shown.chash->hash.size() != hash.size()) return nullptr;
  std::copy(shown.chash->hash.begin(), shown.chash->hash.end(), hash.begin());
  const auto found = by_hash_.find(hash);
  if (found != by_hash_.end()) return found->second.get();
  return kept != nullptr && crypto::Sha256(kept->front()) == hash ? kept : nullptr;
}

Result<Proved> Trust::Judge(const Parts& shown, const Claim& claim, Instant now) const {
  FixedList<ByteView, kMaxCertificates> chain;
  for (const Payload& payload : shown.certificates) {
    const auto* certificate = std::get_if<CertPayload>(&payload);
    const bool is_x509 = certificate != nullptr && certificate->cert_type == CertType::kX509;
    if (!is_x509 || chain.full()) return Err(Error::kMalformed);
    chain.Add(certificate->data);
  }
  if (claim.is_provisional && !claim.fingerprint && !claim.is_group) {
    return chain.empty() ? Err(Error::kUnknownIdentity) : JudgeProvisionally(chain[0], now);
  }
  if (!chain.empty()) return JudgeChain(chain.view(), claim, now);
  const CertificateChain* known = KnownOf(shown, claim.identity);
  return known == nullptr ? Err(Error::kUnknownIdentity) : JudgeKnown(*known, claim, now);
}

// JudgeProvisionally what SDP's fingerprint will be held against (MIKEYv2 §12).
Result<Proved> Trust::JudgeProvisionally(ByteView certificate, Instant now) {
  const auto leaf = crypto::Certificate::FromDer(certificate);
  if (!leaf) return Err(leaf.error());
  const bool is_valid = leaf->NotBefore() <= now && now <= leaf->NotAfter();
  if (!is_valid) return Err(Error::kCertificateExpired);
  if (!leaf->MaySign()) return Err(Error::kCertificateUntrusted);
  const bool is_rsa = leaf->public_key().kind() == crypto::KeyKind::kRsa;
  return Proved{leaf->public_key(), is_rsa && leaf->MayEncrypt(), leaf->NotAfter(),
                leaf->Fingerprint()};
}

Result<Proved> Trust::JudgeKnown(const CertificateChain& known, const Claim& claim,
                                 Instant now) const {
  FixedList<ByteView, kMaxCertificates> chain;
  for (const Bytes& certificate : known) chain.Add(certificate);
  return JudgeChain(chain.view(), claim, now);
}

Result<Proved> Trust::JudgeChain(std::span<const ByteView> chain, const Claim& claim,
                                 Instant now) const {
  const crypto::Fingerprint fingerprint = crypto::Sha256(chain[0]);
  if (claim.fingerprint) {
    if (fingerprint != *claim.fingerprint) return Err(Error::kCertificateUntrusted);
    return ProvedByHash(chain[0], fingerprint);
  }
  // MIKEYv2 §6 rule 3: without an identity nothing else tells who this is.
  if (claim.identity.empty()) return Err(Error::kUnknownIdentity);
  const auto pins = pins_.find(NameOf(claim.identity));
  if (pins != pins_.end() && pins->second.contains(fingerprint)) {
    return ProvedByHash(chain[0], fingerprint);
  }
  const auto leaf = crypto::Certificate::FromDer(chain[0]);
  if (!leaf) return Err(leaf.error());
  const bool is_rsa = leaf->public_key().kind() == crypto::KeyKind::kRsa;
  if (Status verified = store_.Verify(chain, now); !verified) return Err(verified.error());
  if (!leaf->MaySign()) return Err(Error::kCertificateUntrusted);  // MIKEYv2 §5
  if (Status named = CheckName(*leaf, claim); !named) return Err(named.error());
  return Proved{leaf->public_key(), is_rsa && leaf->MayEncrypt(), leaf->NotAfter(), fingerprint};
}

// MIKEYv2 §6 rules 1 and 2.
Status Trust::CheckName(const crypto::Certificate& leaf, const Claim& claim) const {
  const Identity& identity = claim.identity;
  bool proves = false;
  if (claim.is_group) {
    proves = identity.type == IdType::kUri && !controller_usage_.empty() &&
             leaf.NamesAuthorityOf(AsText(identity.data)) &&
             leaf.HasExtendedUsage(controller_usage_);
  } else if (identity.type == IdType::kUri) {
    proves = leaf.NamesAs(crypto::Certificate::NameKind::kUri, identity.data);
  } else if (identity.type == IdType::kNai) {
    proves = leaf.NamesAs(crypto::Certificate::NameKind::kEmail, identity.data);
  }
  return proves ? Status() : Err(Error::kCertificateUntrusted);
}

Signer Credentials::SignerFor(ByteView signatures) const {
  for (const uint8_t number : signatures) {
    for (const Credential& credential : own) {
      if (TypeOf(credential.key.kind()) == static_cast<SignatureType>(number)) {
        return {&credential, shown};
      }
    }
  }
  return {};
}

const Credential* Credentials::FirstFor(ExchangeMode mode) const {
  for (const Credential& credential : own) {
    // MIKEYv2 §3.3: mode 2 is offered only with an RSA certificate.
    if (mode != ExchangeMode::kRsa || credential.key.kind() == crypto::KeyKind::kRsa) {
      return &credential;
    }
  }
  return nullptr;
}

}  // namespace keymast::mikey::v2
