// SPDX-License-Identifier: Apache-2.0
// What a member says and hears outside of exchanges (MIKEYv2 §10): REPORT, the KEYS to it, and KEYS
// that nobody asked for. A member with a pre-shared key has R always (§4.4). Not for pre-shared
// keys alone: there an exchange is opened at these moments.
#include "receiver/library/receiver.h"

namespace keymast::receiver::library {
namespace {

using mikey::v2::ReportKind;

constexpr std::array<uint64_t, 3> kLeaveWaits = {500, 1000, 2000};  // milliseconds
constexpr auto kAnswerTime = static_cast<uint64_t>(
    std::chrono::duration_cast<std::chrono::milliseconds>(mikey::v2::kAnswerTime).count());

CsbId CsbIdOf(ByteView datagram) { return CsbId(Reader(datagram.subspan(4)).U32()); }

}  // namespace

// MIKEYv2 §4.4: of a member without pre-shared key by the newest ticket.
crypto::Key32 Receiver::ReportKeyOf(const Followed& followed) const {
  if (!has_user_key()) {
    return mikey::v2::ReportKey(suite_, TicketOf(IndexOf(followed))->secret.view());
  }
  const crypto::Key32 psk =
      mikey::v2::PskV2(suite_, user_key_.view(), self_.view(), GroupOf(followed));
  return mikey::v2::ReportKey(suite_, psk.view());
}

// Report is false when there is something to send already.
bool Receiver::Report(Followed& followed, ReportKind kind, uint64_t now,
                      const mikey::v2::Digest* told_by) {
  if (send_size_ != 0) return false;
  const Standing& standing = followed.keys.standing;
  SavedGroup& saved = SavedOf(followed);
  mikey::v2::Report report;
  report.csb_id = followed.keys.name().csb_id;
  report.member = self_.view();
  report.group = GroupOf(followed);
  if (!has_user_key()) report.ticket = TicketOf(IndexOf(followed))->ticket;
  report.ids = {followed.keys.name().domain, followed.keys.newest(), {}};
  report.t = ++saved.report_t;  // durable before it leaves: Next has KEYMAST_PERSIST first
  must_persist_ = true;
  const uint64_t held = std::min<uint64_t>(now - followed.held_since, UINT32_MAX);
  report.body = {kind,
                 standing.tree_id,
                 standing.epoch,
                 standing.rekey_t,
                 followed.keys.newest().value(),
                 static_cast<uint32_t>(held)};
  std::array<uint8_t, mikey::v2::kRandOctets> rand{};
  rng_.Fill(rand);
  if (told_by != nullptr) rand = *told_by;  // MIKEYv2 §10
  const crypto::Key32 r = ReportKeyOf(followed);
  const Result<size_t> size = mikey::v2::WriteReport(suite_, report, r, rand, send_);
  KEYMAST_CHECK(size.has_value());  // identities are as long as fits
  send_size_ = *size;
  send_channel_ = IndexOf(followed);
  Awaited& awaited = *std::ranges::min_element(awaited_, {}, &Awaited::until);
  awaited.kind = kind;
  awaited.channel = send_channel_;
  awaited.until = now + kAnswerTime;
  awaited.rand = rand;
  const ByteView sent = ByteView(send_).first(*size);
  awaited.hash = mikey::v2::BindReport(suite_, sent, report.csb_id, rand, r).hash;
  return true;
}

// ReportMissing, at a random moment of a window each time twice as long.
void Receiver::ReportMissing(Followed& followed, uint64_t now) {
  if (!Report(followed, ReportKind::kMissing, now)) return;
  followed.missing_window *= 2;
  followed.missing_at = now + Draw(WindowOf(followed) * followed.missing_window);
}

// A leave is told four times at most; then the member takes itself as gone.
void Receiver::TickLeave(Followed& followed, uint64_t now) {
  const bool is_given_up = followed.leaves_told > kLeaveWaits.size() || !MayReport(followed);
  if (is_given_up) return EndLeave(followed, Error::kUnavailable);
  if (!Report(followed, ReportKind::kLeave, now)) return;
  const uint64_t wait = followed.leaves_told < kLeaveWaits.size()
                            ? kLeaveWaits[followed.leaves_told]
                            : kLeaveWaits.back();
  followed.leave_at = now + wait;
  ++followed.leaves_told;
}

// kInternal: there is nothing to complain of.
void Receiver::EndLeave(Followed& followed, Error reason) {
  followed.keys.Wipe();
  DropTickets(IndexOf(followed));
  DropAwaited(followed, true);
  followed = {};
  followed.has_left = true;
  followed.left = reason;
}

// IsLoose is true for KEYS with a group's CSB ID.
bool Receiver::IsLoose(ByteView datagram) const {
  if (datagram.size() < 8) return false;
  if (static_cast<mikey::DataType>(datagram[1]) != mikey::DataType::kKeys) return false;
  return std::ranges::any_of(channels_, [&](const Followed& followed) {
    return MayReport(followed) && followed.keys.name().csb_id == CsbIdOf(datagram);
  });
}

Status Receiver::ReceiveLoose(ByteView datagram, uint64_t now) {
  Status taken = Err(Error::kUnknownChannel);
  for (Followed& followed : channels_) {
    if (!MayReport(followed) || followed.keys.name().csb_id != CsbIdOf(datagram)) continue;
    taken = TakeLoose(followed, datagram, now);
    if (taken) break;
  }
  return taken;
}

// OpenLoose opens the answer to a REPORT, `answered`, or KEYS that nobody asked for, of kind 0.
Status Receiver::OpenLoose(Followed& followed, ByteView datagram, uint64_t now,
                           mikey::v2::TakenKeys& keys, Awaited& answered) {
  const mikey::v2::GroupName group = followed.keys.name();
  mikey::v2::ReportBinding binding;
  binding.csb_id = group.csb_id;
  binding.r = ReportKeyOf(followed);
  for (Awaited& awaited : awaited_) {
    if (awaited.channel != IndexOf(followed) || awaited.until <= now) continue;
    binding.rand = Octets<mikey::v2::kMaxRand>(awaited.rand);
    binding.hash = awaited.hash;
    const Status opened = OpenKeysToReport(suite_, datagram, binding, group, keys);
    if (opened) answered = std::exchange(awaited, {});
    if (opened || opened.error() != Error::kUnexpected) return opened;
  }
  return OpenUnaskedKeys(suite_, datagram, binding.r, SavedOf(followed).keys_t, group, keys);
}

Status Receiver::TakeLoose(Followed& followed, ByteView datagram, uint64_t now) {
  mikey::v2::TakenKeys keys;
  Awaited answered;
  if (Status opened = OpenLoose(followed, datagram, now, keys, answered); !opened) return opened;
  const bool is_unasked = answered.kind == ReportKind{};
  if (followed.leave_at != kNoTime) {
    if (is_unasked) return Err(Error::kUnexpected);
    EndLeave(followed, Error::kInternal);
    return {};
  }
  const mikey::v2::Contents& contents = keys.contents();
  const Asked asked = is_unasked ? Asked::kByNobody : Asked::kByReport;
  if (!contents.msks.empty()) {
    Status taken = followed.keys.TakeContents(contents, keys.streams(), asked, now);
    if (!taken) return taken;
    Cured(followed, now);
  } else if (!contents.keys.empty()) {
    Status taken = followed.keys.TakeMore(contents, asked);
    if (!taken) return taken;
  }
  if (contents.member) TakeStanding(followed, *contents.member);
  if (is_unasked) {
    SavedGroup& saved = SavedOf(followed);
    saved.keys_t = std::max(saved.keys_t, keys.t());
    must_persist_ = true;
  }
  const mikey::v2::Digest told_by = mikey::v2::HashOf(suite_, datagram);
  const bool is_due = is_unasked || !contents.msks.empty();  // MIKEYv2 §10
  if (is_due) Report(followed, ReportKind::kAcknowledge, now, &told_by);
  return {};
}

}  // namespace keymast::receiver::library
