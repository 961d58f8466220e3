// SPDX-License-Identifier: Apache-2.0
#include "tools/authenticate.h"

namespace keymast::tools {
namespace {

using namespace mikey;

constexpr std::array<uint8_t, 1> kNoNext{0};

bool MacHolds(const crypto::Suite& suite, const Secret& secret, PrfFunc prf, MacAlg alg,
              std::span<const ByteView> covered, ByteView mac) {
  auto expected = crypto::Key32::OfSize(mac.size());
  ComputeMac(suite, secret, prf, alg, covered, expected.mutable_view());
  return crypto::ConstantTimeEqual(expected.view(), mac);
}

}  // namespace

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
  const auto mac_at = static_cast<size_t>(kemac.mac.data() - datagram.data());
  if (coverage == Coverage::kMessage) {
    const std::array<ByteView, 2> covered{datagram.first(mac_at),
                                          datagram.subspan(mac_at + kemac.mac.size())};
    return MacHolds(suite, secret, message.header.prf, kemac.mac_alg, covered, kemac.mac);
  }
  // Behind `next payload`: Encr alg, length of the data, data, MAC alg (RFC 3830 §6.2).
  const size_t begin = mac_at - kemac.encr_data.size() - 4;
  const std::array<ByteView, 2> covered{ByteView(kNoNext), datagram.subspan(begin, mac_at - begin)};
  return MacHolds(suite, secret, message.header.prf, kemac.mac_alg, covered, kemac.mac);
}

bool VHolds(const crypto::Suite& suite, const Secret& secret, ByteView datagram,
            const Message& message, const Answered& answered) {
  const VPayload& v = *message.Get<VPayload>();
  const auto mac_at = static_cast<size_t>(v.ver_data.data() - datagram.data());
  // RFC 3830 §5.2: the message up to the V data, identities, and the T of the message answered.
  const std::array<ByteView, 4> covered{datagram.first(mac_at), answered.idi, answered.idr,
                                        answered.timestamp};
  return MacHolds(suite, secret, message.header.prf, v.auth_alg, covered, v.ver_data);
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
