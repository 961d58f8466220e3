// SPDX-License-Identifier: Apache-2.0
#include "mikey/proofs.h"

#include "mikey/mac_check.h"

namespace keymast::mikey {
namespace {

constexpr std::array<uint8_t, crypto::kMaxModulusSize> kNoSignatureYet{};
constexpr std::array<uint8_t, 32> kNoMacYet{};

using Covered = std::array<ByteView, 4>;
Covered CoveredBy(ByteView head, const Appended& appended) {
  return {head, appended[0], appended[1], appended[2]};
}

crypto::SignatureScheme SchemeOf(SignatureType type, SignatureHash hash) {
  if (type == SignatureType::kRsaPss) return crypto::SignatureScheme::kRsaPssSha256;
  return hash == SignatureHash::kSha1 ? crypto::SignatureScheme::kRsaPkcs1Sha1
                                      : crypto::SignatureScheme::kRsaPkcs1Sha256;
}

}  // namespace

Result<size_t> CloseWithSignature(const Party& party, ChainWriter& chain,
                                  const Appended& appended) {
  const crypto::PrivateKey* key = party.self.signing_key;
  if (key == nullptr || party.suite.pk == nullptr) return Err(Error::kFailedPrecondition);
  const auto scheme = SchemeOf(party.policy.signature, party.policy.signature_hash);
  if (!key->Takes(scheme)) return Err(Error::kFailedPrecondition);
  const size_t size = key->signature_size();
  chain.Add(SignPayload{party.policy.signature, ByteView(kNoSignatureYet).first(size)});
  if (!chain.ok()) return Err(Error::kTooLong);
  const Covered covered = CoveredBy(chain.Head(size), appended);
  const Result<size_t> signature = party.suite.pk->sign(*key, scheme, covered, chain.Tail(size));
  if (!signature) return Err(signature.error());
  return chain.size();
}

Status CheckSignature(const Party& party, const crypto::PublicKey& key, ByteView datagram,
                      const Message& message, const Appended& appended) {
  const SignPayload* sign = message.Get<SignPayload>();
  if (sign == nullptr) return Err(Error::kPayloadMissing);
  if (party.suite.pk == nullptr || sign->s_type > SignatureType::kRsaPss ||
      key.kind() != crypto::KeyKind::kRsa) {
    return Err(Error::kUnsupportedAlgorithm);
  }
  const Covered covered =
      CoveredBy(datagram.first(datagram.size() - sign->signature.size()), appended);
  // The hash is not on the wire: SHA-256, and for PKCS#1 the RFC's own where it is allowed.
  const bool sha1 = party.policy.take_sha1 && sign->s_type == SignatureType::kRsaPkcs1;
  for (const SignatureHash hash : {SignatureHash::kSha256, SignatureHash::kSha1}) {
    if (hash == SignatureHash::kSha1 && !sha1) break;
    const auto scheme = SchemeOf(sign->s_type, hash);
    if (SignatureIsGood(party.suite.pk->verify(key, scheme, covered, sign->signature))) return {};
  }
  return Err(Error::kAuthenticationFailed);
}

Result<size_t> CloseWithMac(const crypto::Suite& suite, const PskContext& context,
                            ChainWriter& chain) {
  if (Status checked = CheckContext(context, {}); !checked) return Err(checked.error());
  const MacAlg alg = context.algorithms.mac;
  const size_t size = MacLength(alg).value_or(0);
  chain.Add(KemacPayload{EncrAlg::kNull, {}, alg, ByteView(kNoMacYet).first(size)});
  if (!chain.ok()) return Err(Error::kTooLong);
  const crypto::Key32 key =
      DeriveAuthKey(suite, context.algorithms, context.psk, context.csb_id, context.rand);
  const std::array<ByteView, 1> covered{chain.Head(size)};
  Mac(suite, alg, key.view(), covered, chain.Tail(size));
  return chain.size();
}

Status CheckMac(const crypto::Suite& suite, const PskContext& context, ByteView datagram,
                const Message& message) {
  const KemacPayload* kemac = message.Get<KemacPayload>();
  if (kemac == nullptr) return Err(Error::kPayloadMissing);
  const bool expected = kemac->encr_alg == EncrAlg::kNull && kemac->encr_data.empty() &&
                        kemac->mac_alg == context.algorithms.mac &&
                        message.header.prf == context.algorithms.prf;
  if (!expected) return Err(Error::kUnsupportedAlgorithm);
  if (Status checked = CheckContext(context, {}); !checked) return checked;
  const crypto::Key32 key =
      DeriveAuthKey(suite, context.algorithms, context.psk, context.csb_id, context.rand);
  auto mac = crypto::Key32::OfSize(kemac->mac.size());
  const std::array<ByteView, 1> covered{datagram.first(datagram.size() - kemac->mac.size())};
  Mac(suite, kemac->mac_alg, key.view(), covered, mac.mutable_view());
  if (!MacIsGood(mac.view(), kemac->mac)) return Err(Error::kAuthenticationFailed);
  return {};
}

}  // namespace keymast::mikey
