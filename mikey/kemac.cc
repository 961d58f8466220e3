// SPDX-License-Identifier: Apache-2.0
#include "mikey/kemac.h"

#include "mikey/mac_check.h"

namespace keymast::mikey {
namespace {

constexpr std::array<uint8_t, 32> kNoMacYet{};
constexpr size_t kKemacHead = 4;  // next payload, Encr alg, Encr data len: RFC 3830 §6.2

bool IsKnown(const Algorithms& algorithms) {
  const bool prf = algorithms.prf == PrfFunc::kMikey1 || algorithms.prf == PrfFunc::kHmacSha256;
  const bool encr = algorithms.encr == EncrAlg::kNull || algorithms.encr == EncrAlg::kAesCm128 ||
                    algorithms.encr == EncrAlg::kAesCm256;
  return prf && encr && MacLength(algorithms.mac).has_value();
}

bool HasNull(const Algorithms& algorithms) {
  return algorithms.encr == EncrAlg::kNull || algorithms.mac == MacAlg::kNull;
}

ByteView MacToFillIn(MacAlg alg) { return ByteView(kNoMacYet).first(MacLength(alg).value_or(0)); }

// AddSealed encrypts `plain` in place and adds it as a KEMAC whose MAC is still to be filled in.
void AddSealed(const crypto::Suite& suite, const PskContext& context, const TransportKeys& keys,
               const TPayload& t, MutableBytes plain, ChainWriter& chain) {
  const Algorithms& algorithms = context.algorithms;
  if (algorithms.encr != EncrAlg::kNull) {
    CryptKeyData(suite, keys, context.csb_id, t, plain);
  }
  chain.Add(KemacPayload{algorithms.encr, plain, algorithms.mac, MacToFillIn(algorithms.mac)});
}

// FillInMac makes the MAC over `covered` the end of what the chain has.
void FillInMac(const crypto::Suite& suite, const PskContext& context, const TransportKeys& keys,
               ByteView covered, ChainWriter& chain) {
  const MacAlg mac = context.algorithms.mac;
  if (mac == MacAlg::kNull) return;
  Mac(suite, mac, keys.auth.view(), {&covered, 1}, chain.Tail(MacLength(mac).value_or(0)));
}

size_t Offset(ByteView datagram, ByteView field) {
  return static_cast<size_t>(field.data() - datagram.data());
}

}  // namespace

std::array<ByteView, 2> CoveredOctets(ByteView datagram, const KemacPayload& kemac,
                                      Coverage coverage) {
  const size_t mac = Offset(datagram, kemac.mac);
  if (coverage == Coverage::kMessage) {
    return {datagram.first(mac), datagram.subspan(mac + kemac.mac.size())};
  }
  static constexpr std::array<uint8_t, 1> kLast{};
  const size_t behind_next = Offset(datagram, kemac.encr_data) - kKemacHead + kLast.size();
  return {ByteView(kLast), datagram.subspan(behind_next, mac - behind_next)};
}

Algorithms AlgorithmsOf(const Header& header, const KemacPayload& kemac) {
  return {header.prf, kemac.encr_alg, kemac.mac_alg};
}

Status CheckContext(const PskContext& context, const PskPolicy& policy) {
  if (!IsKnown(context.algorithms)) return Err(Error::kUnsupportedAlgorithm);
  if (HasNull(context.algorithms) && !policy.allow_null) return Err(Error::kUnsupportedAlgorithm);
  // RFC 3830 §4.1.2 excludes neither an empty key nor an empty RAND; both would be guessable.
  if (context.psk.size() < kMinSharedKey || context.psk.size() > kMaxSharedKey) {
    return Err(Error::kInvalidArgument);
  }
  if (context.rand.size() < policy.min_rand) return Err(Error::kMalformed);
  return {};
}

Result<size_t> CloseWithKemac(const crypto::Suite& suite, const PskContext& context,
                              ChainWriter& chain, const TPayload& t,
                              std::span<const KeyDataPayload> keys, const PskPolicy& policy) {
  if (Status checked = CheckContext(context, policy); !checked) return Err(checked.error());
  crypto::SecretScratch<kMaxKeyData> plain;
  const Result<size_t> length = WriteKeyData(keys, plain.Room());
  if (!length) return length;
  const TransportKeys transport =
      DeriveTransportKeys(suite, context.algorithms, context.psk, context.csb_id, context.rand);
  AddSealed(suite, context, transport, t, plain.Keep(*length), chain);
  if (!chain.ok()) return Err(Error::kTooLong);
  const size_t mac_length = MacLength(context.algorithms.mac).value_or(0);
  FillInMac(suite, context, transport, chain.Head(mac_length), chain);
  return chain.size();
}

Status AddEnvelopedKemac(const crypto::Suite& suite, const PskContext& context, ChainWriter& chain,
                         const TPayload& t, const IdPayload& sender,
                         std::span<const KeyDataPayload> keys) {
  if (Status checked = CheckContext(context, {}); !checked) return checked;
  crypto::SecretScratch<kMaxKeyData> plain;
  const Result<size_t> length = WriteKeyData(keys, plain.Room(), &sender);
  if (!length) return Err(length.error());
  const TransportKeys transport =
      DeriveTransportKeys(suite, context.algorithms, context.psk, context.csb_id, context.rand);
  const size_t start = chain.size();
  AddSealed(suite, context, transport, t, plain.Keep(*length), chain);
  if (!chain.ok()) return Err(Error::kTooLong);
  // Nothing follows yet, so the next payload octet is 0, as RFC 3830 §6.2 has it covered.
  const size_t mac_length = MacLength(context.algorithms.mac).value_or(0);
  FillInMac(suite, context, transport, chain.Head(mac_length).subspan(start), chain);
  return {};
}

// KemacOpener is what opening the two kinds of KEMAC has in common.
class KemacOpener {
 public:
  KemacOpener(const crypto::Suite& suite, const PskContext& context, ByteView datagram,
              const Message& message, OpenedKeys& opened)
      : suite_(suite), context_(context), datagram_(datagram), message_(message), opened_(opened) {}

  Status Open(const PskPolicy& policy, Coverage coverage) {
    kemac_ = message_.Get<KemacPayload>();
    t_ = message_.Get<TPayload>();
    if (kemac_ == nullptr || t_ == nullptr) return Err(Error::kPayloadMissing);
    if (AlgorithmsOf(message_.header, *kemac_) != context_.algorithms) {
      return Err(Error::kUnsupportedAlgorithm);
    }
    if (Status checked = CheckContext(context_, policy); !checked) return checked;
    if (kemac_->encr_data.size() > kMaxKeyData) return Err(Error::kTooLong);
    if (!VerifyMac(coverage)) return Err(Error::kAuthenticationFailed);
    Decrypt();
    const Result<size_t> count =
        coverage == Coverage::kKemac
            ? ParseIdAndKeyData(opened_.plain_.view(), opened_.sender_, opened_.keys_)
            : ParseKeyData(opened_.plain_.view(), opened_.keys_);
    if (!count) return Err(Error::kDecryptionFailed);
    opened_.count_ = *count;
    return {};
  }

 private:
  bool VerifyMac(Coverage coverage) const {
    const Algorithms& algorithms = context_.algorithms;
    if (algorithms.mac == MacAlg::kNull) return true;
    const auto key =
        DeriveAuthKey(suite_, algorithms, context_.psk, context_.csb_id, context_.rand);
    auto expected = crypto::Key32::OfSize(kemac_->mac.size());
    Mac(suite_, algorithms.mac, key.view(), CoveredOctets(datagram_, *kemac_, coverage),
        expected.mutable_view());
    return MacIsGood(expected.view(), kemac_->mac);
  }

  void Decrypt() {
    const MutableBytes plain = opened_.plain_.Room();
    std::copy(kemac_->encr_data.begin(), kemac_->encr_data.end(), plain.begin());
    const MutableBytes encr_data = opened_.plain_.Keep(kemac_->encr_data.size());
    if (kemac_->encr_alg == EncrAlg::kNull) return;
    const TransportKeys keys =
        DeriveCipherKeys(suite_, context_.algorithms, context_.psk, context_.csb_id, context_.rand);
    CryptKeyData(suite_, keys, context_.csb_id, *t_, encr_data);
  }

  const crypto::Suite& suite_;
  const PskContext& context_;
  ByteView datagram_;
  const Message& message_;
  OpenedKeys& opened_;
  const KemacPayload* kemac_ = nullptr;
  const TPayload* t_ = nullptr;
};

Status OpenKemac(const crypto::Suite& suite, const PskContext& context, ByteView datagram,
                 const Message& message, OpenedKeys& opened, const PskPolicy& policy) {
  return KemacOpener(suite, context, datagram, message, opened).Open(policy, Coverage::kMessage);
}

Status OpenEnvelopedKemac(const crypto::Suite& suite, const PskContext& context, ByteView datagram,
                          const Message& message, OpenedKeys& opened) {
  return KemacOpener(suite, context, datagram, message, opened).Open({}, Coverage::kKemac);
}

void ComputeV(const crypto::Suite& suite, const PskContext& context, ByteView head,
              const Answered& answered, MutableBytes out) {
  const crypto::Key32 key =
      DeriveAuthKey(suite, context.algorithms, context.psk, context.csb_id, context.rand);
  const std::array<ByteView, 4> parts{head, answered.idi, answered.idr, answered.timestamp};
  Mac(suite, context.algorithms.mac, key.view(), parts, out);
}

Result<size_t> CloseWithV(const crypto::Suite& suite, const PskContext& context, ChainWriter& chain,
                          const Answered& answered) {
  if (Status checked = CheckContext(context, {}); !checked) return Err(checked.error());
  const ByteView mac = MacToFillIn(context.algorithms.mac);
  chain.Add(VPayload{context.algorithms.mac, mac});
  if (!chain.ok()) return Err(Error::kTooLong);
  ComputeV(suite, context, chain.Head(mac.size()), answered, chain.Tail(mac.size()));
  return chain.size();
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
  if (!MacIsGood(mac.view(), v->ver_data)) return Err(Error::kAuthenticationFailed);
  return {};
}

}  // namespace keymast::mikey
