// SPDX-License-Identifier: Apache-2.0
#include "headend/headend.h"

#include <algorithm>
#include <utility>

#include "crypto/boxes.h"

namespace keymast::headend {
namespace {

constexpr int64_t kNanos = 1'000'000'000;  // a second

std::string NameOf(const ChannelId& channel) { return "channels/" + channel.value; }

const char* KindOf(const v1::HeadendDirective& directive) {
  switch (directive.directive_case()) {
    case v1::HeadendDirective::kChallenge:
      return "challenge";
    case v1::HeadendDirective::kKey:
      return "key";
    case v1::HeadendDirective::kDefinition:
      return "channel";
    case v1::HeadendDirective::kDroppedChannel:
      return "dropped channel";
    default:
      return "unknown directive";
  }
}

}  // namespace

Headend::Headend(Settings settings, State kept, crypto::Rng& rng)
    : settings_(std::move(settings)),
      kept_(std::move(kept)),
      rng_(rng),
      routes_(settings_.inputs.size()) {}

v1::HeadendReport Headend::Hello() {
  link_ = LinkState::kGreeting;
  v1::HeadendReport report;
  report.set_headend("headends/" + settings_.id.value);
  return report;
}

Result<v1::HeadendReport> Headend::Prove(const v1::HeadendChallenge& challenge) {
  const Result<crypto::SecretBytes> plain =
      crypto::OpenBox(settings_.keys, crypto::kHeadendChallengePurpose,
                      crypto::HeadendChallengeAad(settings_.id), AsBytes(challenge.box()));
  if (!plain) return Err(plain.error());
  link_ = LinkState::kProving;
  v1::HeadendReport report = Report();
  AddKept(report);
  report.set_proof(plain->data(), plain->size());
  return report;
}

void Headend::Connected() {
  if (link_ == LinkState::kConnected) return;
  link_ = LinkState::kConnected;
  for (const auto& [id, channel] : channels_) channel->ServerBack();
}

void Headend::OnReported() {
  if (link_ == LinkState::kProving) Connected();
}

void Headend::OnAway(bool revoked, Instant now) {
  if (link_ == LinkState::kConnected) {
    for (const auto& [id, channel] : channels_) {
      channel->ServerAway(now, settings_.max_mtk_overrun);
    }
  }
  link_ = LinkState::kAway;
  connected_at_ = kNever;
  named_.clear();
  while (revoked && !channels_.empty()) {
    const ChannelId id = channels_.begin()->first;
    Drop(id);
  }
}

Result<std::optional<v1::HeadendReport>> Headend::OnDirective(const v1::HeadendDirective& directive,
                                                              Instant now) {
  Result<std::optional<v1::HeadendReport>> taken = Take(directive, now);
  if (taken) return taken;
  ++directive_discards_[static_cast<size_t>(taken.error())];
  NoteError(std::string(KindOf(directive)) +
                " from the server refused: " + std::string(ErrorName(taken.error())),
            now);
  return taken;
}

Result<std::optional<v1::HeadendReport>> Headend::Take(const v1::HeadendDirective& directive,
                                                       Instant now) {
  if (directive.directive_case() == v1::HeadendDirective::kChallenge) {
    // Only asked for in answer to a hello: whoever else asks would have us open boxes for him.
    if (link_ != LinkState::kGreeting) return Err(Error::kUnexpected);
    Result<v1::HeadendReport> proof = Prove(directive.challenge());
    if (!proof) return Err(proof.error());
    connected_at_ = now;
    return std::move(*proof);
  }
  if (link_ != LinkState::kProving && link_ != LinkState::kConnected) {
    return Err(Error::kUnexpected);
  }
  Connected();
  Status done;
  switch (directive.directive_case()) {
    case v1::HeadendDirective::kKey:
      done = TakeKey(directive.key(), now);
      break;
    case v1::HeadendDirective::kDefinition:
      done = TakeChannel(directive.definition());
      break;
    case v1::HeadendDirective::kDroppedChannel: {
      const Result<ChannelId> id = ChannelOf(directive.dropped_channel());
      if (!id) return Err(id.error());
      Drop(*id);
      break;
    }
    default:
      return Err(Error::kUnexpected);
  }
  if (!done) return Err(done.error());
  return std::nullopt;
}

Status Headend::TakeKey(const v1::TrafficKeyBox& box, Instant now) {
  const Result<ChannelId> id = ChannelOf(box.channel());
  if (!id) return Err(id.error());
  const auto channel = channels_.find(*id);
  if (channel == channels_.end()) return Err(Error::kUnknownChannel);
  const Result<TrafficKey> key =
      OpenTrafficKey(box, settings_.keys, settings_.id, channel->second->definition());
  if (!key) return Err(key.error());
  const Result<KeySlots::Outcome> outcome = channel->second->Announce(*key, now);
  if (!outcome) return Err(outcome.error());
  channel->second->Advance(now);  // one that comes late is used at once
  return {};
}

Status Headend::TakeChannel(const v1::ChannelDefinition& message) {
  Result<ChannelDefinition> read = ReadChannel(message.channel());
  if (!read) return Err(read.error());
  const ChannelId id = read->id;
  named_.insert(id);
  const auto known = channels_.find(id);
  if (known != channels_.end() && IsSameOnAir(known->second->definition(), *read)) {
    known->second->SetPolicy(*read);
    return {};
  }
  Drop(id);
  named_.insert(id);
  channels_[id] = std::make_unique<Channel>(std::move(*read), kept_, ReadPositions(message),
                                            settings_.mki_with_domain, rng_);
  PlanRoutes();
  return {};
}

// Drop forgets a channel and its keys; what was used stays known.
void Headend::Drop(const ChannelId& id) {
  const auto channel = channels_.find(id);
  if (channel == channels_.end()) return;
  channel->second->AddTo(kept_);
  channels_.erase(channel);
  named_.erase(id);
  PlanRoutes();
}

Headend::Route Headend::RouteOf(const Input& input) const {
  if (input.channel.empty() && channels_.size() != 1) return {};
  const auto channel = input.channel.empty() ? channels_.begin() : channels_.find(input.channel);
  if (channel == channels_.end()) return {};
  const std::vector<StreamDefinition>& streams = channel->second->definition().streams;
  size_t seen = 0;
  for (size_t i = 0; i < streams.size(); ++i) {
    if (streams[i].media == input.media && seen++ == input.ordinal) {
      return {channel->second.get(), i};
    }
  }
  return {};
}

void Headend::PlanRoutes() {
  for (size_t i = 0; i < routes_.size(); ++i) routes_[i] = RouteOf(settings_.inputs[i]);
}

void Headend::AddKept(v1::HeadendReport& report) const {
  State state = kept_;
  for (const auto& [id, channel] : channels_) channel->AddTo(state);
  for (const auto& [stream, end] : state.ends) {
    v1::KeptIndex& kept = *report.add_kept();
    kept.set_channel(NameOf(stream.first));
    kept.mutable_create_time()->set_seconds(end.created / kNanos);
    kept.mutable_create_time()->set_nanos(static_cast<int32_t>(end.created % kNanos));
    kept.set_ssrc(stream.second.value);
    kept.set_end(end.index.value);
    const auto claim = state.claims.find(stream.first);
    if (claim == state.claims.end() || claim->second.created != end.created) continue;
    kept.set_msk_id(claim->second.key.msk.value());
    kept.set_mtk_id(claim->second.key.mtk.value);
  }
}

v1::HeadendReport Headend::Report() const {
  v1::HeadendReport report;
  for (const auto& [id, channel] : channels_) {
    const std::string name = NameOf(id);
    const auto hold = [&](const KeySlot& slot) {
      v1::HeldKey& held = *report.add_held();
      held.set_channel(name);
      held.set_msk_id(slot.key.name.msk.value());
      held.set_mtk_id(slot.key.name.mtk.value);
    };
    if (channel->keys().current() != nullptr) hold(*channel->keys().current());
    for (const KeySlot& slot : channel->keys().announced()) hold(slot);
    for (size_t i = 0; i < channel->streams().size(); ++i) {
      const std::optional<Channel::Position>& at = channel->position(i);
      if (!at) continue;
      v1::StreamPosition& position = *report.add_positions();
      position.set_channel(name);
      position.set_msk_id(at->key.msk.value());
      position.set_mtk_id(at->key.mtk.value);
      position.set_ssrc(channel->streams()[i].definition().ssrc.value);
      position.set_index(at->index.value);
    }
  }
  return report;
}

void Headend::Tick(Instant now) {
  for (const auto& [id, channel] : channels_) channel->Advance(now);
  if (link_ != LinkState::kConnected || now - kForgetAfter < connected_at_) return;
  std::vector<ChannelId> gone;
  for (const auto& [id, channel] : channels_) {
    if (!named_.contains(id)) gone.push_back(id);
  }
  for (const ChannelId& id : gone) Drop(id);
}

Instant Headend::NextSwitch() const {
  Instant next = kNever;
  for (const auto& [id, channel] : channels_) next = std::min(next, channel->keys().next_switch());
  return next;
}

Result<Packet> Headend::OnDatagram(size_t input, MutableBytes buffer, size_t length, Instant now) {
  const Route& route = routes_[input];
  if (route.channel == nullptr) {
    ++discards_[static_cast<size_t>(Error::kUnknownChannel)];
    return Err(Error::kUnknownChannel);
  }
  route.channel->Advance(now);
  const bool rtcp = IsRtcp(buffer.first(length));
  const Result<size_t> done = route.channel->OnDatagram(route.stream, rtcp, buffer, length, now);
  if (!done) {
    ++discards_[static_cast<size_t>(done.error())];
    return Err(done.error());
  }
  Endpoint to = route.channel->definition().group;
  to.port = static_cast<uint16_t>(route.channel->streams()[route.stream].definition().port +
                                  (rtcp ? 1 : 0));  // RFC 3550 §11
  return Packet{route.channel, to, *done};
}

std::optional<State> Headend::StateToSave() const {
  const bool all = std::all_of(channels_.begin(), channels_.end(),
                               [](const auto& one) { return one.second->IsDurable(); });
  if (all) return std::nullopt;
  State state = kept_;
  for (const auto& [id, channel] : channels_) channel->AddTo(state);
  return state;
}

void Headend::OnSaved(const State& state) {
  for (const auto& [stream, end] : state.ends) {
    End& kept = kept_.ends[stream];
    if (kept.created != end.created || kept.index < end.index) kept = end;
  }
  for (const auto& [id, claim] : state.claims) {
    Claim& kept = kept_.claims[id];
    if (kept.created != claim.created || kept.key < claim.key) kept = claim;
  }
  for (const auto& [id, channel] : channels_) channel->Durable(state);
}

State Headend::FinalState() const {
  State state = kept_;
  for (const auto& [id, channel] : channels_) {
    channel->AddTo(state);
    for (const Stream& stream : channel->streams()) {
      state.ends[{id, stream.definition().ssrc}].index = stream.sequencer().next();
    }
  }
  return state;
}

}  // namespace keymast::headend
