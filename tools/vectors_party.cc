// SPDX-License-Identifier: Apache-2.0
#include "tools/vectors_party.h"

namespace keymast::tools {
namespace {

Bytes OctetsOf(const char* hex) {
  Bytes octets;
  KEYMAST_CHECK(FromHex(hex, octets));
  return octets;
}

}  // namespace

crypto::PrivateKey KeyOf(const Fixture& fixture) {
  auto key = crypto::PrivateKey::FromPem(AsBytes(fixture.key));
  KEYMAST_CHECK(key.has_value());
  return std::move(*key);
}

Bytes CertificateOf(const Fixture& fixture) { return OctetsOf(fixture.certificate); }

mikey::Identity IdentityOf(const Fixture& fixture) {
  return {mikey::IdType::kUri, AsBytes(fixture.identity)};
}

OnePeer::OnePeer(const Fixture& peer) : peer_(IdentityOf(peer)), certificate_(CertificateOf(peer)) {
  KEYMAST_CHECK(trust_.AddAnchor(OctetsOf(kAuthorityCertificate)).has_value());
}

const crypto::SecretKey<mikey::kMaxSharedKey>* OnePeer::SharedWith(
    const mikey::Identity& peer) const {
  return peer == peer_ && !shared.empty() ? &shared : nullptr;
}

Result<crypto::PublicKey> OnePeer::SigningKeyOf(const mikey::Identity& peer,
                                                std::span<const ByteView> chain,
                                                Instant now) const {
  const std::array<ByteView, 1> known{certificate_};
  const std::span<const ByteView> judged = chain.empty() ? known : chain;
  if (Status trusted = trust_.Verify(judged, now); !trusted) return Err(trusted.error());
  const auto certificate = crypto::Certificate::FromDer(judged[0]);
  if (!certificate) return Err(certificate.error());
  if (!certificate->Names(peer.data)) return Err(Error::kCertificateUntrusted);
  return certificate->public_key();
}

Result<crypto::PublicKey> OnePeer::EnvelopeKeyOf(const mikey::Identity& peer,
                                                 std::span<const ByteView> chain,
                                                 Instant now) const {
  return SigningKeyOf(peer, chain, now);
}

bool OnePeer::CounterIsNew(const mikey::Identity&, uint32_t counter) const {
  return counter > counter_;
}

mikey::Session* OnePeer::Find(CsbId csb_id, const mikey::Identity&) {
  return session && session->csb.csb_id == csb_id ? &*session : nullptr;
}

Result<mikey::Grant> OnePeer::GrantTo(const mikey::Identity&, const mikey::Csb&) {
  if (!grant) return Err(Error::kNotEntitled);
  return *grant;
}

VectorParty::VectorParty(const Fixture& own, const Fixture& peer, const mikey::V1Policy& how)
    : fixture(own),
      key(KeyOf(own)),
      certificate(CertificateOf(own)),
      chain{certificate},
      policy(how),
      others(peer) {
  self.identity = IdentityOf(own);
  self.signing_key = &key;
  self.envelope_key = &key;
  self.chain = chain;
  self.envelope_certificate = crypto::Certificate::FromDer(certificate)->Fingerprint();
}

}  // namespace keymast::tools
