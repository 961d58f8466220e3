// SPDX-License-Identifier: Apache-2.0
// Certificates by the caller's functions (MIKEYv2 §5, §6): what small_credentials.h and signing.h
// declare. A peer's certificate is never read here: it is handed on as it came.
#include "mikey/mac_check.h"
#include "mikey/v2/signing.h"
#include "receiver/library/reasons.h"
#include "receiver/library/table.h"

namespace keymast::mikey::v2 {
namespace {

using receiver::library::CParts;
using receiver::library::OctetsOf;
using receiver::library::ViewOf;

const keymast_certificates& CertificatesOf(const crypto::PublicSuite& pk) {
  const auto* certificates = static_cast<const receiver::library::TablePk&>(pk).certificates;
  KEYMAST_CHECK(certificates != nullptr);
  return *certificates;
}

}  // namespace

Result<Proved> Trust::Judge(const Parts& shown, const Claim& claim, Instant now) const {
  const keymast_certificates& owner = CertificatesOf(pk_);
  std::array<keymast_octets, kMaxCertificates> chain{};
  keymast_shown what{chain.data(), 0, nullptr, OctetsOf(claim.identity.data)};
  for (const Payload& payload : shown.certificates) {
    const auto* certificate = std::get_if<CertPayload>(&payload);
    const bool is_x509 = certificate != nullptr && certificate->cert_type == CertType::kX509;
    if (!is_x509 || what.chain_size == chain.size()) return Err(Error::kMalformed);
    chain[what.chain_size++] = OctetsOf(certificate->data);
  }
  if (shown.chash != nullptr) {
    if (shown.chash->hash.size() != Digest{}.size()) return Err(Error::kUnknownIdentity);
    what.hash = shown.chash->hash.data();
  }
  keymast_octets leaf{};
  uint32_t seconds = 0;
  const keymast_reason reason = owner.judge(owner.user, &what, &leaf, &seconds);
  if (reason != KEYMAST_OK) return Err(receiver::library::ErrorOf(reason));
  const bool is_known = seconds == UINT32_MAX;
  return Proved{{ViewOf(leaf)}, is_known ? kNever : now + std::chrono::seconds(seconds)};
}

void ComputeSign(const crypto::Suite& suite, const Protection& protection, const OwnKey&,
                 ByteView head, MutableBytes out) {
  const keymast_certificates& owner = CertificatesOf(*suite.pk);
  const Covered covered(protection.type, protection.first, protection.second, head);
  const CParts parts(covered.parts());
  KEYMAST_CHECK(out.size() == owner.signature_size);
  owner.sign(owner.user, parts.data(), parts.size(), out.data());
}

Status CheckSign(const crypto::Suite& suite, const Protection& protection, const ProvedKey& key,
                 ByteView head, const SignPayload& sign) {
  const keymast_certificates& owner = CertificatesOf(*suite.pk);
  const Covered covered(protection.type, protection.first, protection.second, head);
  const CParts parts(covered.parts());
  const bool verified = owner.verify(owner.user, OctetsOf(key.certificate),
                                     static_cast<keymast_signature>(sign.s_type), parts.data(),
                                     parts.size(), OctetsOf(sign.signature)) != 0;
  return SignatureIsGood(verified) ? Status() : Err(Error::kAuthenticationFailed);
}

crypto::SecretKey<crypto::kOaepKey> OpenEnvelope(const crypto::Suite& suite, const OwnKey&,
                                                 ByteView sealed) {
  const keymast_certificates& owner = CertificatesOf(*suite.pk);
  auto envelope = crypto::SecretKey<crypto::kOaepKey>::OfSize(crypto::kOaepKey);
  owner.open_envelope(owner.user, OctetsOf(sealed), envelope.mutable_view().data());
  return envelope;
}

}  // namespace keymast::mikey::v2
