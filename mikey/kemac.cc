// SPDX-License-Identifier: Apache-2.0
#include "mikey/kemac.h"

namespace keymast::mikey {
namespace {

constexpr size_t kMaxWrittenKeyData = 96;  // key 32, salt 14, interval 2 × 6, with their lengths
constexpr std::array<uint8_t, 32> kNoMacYet{};

bool IsKnown(const Algorithms& algorithms) {
  const bool prf = algorithms.prf == PrfFunc::kMikey1 || algorithms.prf == PrfFunc::kHmacSha256;
  const bool encr = algorithms.encr == EncrAlg::kNull || algorithms.encr == EncrAlg::kAesCm128 ||
                    algorithms.encr == EncrAlg::kAesCm256;
  return prf && encr && MacLength(algorithms.mac).has_value();
}

bool HasNull(const Algorithms& algorithms) {
  return algorithms.encr == EncrAlg::kNull || algorithms.mac == MacAlg::kNull;
}

// VerifyMac: the MAC is the message's last field and covers all before it (RFC 3830 §5.2).
bool VerifyMac(const crypto::Suite& suite, const PskContext& context, ByteView datagram,
               ByteView mac) {
  const Algorithms& algorithms = context.algorithms;
  if (algorithms.mac == MacAlg::kNull) return true;
  const auto key = DeriveAuthKey(suite, algorithms, context.psk, context.csb_id, context.rand);
  auto expected = crypto::Key32::OfSize(mac.size());
  const std::array<ByteView, 1> covered{datagram.first(datagram.size() - mac.size())};
  Mac(suite, algorithms.mac, key.view(), covered, expected.mutable_view());
  return crypto::ConstantTimeEqual(expected.view(), mac);
}

}  // namespace

Algorithms AlgorithmsOf(const Header& header, const KemacPayload& kemac) {
  return {header.prf, kemac.encr_alg, kemac.mac_alg};
}

Status CheckContext(const PskContext& context, const PskPolicy& policy) {
  if (!IsKnown(context.algorithms)) return Err(Error::kUnsupportedAlgorithm);
  if (HasNull(context.algorithms) && !policy.allow_null) return Err(Error::kUnsupportedAlgorithm);
  // RFC 3830 §4.1.2 excludes neither an empty key nor an empty RAND; both would be guessable.
  if (context.psk.size() < 16 || context.psk.size() > 32) return Err(Error::kInvalidArgument);
  if (context.rand.size() < policy.min_rand) return Err(Error::kMalformed);
  return {};
}

Result<size_t> CloseWithKemac(const crypto::Suite& suite, const PskContext& context,
                              ChainWriter& chain, ByteView timestamp,
                              const KeyDataPayload& key_data, const PskPolicy& policy) {
  if (Status checked = CheckContext(context, policy); !checked) return Err(checked.error());
  const Algorithms& algorithms = context.algorithms;
  auto plain = crypto::SecretKey<kMaxWrittenKeyData>::OfSize(kMaxWrittenKeyData);
  const Result<size_t> length = WriteKeyData({&key_data, 1}, plain.mutable_view());
  if (!length) return length;
  const MutableBytes encr_data = plain.mutable_view().first(*length);
  const TransportKeys keys =
      DeriveTransportKeys(suite, algorithms, context.psk, context.csb_id, context.rand);
  if (algorithms.encr != EncrAlg::kNull) {
    CryptKeyData(suite, keys, context.csb_id, timestamp, encr_data);
  }
  const size_t mac_length = MacLength(algorithms.mac).value_or(0);
  chain.Add(KemacPayload{algorithms.encr, encr_data, algorithms.mac,
                         ByteView(kNoMacYet).first(mac_length)});
  if (!chain.ok()) return Err(Error::kTooLong);
  if (algorithms.mac != MacAlg::kNull) {
    const std::array<ByteView, 1> covered{chain.Head(mac_length)};
    Mac(suite, algorithms.mac, keys.auth.view(), covered, chain.Tail(mac_length));
  }
  return chain.size();
}

Status OpenKemac(const crypto::Suite& suite, const PskContext& context, ByteView datagram,
                 const Message& message, OpenedKeys& opened, const PskPolicy& policy) {
  const KemacPayload* kemac = message.Get<KemacPayload>();
  const TPayload* t = message.Get<TPayload>();
  if (kemac == nullptr || t == nullptr) return Err(Error::kPayloadMissing);
  if (AlgorithmsOf(message.header, *kemac) != context.algorithms) {
    return Err(Error::kUnsupportedAlgorithm);
  }
  if (Status checked = CheckContext(context, policy); !checked) return checked;
  if (kemac->encr_data.size() > 255) return Err(Error::kTooLong);
  if (!VerifyMac(suite, context, datagram, kemac->mac)) return Err(Error::kAuthenticationFailed);
  opened.plain_ = crypto::SecretKey<255>(kemac->encr_data);
  if (kemac->encr_alg != EncrAlg::kNull) {
    const TransportKeys keys =
        DeriveCipherKeys(suite, context.algorithms, context.psk, context.csb_id, context.rand);
    CryptKeyData(suite, keys, context.csb_id, t->value, opened.plain_.mutable_view());
  }
  const Result<size_t> count = ParseKeyData(opened.plain_.view(), opened.keys_);
  if (!count) return Err(Error::kDecryptionFailed);
  opened.count_ = *count;
  return {};
}

void ComputeV(const crypto::Suite& suite, const PskContext& context, ByteView head,
              const Answered& answered, MutableBytes out) {
  const crypto::Key32 key =
      DeriveAuthKey(suite, context.algorithms, context.psk, context.csb_id, context.rand);
  const std::array<ByteView, 4> parts{head, answered.idi, answered.idr, answered.timestamp};
  Mac(suite, context.algorithms.mac, key.view(), parts, out);
}

Status CheckV(const crypto::Suite& suite, const PskContext& context, ByteView datagram,
              const Message& message, const Answered& answered) {
  const VPayload* v = message.Get<VPayload>();
  if (v == nullptr) return Err(Error::kPayloadMissing);
  const bool expected =
      v->auth_alg == context.algorithms.mac && message.header.prf == context.algorithms.prf;
  if (!expected) return Err(Error::kUnsupportedAlgorithm);
  if (Status checked = CheckContext(context, {}); !checked) return checked;
  auto mac = crypto::Key32::OfSize(v->ver_data.size());
  const ByteView head = datagram.first(datagram.size() - v->ver_data.size());
  ComputeV(suite, context, head, answered, mac.mutable_view());
  if (!crypto::ConstantTimeEqual(mac.view(), v->ver_data)) {
    return Err(Error::kAuthenticationFailed);
  }
  return {};
}

}  // namespace keymast::mikey
