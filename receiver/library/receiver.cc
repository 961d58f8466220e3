// SPDX-License-Identifier: Apache-2.0
#include "receiver/library/receiver.h"

#include "receiver/library/reasons.h"

namespace keymast::receiver::library {
namespace {

using mikey::v2::Offerer;

constexpr uint32_t kMskMessages = 1u << 5;  // feature 5: MSKs by the messages of 3GPP (MIKEYv2 §10)
constexpr uint32_t kMaxWindows = 16;        // MIKEYv2 §10: up to 16 fold

Instant InstantOf(uint64_t ms) {
  constexpr uint64_t kLatest = uint64_t{1} << 42;  // milliseconds: 139 years, and no overflow
  return Instant(std::chrono::milliseconds(std::min(ms, kLatest)));
}

// Rounded up: never before the instant.
uint64_t MillisecondsOf(Instant instant) {
  if (instant == kNever) return kNoTime;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(instant.time_since_epoch());
  return static_cast<uint64_t>(ms.count());
}

template <size_t N>
void SetList(FixedList<uint8_t, N>& list, std::initializer_list<uint8_t> numbers) {
  list.clear();
  for (const uint8_t number : numbers) list.Add(number);
}

// MIKEYv2 §3.3: no SHA-1 where it is not asked for.
void SetPolicy(mikey::v2::Policy& policy, bool offers_sha1) {
  SetList(policy.modes, {static_cast<uint8_t>(mikey::v2::Mode::kPsk)});
  SetList(policy.prfs, {1});
  SetList(policy.encrs, {3, 1});
  SetList(policy.macs, {2});
  for (const int profile : {8, 7, 1, 2}) policy.profiles.Add(static_cast<uint16_t>(profile));
  policy.features = kMskMessages;
  if (!offers_sha1) return;
  policy.prfs.Add(0);
  policy.macs.Add(1);
}

Error FailureOf(const Offerer& offerer) {
  if (!offerer.peer_error()) return Error::kUnavailable;
  const bool is_entitlement = *offerer.peer_error() == mikey::ErrorNumber::kInvalidId;
  return is_entitlement ? Error::kNotEntitled : Error::kPolicyViolation;
}

}  // namespace

Receiver::Receiver(const keymast_crypto& crypto, const keymast_member& member)
    : rng_(crypto),
      suite_(SuiteOf(crypto)),
      self_({static_cast<mikey::IdType>(member.id_type), ViewOf(member.identity)}),
      user_key_(ViewOf(member.user_key)) {
  SetPolicy(policy_, member.offers_sha1 != 0);
}

Receiver::~Receiver() {
  for (Followed& followed : channels_) followed.keys.Wipe();
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
  followed.wants_keys = !followed.keys.is_by_3gpp();
  followed.missing_at = kNoTime;
  followed.missing_window = 1;
  AskNext(now);
}

void Receiver::Leave(uint8_t channel, uint64_t now) {
  Begin();
  if (asking_ == channel) {
    asking_ = kNobody;
    offerer_.reset();
  }
  channels_[channel].keys.Wipe();
  channels_[channel] = {};
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
  offerer_.emplace(suite_, policy_);
  mikey::v2::Wish wish;
  wish.self = self_.view();
  wish.peer = {mikey::IdType::kUri, followed.keys.uri()};
  wish.psk = user_key_.view();
  wish.join = followed.keys.scope();
  const Result<size_t> size = offerer_->Open(wish, InstantOf(now), rng_, send_);
  if (!size) return Fail(index, size.error());
  asking_ = index;
  has_taken_ = false;
  send_size_ = *size;
  send_channel_ = index;
}

void Receiver::Fail(uint8_t index, Error error) {
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
    if (!followed.keys.Is(message->ids)) continue;
    return message->kind == mikey::MessageKind::kMsk ? ReceiveMsk(followed, *message)
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

Status Receiver::ReceiveMsk(Followed& followed, const mikey::Unverified& message) {
  const Name name = NameOf(suite_, message.idi);
  SavedSender* sender = saved_.FindSender(name);
  if (Status checked = CheckMsk(message, sender); !checked) return checked;
  mikey::Profile3gpp profile;
  profile.idr_type = self_.type;
  const auto opened = mikey::OpenMsk(suite_, profile, message, user_key_.view());
  if (!opened) return Err(opened.error());
  // What was taken under this MSK before a loss of power stays taken.
  const SavedGroup& group = SavedOf(followed);
  const bool is_known = group.domain == message.ids.domain && group.msk == message.ids.msk;
  std::optional<uint32_t> mtk_counter;
  if (is_known) mtk_counter = group.mtk_counter;
  const uint16_t last = is_known ? group.mtk.value : uint16_t{0};
  const MtkId floor(static_cast<uint16_t>(last == 0 ? 0 : last - 1));
  const bool had_keys = followed.keys.Holds(message.ids.msk);
  Status taken = followed.keys.TakeMsk(message, *opened, mtk_counter, floor);
  if (taken && message.wants_verification) taken = AnswerMsk(followed, message, *opened);
  if (!taken) return taken;
  if (sender == nullptr) sender = &saved_.senders.Add({name, 0});
  sender->counter = message.counter;
  must_persist_ = true;
  followed.is_joined = followed.is_joined || !had_keys;
  return {};
}

// TS 33.246 §6.4.5.2: CSB ID, map and COUNTER of the message answered.
Status Receiver::AnswerMsk(Followed& followed, const mikey::Unverified& message,
                           const mikey::OpenedMsk& opened) {
  mikey::Profile3gpp profile;
  profile.idr_type = self_.type;
  const mikey::Verification verification{
      message.csb_id, message.counter, message.idi,
      message.idr,    message.rand,    std::span(opened.streams).first(opened.stream_count)};
  const auto size =
      mikey::WriteVerification(suite_, profile, verification, user_key_.view(), send_);
  if (!size) return Err(size.error());
  send_size_ = *size;
  send_channel_ = IndexOf(followed);
  return {};
}

Status Receiver::ReceiveMtk(Followed& followed, const mikey::Unverified& message, uint64_t now) {
  const Result<bool> taken = followed.keys.TakeMtk(suite_, message);
  if (!taken) {
    if (taken.error() == Error::kUnknownKey) NoteMissing(followed, now);
    return Err(taken.error());
  }
  if (!*taken || !followed.keys.IsOf3gpp(message.ids.msk)) return {};
  SavedGroup& group = SavedOf(followed);
  const bool is_same = group.domain == message.ids.domain && group.msk == message.ids.msk;
  group.mtk = is_same ? std::max(group.mtk, *message.ids.mtk) : *message.ids.mtk;
  group.domain = message.ids.domain;
  group.msk = message.ids.msk;
  group.mtk_counter = message.counter;
  must_persist_ = true;
  return {};
}

// SavedOf a group takes the place of one that is not followed when all are taken.
SavedGroup& Receiver::SavedOf(const Followed& followed) {
  const Name name = NameOf(suite_, followed.keys.uri());
  if (SavedGroup* known = saved_.FindGroup(name)) return *known;
  if (!saved_.groups.full()) return saved_.groups.Add({name, {}, {}, 0, {}, 0, 0});
  const auto is_followed = [this](const SavedGroup& group) {
    return std::ranges::any_of(channels_, [&](const Followed& other) {
      return other.keys.is_followed() && NameOf(suite_, other.keys.uri()) == group.name;
    });
  };
  for (SavedGroup& group : saved_.groups.mutable_view()) {
    if (is_followed(group)) continue;
    group = {name, {}, {}, 0, {}, 0, 0};
    return group;
  }
  KEYMAST_CHECK(false);  // there are as many places as channels, and this one has none
  return saved_.groups.mutable_view()[0];
}

Status Receiver::ReceiveVersion2(ByteView datagram, uint64_t now) {
  if (!offerer_) return Err(Error::kUnexpected);
  const bool was_offered = offerer_->state() == Offerer::State::kOffered;
  const auto outcome = offerer_->Receive(datagram, InstantOf(now), rng_, send_);
  if (!outcome.status) return outcome.status;
  send_size_ = outcome.send;
  if (asking_ == kNobody) return {};  // a late repetition
  send_channel_ = asking_;
  Followed& followed = channels_[asking_];
  const bool is_new = was_offered || !has_taken_;
  if (is_new && offerer_->has_keys()) TakeKeys(followed);
  if (asking_ == kNobody) return {};
  if (offerer_->state() == Offerer::State::kFailed) Fail(asking_, FailureOf(*offerer_));
  if (offerer_ && offerer_->state() == Offerer::State::kDone) asking_ = kNobody;
  return {};
}

void Receiver::TakeKeys(Followed& followed) {
  const mikey::v2::Contents& contents = offerer_->contents();
  const auto& choice = offerer_->exchange().choice;
  if (const Status taken = followed.keys.TakeJoin(contents, offerer_->streams(), choice); !taken) {
    send_size_ = 0;
    return Fail(asking_, taken.error());
  }
  has_taken_ = true;
  followed.is_joined = true;
  followed.missing_at = kNoTime;
  followed.missing_window = 1;
  // MIKEYv2 §10: it takes over every T that is stated and greater than its own.
  SavedGroup& group = SavedOf(followed);
  const bool is_greater =
      contents.member->report_t > group.report_t || contents.member->keys_t > group.keys_t;
  group.report_t = std::max(group.report_t, contents.member->report_t);
  group.keys_t = std::max(group.keys_t, contents.member->keys_t);
  must_persist_ = must_persist_ || is_greater;
}

// NoteMissing: keys that are missing for longer than the group's window are asked for at a random
// moment of it, each time of one twice as long (MIKEYv2 §10). Until then they may come by
// themselves. Who asks is not authenticated, so nothing happens earlier than that.
void Receiver::NoteMissing(Followed& followed, uint64_t now) {
  const bool asks = followed.wants_keys || asking_ == IndexOf(followed);
  if (followed.keys.is_by_3gpp() || asks || followed.missing_at != kNoTime) return;
  const uint32_t stated = followed.keys.standing.window_ms;
  const uint64_t window = stated == 0 ? Channel::kDefaultWindow : stated;
  followed.missing_at = now + window + Draw(window * followed.missing_window);
  followed.missing_window = std::min(2 * followed.missing_window, kMaxWindows);
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
  if (!followed.keys.Holds(msk)) NoteMissing(followed, now);
  return {};
}

Status Receiver::Used(uint8_t channel, ByteView mki, uint64_t now) {
  return channels_[channel].keys.Used(mki, now);
}

uint64_t Receiver::deadline() const {
  uint64_t earliest =
      offerer_ && asking_ != kNobody ? MillisecondsOf(offerer_->deadline()) : kNoTime;
  for (const Followed& followed : channels_) {
    if (followed.wants_keys && asking_ == kNobody) return 0;
    earliest = std::min({earliest, followed.missing_at, followed.keys.deadline()});
  }
  return earliest;
}

void Receiver::Tick(uint64_t now) {
  Begin();
  for (Followed& followed : channels_) {
    followed.keys.Tick(now);
    if (followed.missing_at > now) continue;
    // Here a member that has R will send REPORT `missing` instead (MIKEYv2 §10).
    followed.missing_at = kNoTime;
    followed.wants_keys = true;
  }
  if (offerer_ && asking_ != kNobody) {
    const auto outcome = offerer_->Tick(InstantOf(now), rng_, send_);
    send_size_ = outcome.send;
    send_channel_ = asking_;
    if (!outcome.status)
      Fail(asking_, FailureOf(*offerer_));
    else if (offerer_->state() == Offerer::State::kDone)
      asking_ = kNobody;
  }
  AskNext(now);
}

bool Receiver::HasActions() const {
  const bool has_news = std::ranges::any_of(channels_, [](const Followed& followed) {
    return followed.keys.HasNews() || followed.is_joined || followed.has_failed;
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
  }
  action = {};
  return false;
}

}  // namespace keymast::receiver::library
