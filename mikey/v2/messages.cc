// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/messages.h"

#include "mikey/key_ids.h"

namespace keymast::mikey::v2 {
namespace {

constexpr std::array<uint8_t, 32> kNoMacYet{};
constexpr std::array<uint8_t, kMinFirstCap> kZeros{};

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
    chain.Add(PaddingPayload{ByteView(kZeros).first(kMinFirstCap - size)});
  }
}

// CloseWithKemac encrypts `plain` in place and adds it as a KEMAC that closes the message.
void CloseWithKemac(const crypto::Suite& suite, const Protection& protection, MutableBytes plain,
                    ChainWriter& chain) {
  Crypt(suite, protection, plain);
  const size_t mac = MacLength(protection.mac).value_or(0);
  chain.Add(KemacPayload{protection.encr, plain, protection.mac, ByteView(kNoMacYet).first(mac)});
  if (chain.ok()) ComputeMac(suite, protection, chain.Head(mac), chain.Tail(mac));
}

void CloseWithV(const crypto::Suite& suite, const Protection& protection, ChainWriter& chain) {
  const size_t mac = MacLength(protection.mac).value_or(0);
  chain.Add(VPayload{protection.mac, ByteView(kNoMacYet).first(mac)});
  if (chain.ok()) ComputeMac(suite, protection, chain.Head(mac), chain.Tail(mac));
}

Result<size_t> Finished(const ChainWriter& chain) {
  if (!chain.ok()) return Err(Error::kTooLong);
  return chain.size();
}

MutableBytes OneDatagram(MutableBytes out) { return out.first(kMaxOneDatagram); }

// ChosenPayload is the CAP payload of an answer: one value a TLV (MIKEYv2 §3.3).
class ChosenPayload {
 public:
  ChosenPayload(const Choice& choice, ByteView session)
      : one_{static_cast<uint8_t>(choice.mode), static_cast<uint8_t>(choice.prf),
             static_cast<uint8_t>(choice.encr), static_cast<uint8_t>(choice.mac),
             static_cast<uint8_t>(choice.group)} {
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
    chosen.profiles = profiles.written();
    if (choice.features != 0) chosen.features = features_;
    chosen.session = session;
    const Result<size_t> size = WriteCapabilities(chosen, tlvs_);
    KEYMAST_CHECK(profiles.ok() && size.has_value());
    size_ = *size;
  }
  ChosenPayload(const ChosenPayload&) = delete;
  ChosenPayload& operator=(const ChosenPayload&) = delete;
  CapPayload payload() const { return {kCapVersion, ByteView(tlvs_).first(size_)}; }

 private:
  std::array<uint8_t, 5> one_;
  std::array<uint8_t, 8> profiles_{};
  std::array<uint8_t, 4> features_{};
  std::array<uint8_t, 128> tlvs_{};
  size_t size_ = 0;
};

// CloseWithContents closes an answer or KEYS with what it gives.
Result<size_t> CloseWithContents(const crypto::Suite& suite, const Protection& protection,
                                 const Contents& contents, ChainWriter& chain) {
  crypto::SecretScratch<kMaxPlain> plain;
  const Result<size_t> size = WriteContents(contents, plain.Room());
  if (!size) return size;
  CloseWithKemac(suite, protection, plain.Keep(*size), chain);
  return Finished(chain);
}

// WithMap is a header with the map of the streams, which lives as long as the map.
Header WithMap(Header header, const SessionMap& map, const Streams& streams) {
  if (!streams.sessions.empty()) map.Describe(header);
  return header;
}

Result<size_t> CloseError(const crypto::Suite& suite, const Protection& protection,
                          const Exchange& exchange, ErrorNumber number, MutableBytes out) {
  Header header = HeaderOf(exchange, DataType::kError);
  header.prf = protection.prf;
  ChainWriter chain(OneDatagram(out), header);
  AddRands(exchange, protection.rand_r, chain);
  chain.Add(ErrPayload{number, 0});
  CloseWithV(suite, protection, chain);
  return Finished(chain);
}

}  // namespace

Result<size_t> WriteCap(const crypto::Suite& suite, const Exchange& exchange,
                        const Capabilities& offer, MutableBytes out) {
  std::array<uint8_t, 1024> tlvs;  // as far as they are written
  const Result<size_t> tlv_size = WriteCapabilities(offer, tlvs);
  if (!tlv_size) return tlv_size;
  ChainWriter chain(OneDatagram(out), HeaderBefore(exchange.csb_id, DataType::kCap));
  chain.Add(RandrPayload{RandRole::kInitiator, exchange.rand_i.view()});
  chain.Add(CapPayload{kCapVersion, ByteView(tlvs).first(*tlv_size)});
  AddIdr(exchange.offerer, IdRole::kInitiator, chain);
  AddIdr(exchange.answerer, IdRole::kResponder, chain);
  if (exchange.join) {
    std::array<uint8_t, kMaxKeyIds> ids{};
    Writer writer(ids);
    PutKeyIds(writer, *exchange.join);
    chain.Add(ExtPayload{ExtType::kKeyIds, writer.written()});
  }
  const ByteView sdp_ids = exchange.sdp_ids.view();
  if (!sdp_ids.empty()) chain.Add(ExtPayload{ExtType::kSdpIds, sdp_ids});
  if (!exchange.dh.empty()) AddDh(exchange, static_cast<DhGroup>(offer.groups[0]), chain);
  if (sdp_ids.empty()) AddPadding(2 + kNoMacYet.size(), chain);  // MIKEYv2 §12
  CloseWithV(suite, OfCap(exchange), chain);
  return Finished(chain);
}

Result<size_t> WriteAnswer(const crypto::Suite& suite, const Exchange& exchange,
                           const Streams& streams, const Contents& contents, MutableBytes out) {
  const Choice& choice = exchange.choice;
  const SessionMap map(streams.sessions.view(), CsIdMapType::kGenericId);
  const Header header = WithMap(HeaderOf(exchange, AnswerType(choice.mode)), map, streams);
  ChainWriter chain(OneDatagram(out), header);
  AddRands(exchange, exchange.rand_r.view(), chain);
  const ChosenPayload chosen(choice, exchange.session.view());
  chain.Add(chosen.payload());
  AddIdr(exchange.answerer, IdRole::kResponder, chain);
  for (const CsbPolicy& policy : streams.policies) chain.Add(policy.Payload());
  if (HasDh(choice.mode)) AddDh(exchange, choice.group, chain);
  return CloseWithContents(suite, OfAnswer(exchange), contents, chain);
}

Result<size_t> WriteFinish(const crypto::Suite& suite, const Exchange& exchange, MutableBytes out) {
  const Choice& choice = exchange.choice;
  const Protection protection = OfFinish(suite, exchange);
  ChainWriter chain(OneDatagram(out), HeaderOf(exchange, FinishType(choice.mode)));
  AddRands(exchange, exchange.rand_r.view(), chain);
  if (choice.mode == Mode::kDhhmac) {
    AddDh(exchange, choice.group, chain);
    CloseWithKemac(suite, protection, {}, chain);
  } else {
    CloseWithV(suite, protection, chain);
  }
  return Finished(chain);
}

Result<size_t> WriteKeys(const crypto::Suite& suite, const Exchange& exchange, ByteView rand_r,
                         const Streams& streams, const Contents& contents, MutableBytes out) {
  const SessionMap map(streams.sessions.view(), CsIdMapType::kGenericId);
  const Header header = WithMap(HeaderOf(exchange, DataType::kKeys), map, streams);
  ChainWriter chain(OneDatagram(out), header);
  AddRands(exchange, rand_r, chain);
  for (const CsbPolicy& policy : streams.policies) chain.Add(policy.Payload());
  return CloseWithContents(suite, OfKeys(suite, exchange, rand_r), contents, chain);
}

Result<size_t> WriteRetry(CsbId csb_id, ByteView rand_i, ByteView cookie, MutableBytes out) {
  Capabilities told;
  told.cookie = cookie;
  std::array<uint8_t, 128> tlvs{};
  const Result<size_t> size = WriteCapabilities(told, tlvs);
  if (!size) return size;
  ChainWriter chain(out, HeaderBefore(csb_id, DataType::kRetry));
  chain.Add(RandrPayload{RandRole::kInitiator, rand_i});
  chain.Add(CapPayload{kCapVersion, ByteView(tlvs).first(*size)});
  return Finished(chain);
}

Result<size_t> WriteError(const crypto::Suite& suite, const Exchange& exchange, ErrorNumber number,
                          ByteView rand_r, MutableBytes out) {
  if (!rand_r.empty()) {
    return CloseError(suite, OfErrorInsteadOfAnswer(exchange, rand_r), exchange, number, out);
  }
  ChainWriter chain(OneDatagram(out), HeaderBefore(exchange.csb_id, DataType::kError));
  chain.Add(RandrPayload{RandRole::kInitiator, exchange.rand_i.view()});
  chain.Add(ErrPayload{number, 0});
  return Finished(chain);
}

Result<size_t> WriteErrorToFinish(const crypto::Suite& suite, const Exchange& exchange,
                                  ErrorNumber number, ByteView rand_r, MutableBytes out) {
  Protection protection = OfKeys(suite, exchange, rand_r);
  protection.type = DataType::kError;
  return CloseError(suite, protection, exchange, number, out);
}

}  // namespace keymast::mikey::v2
