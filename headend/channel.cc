// SPDX-License-Identifier: Apache-2.0
#include "headend/channel.h"

#include <algorithm>
#include <utility>

#include "base/cursor.h"
#include "srtp/policy.h"

namespace keymast::headend {
namespace {

constexpr size_t kMkiLength = 6;     // MSK ID || MTK ID
constexpr size_t kDomainLength = 3;  // in front of it, where domains may clash

// Behind another headend's last report, of which a restarted server may have forgotten 2^13: more
// than it sent since, and less than the 2^15 that the guess of every receiver follows (RFC 3711
// §3.3.1).
constexpr uint64_t kBehindAnother = uint64_t{3} << 12;
constexpr uint64_t kAllUsed = srtp::kIndexMask + 1;

// The first sequence number is below 2^15 (RFC 3711 §3.3.1): the first wrap comes late enough for
// whoever missed the first packets.
PacketIndex FirstIndex(const StreamDefinition& stream, crypto::Rng& rng) {
  if (stream.initial_sequence) return PacketIndex(*stream.initial_sequence);
  std::array<uint8_t, 2> random{};
  rng.Fill(random);
  return PacketIndex(static_cast<uint64_t>(random[0] & 0x7f) << 8 | random[1]);
}

// EndOf is what a state has of a stream of this very channel.
std::optional<PacketIndex> EndOf(const State& state, const ChannelDefinition& channel, Ssrc ssrc) {
  const auto end = state.ends.find({channel.id, ssrc});
  if (end == state.ends.end() || end->second.created != channel.created) return std::nullopt;
  return end->second.index;
}

PacketIndex FirstIndex(const ChannelDefinition& channel, const StreamDefinition& stream,
                       const State& kept, const Positions& reported, crypto::Rng& rng) {
  const std::optional<PacketIndex> end = EndOf(kept, channel, stream.ssrc);
  const auto known = reported.find(stream.ssrc);
  if (known != reported.end() && (!end || *end <= known->second)) {
    return PacketIndex(std::min(known->second.value + kBehindAnother, kAllUsed));
  }
  return end ? *end : FirstIndex(stream, rng);
}

Instant Later(Instant instant, Duration by) {
  return instant > kNever - by ? kNever : instant + by;
}

}  // namespace

bool IsSameOnAir(const ChannelDefinition& a, const ChannelDefinition& b) {
  ChannelDefinition like_a = b;
  like_a.mtk_period = a.mtk_period;
  like_a.max_datagram = a.max_datagram;
  return like_a == a;
}

std::string_view SilenceName(Silence silence) {
  switch (silence) {
    case Silence::kNone:
      return "";
    case Silence::kNoKey:
      return "no_key";
    case Silence::kOverrun:
      return "overrun";
  }
  return "";
}

Channel::Channel(ChannelDefinition definition, const State& kept, const Positions& reported,
                 bool mki_with_domain, crypto::Rng& rng)
    : definition_(std::move(definition)), mki_with_domain_(mki_with_domain) {
  const srtp::ProfileInfo& info = srtp::InfoOf(definition_.profile);
  const StreamLimits limits{definition_.max_datagram,
                            info.rtp_tag_length + MkiOf(KeyName()).size()};
  for (const StreamDefinition& stream : definition_.streams) {
    streams_.emplace_back(stream, limits, definition_.id.value,
                          FirstIndex(definition_, stream, kept, reported, rng));
  }
  positions_.resize(streams_.size());
  const auto claim = kept.claims.find(definition_.id);
  if (claim != kept.claims.end() && claim->second.created == definition_.created) {
    spent_ = claimed_ = newest_ = claim->second.key;
  }
}

Bytes Channel::MkiOf(const KeyName& key) const {
  Bytes mki(kMkiLength + (mki_with_domain_ ? kDomainLength : 0));
  Writer writer(mki);
  if (mki_with_domain_) writer.Put(definition_.domain.octets);
  writer.U32(key.msk.value());
  writer.U16(key.mtk.value);
  KEYMAST_CHECK(writer.ok());
  return mki;
}

Result<KeySlots::Outcome> Channel::Announce(const TrafficKey& key, Instant now) {
  const KeyName& name = key.announced.name;
  if (name.msk.group != definition_.key_group) return Err(Error::kUnknownKey);
  const auto make = [&]() -> Result<std::vector<srtpio::Session>> {
    const srtpio::TrafficKey under{definition_.profile, key.key, key.salt, MkiOf(name)};
    std::vector<srtpio::Session> sessions;
    for (const Stream& stream : streams_) {
      Result<srtpio::Session> session = srtpio::Session::Create(under, stream.definition().ssrc,
                                                                srtpio::Session::Direction::kSend);
      if (!session) return Err(session.error());
      sessions.push_back(std::move(*session));
    }
    return sessions;
  };
  const Result<KeySlots::Outcome> outcome = keys_.Announce(key.announced, make);
  if (outcome) newest_ = std::max(newest_, name);
  if (outcome == KeySlots::Outcome::kNew) lead_ = key.announced.switch_at - now;
  return outcome;
}

void Channel::Plan() {
  silent_from_ = kNever;
  if (away_since_ == kNever || keys_.current() == nullptr) return;
  const Instant due = Later(keys_.current()->key.switch_at, definition_.mtk_period);
  silent_from_ = Later(std::max(due, away_since_), max_overrun_);
}

bool Channel::Advance(Instant now) {
  if (!keys_.Advance(now)) return false;
  Plan();
  return true;
}

void Channel::ServerAway(Instant since, Duration max_overrun) {
  away_since_ = since;
  max_overrun_ = max_overrun;
  Plan();
}

void Channel::ServerBack() {
  away_since_ = kNever;
  Plan();
}

void Channel::SetPolicy(const ChannelDefinition& definition) {
  definition_.mtk_period = definition.mtk_period;
  definition_.max_datagram = definition.max_datagram;
  for (Stream& stream : streams_) stream.SetMaxDatagram(definition.max_datagram);
  Plan();
}

Silence Channel::SilenceAt(Instant now) const {
  if (keys_.current() == nullptr) return Silence::kNoKey;
  return now >= silent_from_ ? Silence::kOverrun : Silence::kNone;
}

bool Channel::MayProtectRtcp(const KeyName& key) const { return key > spent_ && key <= claimed_; }

Result<size_t> Channel::OnDatagram(size_t stream, bool rtcp, MutableBytes buffer, size_t length,
                                   Instant now) {
  Stream& at = streams_[stream];
  KeySlot* slot = keys_.current();
  Error refused{};
  if (slot == nullptr) {
    refused = Error::kUnknownKey;
  } else if (now >= silent_from_) {
    refused = Error::kOutsideInterval;
  } else if (rtcp && !MayProtectRtcp(slot->key.name)) {
    refused = Error::kFailedPrecondition;
  } else if (rtcp) {
    return at.OnRtcp(buffer, length, slot->sessions[stream]);
  } else {
    const Result<size_t> done = at.OnRtp(buffer, length, slot->sessions[stream], now);
    const PacketIndex highest(at.sequencer().next().value - 1);
    std::optional<Position>& position = positions_[stream];
    // A late packet goes out under this key, the highest one may have gone out under the last.
    if (done && (!position || highest > position->index)) position = {slot->key.name, highest};
    return done;
  }
  at.Refused(rtcp);
  return Err(refused);
}

bool Channel::IsDurable() const {
  return newest_ == claimed_ && std::none_of(streams_.begin(), streams_.end(), [](const Stream& s) {
           return s.Wanted().has_value();
         });
}

void Channel::AddTo(State& state) const {
  for (const Stream& stream : streams_) {
    const Ssrc ssrc = stream.definition().ssrc;
    const PacketIndex kept = EndOf(state, definition_, ssrc).value_or(PacketIndex());
    const PacketIndex wanted = stream.Wanted().value_or(PacketIndex());
    state.ends[{definition_.id, ssrc}] = {definition_.created,
                                          std::max({kept, stream.range().end(), wanted})};
  }
  if (newest_ != KeyName()) state.claims[definition_.id] = {definition_.created, newest_};
}

void Channel::Durable(const State& state) {
  for (Stream& stream : streams_) {
    const auto end = EndOf(state, definition_, stream.definition().ssrc);
    if (end) stream.range().Durable(*end);
  }
  const auto claim = state.claims.find(definition_.id);
  if (claim != state.claims.end() && claim->second.created == definition_.created) {
    claimed_ = std::max(claimed_, claim->second.key);
  }
}

}  // namespace keymast::headend
