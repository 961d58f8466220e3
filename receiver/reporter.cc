// SPDX-License-Identifier: Apache-2.0
#include "receiver/reporter.h"

#include "base/cursor.h"

namespace keymast::receiver {
namespace {

using mikey::v2::ReportKind;

constexpr uint32_t kTBlock = 16;  // T that are reserved at once

uint32_t Milliseconds(Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return static_cast<uint32_t>(std::clamp<int64_t>(count, 0, UINT32_MAX));
}

}  // namespace

Reporter::Reporter(const crypto::Suite& suite, const mikey::OwnedIdentity& self, std::string uri,
                   const MemberTs& ts, TKeeper& keeper)
    : suite_(suite), self_(self), uri_(std::move(uri)), keeper_(keeper), kept_(ts), t_(ts.report) {}

void Reporter::SetKey(const crypto::Key32& r, Bytes ticket) {
  const bool is_other = !key_.empty() && !Equal(key_.r.view(), r.view());
  if (is_other) key_before_ = std::exchange(key_, {});
  key_ = {r, std::move(ticket)};
}

const Reporter::Key& Reporter::KeyToUse() const {
  return unanswered_ % 2 == 1 && !key_before_.empty() ? key_before_ : key_;
}

void Reporter::Served(const crypto::Key32& r) {
  if (Equal(key_.r.view(), r.view())) key_before_ = {};
}

Status Reporter::Joined(const mikey::v2::Offerer& offerer) {
  const mikey::v2::Contents& contents = offerer.contents();
  if (!contents.csb_id || contents.msks.empty()) return Err(Error::kMalformed);
  const mikey::v2::Choice& choice = offerer.exchange().choice;
  mikey::v2::GroupName name;
  const ByteView domain = contents.msks[0].domain;  // of the join, as the Offerer has checked
  std::copy(domain.begin(), domain.end(), name.domain.octets.begin());
  name.key_group = MskId::FromValue(contents.msks[0].msk).group;
  name.csb_id = *contents.csb_id;
  name.encr = choice.encr;
  const bool is_same = group_ && group_->csb_id == name.csb_id && group_->encr == name.encr;
  mikey::v2::TreeKeys& trees = *this;
  if (!is_same) rekeys_.emplace(suite_, name, trees);
  if (Status placed = Place(contents, true, offerer.opened()); !placed) return placed;
  group_ = name;
  takes_reports_ = (choice.features & kReportFeature) != 0;
  needs_signer_ = (choice.features & kSignedMtkFeature) != 0;
  unanswered_ = 0;
  sent_ = {};
  return TakeTs(contents);
}

// MIKEYv2 §10: MSKs that came by the messages of 3GPP count as well, of which RekeyReader knows
// nothing.
Status Reporter::CheckNewest(const mikey::v2::Contents& contents) const {
  const bool is_here = rekeys_->is_installed() &&
                       Equal(contents.member->tree_id, rekeys_->tree_id()) &&
                       contents.member->epoch == rekeys_->epoch();
  if (!is_here || contents.msks.empty()) return {};
  const bool is_newer = std::ranges::any_of(contents.msks, [&](const mikey::v2::MskState& msk) {
    return MskId::FromValue(msk.msk).number >= newest_.number;
  });
  return is_newer ? Status() : Err(Error::kReplayed);
}

Status Reporter::Place(const mikey::v2::Contents& contents, bool asked, Instant asked_at) {
  if (Status checked = rekeys_->CheckInstall(contents, asked); !checked) return checked;
  if (Status checked = CheckNewest(contents); !checked) return checked;
  if (Status installed = rekeys_->Install(contents, asked, asked_at); !installed) return installed;
  if (!contents.msks.empty()) msks_.clear();
  for (const mikey::v2::MskState& msk : contents.msks) msks_.Add(MskId::FromValue(msk.msk));
  return {};
}

void Reporter::RetireBelow(KeyNumber number) {
  for (const MskId msk : msks_) {
    if (msk.number < number) rekeys_->Retire(msk);
  }
}

// MIKEYv2 §10: a member takes over every T that is stated and greater than its own.
Status Reporter::TakeTs(const mikey::v2::Contents& contents) {
  if (!contents.member) return {};
  t_ = std::max(t_, contents.member->report_t);
  const uint32_t keys = std::max(kept_.keys, contents.member->keys_t);
  if (keys == kept_.keys) return {};
  const MemberTs ts{kept_.report, keys};
  if (!keeper_.Keep(ts)) return Err(Error::kStoreClosed);
  kept_ = ts;
  return {};
}

bool Reporter::Holds(MskId newest, Instant now) {
  const bool is_other = std::exchange(newest_, newest) != newest;
  if (is_other) held_since_ = now;
  return is_other;
}

// T is reserved durably, in blocks, before it is used.
std::optional<uint32_t> Reporter::NextT() {
  if (t_ > UINT32_MAX - kTBlock) return std::nullopt;
  if (t_ + 1 > kept_.report) {
    const MemberTs ts{t_ + kTBlock, kept_.keys};
    if (!keeper_.Keep(ts)) return std::nullopt;
    kept_ = ts;
  }
  return ++t_;
}

Result<size_t> Reporter::Report(ReportKind kind, Instant now, crypto::Rng& rng, MutableBytes out) {
  KEYMAST_CHECK(can_report());
  const std::optional<uint32_t> t = NextT();
  if (!t) return Err(t_ > UINT32_MAX - kTBlock ? Error::kIdsExhausted : Error::kStoreClosed);
  mikey::v2::Report report;
  report.csb_id = group_->csb_id;
  report.member = self_.view();
  report.group = {mikey::IdType::kUri, AsBytes(uri_)};
  report.ids = {group_->domain, {group_->key_group, KeyNumber(0)}, std::nullopt};
  report.t = *t;
  report.body = {kind,         rekeys_->tree_id(), rekeys_->epoch(),
                 rekeys_->t(), newest_.value(),    Milliseconds(now - held_since_)};
  const Key& key = KeyToUse();
  report.ticket = key.ticket;
  std::array<uint8_t, mikey::v2::kRandOctets> rand{};
  rng.Fill(rand);
  if (kind == ReportKind::kAcknowledge && told_by_) rand = *std::exchange(told_by_, {});
  const Result<size_t> size = mikey::v2::WriteReport(suite_, report, key.r, rand, out);
  if (!size) return size;
  sent_[next_sent_] = {
      kind, mikey::v2::BindReport(suite_, ByteView(out).first(*size), group_->csb_id, rand, key.r),
      now + mikey::v2::kAnswerTime};
  next_sent_ = (next_sent_ + 1) % sent_.size();
  if (kind == ReportKind::kMissing) ++unanswered_;
  ++counters_.reports[static_cast<size_t>(kind)];
  return size;
}

std::optional<MtkSigner> Reporter::signer() const {
  if (!needs_signer_) return std::nullopt;
  const crypto::PublicKey* key = rekeys_ ? rekeys_->verification_public_key() : nullptr;
  return key == nullptr ? MtkSigner{} : MtkSigner{*rekeys_->verification_key(), key};
}

void Reporter::Cured() {
  for (Sent& sent : sent_) {
    if (sent.kind == ReportKind::kMissing) sent = {};
  }
}

bool Reporter::IsForUs(ByteView datagram) const {
  constexpr size_t kCsbAt = 4;  // RFC 3830 §6.1
  if (!group_ || datagram.size() < kCsbAt + 4) return false;
  const auto type = static_cast<mikey::DataType>(datagram[1]);
  return type == mikey::DataType::kKeys &&
         Reader(datagram.subspan(kCsbAt)).U32() == group_->csb_id.value;
}

// AnsweredBy is the REPORT of ours that KEYS answer, or null for `opened`.
Reporter::Sent* Reporter::AnsweredBy(ByteView datagram, Instant now, Status& opened) {
  opened = Err(Error::kUnexpected);
  for (Sent& sent : sent_) {
    if (sent.until <= now) continue;
    opened = OpenKeysToReport(suite_, datagram, sent.binding, *group_, taken_);
    if (opened) return &sent;
    if (opened.error() != Error::kUnexpected) return nullptr;
  }
  return nullptr;
}

Result<Reporter::Taken> Reporter::TakeKeys(ByteView datagram, Instant now) {
  KEYMAST_CHECK(group_.has_value());
  const auto refuse = [&](Error error) {
    ++counters_.discards[static_cast<size_t>(error)];
    return Err(error);
  };
  // MIKEYv2 §10: feature 6 was not chosen.
  if (!takes_reports_) return refuse(Error::kUnexpected);
  Status opened;
  Sent* answered = AnsweredBy(datagram, now, opened);
  const bool is_answer = answered != nullptr;
  const Key* under = nullptr;  // of KEYS that nobody asked for
  for (const Key* key : {&key_, &key_before_}) {
    if (opened || key->empty()) continue;
    const bool is_next = under == nullptr ? opened.error() == Error::kUnexpected
                                          : opened.error() == Error::kAuthenticationFailed;
    if (!is_next) continue;
    under = key;
    opened = OpenUnaskedKeys(suite_, datagram, key->r, kept_.keys, *group_, taken_);
  }
  if (!opened) return refuse(opened.error());
  KEYMAST_CHECK(is_answer || under != nullptr);
  const crypto::Key32 served = is_answer ? answered->binding.r : under->r;
  Taken taken;
  taken.is_leave = is_answer && answered->kind == ReportKind::kLeave;
  const bool is_missing = is_answer && !taken.is_leave;
  const Instant asked_at = is_answer ? answered->until - mikey::v2::kAnswerTime : Instant();
  if (!is_answer) {
    const MemberTs ts{kept_.report, taken_.t()};
    if (!keeper_.Keep(ts)) return refuse(Error::kStoreClosed);
    kept_ = ts;
  }
  if (is_answer) *answered = {};
  taken.has_keys = !taken_.contents().msks.empty();
  if (taken.has_keys) {
    if (Status placed = Place(taken_.contents(), is_missing, asked_at); !placed) {
      return refuse(placed.error());
    }
    if (Status kept = TakeTs(taken_.contents()); !kept) return refuse(kept.error());
    unanswered_ = 0;
  }
  // MIKEYv2 §10: who reports by a ticket is sent nothing that it did not ask for.
  taken.is_to_acknowledge = !is_answer || (taken.has_keys && key_.ticket.empty());
  if (taken.is_to_acknowledge) told_by_ = mikey::v2::HashOf(suite_, datagram);
  ++counters_.keys;
  Served(served);
  return taken;
}

bool Reporter::OnGroupRekey(ByteView datagram, Instant now) {
  if (!rekeys_ || !rekeys_->is_installed()) {
    ++counters_.discards[static_cast<size_t>(Error::kUnexpected)];
    return false;
  }
  const mikey::v2::RekeyReader::Outcome outcome = rekeys_->Receive(datagram, now);
  if (outcome.status) {
    ++counters_.rekeys;
  } else {
    ++counters_.discards[static_cast<size_t>(outcome.status.error())];
  }
  return outcome.WantsMissing();
}

}  // namespace keymast::receiver
