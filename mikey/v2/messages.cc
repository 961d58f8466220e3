// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/messages.h"

#include "mikey/key_ids.h"
#include "mikey/v2/closing.h"
#include "mikey/v2/zeros.h"

namespace keymast::mikey::v2 {
namespace {

// HeaderOf a message of the exchange, with the empty map.
Header HeaderOf(const Exchange& exchange, DataType type) {
  Header header;
  header.version = kVersion2;
  header.data_type = type;
  header.prf = exchange.choice.prf;
  header.csb_id = exchange.csb_id.value;
  return header;
}

// HeaderBefore is that of a message that comes before there is a choice.
Header HeaderBefore(CsbId csb_id, DataType type) {
  Header header;
  header.version = kVersion2;
  header.data_type = type;
  header.prf = PrfFunc::kHmacSha256;
  header.csb_id = csb_id.value;
  return header;
}

void AddRands(const Exchange& exchange, ByteView rand_r, ChainWriter& chain) {
  chain.Add(RandrPayload{RandRole::kInitiator, exchange.rand_i.view()});
  chain.Add(RandrPayload{RandRole::kResponder, rand_r});
}

void AddIdr(const OwnedIdentity& identity, IdRole role, ChainWriter& chain) {
  chain.Add(IdrPayload{role, identity.type, identity.data.view()});
}

void AddDh(const Exchange& exchange, DhGroup group, ChainWriter& chain) {
  chain.Add(DhPayload{group, exchange.dh.public_value(), 0, {}});
}

// AddPadding makes CAP so long that any single datagram may answer it (MIKEYv2 §2); `behind` octets
// follow.
void AddPadding(size_t behind, ChainWriter& chain) {
  constexpr size_t kHead = 3;
  const size_t size = chain.size() + behind + kHead;
  if (size < kMinFirstCap) {
    chain.Add(PaddingPayload{Zeros(kMinFirstCap - size)});
  }
}

// AddShown says who signs; false where nothing does (MIKEYv2 §6 rule 4).
bool AddShown(const crypto::Suite& suite, const Signer& signer, ChainWriter& chain) {
  if (!kHasCertificates || signer.credential == nullptr) return false;
  if (signer.shown == Shown::kNothing) return false;
  const CertificateChain& certificates = signer.credential->chain;
  if (signer.shown == Shown::kHash) {
    const Digest hash = HashOf(suite, certificates[0]);
    chain.Add(ChashPayload{HashFunc::kSha256, hash});
    return true;
  }
  for (const ByteView certificate : certificates) {
    chain.Add(CertPayload{CertType::kX509, certificate});
  }
  return true;
}

Result<size_t> Finished(const ChainWriter& chain) {
  if (!chain.ok()) return Err(Error::kTooLong);
  return chain.size();
}

// ChosenPayload is the CAP payload of an answer: one value a TLV (MIKEYv2 §3.3).
class ChosenPayload {
 public:
  ChosenPayload(const Exchange& exchange, uint8_t fragments) : fragments_(fragments) {
    const Choice& choice = exchange.choice;
    one_ = {static_cast<uint8_t>(choice.mode),  static_cast<uint8_t>(choice.prf),
            static_cast<uint8_t>(choice.encr),  static_cast<uint8_t>(choice.mac),
            static_cast<uint8_t>(choice.group), static_cast<uint8_t>(choice.signature)};
    Writer profiles(profiles_);
    for (const uint16_t profile : choice.profiles) profiles.U16(profile);
    Writer(features_).U32(choice.features);
    const auto item = [this](size_t i) { return ByteView(one_).subspan(i, 1); };
    Capabilities chosen;
    chosen.modes = item(0);
    chosen.prf = item(1);
    chosen.encr = item(2);
    chosen.mac = item(3);
    if (HasDh(choice.mode)) chosen.groups = item(4);
    if (IsSigned(choice.mode)) chosen.signatures = item(5);
    chosen.profiles = profiles.written();
    chosen.session = exchange.session.view();
    if (choice.features != 0) chosen.features = features_;
    if (fragments_ != 0) chosen.fragments = {&fragments_, 1};
    const Result<size_t> size = WriteCapabilities(chosen, tlvs_);
    KEYMAST_CHECK(profiles.ok() && size.has_value());
    size_ = *size;
  }
  ChosenPayload(const ChosenPayload&) = delete;
  ChosenPayload& operator=(const ChosenPayload&) = delete;
  CapPayload payload() const { return {kCapVersion, ByteView(tlvs_).first(size_)}; }

 private:
  std::array<uint8_t, 6> one_{};
  std::array<uint8_t, 8> profiles_{};
  std::array<uint8_t, 4> features_{};
  uint8_t fragments_;
  std::array<uint8_t, 96> tlvs_{};
  size_t size_ = 0;
};

// CloseWithContents closes KEYS with what they give.
Result<size_t> CloseWithContents(const crypto::Suite& suite, const Protection& protection,
                                 const Contents& contents, ChainWriter& chain) {
  crypto::SecretScratch<kMaxPlain> plain;
  const Result<size_t> size = WriteContents(contents, plain.Room());
  if (!size) return size;
  Closing closing(suite, protection, chain);
  closing.AddKemac(plain.Keep(*size));
  return closing.Finish();
}

// WithMap is a header with the map of the streams, which lives as long as the map.
Header WithMap(Header header, const SessionMap& map, const Streams& streams) {
  if (!streams.sessions.empty()) map.Describe(header);
  return header;
}

Result<size_t> CloseError(const crypto::Suite& suite, const Protection& protection,
                          const Exchange& exchange, ErrorNumber number, const Signer& signer,
                          MutableBytes out) {
  Header header = HeaderOf(exchange, DataType::kError);
  header.prf = protection.prf;
  ChainWriter chain(out, header);
  AddRands(exchange, protection.rand_r, chain);
  const bool is_signed = signer.credential != nullptr;
  const bool is_shown = AddShown(suite, signer, chain);
  if (is_signed && !is_shown) AddIdr(exchange.answerer, IdRole::kResponder, chain);
  chain.Add(ErrPayload{number, 0});
  Closing closing(suite, protection, chain);
  if (is_signed) {
    closing.AddSign(signer);
  } else {
    closing.AddV();
  }
  return closing.Finish();
}

// AddHead adds what is before public value and KEMAC of an answer (MIKEYv2 §3.4).
void AddHead(const crypto::Suite& suite, const Exchange& exchange, ByteView rand_r,
             const Given& given, ChainWriter& chain) {
  const Mode mode = exchange.choice.mode;
  AddRands(exchange, rand_r, chain);
  const ChosenPayload chosen(exchange, given.fragments);
  chain.Add(chosen.payload());
  // DH_RESP has the identity in place of a certificate, others beside it.
  const bool is_dh = mode == Mode::kDh || mode == Mode::kEarlyDh;
  if (!is_dh || given.signer.shown == Shown::kNothing) {
    AddIdr(exchange.answerer, IdRole::kResponder, chain);
  }
  AddShown(suite, given.signer, chain);
  for (const CsbPolicy& policy : given.streams.policies) chain.Add(policy.Payload());
}

// CloseAnswer adds what is behind the policies (MIKEYv2 §3.4).
Result<size_t> CloseAnswer(const crypto::Suite& suite, const Exchange& exchange, const Given& given,
                           ChainWriter& chain) {
  const Protection protection = OfAnswer(exchange);
  const Mode mode = exchange.choice.mode;
  crypto::SecretScratch<kMaxPlain> plain;
  const Result<size_t> size = WriteContents(given.contents, plain.Room());
  if (!size) return size;
  Closing closing(suite, protection, chain);
  if (HasDh(mode)) AddDh(exchange, exchange.choice.group, chain);
  if (mode != Mode::kDh) closing.AddKemac(plain.Keep(*size));
  if (mode == Mode::kRsa) chain.Add(PkePayload{Cache::kNone, given.envelope});
  if (IsSigned(mode)) closing.AddSign(given.signer);
  return closing.Finish();
}

template <class P>
Result<size_t> WriteRetryBehind(CsbId csb_id, const P& first, ByteView cookie, ByteView fresh,
                                MutableBytes out) {
  Capabilities told;
  told.cookie = cookie;
  told.fresh = fresh;
  std::array<uint8_t, 128> tlvs{};
  const Result<size_t> size = WriteCapabilities(told, tlvs);
  if (!size) return size;
  ChainWriter chain(out, HeaderBefore(csb_id, DataType::kRetry));
  chain.Add(first);
  chain.Add(CapPayload{kCapVersion, ByteView(tlvs).first(*size)});
  return Finished(chain);
}

}  // namespace

Result<size_t> WriteCap(const crypto::Suite& suite, const Exchange& exchange,
                        const Capabilities& offer, const CapProofs& proofs, MutableBytes out) {
  std::array<uint8_t, 2048> tlvs;  // as far as they are written
  const Result<size_t> tlv_size = WriteCapabilities(offer, tlvs);
  if (!tlv_size) return tlv_size;
  ChainWriter chain(out, HeaderBefore(exchange.csb_id, DataType::kCap));
  chain.Add(RandrPayload{RandRole::kInitiator, exchange.rand_i.view()});
  chain.Add(CapPayload{kCapVersion, ByteView(tlvs).first(*tlv_size)});
  AddIdr(exchange.offerer, IdRole::kInitiator, chain);
  AddShown(suite, proofs.signer, chain);
  if (!exchange.answerer.data.empty()) AddIdr(exchange.answerer, IdRole::kResponder, chain);
  if (exchange.join) {
    std::array<uint8_t, kMaxKeyIds> ids{};
    Writer writer(ids);
    PutKeyIds(writer, *exchange.join);
    chain.Add(ExtPayload{ExtType::kKeyIds, writer.written()});
  }
  const ByteView sdp_ids = exchange.sdp_ids.view();
  if (!sdp_ids.empty()) chain.Add(ExtPayload{ExtType::kSdpIds, sdp_ids});
  if (!exchange.dh.empty()) AddDh(exchange, static_cast<DhGroup>(offer.groups[0]), chain);
  const Protection protection = OfCap(exchange);
  const size_t behind = (proofs.has_v ? SizeOfV(protection.mac) : 0) +
                        (proofs.has_sign ? SizeOfSign(proofs.signer) : 0);
  if (sdp_ids.empty()) AddPadding(behind, chain);  // MIKEYv2 §12
  Closing closing(suite, protection, chain);
  if (proofs.has_v) closing.AddV();
  if (kHasCertificates && proofs.has_sign) closing.AddSign(proofs.signer);
  return closing.Finish();
}

Result<size_t> WriteAnswer(const crypto::Suite& suite, const Exchange& exchange, const Given& given,
                           MutableBytes out) {
  const SessionMap map(given.streams.sessions.view(), CsIdMapType::kGenericId);
  const DataType type = AnswerType(exchange.choice.mode);
  ChainWriter chain(out, WithMap(HeaderOf(exchange, type), map, given.streams));
  AddHead(suite, exchange, exchange.rand_r.view(), given, chain);
  return CloseAnswer(suite, exchange, given, chain);
}

Result<size_t> MeasureAnswer(const crypto::Suite& suite, const Exchange& exchange,
                             const Given& given, MutableBytes out) {
  static constexpr std::array<uint8_t, kMaxEncrypted> kNothingYet{};
  const auto nothing = [](size_t size) { return ByteView(kNothingYet).first(size); };
  const Choice& choice = exchange.choice;
  const SessionMap map(given.streams.sessions.view(), CsIdMapType::kGenericId);
  const Header header = WithMap(HeaderOf(exchange, AnswerType(choice.mode)), map, given.streams);
  ChainWriter chain(out, header);
  AddHead(suite, exchange, nothing(kRandOctets), given, chain);
  crypto::SecretScratch<kMaxPlain> plain;
  const Result<size_t> size = WriteContents(given.contents, plain.Room());
  if (!size) return size;
  if (HasDh(choice.mode)) {
    const size_t value = crypto::DhPublicSize(*CryptoGroup(choice.group));
    chain.Add(DhPayload{choice.group, nothing(value), 0, {}});
  }
  if (choice.mode != Mode::kDh) {
    const size_t mac = MacLength(choice.mac).value_or(0);
    chain.Add(KemacPayload{choice.encr, nothing(EncryptedSize(choice.encr, *size)), choice.mac,
                           nothing(mac)});
  }
  if (!kSmall && choice.mode == Mode::kRsa) {
    chain.Add(PkePayload{Cache::kNone, nothing((*exchange.peer_key).modulus_size())});
  }
  if (IsSigned(choice.mode)) {
    chain.Add(SignPayload{given.signer.type(), nothing(given.signer.signature_size())});
  }
  return Finished(chain);
}

Result<size_t> WriteFinish(const crypto::Suite& suite, const Exchange& exchange,
                           const Signer& signer, MutableBytes out) {
  const Choice& choice = exchange.choice;
  const Protection protection = OfFinish(suite, exchange);
  ChainWriter chain(out, HeaderOf(exchange, FinishType(choice.mode)));
  AddRands(exchange, exchange.rand_r.view(), chain);
  if (IsLate(choice.mode)) AddDh(exchange, choice.group, chain);
  Closing closing(suite, protection, chain);
  if (!IsLate(choice.mode)) {
    closing.AddV();
  } else if (choice.mode == Mode::kDh) {
    closing.AddSign(signer);
  } else {
    closing.AddKemac({});
  }
  return closing.Finish();
}

Result<size_t> WriteKeys(const crypto::Suite& suite, const Exchange& exchange, ByteView rand_r,
                         const Streams& streams, const Contents& contents, MutableBytes out,
                         ByteView fresh) {
  const SessionMap map(streams.sessions.view(), CsIdMapType::kGenericId);
  const Header header = WithMap(HeaderOf(exchange, DataType::kKeys), map, streams);
  ChainWriter chain(out, header);
  AddRands(exchange, rand_r, chain);
  std::array<uint8_t, kTlvHead + kFreshSize> tlvs{};
  if (!fresh.empty()) {
    Capabilities told;
    told.fresh = fresh;
    const Result<size_t> size = WriteCapabilities(told, tlvs);
    if (!size) return size;
    chain.Add(CapPayload{kCapVersion, tlvs});
  }
  for (const CsbPolicy& policy : streams.policies) chain.Add(policy.Payload());
  return CloseWithContents(suite, OfKeys(suite, exchange, rand_r), contents, chain);
}

Result<size_t> WriteRetry(CsbId csb_id, ByteView rand_i, ByteView cookie, ByteView fresh,
                          MutableBytes out) {
  return WriteRetryBehind(csb_id, RandrPayload{RandRole::kInitiator, rand_i}, cookie, fresh, out);
}

Result<size_t> WriteFragmentRetry(CsbId csb_id, const FragmentPayload& fragment, ByteView cookie,
                                  ByteView fresh, MutableBytes out) {
  const FragmentPayload named{fragment.hash, 0, fragment.count, {}};
  return WriteRetryBehind(csb_id, named, cookie, fresh, out);
}

Result<size_t> WriteHint(const Exchange& exchange, ErrorNumber number, MutableBytes out) {
  ChainWriter chain(out, HeaderBefore(exchange.csb_id, DataType::kError));
  chain.Add(RandrPayload{RandRole::kInitiator, exchange.rand_i.view()});
  chain.Add(ErrPayload{number, 0});
  return Finished(chain);
}

Result<size_t> WriteError(const crypto::Suite& suite, const Exchange& exchange, ErrorNumber number,
                          ByteView rand_r, const Signer& signer, MutableBytes out) {
  return CloseError(suite, OfErrorInsteadOfAnswer(exchange, rand_r), exchange, number, signer, out);
}

Result<size_t> WriteErrorToFinish(const crypto::Suite& suite, const Exchange& exchange,
                                  ErrorNumber number, ByteView rand_r, MutableBytes out) {
  Protection protection = OfKeys(suite, exchange, rand_r);
  protection.type = DataType::kError;
  return CloseError(suite, protection, exchange, number, {}, out);
}

}  // namespace keymast::mikey::v2
