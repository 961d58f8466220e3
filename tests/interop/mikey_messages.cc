// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/mikey_messages.h"

#include "mikey/key_data.h"
#include "tests/unit/mikey/sample.h"

namespace keymast::mikey {
namespace {

// Some is octets that look like nothing in particular.
ByteView Some(size_t count) {
  static const Bytes kPool = [] {
    Bytes pool(512);
    for (size_t i = 0; i < pool.size(); ++i) pool[i] = static_cast<uint8_t>(0x11 + 29 * i);
    return pool;
  }();
  return ByteView(kPool).first(count);
}

// A certificate of CN=bmsc.example.org, P-256, signed by itself: Wireshark reads what is inside.
const Bytes& Certificate() {
  static const Bytes kDer =
      Hex("3082017a30820120a003020102020101300a06082a8648ce3d040302301b3119301706035504030c10626d73"
          "632e6578616d706c652e6f72673020170d3236313132363038323630355a180f323132363131303230383236"
          "30355a301b3119301706035504030c10626d73632e6578616d706c652e6f72673059301306072a8648ce3d02"
          "0106082a8648ce3d03010703420004964fc4eda485aff4c14bc6633f33a062fd22785f9cae4f8bb4823fcf0c"
          "68acd2fa4a64bcabfaa888ca41bf43ba3f37db3e2cbcc16dc1c8ad06b79ba5fe7f52c7a3533051301d060355"
          "1d0e04160414e9deedbc7657106782fdd26e9974ab397db0ebcc301f0603551d23041830168014e9deedbc76"
          "57106782fdd26e9974ab397db0ebcc300f0603551d130101ff040530030101ff300a06082a8648ce3d040302"
          "0348003045022100f9aa1f4702cc3d8c5e5d295f1ffc5e9bd457709d4020fbec51245fd95273e19c02203e25"
          "bb9aca56a89e3a879125bf5bc4e332bf17392de64db83465fa7a2b5f86f4");
  return kDer;
}

constexpr std::array<uint8_t, 8> kTimeOctets{0xee, 0xaf, 0x13, 0x4c, 0x04, 0xe0, 0x43, 0xa2};
const ByteView kTime(kTimeOctets);
const TPayload kT{TsType::kNtpUtc, kTime};
const RandPayload kRandPayload{Some(16)};
const IdPayload kInitiatorId{IdType::kNai, AsBytes("bmsc@example.org")};
const IdPayload kResponderId{IdType::kUri, AsBytes("sip:ue1@example.org")};
const SignPayload kSignature{SignatureType::kRsaPkcs1, Some(256)};
const KemacPayload kSealed{EncrAlg::kAesCm128, Some(40), MacAlg::kHmacSha1_160, Some(20)};
const KemacPayload kMacAlone{EncrAlg::kNull, {}, MacAlg::kHmacSha1_160, Some(20)};
const KeyValidity kValidities[] = {{KvType::kNull, {}, {}, {}},
                                   {KvType::kSpi, Some(4), {}, {}},
                                   {KvType::kInterval, {}, Some(6), Some(512).subspan(40, 6)}};

template <class P>
void AddTo(ChainWriter& chain, const P& payload) {
  chain.Add(payload);
}
template <class P>
void AddTo(ChainWriter& chain, const std::vector<P>& payloads) {
  for (const P& payload : payloads) chain.Add(payload);
}

// Compose writes payloads, and lists of them, in their order.
template <class... Parts>
Bytes Compose(const Header& header, const Parts&... parts) {
  Bytes out(4000);
  ChainWriter chain(out, header);
  (AddTo(chain, parts), ...);
  EXPECT_TRUE(chain.ok());
  out.resize(chain.size());
  return out;
}

// HeaderOf has no crypto sessions.
Header HeaderOf(DataType type) {
  Header header;
  header.data_type = type;
  header.csb_id = 0x89abcdef;
  header.map_type = CsIdMapType::kSrtpId;
  return header;
}

Header PskHeader() {
  // Three crypto sessions: policy, SSRC, ROC.
  static const Bytes kMap =
      Hex("00deadbeef00000003"
          "01cafebabe00000000"
          "000000000000010000");
  Header header = HeaderOf(DataType::kPskInit);
  header.v_flag = true;
  header.cs_count = 3;
  header.map = kMap;
  return header;
}

// ValueFor a parameter is 1, or 0 where 1 has no meaning.
uint8_t ValueFor(const ParamInfo& info) {
  return info.values.empty() || FindCodePoint(info.values, 1) != nullptr ? 1 : 0;
}

// ParamsFrom is the parameters `first` to `last` of a protocol, in the widths of its table.
Bytes ParamsFrom(ProtType protocol, uint8_t first, uint8_t last) {
  Bytes params;
  for (const ParamInfo& info : ParamsOf(protocol)) {
    if (info.type < first || info.type > last) continue;
    const size_t octets = std::max<size_t>(info.octets, 1);
    params.push_back(info.type);
    params.push_back(static_cast<uint8_t>(octets));
    for (size_t i = 1; i <= octets; ++i) params.push_back(i == octets ? ValueFor(info) : 0);
  }
  return params;
}

Bytes ClearKeys(std::span<const KeyDataPayload> keys) {
  Bytes plain(1000);
  const auto size = WriteKeyData(keys, plain);
  EXPECT_TRUE(size);
  plain.resize(size.value_or(0));
  return plain;
}

Bytes InClear(std::span<const KeyDataPayload> keys) {
  const Bytes plain = ClearKeys(keys);
  return Compose(PskHeader(), kT, kRandPayload,
                 KemacPayload{EncrAlg::kNull, plain, MacAlg::kNull, {}});
}

KeyDataPayload KeyOf(KeyDataType type, const KeyValidity& kv) {
  return {type, Some(16), HasSalt(type) ? Some(512).subspan(70, 14) : ByteView(), kv};
}

template <class E>
E As(const CodePoint& point) {
  return static_cast<E>(point.value);
}

using List = std::vector<SampleMessage>;

void AddKeysInClear(List& list) {
  std::vector<KeyDataPayload> all;
  for (const CodePoint& type : Registered<KeyDataType>()) {
    for (const KeyValidity& kv : kValidities) {
      all.push_back(KeyOf(As<KeyDataType>(type), kv));
      list.push_back({"key data " + std::string(type.name) + ", KV " + std::string(NameOf(kv.type)),
                      InClear({&all.back(), 1})});
    }
  }
  list.push_back({"several key data", InClear(std::span(all).first(6))});
  KeyDataPayload bare;
  list.push_back({"key data without a key", InClear({&bare, 1})});
  bare = KeyOf(KeyDataType::kTekSalt, {KvType::kSpi, {}, {}, {}});
  bare.salt = {};
  list.push_back({"key data without salt and MKI", InClear({&bare, 1})});
}

void AddTimes(List& list) {
  for (const CodePoint& type : Registered<TsType>()) {
    const auto ts_type = As<TsType>(type);
    list.push_back(
        {"T " + std::string(type.name),
         Compose(HeaderOf(DataType::kPskInit), TPayload{ts_type, kTime.first(*TimeLength(ts_type))},
                 kRandPayload, KemacPayload{EncrAlg::kNull, {}, MacAlg::kNull, {}})});
  }
}

// AddValues has every registered value of every parameter, one policy a value.
void AddValues(List& list) {
  for (const ParamInfo& info : ParamsOf(ProtType::kSrtp)) {
    for (const CodePoint& point : info.values) {
      const Bytes param{info.type, 1, point.value};
      list.push_back(
          {std::string(info.name) + " " + std::string(point.name),
           Compose(PskHeader(), kT, kRandPayload, SpPayload{0, ProtType::kSrtp, param}, kSealed)});
    }
  }
}

void AddPsk(List& list) {
  const Bytes srtp = ParamsFrom(ProtType::kSrtp, 0, 12);
  const Bytes more = ParamsFrom(ProtType::kSrtp, 13, 20);
  const Bytes tesla = ParamsFrom(ProtType::kTesla, 0, 255);
  const SpPayload policies[] = {{0, ProtType::kSrtp, srtp}, {1, ProtType::kSrtp, more}};
  list.push_back({"pre-shared", Compose(PskHeader(), kT, kRandPayload, kInitiatorId, kResponderId,
                                        policies[0], policies[1], kSealed)});
  list.push_back({"pre-shared, no identities",
                  Compose(PskHeader(), kT, kRandPayload, policies[0], policies[1], kMacAlone)});
  list.push_back({"policy of TESLA", Compose(PskHeader(), kT, kRandPayload,
                                             SpPayload{2, ProtType::kTesla, tesla}, kSealed)});
  list.push_back(
      {"policies in clear", Compose(PskHeader(), kT, policies[0], policies[1], kRandPayload,
                                    KemacPayload{EncrAlg::kNull, {}, MacAlg::kNull, {}})});
  AddValues(list);
  const IdPayload bytes{IdType::kByteString, AsBytes("psk-0001")};
  list.push_back({"update", Compose(PskHeader(), kT, bytes, bytes, kMacAlone)});
  Header header = HeaderOf(DataType::kPskInit);
  header.prf = PrfFunc::kHmacSha256;
  header.map_type = CsIdMapType::kEmpty;
  const KeyDataPayload key = KeyOf(KeyDataType::kTgk, {});
  const Bytes clear = ClearKeys({&key, 1});
  for (const CodePoint& point : Registered<EncrAlg>()) {
    const auto alg = As<EncrAlg>(point);
    const ByteView data = alg == EncrAlg::kNull ? ByteView(clear) : Some(48);
    list.push_back({"SHA-256, " + std::string(point.name),
                    Compose(header, kT, kRandPayload,
                            KemacPayload{alg, data, MacAlg::kHmacSha256_256, Some(32)})});
  }
}

void AddVerifications(List& list) {
  for (const CodePoint& alg : Registered<MacAlg>()) {
    const VPayload v{As<MacAlg>(alg), Some(*MacLength(As<MacAlg>(alg)))};
    const std::string name = "V " + std::string(alg.name);
    list.push_back({name + ", pre-shared", Compose(HeaderOf(DataType::kPskVerification), kT,
                                                   kResponderId, kInitiatorId, v)});
    list.push_back(
        {name + ", public key", Compose(HeaderOf(DataType::kPkVerification), kT, kResponderId, v)});
  }
}

void AddExtensions(List& list) {
  const Bytes key_ids =
      Hex("0003262f01"
          "010400010001"
          "02020005");
  for (const CodePoint& type : Registered<ExtType>()) {
    const auto ext_type = As<ExtType>(type);
    const ByteView data = ext_type == ExtType::kSdpIds   ? AsBytes("audio video")
                          : ext_type == ExtType::kKeyIds ? ByteView(key_ids)
                                                         : Some(4);
    list.push_back({"extension " + std::string(type.name),
                    Compose(HeaderOf(DataType::kPskInit), ExtPayload{ext_type, data}, kT,
                            ExtPayload{ext_type, {}}, kSealed)});
  }
}

// Certificates of each type; the URL is one that Wireshark takes for a certificate.
std::vector<CertPayload> Certificates() {
  return {{CertType::kX509, Certificate()},
          {CertType::kX509Sign, Certificate()},
          {CertType::kX509Encr, Certificate()}};
}

void AddPublicKey(List& list) {
  const std::vector<CertPayload> certificates = Certificates();
  for (const CodePoint& cache : Registered<Cache>()) {
    const PkePayload pke{As<Cache>(cache), Some(128)};
    list.push_back({"public key, " + std::string(cache.name),
                    Compose(HeaderOf(DataType::kPkInit), kT, kRandPayload, kInitiatorId,
                            certificates, kResponderId, kSealed, pke, kSignature)});
    list.push_back({"RSA-R answer, " + std::string(cache.name),
                    Compose(HeaderOf(DataType::kRsarResp), kT, kRandPayload, kResponderId, kSealed,
                            pke, kSignature)});
  }
  for (const CodePoint& hash : Registered<HashFunc>()) {
    const ChashPayload chash{As<HashFunc>(hash), Some(*HashLength(As<HashFunc>(hash)))};
    list.push_back({"CHASH " + std::string(hash.name),
                    Compose(HeaderOf(DataType::kPkInit), kT, kRandPayload, kInitiatorId, kSealed,
                            chash, PkePayload{Cache::kNone, Some(128)}, kSignature)});
  }
  list.push_back(
      {"RSA-R", Compose(HeaderOf(DataType::kRsarInit), kT, kRandPayload, kInitiatorId, certificates,
                        kResponderId, ExtPayload{ExtType::kCsbId, Some(4)}, kSignature)});
  list.push_back({"certificate by URL",
                  Compose(HeaderOf(DataType::kPkInit), kT, kInitiatorId,
                          CertPayload{CertType::kX509Url, AsBytes("http://ca.example.org/1")},
                          kSealed, PkePayload{Cache::kNone, Some(128)}, kSignature)});
}

void AddDiffieHellman(List& list) {
  for (const CodePoint& point : Registered<DhGroup>()) {
    const auto group = As<DhGroup>(point);
    for (const KeyValidity& kv : kValidities) {
      const DhPayload dh{group, Some(*DhValueLength(group)), 0, kv};
      const std::string name = std::string(point.name) + ", KV " + std::string(NameOf(kv.type));
      list.push_back({"D-H " + name, Compose(HeaderOf(DataType::kDhInit), kT, kRandPayload,
                                             kInitiatorId, Certificates(), dh, kSignature)});
      list.push_back(
          {"D-H answer " + name, Compose(HeaderOf(DataType::kDhResp), kT, kResponderId,
                                         Certificates(), kInitiatorId, dh, dh, kSignature)});
      list.push_back({"DHHMAC " + name, Compose(HeaderOf(DataType::kDhhmacInit), kT, kRandPayload,
                                                kInitiatorId, kResponderId, dh, kMacAlone)});
      list.push_back(
          {"DHHMAC answer " + name, Compose(HeaderOf(DataType::kDhhmacResp), kT, kResponderId,
                                            kInitiatorId, dh, dh, kMacAlone)});
    }
  }
  for (const CodePoint& type : Registered<SignatureType>()) {
    list.push_back({"signature " + std::string(type.name),
                    Compose(HeaderOf(DataType::kDhInit), kT, kRandPayload,
                            DhPayload{DhGroup::kOakley5, Some(192), 0, {}},
                            SignPayload{As<SignatureType>(type), Some(129)})});
  }
}

void AddErrors(List& list) {
  for (const CodePoint& number : Registered<ErrorNumber>()) {
    const ErrPayload err{As<ErrorNumber>(number), 0};
    list.push_back(
        {"error " + std::string(number.name), Compose(HeaderOf(DataType::kError), kT, err)});
    list.push_back({"signed error " + std::string(number.name),
                    Compose(HeaderOf(DataType::kError), kT, err, kSignature)});
  }
}

// AddTicket has the payloads of MIKEY-TICKET (RFC 6043).
void AddTicket(List& list) {
  const Header header = HeaderOf(DataType::kRequestInitPsk);
  std::vector<IdrPayload> identities;
  for (const CodePoint& role : Registered<IdRole>()) {
    identities.push_back({As<IdRole>(role), IdType::kNai, AsBytes("kms@example.org")});
  }
  list.push_back({"identities with roles", Compose(header, kT, identities, kSealed)});
  for (const CodePoint& role : Registered<TsRole>()) {
    list.push_back({"TR " + std::string(role.name),
                    Compose(header, TrPayload{As<TsRole>(role), TsType::kNtpUtc, kTime}, kSealed)});
  }
  for (const CodePoint& role : Registered<RandRole>()) {
    list.push_back({"RANDR " + std::string(role.name),
                    Compose(header, RandrPayload{As<RandRole>(role), Some(16)}, kSealed)});
  }
  list.push_back(
      {"a payload that nobody knows",
       Compose(header, kT, OpaquePayload{PayloadType::kTicket, Some(24), Error::kUnknownPayload})});
  Header generic = HeaderOf(DataType::kPskInit);
  // CS ID 1, SRTP, one policy, SSRC, MKI.
  const Bytes map = Hex("010001000004deadbeef0400000001");
  generic.map_type = CsIdMapType::kGenericId;
  generic.cs_count = 1;
  generic.map = map;
  list.push_back({"GENERIC-ID map", Compose(generic, kT, kRandPayload, kSealed)});
}

// AddMbms has the messages of TS 33.246 as keymast sends them.
void AddMbms(List& list) {
  MskMessage every_param = SampleMsk();
  std::vector<SpParam> params;
  for (const ParamInfo& info : ParamsOf(ProtType::kSrtp)) {
    if (info.type <= 12) params.push_back({info.type, ValueFor(info)});
  }
  every_param.policy = params;
  MskMessage download = SampleMsk();
  download.streams = {};
  download.policy = {};
  Profile3gpp turned;
  turned.csb_id = CsbId(0x12345678);
  turned.idi_type = IdType::kUri;
  turned.idr_type = IdType::kUri;
  turned.interval_width = 6;
  turned.mtk_map = CsIdMapType::kSrtpId;
  turned.key_id_before_t = false;
  turned.want_verification = false;
  Profile3gpp sha256;
  sha256.prf = PrfFunc::kHmacSha256;
  sha256.encr_alg = EncrAlg::kAesCm256;
  sha256.mac_alg = MacAlg::kHmacSha256_256;
  list.push_back({"MSK message, every parameter", MskOctets({}, every_param)});
  list.push_back({"MSK message, download", MskOctets({}, download)});
  for (const Profile3gpp& profile : {Profile3gpp{}, turned, sha256}) {
    list.push_back({"MSK message", MskOctets(profile)});
    list.push_back({"MTK message", MtkOctets(profile)});
    list.push_back({"MSK verification", VerificationOctets(profile)});
  }
}

}  // namespace

std::vector<SampleMessage> SampleMessages() {
  std::vector<SampleMessage> list;
  for (const auto add : {AddPsk, AddKeysInClear, AddTimes, AddVerifications, AddExtensions,
                         AddPublicKey, AddDiffieHellman, AddErrors, AddTicket, AddMbms}) {
    add(list);
  }
  const List modes = ModeMessages();
  list.insert(list.end(), modes.begin(), modes.end());
  return list;
}

}  // namespace keymast::mikey
