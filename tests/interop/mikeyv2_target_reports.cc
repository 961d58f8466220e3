// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/mikeyv2_target_reports.h"

namespace keymast::mikey::v2 {

// --- the member

Json ReporterRole::Begin(const Json& order, const Offerer& joined) {
  const Exchange& exchange = joined.exchange();
  const std::string uri(AsText(exchange.answerer.view().data));
  kept_ = {};
  receiver::TKeeper& keeper = *this;
  reporter_ = std::make_unique<receiver::Reporter>(crypto::DefaultSuite(), exchange.offerer, uri,
                                                   kept_, keeper);
  const Bytes r = Unhex(order.at("r"));
  reporter_->SetKey(crypto::Key32(ByteView(r)), {});
  return Told(reporter_->Joined(joined), 0);
}

Json ReporterRole::Ask(const Json& order) {
  Bytes out(kMaxOneDatagram);
  const auto kind = static_cast<ReportKind>(order.at("kind").get<int>());
  const Result<size_t> size = reporter_->Report(kind, NowOf(order), rng_, out);
  if (!size) return Told(Err(size.error()), 0);
  socket_.Send(ByteView(out).first(*size), order.at("to").get<uint16_t>());
  return Told({}, 1);
}

Json ReporterRole::Take(const Json& order) {
  uint16_t from = 0;
  const Bytes datagram = TakeDatagram(socket_, from);
  if (!reporter_->IsForUs(datagram)) return Told(Err(Error::kWrongCsb), 0);
  const auto taken = reporter_->TakeKeys(datagram, NowOf(order));
  return Told(taken ? Status() : Err(taken.error()), 0);
}

Json ReporterRole::Cure() {
  reporter_->Cured();
  return Told({}, 0);
}

Json ReporterRole::Told(const Status& status, size_t sent) const {
  return {{"status", NameOf(status)},
          {"sent", sent},
          {"keys_t", kept_.keys},
          {"taken", reporter_->counters().keys},
          {"key_id", reporter_->signer() ? reporter_->signer()->id : 0}};
}

// --- the controller

LabMembers::LabMembers(const GroupName& group, const Json& order)
    : group_(group), uri_(Unhex(order.at("uri"))) {
  for (const auto& [name, r] : order.at("members").items()) {
    keys_.emplace(name, crypto::Key32(ByteView(Unhex(r))));
  }
  for (const auto& [ticket, r] : order.at("tickets").items()) {
    tickets_.emplace(ticket, crypto::Key32(ByteView(Unhex(r))));
  }
  for (const Json& ticket : order.at("void")) void_.insert(ticket);
}

bool LabMembers::Serves(const Report& report) const {
  return report.group == Identity{IdType::kUri, uri_} && report.csb_id == group_.csb_id &&
         report.ids.domain == group_.domain && report.ids.msk.group == group_.key_group;
}

const crypto::Key32* LabMembers::ReportKeyOf(const Report& report) const {
  const auto& known = report.ticket.empty() ? keys_ : tickets_;
  const auto found = known.find(report.ticket.empty() ? NameOf(report) : ToHex(report.ticket));
  return found == known.end() ? nullptr : &found->second;
}

uint32_t LabMembers::LastT(const Report& report) const {
  const auto found = last_t_.find(NameOf(report));
  return found == last_t_.end() ? 0 : found->second;
}

Status LabMembers::CheckTicket(const Report& report) const {
  return void_.contains(ToHex(report.ticket)) ? Err(Error::kUnknownIdentity) : Status();
}

Status LabMembers::CheckMember(const Report& report) const {
  return left_.contains(NameOf(report)) ? Err(Error::kNotEntitled) : Status();
}

void LabMembers::Take(const Report& report) {
  last_t_[NameOf(report)] = report.t;
  if (report.body.kind == ReportKind::kLeave) left_.insert(NameOf(report));
}

Json ControllerRole::Begin(const Json& order) {
  group_ = GroupOf(order);
  members_ = std::make_unique<LabMembers>(group_, order);
  taker_ = std::make_unique<ReportTaker>(crypto::DefaultSuite(), *members_, rng_);
  return {{"status", "ok"}};
}

Json ControllerRole::Take(const Json&) {
  uint16_t from = 0;
  const Bytes datagram = TakeDatagram(socket_, from);
  const auto taken = taker_->Receive(datagram);
  if (!taken) return {{"status", ErrorName(taken.error())}, {"sent", 0}};
  std::array<uint8_t, kRandOctets> rand{};
  rng_.Fill(rand);
  Bytes out(kMaxOneDatagram);
  const KeysContent content{group_.encr, rand, Streams(), Contents(), {}};
  const auto size = WriteKeysToReport(crypto::DefaultSuite(), taken->binding, content, out);
  KEYMAST_CHECK(size.has_value());
  socket_.Send(ByteView(out).first(*size), from);
  return {{"status", "ok"}, {"sent", 1}};
}

}  // namespace keymast::mikey::v2
