// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/report.h"

#include "mikey/key_ids.h"
#include "mikey/v2/extension_io.h"
#include "mikey/v2/grammar.h"
#include "mikey/v2/zeros.h"

namespace keymast::mikey::v2 {
namespace {

static_assert(kReportSize <= kZeros.size());
constexpr size_t kMacSize = 32;
constexpr size_t kPaddingHead = 3;
constexpr size_t kVHead = 2;

// OfReport is the row of MIKEYv2 §4.4.
Protection OfReport(CsbId csb_id, ByteView r, ByteView rand) {
  Protection protection;
  protection.inkey = r;
  protection.csb_id = csb_id;
  protection.type = DataType::kReport;
  protection.rand_i = rand;
  return protection;
}

void AddParts(const Report& report, ByteView rand, ChainWriter& chain) {
  chain.Add(RandrPayload{RandRole::kInitiator, rand});
  std::array<uint8_t, 4> t{};
  Writer(t).U32(report.t);
  chain.Add(TPayload{TsType::kCounter, t});
  chain.Add(IdrPayload{IdRole::kInitiator, report.member.type, report.member.data});
  chain.Add(IdrPayload{IdRole::kResponder, report.group.type, report.group.data});
  std::array<uint8_t, kMaxKeyIds> ids{};
  Writer writer(ids);
  PutKeyIds(writer, {report.ids.domain, report.ids.msk, std::nullopt});
  chain.Add(ExtPayload{ExtType::kKeyIds, writer.written()});
  chain.Add(WrittenExtension(ExtType::kReport, report.body).payload());
  if (!report.ticket.empty()) chain.Add(ExtPayload{ExtType::kTicket, report.ticket});
}

// MIKEYv2 §3.4: PADDING makes it 411 octets.
void AddPadding(ChainWriter& chain) {
  const size_t size = chain.size() + kPaddingHead + kVHead + kMacSize;
  if (size <= kReportSize) chain.Add(PaddingPayload{Zeros(kReportSize - size)});
}

// Read is a REPORT as it is read: nothing of it is believed.
struct Read {
  Message message;
  Parts parts;
  Report report;

  Status From(ByteView datagram);

 private:
  Status TakeParts();
};

Status Read::From(ByteView datagram) {
  if (Status parsed = ParseMessage(datagram, message); !parsed) return parsed;
  const Result<Parts> found = ReadParts(message, Form::kReport);
  if (!found) return Err(found.error());
  parts = *found;
  const bool is_spoken =
      message.header.prf == PrfFunc::kHmacSha256 && parts.v->auth_alg == MacAlg::kHmacSha256_256;
  if (!is_spoken) return Err(Error::kUnsupportedAlgorithm);
  return TakeParts();
}

Status Read::TakeParts() {
  const Result<KeyIds> ids = FindKeyIds(message);
  if (!ids) return Err(ids.error());
  if (ids->mtk || !ReadExtension(*parts.report, report.body)) return Err(Error::kMalformed);
  report.csb_id = CsbId(message.header.csb_id);
  report.member = {parts.id_i->id_type, parts.id_i->data};
  report.group = {parts.id_r->id_type, parts.id_r->data};
  report.ids = *ids;
  report.t = Reader(parts.t->value).U32();
  report.rand = parts.rand_i->rand;
  if (parts.ticket == nullptr) return {};
  report.ticket = parts.ticket->data;
  const bool is_ticket = !report.ticket.empty() && report.ticket.size() <= kMaxTicket;
  return is_ticket ? Status() : Err(Error::kMalformed);
}

}  // namespace

Result<size_t> WriteReport(const crypto::Suite& suite, const Report& report, const crypto::Key32& r,
                           ByteView rand, MutableBytes out) {
  KEYMAST_CHECK(rand.size() == kRandOctets && !r.empty());
  if (report.member.empty() || report.group.empty()) return Err(Error::kInvalidArgument);
  Header header;
  header.version = kVersion2;
  header.data_type = DataType::kReport;
  header.prf = PrfFunc::kHmacSha256;  // MIKEYv2 §3.1
  header.csb_id = report.csb_id.value;
  ChainWriter chain(out.first(std::min(out.size(), kMaxOneDatagram)), header);
  AddParts(report, rand, chain);
  AddPadding(chain);
  chain.Add(VPayload{MacAlg::kHmacSha256_256, Zeros(kMacSize)});
  if (!chain.ok()) return Err(Error::kTooLong);
  ComputeMac(suite, OfReport(report.csb_id, r.view(), rand), chain.Head(kMacSize),
             chain.Tail(kMacSize));
  return chain.size();
}

ReportBinding BindReport(const crypto::Suite& suite, ByteView datagram, CsbId csb_id, ByteView rand,
                         const crypto::Key32& r) {
  return {csb_id, Octets<kMaxRand>(rand), HashOf(suite, datagram), r};
}

bool IsBehind(const ReportBody& told, ByteView tree_id, uint32_t epoch, MskId newest) {
  if (!Equal(told.tree_id, tree_id)) return true;
  if (told.epoch != epoch) return told.epoch < epoch;
  const MskId held = MskId::FromValue(told.msk);
  return held.group != newest.group || held.number < newest.number;
}

ReportTaker::ReportTaker(const crypto::Suite& suite, ReportDirectory& members, crypto::Rng& rng)
    : suite_(suite), members_(members), nobodys_key_(crypto::Key32::OfSize(32)) {
  rng.Fill(nobodys_key_.mutable_view());
}

Result<ReportTaker::Taken> ReportTaker::Receive(ByteView datagram) {
  Read read;
  if (Status form = read.From(datagram); !form) return Err(form.error());
  const Report& report = read.report;
  if (!members_.Serves(report)) return Err(Error::kUnknownChannel);
  const crypto::Key32* known = members_.ReportKeyOf(report);
  const crypto::Key32& r = known != nullptr ? *known : nobodys_key_;
  const ByteView rand = read.parts.rand_i->rand;
  const VPayload& v = *read.parts.v;
  const Status proved = CheckMac(suite_, OfReport(report.csb_id, r.view(), rand),
                                 HeadUpTo(datagram, v.ver_data), v.auth_alg, v.ver_data);
  if (!proved) return Err(proved.error());
  // Of the key that nobody has only a fuzz target finds a MAC good.
  if (known == nullptr) return Err(Error::kUnknownIdentity);
  if (report.t <= members_.LastT(report)) return Err(Error::kReplayed);
  if (!report.ticket.empty()) {
    if (Status serves = members_.CheckTicket(report); !serves) return Err(serves.error());
  }
  if (Status may = members_.CheckMember(report); !may) return Err(may.error());
  members_.Take(report);
  return Taken{report, BindReport(suite_, datagram, report.csb_id, rand, r)};
}

}  // namespace keymast::mikey::v2
