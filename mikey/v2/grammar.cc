// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/grammar.h"

namespace keymast::mikey::v2 {
namespace {

// Place is what may stand at a point of a message.
enum class Place : uint8_t {
  kRandI,
  kRandR,
  kCap,
  kIdI,
  kIdR,
  kCertificates,
  kChash,
  kKeyIds,
  kSdpIds,
  kUnknown,  // extensions that are skipped
  kPolicies,
  kDh,
  kPke,
  kKemac,
  kPadding,
  kV,
  kSign,
  kT,
  kErr,
  kFragment,
  kTreeUpdate,
  kFilterMac,
  kKeyRoll,
  kMerklePath,
  kUpdate,
  kReport,
  kTicket,
};

// Need says how often; the alternatives of a choice stand in neighbouring rows.
enum class Need : uint8_t {
  kOne,
  kMaybe,
  kMany,        // none as well
  kMaybeOneOf,  // at most one of the rows with this mark
  kOneOf,
};

struct Row {
  Place place;
  Need need = Need::kOne;
};

constexpr auto kMaybe = Need::kMaybe;
constexpr auto kMany = Need::kMany;

constexpr Row kCapRows[] = {
    {Place::kRandI},
    {Place::kCap},
    {Place::kIdI},
    {Place::kCertificates, Need::kMaybeOneOf},
    {Place::kChash, Need::kMaybeOneOf},
    {Place::kIdR, kMaybe},
    {Place::kKeyIds, kMaybe},
    {Place::kSdpIds, kMaybe},
    {Place::kUnknown, kMany},
    {Place::kDh, kMaybe},
    {Place::kPadding, kMaybe},
    {Place::kV, kMaybe},
    {Place::kSign, kMaybe},
};
constexpr Row kPskRespRows[] = {
    {Place::kRandI},           {Place::kRandR},          {Place::kCap},   {Place::kIdR},
    {Place::kPolicies, kMany}, {Place::kUnknown, kMany}, {Place::kKemac},
};
constexpr Row kRsaRespRows[] = {
    {Place::kRandI},
    {Place::kRandR},
    {Place::kCap},
    {Place::kIdR},
    {Place::kCertificates, Need::kMaybeOneOf},
    {Place::kChash, Need::kMaybeOneOf},
    {Place::kPolicies, kMany},
    {Place::kUnknown, kMany},
    {Place::kKemac},
    {Place::kPke},
    {Place::kSign},
};
constexpr Row kDhRespRows[] = {
    {Place::kRandI},
    {Place::kRandR},
    {Place::kCap},
    {Place::kIdR, Need::kOneOf},
    {Place::kCertificates, Need::kOneOf},
    {Place::kChash, Need::kOneOf},
    {Place::kPolicies, kMany},
    {Place::kUnknown, kMany},
    {Place::kDh},
    {Place::kSign},
};
constexpr Row kEarlyDhRespRows[] = {
    {Place::kRandI},
    {Place::kRandR},
    {Place::kCap},
    {Place::kIdR, Need::kOneOf},
    {Place::kCertificates, Need::kOneOf},
    {Place::kChash, Need::kOneOf},
    {Place::kPolicies, kMany},
    {Place::kUnknown, kMany},
    {Place::kDh},
    {Place::kKemac},
    {Place::kSign},
};
constexpr Row kDhhmacRespRows[] = {
    {Place::kRandI},           {Place::kRandR},          {Place::kCap}, {Place::kIdR},
    {Place::kPolicies, kMany}, {Place::kUnknown, kMany}, {Place::kDh},  {Place::kKemac},
};
constexpr Row kVFinRows[] = {
    {Place::kRandI},          {Place::kRandR}, {Place::kPolicies, kMany},
    {Place::kUnknown, kMany}, {Place::kV},
};
constexpr Row kDhFinRows[] = {
    {Place::kRandI},          {Place::kRandR}, {Place::kPolicies, kMany},
    {Place::kUnknown, kMany}, {Place::kDh},    {Place::kSign},
};
constexpr Row kDhhmacFinRows[] = {
    {Place::kRandI},          {Place::kRandR}, {Place::kPolicies, kMany},
    {Place::kUnknown, kMany}, {Place::kDh},    {Place::kKemac},
};
constexpr Row kKeysRows[] = {
    {Place::kRandI, kMaybe},   {Place::kRandR},          {Place::kCap, kMaybe}, {Place::kT, kMaybe},
    {Place::kPolicies, kMany}, {Place::kUnknown, kMany}, {Place::kKemac},
};
constexpr Row kErrorRows[] = {
    {Place::kRandI},
    {Place::kRandR, kMaybe},
    {Place::kIdR, Need::kMaybeOneOf},
    {Place::kCertificates, Need::kMaybeOneOf},
    {Place::kChash, Need::kMaybeOneOf},
    {Place::kErr},
    {Place::kV, kMaybe},
    {Place::kSign, kMaybe},
};
constexpr Row kRetryRows[] = {
    {Place::kRandI, Need::kOneOf},
    {Place::kFragment, Need::kOneOf},
    {Place::kCap},
};
constexpr Row kFragmentRows[] = {{Place::kCap, kMaybe}, {Place::kFragment}};
constexpr Row kReportRows[] = {
    {Place::kRandI},
    {Place::kT},
    {Place::kIdI},
    {Place::kIdR},
    {Place::kKeyIds},
    {Place::kReport},
    {Place::kTicket, kMaybe},
    {Place::kPadding, kMaybe},
    {Place::kV},
};
constexpr Row kGroupRekeyRows[] = {
    {Place::kT},
    {Place::kKeyIds},
    {Place::kUpdate},
    {Place::kTreeUpdate, kMaybe},
    {Place::kKeyRoll, kMaybe},
    {Place::kKemac, kMaybe},
    {Place::kFilterMac, kMaybe},
    {Place::kMerklePath},
    {Place::kSign},
};

constexpr std::span<const Row> kForms[kFormCount] = {
    kCapRows,        kPskRespRows, kRsaRespRows,  kDhRespRows,    kEarlyDhRespRows,
    kDhhmacRespRows, kVFinRows,    kDhFinRows,    kDhhmacFinRows, kKeysRows,
    kErrorRows,      kRetryRows,   kFragmentRows, kReportRows,    kGroupRekeyRows,
};

// Extensions that have a place of their own somewhere; all others may be skipped (MIKEYv2 §3.4).
bool HasPlace(ExtType type) {
  return type == ExtType::kSdpIds || type == ExtType::kKeyIds || type == ExtType::kCsbId ||
         (type >= ExtType::kTreeUpdate && type <= ExtType::kTicket);
}

// Extensions by their places.
struct ExtPlace {
  Place place;
  ExtType type;
  const ExtPayload* Parts::*part;
};
constexpr ExtPlace kExtPlaces[] = {
    {Place::kKeyIds, ExtType::kKeyIds, &Parts::key_ids},
    {Place::kSdpIds, ExtType::kSdpIds, &Parts::sdp_ids},
    {Place::kTreeUpdate, ExtType::kTreeUpdate, &Parts::tree_update},
    {Place::kFilterMac, ExtType::kFilterMac, &Parts::filter_mac},
    {Place::kKeyRoll, ExtType::kKeyRoll, &Parts::key_roll},
    {Place::kMerklePath, ExtType::kMerklePath, &Parts::merkle_path},
    {Place::kUpdate, ExtType::kUpdate, &Parts::update},
    {Place::kReport, ExtType::kReport, &Parts::report},
    {Place::kTicket, ExtType::kTicket, &Parts::ticket},
};

// Matcher walks a message and a form side by side.
class Matcher {
 public:
  explicit Matcher(std::span<const Payload> chain) : rest_(chain) {}

  Result<Parts> Match(std::span<const Row> rows) {
    for (size_t i = 0; i < rows.size(); ++i) {
      const bool taken = Take(rows[i]);
      if (error_) return Err(*error_);
      const bool begins = i == 0 || rows[i - 1].need != rows[i].need;
      const bool ends = i + 1 == rows.size() || rows[i + 1].need != rows[i].need;
      if (Status ok = Check(rows[i].need, taken, begins, ends); !ok) return Err(ok.error());
    }
    if (!rest_.empty()) return Err(Reason(Error::kPayloadUnexpected));
    return parts_;
  }

 private:
  Status Check(Need need, bool taken, bool begins, bool ends) {
    if (need == Need::kOne && !taken) return Err(Reason(Error::kPayloadMissing));
    if (need != Need::kMaybeOneOf && need != Need::kOneOf) return {};
    if (begins) chosen_ = 0;
    chosen_ += taken ? 1 : 0;
    if (chosen_ > 1) return Err(Error::kPayloadUnexpected);
    if (ends && need == Need::kOneOf && chosen_ == 0) return Err(Reason(Error::kPayloadMissing));
    return {};
  }

  // An opaque payload where the form has another one, or none, keeps the reason why it is opaque.
  Error Reason(Error otherwise) const {
    const auto* opaque = rest_.empty() ? nullptr : std::get_if<OpaquePayload>(&rest_.front());
    return opaque != nullptr ? opaque->reason : otherwise;
  }

  template <class P>
  const P* Next() const {
    return rest_.empty() ? nullptr : std::get_if<P>(&rest_.front());
  }
  bool Step() {
    rest_ = rest_.subspan(1);
    return true;
  }
  // One takes the next payload if it is a P that `fits`.
  template <class P, class Fits>
  bool One(const P* Parts::*part, Fits fits) {
    const P* next = Next<P>();
    if (next == nullptr || !fits(*next)) return false;
    parts_.*part = next;
    return Step();
  }
  template <class P>
  bool One(const P* Parts::*part) {
    return One(part, [](const P&) { return true; });
  }
  bool Ext(const ExtPayload* Parts::*part, ExtType type) {
    return One(part, [type](const ExtPayload& ext) { return ext.ext_type == type; });
  }
  // Run takes all payloads of a type that stand here.
  template <class P, class Fits>
  std::span<const Payload> Run(Fits fits) {
    size_t count = 0;
    while (count < rest_.size()) {
      const P* next = std::get_if<P>(&rest_[count]);
      if (next == nullptr || !fits(*next)) break;
      ++count;
    }
    const auto run = rest_.first(count);
    rest_ = rest_.subspan(count);
    return run;
  }

  bool Take(const Row& row) {
    switch (row.place) {
      case Place::kRandI:
        return TakeRand(&Parts::rand_i, RandRole::kInitiator);
      case Place::kRandR:
        return TakeRand(&Parts::rand_r, RandRole::kResponder);
      case Place::kCap:
        return One(&Parts::cap);
      case Place::kIdI:
        return TakeId(&Parts::id_i, IdRole::kInitiator);
      case Place::kIdR:
        return TakeId(&Parts::id_r, IdRole::kResponder);
      case Place::kCertificates:
        parts_.certificates = Run<CertPayload>([](const auto&) { return true; });
        if (parts_.certificates.size() > kMaxCertificates) error_ = Error::kTooManyPayloads;
        return !parts_.certificates.empty();
      case Place::kChash:
        return One(&Parts::chash, [](const auto& p) { return p.hash_func == HashFunc::kSha256; });
      case Place::kPolicies:
        parts_.policies =
            Run<SpPayload>([](const auto& p) { return p.prot_type == ProtType::kSrtp; });
        return true;
      case Place::kUnknown:
        Run<ExtPayload>([](const ExtPayload& ext) { return !HasPlace(ext.ext_type); });
        return true;
      default:
        return TakeRare(row.place);
    }
  }

  bool TakeRare(Place place) {
    switch (place) {
      case Place::kDh:
        return One(&Parts::dh, [](const DhPayload& dh) {
          return dh.reserved == 0 && dh.kv.type == KvType::kNull;
        });
      case Place::kPke:
        return One(&Parts::pke, [](const auto& pke) { return pke.cache == Cache::kNone; });
      case Place::kKemac:
        return One(&Parts::kemac);
      case Place::kPadding:
        return Next<PaddingPayload>() != nullptr && Step();
      case Place::kV:
        return One(&Parts::v);
      case Place::kSign:
        return One(&Parts::sign);
      case Place::kT:
        return One(&Parts::t, [](const TPayload& t) { return t.ts_type == TsType::kCounter; });
      case Place::kErr:
        return One(&Parts::err, [](const ErrPayload& err) { return err.reserved == 0; });
      case Place::kFragment:
        return One(&Parts::fragment);
      default:
        return TakeExtension(place);
    }
  }

  bool TakeExtension(Place place) {
    for (const ExtPlace& known : kExtPlaces) {
      if (known.place == place) return Ext(known.part, known.type);
    }
    return false;
  }

  bool TakeRand(const RandrPayload* Parts::*part, RandRole role) {
    return One(part, [role](const RandrPayload& rand) {
      return rand.role == role && rand.rand.size() >= kMinRand && rand.rand.size() <= kMaxRand;
    });
  }
  bool TakeId(const IdrPayload* Parts::*part, IdRole role) {
    return One(part, [role](const IdrPayload& id) { return id.role == role && !id.data.empty(); });
  }

  std::span<const Payload> rest_;
  Parts parts_;
  size_t chosen_ = 0;
  std::optional<Error> error_;
};

// MIKEYv2 §3.4: the CAP payload of RETRY has `cookie`, and may have `fresh`; of a FRAGMENT `cookie`
// alone, of KEYS `fresh` alone.
Status CheckTold(Form form, const Parts& parts) {
  if (parts.cap == nullptr) return {};
  const Result<Capabilities> told = ReadCapabilities(*parts.cap);
  if (!told) return Err(told.error());
  const auto size_of = [](ByteView value) { return value.empty() ? 0 : kTlvHead + value.size(); };
  const bool has_no_more = parts.cap->tlvs.size() == size_of(told->cookie) + size_of(told->fresh);
  const bool has_cookie = !told->cookie.empty() == (form != Form::kKeys);
  const bool has_fresh = form == Form::kRetry || told->fresh.empty() == (form != Form::kKeys);
  return has_no_more && has_cookie && has_fresh ? Status() : Err(Error::kMalformed);
}

// The rules that no order of payloads can express (MIKEYv2 §3.4).
Status CheckRest(Form form, const Parts& parts) {
  if (form == Form::kError) {
    const bool is_named = parts.id_r != nullptr || !parts.certificates.empty() || parts.chash;
    if (parts.v != nullptr && parts.sign != nullptr) return Err(Error::kPayloadUnexpected);
    const bool is_proved = parts.v != nullptr || parts.sign != nullptr;
    if (is_proved != (parts.rand_r != nullptr)) return Err(Error::kPayloadUnexpected);
    if (is_named != (parts.sign != nullptr)) return Err(Error::kPayloadUnexpected);
  }
  if (form == Form::kKeys && (parts.rand_i == nullptr) != (parts.t != nullptr)) {
    return Err(Error::kPayloadUnexpected);
  }
  if (form == Form::kDhhmacFin && !parts.kemac->encr_data.empty()) return Err(Error::kMalformed);
  const bool tells = form == Form::kKeys || form == Form::kRetry || form == Form::kFragment;
  return tells ? CheckTold(form, parts) : Status();
}

// MIKEYv2 §3.1: what stands before a choice, or has none, is under PRF 1.
bool IsBeforeChoice(DataType type) {
  return type == DataType::kCap || type == DataType::kRetry || type == DataType::kFragment ||
         type == DataType::kReport || type == DataType::kGroupRekey;
}

// MIKEYv2 §3.1: the map is there where keys of streams are.
Status CheckHeader(const Header& header) {
  const bool is_empty = header.map_type == CsIdMapType::kEmpty && header.cs_count == 0;
  const bool may_have_map = IsAnswer(header.data_type) || header.data_type == DataType::kKeys;
  const bool is_map = header.map_type == CsIdMapType::kGenericId && header.cs_count > 0;
  const bool is_prf = !IsBeforeChoice(header.data_type) || header.prf == PrfFunc::kHmacSha256;
  if (header.v_flag || !is_prf || !(is_empty || (may_have_map && is_map))) {
    return Err(Error::kMalformed);
  }
  return {};
}

}  // namespace

Status CheckOffer(const Capabilities& offer, const Parts& parts) {
  const auto offers = [&offer](std::initializer_list<Mode> modes) {
    return std::ranges::any_of(modes, [&offer](Mode mode) { return offer.Offers(mode); });
  };
  const bool has_dh = offers({Mode::kDh, Mode::kDhhmac, Mode::kEarlyDh, Mode::kEarlyDhhmac});
  const bool by_certificate = offers({Mode::kRsa, Mode::kDh, Mode::kEarlyDh});
  const bool by_key = offers({Mode::kPsk, Mode::kDhhmac, Mode::kEarlyDhhmac});
  const bool is_early = offers({Mode::kEarlyDh, Mode::kEarlyDhhmac});
  const bool is_join = parts.key_ids != nullptr;
  const bool shows_certificate = !parts.certificates.empty() || parts.chash != nullptr;
  const bool has_lists = !offer.modes.empty() && !offer.prf.empty() && !offer.encr.empty() &&
                         !offer.mac.empty() && !offer.profiles.empty();
  const bool resumes = !offer.ticket.empty() || !offer.ticket_id.empty();
  const bool belongs =
      has_lists && offer.groups.empty() != has_dh && offer.signatures.empty() != by_certificate &&
      (parts.dh != nullptr) == is_early && offer.streams.empty() == is_join &&
      (is_join || offer.features.empty()) && (!shows_certificate || by_certificate) &&
      (parts.sign != nullptr || !offers({Mode::kEarlyDh})) &&
      (parts.sign == nullptr || by_certificate) && (parts.v == nullptr || by_key) &&
      (!resumes || !by_certificate) && (offer.ticket.empty() || offer.ticket_id.empty());
  if (!belongs) return Err(Error::kMalformed);
  const bool is_first = !is_early || static_cast<uint8_t>(parts.dh->group) == offer.groups[0];
  return is_first ? Status() : Err(Error::kMalformed);
}

bool IsAnswer(DataType type) {
  return type == DataType::kPskResp || type == DataType::kRsaResp || type == DataType::kDhRespV2 ||
         type == DataType::kDhhmacRespV2;
}

bool IsFinish(DataType type) {
  return type == DataType::kPskFin || type == DataType::kRsaFin || type == DataType::kDhFin ||
         type == DataType::kDhhmacFin;
}

DataType AnswerType(Mode mode) {
  switch (mode) {
    case Mode::kPsk:
      return DataType::kPskResp;
    case Mode::kRsa:
      return DataType::kRsaResp;
    case Mode::kDh:
    case Mode::kEarlyDh:
      return DataType::kDhRespV2;
    case Mode::kDhhmac:
    case Mode::kEarlyDhhmac:
      break;
  }
  return DataType::kDhhmacRespV2;
}

DataType FinishType(Mode mode) {
  return static_cast<DataType>(static_cast<uint8_t>(AnswerType(mode)) + 1);  // §3.1: its neighbour
}

Form AnswerForm(Mode mode) {
  switch (mode) {
    case Mode::kPsk:
      return Form::kPskResp;
    case Mode::kRsa:
      return Form::kRsaResp;
    case Mode::kDh:
      return Form::kDhResp;
    case Mode::kEarlyDh:
      return Form::kEarlyDhResp;
    case Mode::kDhhmac:
    case Mode::kEarlyDhhmac:
      break;
  }
  return Form::kDhhmacResp;
}

Form FinishForm(Mode mode) {
  if (mode == Mode::kDh) return Form::kDhFin;
  return mode == Mode::kDhhmac ? Form::kDhhmacFin : Form::kVFin;
}

bool IsFormOf(Form form, DataType type) {
  switch (form) {
    case Form::kCap:
      return type == DataType::kCap;
    case Form::kPskResp:
      return type == DataType::kPskResp;
    case Form::kRsaResp:
      return type == DataType::kRsaResp;
    case Form::kDhResp:
    case Form::kEarlyDhResp:
      return type == DataType::kDhRespV2;
    case Form::kDhhmacResp:
      return type == DataType::kDhhmacRespV2;
    case Form::kVFin:
      return IsFinish(type);
    case Form::kDhFin:
      return type == DataType::kDhFin;
    case Form::kDhhmacFin:
      return type == DataType::kDhhmacFin;
    case Form::kKeys:
      return type == DataType::kKeys;
    case Form::kError:
      return type == DataType::kError;
    case Form::kRetry:
      return type == DataType::kRetry;
    case Form::kFragment:
      return type == DataType::kFragment;
    case Form::kReport:
      return type == DataType::kReport;
    case Form::kGroupRekey:
      return type == DataType::kGroupRekey;
  }
  return false;
}

Result<Parts> ReadParts(const Message& message, Form form) {
  const Header& header = message.header;
  if (header.version != kVersion2) return Err(Error::kUnknownVersion);
  if (!IsFormOf(form, header.data_type)) return Err(Error::kUnknownDataType);
  if (Status checked = CheckHeader(header); !checked) return Err(checked.error());
  Result<Parts> parts = Matcher(message.chain()).Match(kForms[static_cast<size_t>(form)]);
  if (!parts) return parts;
  if (Status checked = CheckRest(form, *parts); !checked) return Err(checked.error());
  return parts;
}

}  // namespace keymast::mikey::v2
