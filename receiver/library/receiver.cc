// SPDX-License-Identifier: Apache-2.0
#include "receiver/library/receiver.h"

#include "receiver/library/reasons.h"

namespace keymast::receiver::library {
namespace {

using mikey::v2::Offerer;

Error FailureOf(const Offerer& offerer) {
  if (!offerer.peer_error()) return Error::kUnavailable;
  const bool is_unknown = *offerer.peer_error() == mikey::ErrorNumber::kInvalidCert;
  if (kHasCertificates && is_unknown) return Error::kCertificateUntrusted;
  // MIKEYv2 §2: without proof it is a hint, and anybody's.
  if (!offerer.has_proven_error()) return Error::kUnavailable;
  const bool is_entitlement = *offerer.peer_error() == mikey::ErrorNumber::kInvalidId;
  return is_entitlement ? Error::kNotEntitled : Error::kPolicyViolation;
}

}  // namespace

Receiver::Receiver(const keymast_crypto& crypto, const keymast_member& member)
    : pk_(crypto, kHasCertificates ? member.certificates : nullptr),
      rng_(crypto),
      suite_(SuiteOf(pk_)),
      credentials_(pk_),
      self_({static_cast<mikey::IdType>(member.id_type), ViewOf(member.identity)}),
      user_key_(ViewOf(member.user_key)) {
  SetJoinPolicy(policy_, crypto, member);
}

// Exchanges have instants of their own, since the first of them: the caller's clock begins
// anywhere.
Instant Receiver::InstantOf(uint64_t now) const {
  constexpr uint64_t kLatest = uint64_t{1} << 42;  // milliseconds: 139 years, and no overflow
  return Instant(std::chrono::milliseconds(std::min(std::max(now, began_) - began_, kLatest)));
}

// Rounded up: never before the instant.
uint64_t Receiver::MillisecondsOf(Instant instant) const {
  if (instant == kNever) return kNoTime;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(instant.time_since_epoch());
  return began_ + static_cast<uint64_t>(ms.count());
}

Receiver::~Receiver() {
  for (Followed& followed : channels_) followed.keys.Wipe();
}

// COUNTERs of MSK messages are those of a user key: with another one they begin anew.
Status Receiver::Restore(ByteView saved) {
  Status read = ReadSaved(suite_, saved, saved_);
  const Name name = has_user_key() ? NameOfKey(suite_, user_key_.view()) : Name{};
  if (saved_.user_key != name) saved_.senders.clear();
  saved_.user_key = name;
  return read;
}

uint8_t Receiver::IndexOf(const Followed& followed) const {
  return static_cast<uint8_t>(&followed - channels_.data());
}

uint64_t Receiver::Draw(uint64_t below) {
  std::array<uint8_t, 8> octets{};
  rng_.Fill(octets);
  return below == 0 ? 0 : Reader(octets).U64() % below;
}

// Begin lets go of what was told before.
void Receiver::Begin() {
  for (Followed& followed : channels_) followed.keys.ForgetTold();
}

void Receiver::Join(uint8_t channel, const keymast_group& group, uint64_t now) {
  Begin();
  Followed& followed = channels_[channel];
  if (asking_ == channel) {
    asking_ = kNobody;
    offerer_.reset();
  }
  followed.keys.Follow(group);
  followed.takes_msk_messages = followed.takes_msk_messages && followed.keys.HoldsAny();
  followed.wants_keys = !followed.keys.is_by_3gpp();
  followed.leave_at = kNoTime;
  DropAwaited(followed, true);
  Cured(followed, now);
  AskNext(now);
}

void Receiver::Leave(uint8_t channel, uint64_t now) {
  Begin();
  if (asking_ == channel) {
    asking_ = kNobody;
    offerer_.reset();
  }
  Followed& followed = channels_[channel];
  if (MayReport(followed)) {
    if (has_user_key()) DropTickets(channel);
    followed.keys.LetGo();
    followed.wants_keys = false;
    followed.missing_at = kNoTime;
    DropAwaited(followed, true);
    followed.leave_at = now;
    followed.leaves_told = 0;
    TickLeave(followed, now);
  } else {
    followed.keys.Wipe();
    DropTickets(channel);
    followed = {};
  }
  AskNext(now);
}

// AskNext opens the exchange of the channel that waits, when there is room for its CAP.
void Receiver::AskNext(uint64_t now) {
  if (asking_ != kNobody || send_size_ != 0) return;
  for (Followed& followed : channels_) {
    if (followed.wants_keys) return Ask(IndexOf(followed), now);
  }
}

void Receiver::Ask(uint8_t index, uint64_t now) {
  Followed& followed = channels_[index];
  followed.wants_keys = false;
  if (began_ == kNoTime) began_ = now;
  if constexpr (!kPskOnly) SetFeatures(followed.keys);
  offerer_.emplace(suite_, policy_, credentials_.get());
  mikey::v2::Wish wish;
  wish.self = self_.view();
  wish.peer = {mikey::IdType::kUri, followed.keys.uri()};
  wish.psk = user_key_.view();
  wish.join = followed.keys.scope();
  wish.shown = credentials_.shown();
  wish.fresh = followed.fresh.view();
  const mikey::v2::Resumption* ticket = TicketOf(index);
  is_resuming_ = ticket != nullptr && IsFor(*ticket, wish.self, wish.peer, false, InstantOf(now));
  if (is_resuming_) wish.resume = ticket;
  const Result<size_t> size = offerer_->Open(wish, InstantOf(now), rng_, send_);
  if (is_resuming_) DropTickets(index);  // it opens one exchange (MIKEYv2 §11)
  if (!size) return Fail(index, size.error());
  asking_ = index;
  if constexpr (!kPskOnly) followed.keys.AsksToJoin();
  has_taken_ = false;
  send_size_ = *size;
  send_channel_ = index;
}

// An exchange that a ticket opened may fail for the ticket: then one without it is opened (MIKEYv2
// §11).
void Receiver::Fail(uint8_t index, Error error) {
  if (asking_ == index && std::exchange(is_resuming_, false) && error != Error::kNotEntitled) {
    channels_[index].wants_keys = true;
    asking_ = kNobody;
    offerer_.reset();
    return;
  }
  channels_[index].has_failed = true;
  channels_[index].failure = error;
  if (asking_ != index) return;
  asking_ = kNobody;
  offerer_.reset();
}

Status Receiver::Receive(ByteView datagram, uint64_t now) {
  Begin();
  if (datagram.empty()) return Err(Error::kTruncated);
  const bool is_version_1 = datagram[0] == mikey::kVersion1;
  const Status received =
      is_version_1 ? ReceiveVersion1(datagram, now) : ReceiveVersion2(datagram, now);
  AskNext(now);
  return received;
}

Status Receiver::ReceiveVersion1(ByteView datagram, uint64_t now) {
  const Result<mikey::Unverified> message = mikey::Inspect(datagram);
  if (!message) return Err(message.error());
  if (message->kind == mikey::MessageKind::kVerification) return Err(Error::kUnexpected);
  for (Followed& followed : channels_) {
    // A channel that is being left has nothing to take.
    if (!followed.keys.Is(message->ids) || followed.leave_at != kNoTime) continue;
    return message->kind == mikey::MessageKind::kMsk ? ReceiveMsk(followed, *message, now)
                                                     : ReceiveMtk(followed, *message, now);
  }
  return Err(Error::kUnknownChannel);
}

// The checks that cost nothing, in the order of TS 33.246 §6.4.6.1: identities, COUNTER.
Status Receiver::CheckMsk(const mikey::Unverified& message, const SavedSender* sender) const {
  // Key Number 0 names no key (TS 33.246 §6.3.2.1).
  if (message.ids.msk.number == KeyNumber(0)) return Err(Error::kMalformed);
  if (!Equal(message.idr, self_.data.view()) || message.idi.empty()) {
    return Err(Error::kUnknownIdentity);
  }
  if (sender == nullptr && saved_.senders.full()) return Err(Error::kUnknownIdentity);
  // Each MSK message, a repetition too, has a COUNTER above all before it (TS 33.246 §6.4.3).
  if (sender != nullptr && message.counter <= sender->counter) return Err(Error::kReplayed);
  return {};
}

Status Receiver::ReceiveMsk(Followed& followed, const mikey::Unverified& message, uint64_t now) {
  if (!has_user_key()) return Err(Error::kUnknownIdentity);
  // MIKEYv2 §2: there is no silent fall-back to version 1.
  const bool is_due = followed.keys.is_by_3gpp() || followed.takes_msk_messages;
  if (!is_due) return Err(Error::kUnexpected);
  const Name name = NameOf(suite_, message.idi);
  SavedSender* sender = saved_.FindSender(name);
  if (Status checked = CheckMsk(message, sender); !checked) return checked;
  mikey::Profile3gpp profile;
  profile.idr_type = self_.type;
  const auto opened = mikey::OpenMsk(suite_, profile, message, user_key_.view());
  if (!opened) return Err(opened.error());
  // What was taken under this MSK before a loss of power stays taken.
  const SavedMsk* known = SavedOf(followed).FindMsk(message.ids);
  std::optional<uint32_t> mtk_counter;
  if (known != nullptr) mtk_counter = known->mtk_counter;
  const uint16_t last = known != nullptr ? known->mtk.value : uint16_t{0};
  const MtkId floor(static_cast<uint16_t>(last == 0 ? 0 : last - 1));
  const bool had_any = followed.keys.HoldsAny();
  const bool had_keys = followed.keys.Holds(message.ids.msk);
  Status taken = followed.keys.TakeMsk(message, *opened, mtk_counter, floor);
  if (taken && message.wants_verification) taken = AnswerMsk(followed, message, *opened);
  if (!taken) return taken;
  if (sender == nullptr) sender = &saved_.senders.Add({name, 0});
  sender->counter = message.counter;
  must_persist_ = true;
  const bool is_first = !had_any && followed.keys.HoldsAny();
  followed.is_joined = followed.is_joined || is_first;
  if (!had_keys && followed.keys.Holds(message.ids.msk)) {
    followed.held_since = now;
    Opened(followed, message.ids.msk.number, now);  // of a tree it brings nothing
  }
  return {};
}

Status Receiver::AnswerMsk(Followed& followed, const mikey::Unverified& message,
                           const mikey::OpenedMsk& opened) {
  mikey::Profile3gpp profile;
  profile.idr_type = self_.type;
  const auto size = mikey::WriteVerification(
      suite_, profile, mikey::VerificationOf(message, opened), user_key_.view(), send_);
  if (!size) return Err(size.error());
  send_size_ = *size;
  send_channel_ = IndexOf(followed);
  return {};
}

Status Receiver::ReceiveMtk(Followed& followed, const mikey::Unverified& message, uint64_t now) {
  const Result<bool> taken = followed.keys.TakeMtk(pk_, suite_, message);
  if (!taken) {
    NoteMissing(followed, message.ids.msk, now);
    return Err(taken.error());
  }
  if (!*taken || !followed.keys.IsOf3gpp(message.ids.msk)) return {};
  SavedMsk& kept = SavedMskOf(followed, message.ids);
  kept.mtk = std::max(kept.mtk, *message.ids.mtk);
  kept.mtk_counter = message.counter;
  must_persist_ = true;
  return {};
}

// SavedMskOf an MSK that is held takes the place of one that is not, the older one first.
SavedMsk& Receiver::SavedMskOf(const Followed& followed, const mikey::KeyIds& ids) {
  SavedGroup& group = SavedOf(followed);
  if (SavedMsk* known = group.FindMsk(ids)) return *known;
  if (group.domain != ids.domain) group.msks = {};
  group.domain = ids.domain;
  auto& [first, second] = group.msks;
  const bool is_first_held = followed.keys.Holds(MskId::FromValue(first.id));
  const bool is_second_held = followed.keys.Holds(MskId::FromValue(second.id));
  const bool is_second_older = is_first_held == is_second_held && second.id < first.id;
  SavedMsk& place = is_second_older || (is_first_held && !is_second_held) ? second : first;
  place = {ids.msk.value(), 0, {}};
  return place;
}

// SavedOf a group takes the place of one that is not followed when all are taken.
SavedGroup& Receiver::SavedOf(const Followed& followed) {
  const Name name = NameOf(suite_, followed.keys.uri());
  if (SavedGroup* known = saved_.FindGroup(name)) return *known;
  SavedGroup fresh;
  fresh.name = name;
  if (!saved_.groups.full()) return saved_.groups.Add(fresh);
  const auto is_followed = [this](const SavedGroup& group) {
    return std::ranges::any_of(channels_, [&](const Followed& other) {
      return other.keys.is_followed() && NameOf(suite_, other.keys.uri()) == group.name;
    });
  };
  for (SavedGroup& group : saved_.groups.mutable_view()) {
    if (is_followed(group)) continue;
    group = fresh;
    return group;
  }
  KEYMAST_CHECK(false);  // there are as many places as channels, and this one has none
  return saved_.groups.mutable_view()[0];
}

// TicketOf a channel's group, which may be past.
const mikey::v2::Resumption* Receiver::TicketOf(uint8_t index) const {
  if constexpr (kPskOnly) return nullptr;
  const mikey::Identity group = GroupOf(channels_[index]);
  for (const Ticket& ticket : tickets_) {
    const bool is_of_group = ticket.resumption.answerer.view() == group;
    if (ticket.channel == index && is_of_group) return &ticket.resumption;
  }
  return nullptr;
}

// KeepTicket of the exchange that is done, in place of the channel's or of the first to end.
void Receiver::KeepTicket(uint8_t index) {
  if constexpr (kPskOnly) return;
  if (!offerer_->resumption()) return;
  Ticket* place = &tickets_[0];
  for (Ticket& ticket : tickets_) {
    const bool is_worse =
        ticket.channel == kNobody ||
        (place->channel != kNobody && ticket.resumption.expiry < place->resumption.expiry);
    if (is_worse) place = &ticket;
    if (ticket.channel != index) continue;
    place = &ticket;
    break;
  }
  place->channel = index;
  place->resumption = *offerer_->resumption();
}

void Receiver::DropTickets(uint8_t index) {
  if constexpr (kPskOnly) return;
  for (Ticket& ticket : tickets_) {
    if (ticket.channel == index) ticket = {};
  }
}

Status Receiver::ReceiveVersion2(ByteView datagram, uint64_t now) {
  if (!kPskOnly && IsLoose(datagram)) return ReceiveLoose(datagram, now);
  if (!kPskOnly && IsRekey(datagram)) return ReceiveRekey(datagram, now);
  if (!offerer_) return Err(Error::kUnexpected);
  const bool was_offered = offerer_->state() == Offerer::State::kOffered;
  const auto outcome = offerer_->Receive(datagram, InstantOf(now), rng_, send_);
  if (!outcome.status) return outcome.status;
  send_size_ = outcome.send;
  if (asking_ == kNobody) return {};  // a late repetition
  send_channel_ = asking_;
  Followed& followed = channels_[asking_];
  const bool is_new = was_offered || !has_taken_;
  if (is_new && offerer_->has_keys()) TakeKeys(followed, now);
  if (asking_ == kNobody) return {};
  if (offerer_->state() == Offerer::State::kFailed) Fail(asking_, FailureOf(*offerer_));
  if (offerer_ && offerer_->state() == Offerer::State::kDone) {
    KeepTicket(asking_);
    if (!offerer_->fresh().empty()) followed.fresh = mikey::v2::OwnersFresh(offerer_->fresh());
    offerer_->Wipe();
    asking_ = kNobody;
  }
  return {};
}

void Receiver::TakeKeys(Followed& followed, uint64_t now) {
  const mikey::v2::Contents& contents = offerer_->contents();
  const auto& choice = offerer_->exchange().choice;
  if (const Status taken = followed.keys.TakeJoin(contents, offerer_->streams(), choice, now);
      !taken) {
    send_size_ = 0;
    return Fail(asking_, taken.error());
  }
  has_taken_ = true;
  followed.is_joined = true;
  followed.takes_msk_messages = (choice.features & kMskMessages) != 0;
  Cured(followed, now);
  TakeStanding(followed, *contents.member);
}

void Receiver::Cured(Followed& followed, uint64_t now) {
  followed.is_proven = false;
  followed.missed.Cured();
  DropMissing(followed);
  followed.held_since = now;
}

void Receiver::DropMissing(Followed& followed) {
  followed.missing_at = kNoTime;
  followed.missing_window = 1;
  DropAwaited(followed, false);
}

// DropAwaited answers to REPORTs `missing`, or to all of a channel.
void Receiver::DropAwaited(const Followed& followed, bool all) {
  if constexpr (kPskOnly) return;
  for (Awaited& awaited : awaited_) {
    const bool is_dropped = all || awaited.kind == mikey::v2::ReportKind::kMissing;
    if (is_dropped && awaited.channel == IndexOf(followed)) awaited = {};
  }
}

// Opened: a packet or message proves an MSK good, and what nobody has proven may not be missing.
void Receiver::Opened(Followed& followed, KeyNumber msk, uint64_t now) {
  using Effect = mikey::v2::MissedMsk::Effect;
  const Effect effect = followed.missed.is_told()
                            ? followed.missed.Opened(msk, InstantOf(now), RepairWindow(followed))
                            : Effect::kCures;
  if (followed.is_proven) return;
  if (effect == Effect::kCures) DropMissing(followed);
  if (effect == Effect::kDefers) followed.missing_at = kNoTime;
}

void Receiver::TakeStanding(Followed& followed, const mikey::v2::MemberState& member) {
  // MIKEYv2 §10: it takes over every T that is stated and greater than its own.
  SavedGroup& group = SavedOf(followed);
  const bool is_greater = member.report_t > group.report_t || member.keys_t > group.keys_t;
  group.report_t = std::max(group.report_t, member.report_t);
  group.keys_t = std::max(group.keys_t, member.keys_t);
  must_persist_ = must_persist_ || is_greater;
}

bool Receiver::MayMiss(const Followed& followed) const {
  const bool asks = followed.wants_keys || asking_ == IndexOf(followed);
  return !followed.keys.is_by_3gpp() && !asks && followed.leave_at == kNoTime;
}

void Receiver::NoteMissing(Followed& followed, MskId msk, uint64_t now) {
  if (!followed.keys.Misses(msk) || !MayMiss(followed)) return;
  if (followed.missed.Told(msk.number, InstantOf(now), RepairWindow(followed))) {
    PlanToAsk(followed, now);
  }
}

// NoteProven: not by packets, so that none cures it.
void Receiver::NoteProven(Followed& followed, uint64_t now) {
  if (!MayMiss(followed)) return;
  followed.is_proven = true;
  PlanToAsk(followed, now);
}

// PlanToAsk for what is missing at a random moment of the group's window, each time of one twice as
// long (MIKEYv2 §10).
void Receiver::PlanToAsk(Followed& followed, uint64_t now) {
  if (followed.missing_at != kNoTime) return;
  followed.missing_at = now + Draw(WindowOf(followed) * followed.missing_window);
}

// AskForMissing by REPORT; who has none, or gets no answer to two, joins again (MIKEYv2 §10).
void Receiver::AskForMissing(Followed& followed, uint64_t now) {
  const bool has_reported = followed.missing_window >= kJoinWindows;
  if (MayReport(followed) && !has_reported) return ReportMissing(followed, now);
  followed.missing_window = std::min(2 * followed.missing_window, kMaxWindows);
  followed.missing_at = kNoTime;
  followed.wants_keys = true;
}

uint64_t Receiver::WindowOf(const Followed& followed) const {
  const uint32_t stated = followed.keys.standing.window_ms;
  return stated == 0 ? Channel::kDefaultWindow : stated;
}

mikey::Identity Receiver::GroupOf(const Followed& followed) const {
  return {mikey::IdType::kUri, followed.keys.uri()};
}

Status Receiver::Missing(uint8_t channel, ByteView mki, uint64_t now) {
  Begin();
  Followed& followed = channels_[channel];
  Reader reader(mki);
  const MskId msk = MskId::FromValue(reader.U32());
  reader.U16();
  if (!reader.Finish()) return Err(Error::kMalformed);
  if (!followed.keys.is_followed()) return Err(Error::kUnknownChannel);
  // An MTK of an MSK that is held comes by MTK messages alone.
  NoteMissing(followed, msk, now);
  return {};
}

Status Receiver::Used(uint8_t channel, ByteView mki, uint64_t now) {
  Status used = channels_[channel].keys.Used(mki, now);
  if (used) Opened(channels_[channel], MskId::FromValue(Reader(mki).U32()).number, now);
  return used;
}

uint64_t Receiver::deadline() const {
  uint64_t earliest =
      offerer_ && asking_ != kNobody ? MillisecondsOf(offerer_->deadline()) : kNoTime;
  for (const Followed& followed : channels_) {
    if (followed.wants_keys && asking_ == kNobody) return 0;
    earliest =
        std::min({earliest, followed.missing_at, followed.leave_at, followed.keys.deadline()});
  }
  return earliest;
}

void Receiver::Tick(uint64_t now) {
  Begin();
  for (Followed& followed : channels_) {
    followed.keys.Tick(now);
    if (!kPskOnly && followed.leave_at <= now) TickLeave(followed, now);
    if (followed.missing_at <= now) AskForMissing(followed, now);
  }
  // One datagram at a time: what is due beside it is so at the next tick.
  if (send_size_ == 0 && offerer_ && asking_ != kNobody) {
    const auto outcome = offerer_->Tick(InstantOf(now), rng_, send_);
    send_size_ = outcome.send;
    send_channel_ = asking_;
    if (!outcome.status) Fail(asking_, FailureOf(*offerer_));
    if (offerer_ && offerer_->state() == Offerer::State::kDone) {
      offerer_->Wipe();
      // MIKEYv2 §7: nobody answered the finish, and who gave the keys may not know of the join.
      NoteProven(channels_[std::exchange(asking_, kNobody)], now);
    }
  }
  AskNext(now);
}

bool Receiver::HasActions() const {
  const bool has_news = std::ranges::any_of(channels_, [](const Followed& followed) {
    return followed.keys.HasNews() || followed.is_joined || followed.has_failed ||
           followed.has_left;
  });
  return must_persist_ || send_size_ != 0 || has_news;
}

// MIKEYv2 §10: what must be durable is so before anything leaves.
bool Receiver::Next(keymast_action& action) {
  action = {};
  if (must_persist_) {
    must_persist_ = false;
    action.kind = KEYMAST_PERSIST;
    action.octets = OctetsOf(WriteSaved(suite_, saved_, saved_octets_));
    return true;
  }
  for (Followed& followed : channels_) {
    action.channel = IndexOf(followed);
    if (const Mki* mki = followed.keys.NextRetired()) {
      action.kind = KEYMAST_KEY_RETIRED;
      action.octets = OctetsOf(*mki);
      return true;
    }
    if (const keymast_key* key = followed.keys.NextInstalled()) {
      action.kind = KEYMAST_KEY_INSTALLED;
      action.key = key;
      return true;
    }
  }
  if (send_size_ != 0) {
    action.kind = KEYMAST_SEND;
    action.channel = send_channel_;
    action.octets = {send_.data(), std::exchange(send_size_, 0)};
    return true;
  }
  return NextState(action);
}

bool Receiver::NextState(keymast_action& action) {
  for (Followed& followed : channels_) {
    action.channel = IndexOf(followed);
    if (std::exchange(followed.is_joined, false)) {
      action.kind = KEYMAST_JOINED;
      return true;
    }
    if (std::exchange(followed.has_failed, false)) {
      action.kind = KEYMAST_FAILED;
      action.reason = ReasonOf(followed.failure);
      return true;
    }
    if (!kPskOnly && std::exchange(followed.has_left, false)) {
      action.kind = KEYMAST_LEFT;
      action.reason = followed.left == Error::kInternal ? KEYMAST_OK : ReasonOf(followed.left);
      return true;
    }
  }
  action = {};
  return false;
}

}  // namespace keymast::receiver::library
