// SPDX-License-Identifier: Apache-2.0
#include "tools/authenticate.h"

namespace keymast::tools {
namespace {

using namespace mikey;

constexpr std::array<uint8_t, 1> kNoNext{0};

Algorithms AlgorithmsFor(const Message& message, MacAlg mac) {
  const KemacPayload* kemac = message.Get<KemacPayload>();
  return {message.header.prf, kemac == nullptr ? EncrAlg::kNull : kemac->encr_alg, mac};
}

bool MacHolds(const crypto::Suite& suite, const Secret& secret, const Message& message, MacAlg alg,
              std::span<const ByteView> covered, ByteView mac) {
  const crypto::Key32 key =
      DeriveAuthKey(suite, AlgorithmsFor(message, alg), secret.key, secret.csb_id, secret.rand);
  auto expected = crypto::Key32::OfSize(mac.size());
  Mac(suite, alg, key.view(), covered, expected.mutable_view());
  return crypto::ConstantTimeEqual(expected.view(), mac);
}

}  // namespace

bool KemacHolds(const crypto::Suite& suite, const Secret& secret, ByteView datagram,
                const Message& message, Coverage coverage) {
  const KemacPayload& kemac = *message.Get<KemacPayload>();
  const auto mac_at = static_cast<size_t>(kemac.mac.data() - datagram.data());
  if (coverage == Coverage::kMessage) {
    const std::array<ByteView, 2> covered{datagram.first(mac_at),
                                          datagram.subspan(mac_at + kemac.mac.size())};
    return MacHolds(suite, secret, message, kemac.mac_alg, covered, kemac.mac);
  }
  // Behind `next payload`: Encr alg, length of the data, data, MAC alg (RFC 3830 §6.2).
  const size_t begin = mac_at - kemac.encr_data.size() - 4;
  const std::array<ByteView, 2> covered{ByteView(kNoNext), datagram.subspan(begin, mac_at - begin)};
  return MacHolds(suite, secret, message, kemac.mac_alg, covered, kemac.mac);
}

bool VHolds(const crypto::Suite& suite, const Secret& secret, ByteView datagram,
            const Message& message, const Answered& answered) {
  const VPayload& v = *message.Get<VPayload>();
  const auto mac_at = static_cast<size_t>(v.ver_data.data() - datagram.data());
  // RFC 3830 §5.2: the message up to the V data, identities, and the T of the message answered.
  const std::array<ByteView, 4> covered{datagram.first(mac_at), answered.idi, answered.idr,
                                        answered.timestamp};
  return MacHolds(suite, secret, message, v.auth_alg, covered, v.ver_data);
}

bool CanDecrypt(const Message& message) {
  const EncrAlg alg = message.Get<KemacPayload>()->encr_alg;
  const bool is_known =
      alg == EncrAlg::kNull || alg == EncrAlg::kAesCm128 || alg == EncrAlg::kAesCm256;
  return is_known && IsKnownPrf(message.header.prf) && message.Get<TPayload>() != nullptr;
}

crypto::SecretBytes Decrypt(const crypto::Suite& suite, const Secret& secret,
                            const Message& message) {
  const KemacPayload& kemac = *message.Get<KemacPayload>();
  crypto::SecretBytes plain(kemac.encr_data.begin(), kemac.encr_data.end());
  if (kemac.encr_alg == EncrAlg::kNull) return plain;
  const TransportKeys keys = DeriveCipherKeys(suite, AlgorithmsFor(message, kemac.mac_alg),
                                              secret.key, secret.csb_id, secret.rand);
  CryptKeyData(suite, keys, secret.csb_id, message.Get<TPayload>()->value, plain);
  return plain;
}

}  // namespace keymast::tools
