// SPDX-License-Identifier: Apache-2.0
#include "tools/authenticate.h"

namespace keymast::tools {

using namespace mikey;

void ComputeMac(const crypto::Suite& suite, const Secret& secret, PrfFunc prf, MacAlg alg,
                std::span<const ByteView> covered, MutableBytes out) {
  const crypto::Key32 key =
      DeriveAuthKey(suite, {prf, EncrAlg::kNull, alg}, secret.key, secret.csb_id, secret.rand);
  Mac(suite, alg, key.view(), covered, out);
}

void Crypt(const crypto::Suite& suite, const Secret& secret, PrfFunc prf, EncrAlg alg,
           const TPayload& t, MutableBytes data) {
  const TransportKeys keys =
      DeriveCipherKeys(suite, {prf, alg, MacAlg::kNull}, secret.key, secret.csb_id, secret.rand);
  CryptKeyData(suite, keys, secret.csb_id, t, data);
}

bool KemacHolds(const crypto::Suite& suite, const Secret& secret, ByteView datagram,
                const Message& message, Coverage coverage) {
  const KemacPayload& kemac = *message.Get<KemacPayload>();
  auto expected = crypto::Key32::OfSize(kemac.mac.size());
  ComputeMac(suite, secret, message.header.prf, kemac.mac_alg,
             CoveredOctets(datagram, kemac, coverage), expected.mutable_view());
  return crypto::ConstantTimeEqual(expected.view(), kemac.mac);
}

bool VHolds(const crypto::Suite& suite, const Secret& secret, ByteView datagram,
            const Message& message, const Answered& answered) {
  const VPayload& v = *message.Get<VPayload>();
  const Algorithms algorithms{message.header.prf, EncrAlg::kNull, v.auth_alg};
  auto expected = crypto::Key32::OfSize(v.ver_data.size());
  ComputeV(suite, {algorithms, secret.key, secret.csb_id, secret.rand},
           datagram.first(datagram.size() - v.ver_data.size()), answered, expected.mutable_view());
  return crypto::ConstantTimeEqual(expected.view(), v.ver_data);
}

bool CanDecrypt(const Message& message) {
  const EncrAlg alg = message.Get<KemacPayload>()->encr_alg;
  return (alg == EncrAlg::kNull || CanCrypt(alg)) && IsKnownPrf(message.header.prf) &&
         message.Get<TPayload>() != nullptr;
}

crypto::SecretBytes Decrypt(const crypto::Suite& suite, const Secret& secret,
                            const Message& message) {
  const KemacPayload& kemac = *message.Get<KemacPayload>();
  crypto::SecretBytes plain(kemac.encr_data.begin(), kemac.encr_data.end());
  if (!CanCrypt(kemac.encr_alg)) return plain;
  Crypt(suite, secret, message.header.prf, kemac.encr_alg, *message.Get<TPayload>(), plain);
  return plain;
}

}  // namespace keymast::tools
