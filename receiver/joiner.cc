// SPDX-License-Identifier: Apache-2.0
#include "receiver/joiner.h"

#include "base/cursor.h"

namespace keymast::receiver {
namespace {

using mikey::v2::Mode;
using mikey::v2::Offerer;
using mikey::v2::ReportKind;

constexpr uint32_t kMskMessages = 1U << 5;  // feature 5 (MIKEYv2 §10)
// As between two sendings (MIKEYv2 §2): a join that was lost, not refused, has a second try within
// half a minute.
constexpr Duration kFirstPause = std::chrono::milliseconds(500);
constexpr size_t kMadeAhead = 1;         // values of a group
constexpr unsigned kMostDoublings = 3;   // of pauses
constexpr unsigned kMostUnanswered = 2;  // REPORTs, before another join
constexpr unsigned kMostRepairs = 3;     // doublings; the schedule adds one at most: 16 fold (§10)

constexpr std::array<std::pair<std::string_view, Mode>, 6> kModes = {
    {{"early-dh", Mode::kEarlyDh},
     {"early-dhhmac", Mode::kEarlyDhhmac},
     {"dh", Mode::kDh},
     {"dhhmac", Mode::kDhhmac},
     {"rsa", Mode::kRsa},
     {"psk", Mode::kPsk}}};

}  // namespace

Result<FixedList<uint8_t, 6>> ParseJoinModes(std::string_view text) {
  FixedList<uint8_t, 6> modes;
  if (text == "all") {
    for (const auto& [name, mode] : kModes) modes.Add(static_cast<uint8_t>(mode));
    return modes;
  }
  while (true) {
    const std::string_view name = text.substr(0, text.find(','));
    const auto* known = std::find_if(kModes.begin(), kModes.end(),
                                     [&](const auto& mode) { return mode.first == name; });
    const bool is_new = known != kModes.end() &&
                        !mikey::v2::Contains(modes.view(), static_cast<uint8_t>(known->second));
    if (!is_new) return Err(Error::kInvalidArgument);
    modes.Add(static_cast<uint8_t>(known->second));
    if (name.size() == text.size()) return modes;
    text.remove_prefix(name.size() + 1);
  }
}

FixedList<uint8_t, 6> ResumedModes() {
  FixedList<uint8_t, 6> modes;
  for (const auto& [name, mode] : kModes) {
    if (mikey::v2::IsPskType(mode)) modes.Add(static_cast<uint8_t>(mode));
  }
  return modes;
}

mikey::v2::Policy JoinPolicy(const FixedList<uint8_t, 6>& modes, const mikey::Profile3gpp& profile,
                             bool takes_msk_messages) {
  mikey::v2::Policy policy = mikey::v2::Policy::OfGroup(profile);
  policy.modes = modes;
  policy.features = kReportFeature | mikey::v2::kTicketFeature | kSignedMtkFeature;
  if (takes_msk_messages) policy.features |= kMskMessages;
  // A CAP with certificates may be longer than a datagram.
  const bool is_signed = std::ranges::any_of(
      modes, [](uint8_t mode) { return mikey::v2::IsSigned(static_cast<Mode>(mode)); });
  if (is_signed) policy.fragments = mikey::v2::kMaxFragments;
  return policy;
}

Joiner::Joiner(const crypto::Suite& suite, JoinSetup setup, Party party, Kept kept)
    : suite_(suite),
      setup_(std::move(setup)),
      party_(std::move(party)),
      policy_(setup_.policy),
      offerer_(NewOfferer()),
      last_(offerer_.get()),
      reporter_(suite, party_.self, setup_.uri, kept.ts, kept.t_keeper),
      ticket_keeper_(kept.ticket_keeper),
      ticket_(std::move(kept.ticket)) {
  if (party_.user_key.empty()) return;
  // MIKEYv2 §4.4: R of a member with PSK follows from that.
  const mikey::Identity group{mikey::IdType::kUri, AsBytes(setup_.uri)};
  const crypto::Key32 psk_v2 =
      mikey::v2::PskV2(suite, party_.user_key.view(), party_.self.view(), group);
  reporter_.SetKey(mikey::v2::ReportKey(suite, psk_v2.view()), {});
}

std::unique_ptr<Offerer> Joiner::NewOfferer() {
  auto offerer = std::make_unique<Offerer>(suite_, policy_, setup_.credentials.get());
  if (suite_.pk != nullptr && !pool_) pool_.emplace(*suite_.pk, kMadeAhead);
  if (pool_) offerer->use_pool(&*pool_);
  return offerer;
}

// PolicyWith is of a join that shows a ticket, or shows none.
mikey::v2::Policy Joiner::PolicyWith(bool ticket) const {
  mikey::v2::Policy policy = setup_.policy;
  // MIKEYv2 §3.3: a ticket is shown in modes by pre-shared key alone, whatever others are joined
  // by.
  if (ticket) policy.modes = ResumedModes();
  return policy;
}

bool Joiner::MakeAhead(crypto::Rng& rng) {
  return HasRoomAhead() && pool_->MakeAny(PolicyWith(ticket_.has_value()), rng);
}

bool Joiner::HasRoomAhead() const {
  return pool_ && !is_leaving_ && pool_->HasRoom(PolicyWith(ticket_.has_value()));
}

Instant Joiner::deadline() const {
  const Instant beside = other_ == nullptr ? kNever : other_->deadline();
  const Instant joins = std::min({open_at_, offerer_->deadline(), beside});
  if (schedule_.is_gone()) return kNever;
  // A leave waits for nothing, all else for the join under way.
  const bool waits = IsBusy() && !is_leaving_;
  return waits ? joins : std::min({joins, schedule_.deadline(), acknowledge_at_});
}

// Part is a random part of `most`.
Duration Joiner::Part(Duration most, crypto::Rng& rng) const {
  std::array<uint8_t, 2> random{};
  rng.Fill(random);
  return most * Reader(random).U16() / 0x10000;
}

Joiner::Outcome Joiner::Tick(Instant now, crypto::Rng& rng, MutableBytes out) {
  if (now < deadline()) return {};
  if (now >= open_at_) return Open(now, rng, out);
  if (IsDue(now) && (is_leaving_ || !IsBusy())) return ReportDue(now, rng, out);
  if (other_ != nullptr && other_->deadline() <= now) {
    last_ = other_.get();
    const size_t send = other_->Tick(now, rng, out).send;
    if (other_->state() != Offerer::State::kFailed) return {{}, send};
    other_.reset();  // the first goes on alone
    last_ = offerer_.get();
    return {};
  }
  last_ = offerer_.get();
  const bool was_answered = offerer_->state() == Offerer::State::kAnswered;
  const Outcome outcome = After(offerer_->Tick(now, rng, out), now, rng);
  if (was_answered && offerer_->state() == Offerer::State::kDone) AskUnconfirmed(now, rng);
  return outcome;
}

// TakeTicket takes the one that is held out of all memory before it is shown: it opens one
// exchange. One that cannot be taken out of the file is not shown.
std::optional<mikey::v2::Resumption> Joiner::TakeTicket(Instant now) {
  std::optional<mikey::v2::Resumption> ticket = std::exchange(ticket_, std::nullopt);
  if (!ticket || !ticket_keeper_.KeepTicket(nullptr)) return std::nullopt;
  const mikey::Identity group{mikey::IdType::kUri, AsBytes(setup_.uri)};
  const bool is_good = mikey::v2::IsFor(*ticket, party_.self.view(), group, false, now);
  return is_good ? std::move(ticket) : std::nullopt;
}

mikey::v2::Wish Joiner::WishOf(mikey::v2::Shown shown) const {
  mikey::v2::Wish wish;
  wish.self = party_.self.view();
  wish.peer = {mikey::IdType::kUri, AsBytes(setup_.uri)};
  wish.psk = party_.user_key.view();
  wish.join = party_.group;
  wish.fresh = fresh_.view();
  wish.takes_fragments = policy_.fragments != 0;
  wish.shown = shown;
  return wish;
}

Joiner::Outcome Joiner::Open(Instant now, crypto::Rng& rng, MutableBytes out) {
  open_at_ = kNever;
  is_new_ = true;
  has_ticket_ = false;
  schedule_.Cured();  // by this join
  is_beyond_packets_ = false;
  other_.reset();
  if (next_credentials_ != nullptr) {
    offerer_.reset();  // it borrows those before
    setup_.credentials = std::exchange(next_credentials_, nullptr);
    offerer_ = NewOfferer();
  }
  last_ = offerer_.get();
  const std::optional<mikey::v2::Resumption> ticket = TakeTicket(now);
  by_ticket_ = ticket.has_value();
  is_by_hash_ = setup_.by_hash && !by_ticket_;
  policy_ = PolicyWith(by_ticket_);
  mikey::v2::Wish wish =
      WishOf(is_by_hash_ ? mikey::v2::Shown::kHash : mikey::v2::Shown::kCertificates);
  wish.resume = ticket ? &*ticket : nullptr;
  const Result<size_t> size = offerer_->Open(wish, now, rng, out);
  if (size) return {{}, *size};
  open_at_ = now + kFirstPause;
  return {Err(size.error())};
}

// IsHinted: the server says that it does not have our certificate. Nothing proves that, so that the
// exchange under way goes on.
bool Joiner::IsHinted() const {
  return is_by_hash_ && offerer_->state() == Offerer::State::kOffered && !is_leaving_ &&
         offerer_->peer_error() == mikey::ErrorNumber::kInvalidCert;
}

// MIKEYv2 §6 rule 4: once, and beside the first.
Joiner::Outcome Joiner::OpenBeside(Instant now, crypto::Rng& rng, MutableBytes out) {
  is_by_hash_ = false;
  setup_.by_hash = false;  // until the server has taken it
  other_ = NewOfferer();
  const auto size = other_->Open(WishOf(mikey::v2::Shown::kCertificates), now, rng, out);
  if (!size) other_.reset();
  last_ = size ? other_.get() : offerer_.get();
  return size ? Outcome{{}, *size} : Outcome{Err(size.error())};
}

// Step hands a datagram to whom it is for; the first good answer ends the other exchange, and
// nothing that comes before it does.
Offerer::Outcome Joiner::Step(ByteView datagram, Instant now, crypto::Rng& rng, MutableBytes out) {
  last_ = offerer_.get();
  Offerer::Outcome step = offerer_->Receive(datagram, now, rng, out);
  if (other_ == nullptr || offerer_->state() == Offerer::State::kFailed) return step;
  if (offerer_->state() == Offerer::State::kOffered) {
    const bool is_others = !step.status && step.send == 0;
    if (!is_others) return step;  // RETRY, or part of an answer
    last_ = other_.get();
    step = other_->Receive(datagram, now, rng, out);
    if (other_->state() == Offerer::State::kOffered) return step;
    offerer_ = std::move(other_);
  }
  other_.reset();
  return step;
}

Status Joiner::CheckSource(ByteView datagram, const Endpoint& from) const {
  const bool is_fragment = datagram.size() > 1 &&
                           static_cast<mikey::DataType>(datagram[1]) == mikey::DataType::kFragment;
  return is_fragment && from != setup_.server ? Err(Error::kWrongSource) : Status();
}

Joiner::Outcome Joiner::Receive(ByteView datagram, Instant now, crypto::Rng& rng,
                                MutableBytes out) {
  if (reporter_.IsForUs(datagram)) return TakeKeys(datagram, now);
  const Offerer::Outcome step = Step(datagram, now, rng, out);
  return IsHinted() ? OpenBeside(now, rng, out) : After(step, now, rng);
}

Joiner::Outcome Joiner::After(const Offerer::Outcome& step, Instant now, crypto::Rng& rng) {
  Outcome outcome{step.status, step.send};
  if (offerer_->state() == Offerer::State::kFailed && other_ != nullptr) {
    offerer_ = std::move(other_);  // which goes on
    last_ = offerer_.get();
    return outcome;
  }
  if (offerer_->state() == Offerer::State::kFailed && open_at_ == kNever && !is_leaving_) {
    // What a ticket did not bring a whole join may: at once.
    if (std::exchange(by_ticket_, false)) {
      open_at_ = now;
    } else {
      PauseAfterFailure(now, rng);
    }
    if (is_by_hash_) setup_.by_hash = false;  // a server that lacks ours may not say so
    outcome.has_failed = true;
    return outcome;
  }
  KeepTicketGiven();
  if (!is_new_) offerer_->Wipe();
  if (!offerer_->has_keys() || !is_new_) return outcome;
  is_new_ = false;
  const Status placed = reporter_.Joined(*offerer_);
  if (!placed) {
    outcome.status = placed;
    outcome.is_refused = true;
    if (!is_leaving_) OpenAgain(now, rng);
    return outcome;
  }
  is_joined_ = true;
  is_loose_ = false;
  failures_ = 0;
  takes_msk_messages_ = (offerer_->exchange().choice.features & kMskMessages) != 0;
  missed_.Cured();
  outcome.has_keys = true;
  return outcome;
}

void Joiner::UseCredentials(std::shared_ptr<const mikey::v2::Credentials> credentials,
                            Instant now) {
  const auto& before = next_credentials_ != nullptr ? next_credentials_ : setup_.credentials;
  const bool is_other_trust =
      before == nullptr || before->trust.Digest() != credentials->trust.Digest();
  next_credentials_ = std::move(credentials);
  if (is_other_trust && ticket_) {
    ticket_.reset();
    ticket_keeper_.KeepTicket(nullptr);
  }
  // Who has keys already, or shows a ticket, rests on no certificate any more.
  if (offerer_->state() != Offerer::State::kOffered || by_ticket_ || is_leaving_) return;
  offerer_->Abandon();
  other_.reset();
  last_ = offerer_.get();
  open_at_ = now;
}

// OpenAgain after keys that could not be taken: a full disk may have room by then.
void Joiner::OpenAgain(Instant now, crypto::Rng& rng) {
  offerer_->Abandon();
  PauseAfterFailure(now, rng);
}

void Joiner::PauseAfterFailure(Instant now, crypto::Rng& rng) {
  const Duration pause = kFirstPause * (1 << std::min(failures_++, kMostDoublings));
  open_at_ = now + pause + Part(pause, rng);
}

// KeepTicketGiven: R of a member without PSK follows from the newest ticket's secret, and is kept
// apart from it at once (MIKEYv2 §4.4).
void Joiner::KeepTicketGiven() {
  if (offerer_->state() != Offerer::State::kDone || std::exchange(has_ticket_, true)) return;
  if (!offerer_->fresh().empty()) {
    fresh_ = Octets<mikey::v2::kFreshSize>(offerer_->fresh());
  }
  // From now on the server may have our certificate.
  if (mikey::v2::IsSigned(offerer_->exchange().choice.mode)) setup_.by_hash = true;
  if (!offerer_->resumption()) return;
  ticket_ = offerer_->resumption();
  // It is of a controller's, which keeps none of it: all is in the ticket (MIKEYv2 §11).
  ticket_->is_sealed = true;
  if (!ticket_keeper_.KeepTicket(&*ticket_)) ticket_.reset();
  if (!party_.user_key.empty() || !ticket_) return;
  reporter_.SetKey(mikey::v2::ReportKey(suite_, ticket_->secret.view()), ticket_->ticket);
}

// --- between joins

const mikey::v2::Streams& Joiner::streams() const {
  return is_loose_ ? reporter_.streams() : offerer_->streams();
}

void Joiner::Wipe() {
  offerer_->Wipe();
  reporter_.Wipe();
}

const mikey::v2::Contents& Joiner::contents() const {
  return is_loose_ ? reporter_.contents() : offerer_->contents();
}

Joiner::Outcome Joiner::Report(ReportKind kind, Instant now, crypto::Rng& rng, MutableBytes out) {
  const Result<size_t> size = reporter_.Report(kind, now, rng, out);
  if (!size) return {Err(size.error())};
  Outcome outcome{{}, *size};
  outcome.reports = kind;
  return outcome;
}

// ReportDue: who has no R, or is not heard, opens a join (MIKEYv2 §10); likewise who cannot report,
// as when T cannot be kept.
Joiner::Outcome Joiner::ReportDue(Instant now, crypto::Rng& rng, MutableBytes out) {
  if (acknowledge_at_ <= now && !is_leaving_) {
    acknowledge_at_ = kNever;
    if (!reporter_.can_report()) return {};  // since the join that came between
    return Report(ReportKind::kAcknowledge, now, rng, out);
  }
  const auto kind = schedule_.Due(Window(), now, rng);
  if (!kind) return {};
  if (*kind == ReportKind::kLeave) return Report(*kind, now, rng, out);
  const bool is_heard = reporter_.can_report() && reporter_.unanswered() < kMostUnanswered;
  if (!is_heard) return Open(now, rng, out);
  const Outcome reported = Report(*kind, now, rng, out);
  return reported.status ? reported : Open(now, rng, out);
}

Joiner::Outcome Joiner::TakeKeys(ByteView datagram, Instant now) {
  const auto taken = reporter_.TakeKeys(datagram, now);
  if (!taken) return {Err(taken.error())};
  Outcome outcome;
  outcome.is_loose = true;
  if (taken->is_leave) {
    is_left_ = true;
    schedule_.Left();
    return outcome;
  }
  // Once what came is taken.
  if (taken->is_to_acknowledge) acknowledge_at_ = now;
  if (!taken->has_keys || is_leaving_) return outcome;
  is_loose_ = true;
  outcome.has_keys = true;
  is_beyond_packets_ = false;
  missed_.Cured();
  Cured();
  return outcome;
}

void Joiner::GroupRekey(ByteView datagram, Instant now, crypto::Rng& rng) {
  if (!reporter_.OnGroupRekey(datagram, now) || !is_joined_ || IsBusy() || is_leaving_) return;
  is_beyond_packets_ = true;
  Ask(now, rng);
}

// Window for what was asked for before, each time twice as long until a packet opens.
Duration Joiner::Window() const {
  return reporter_.window() * (1 << std::min(std::max(repairs_, 1U) - 1, kMostRepairs));
}

void Joiner::Ask(Instant now, crypto::Rng& rng) {
  if (schedule_.deadline() != kNever) return;
  ++repairs_;
  schedule_.Missing(Window(), now, rng);
}

// MIKEYv2 §7: it has the keys of a join whose finish nobody answered, of which A, if it ended in
// between, knows only that they were given.
void Joiner::AskUnconfirmed(Instant now, crypto::Rng& rng) {
  if (is_leaving_) return;
  is_beyond_packets_ = true;
  Ask(now, rng);
}

// MIKEYv2 §10: an unknown MSK for longer than the repair window.
void Joiner::Missing(KeyNumber msk, Instant now, crypto::Rng& rng) {
  if (!is_joined_ || IsBusy() || is_leaving_) return;
  if (missed_.Told(msk, now, reporter_.window())) Ask(now, rng);
}

void Joiner::Opened(KeyNumber msk, Instant now) {
  using Effect = mikey::v2::MissedMsk::Effect;
  const Effect effect = missed_.Opened(msk, now, reporter_.window());
  if (effect == Effect::kCures) repairs_ = 0;
  if (is_leaving_ || is_beyond_packets_) return;
  if (effect == Effect::kCures) Cured();
  if (effect != Effect::kDefers || schedule_.deadline() == kNever) return;
  schedule_.Cured();
  if (repairs_ > 0) --repairs_;  // that question was not asked
}

void Joiner::Holds(MskId newest, Instant now) {
  if (reporter_.Holds(newest, now) && missed_.is_told()) Opened(newest.number, now);
}

void Joiner::Cured() {
  schedule_.Cured();
  reporter_.Cured();
}

void Joiner::Uses(KeyNumber msk) {
  if (std::exchange(used_, msk) != msk) reporter_.RetireBelow(msk);
}

void Joiner::Leave(Instant now) {
  if (std::exchange(is_leaving_, true)) return;
  if (pool_) pool_->Wipe();
  open_at_ = kNever;
  if (IsBusy()) offerer_->Abandon();
  other_.reset();
  last_ = offerer_.get();
  schedule_.Leave(now);
  if (!is_joined_ || !reporter_.can_report()) schedule_.Left();
}

}  // namespace keymast::receiver
