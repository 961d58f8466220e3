// SPDX-License-Identifier: Apache-2.0
#include "server/headend_streams.h"

#include "server/names.h"
#include "server/translate.h"

namespace keymast::server {

void HeadendStreams::Refuse(const Caller& caller, Failure failure) {
  ++refused_;
  streams_.erase(caller);
  clients_.SendError(caller, failure);
}

void HeadendStreams::Challenge(const Caller& caller, const groups::Headend& headend) {
  Stream stream;
  stream.headend = headend.id;
  stream.expected = crypto::SecretKey<32>::OfSize(32);
  rng_.Fill(stream.expected.mutable_view());
  const auto box =
      crypto::SealBox(headend.public_key, crypto::kHeadendChallengePurpose,
                      crypto::HeadendChallengeAad(headend.id), stream.expected.view(), rng_);
  if (!box) {
    return Refuse(caller, {Error::kFailedPrecondition,
                           "the headend's public key cannot be sealed to",
                           {},
                           NameOf(headend.id),
                           0});
  }
  core::CoreReply reply;
  reply.mutable_headend_directive()->mutable_challenge()->set_box(std::string(AsText(*box)));
  streams_[caller] = std::move(stream);
  clients_.Send(caller, reply, false);
}

bool HeadendStreams::Prove(const Caller& caller, Stream& stream, ByteView proof) {
  const HeadendId headend = stream.headend;
  if (!crypto::ConstantTimeEqual(proof, stream.expected.view())) {
    Refuse(caller, {Error::kUnauthenticated,
                    "the proof is not what the challenge holds",
                    {},
                    NameOf(headend),
                    0});
    return false;
  }
  stream.proved = true;
  stream.expected = {};
  if (const auto earlier = in_use_.find(headend); earlier != in_use_.end()) {
    const Caller other = earlier->second.caller;
    streams_.erase(other);
    clients_.SendError(other, {Error::kUnavailable,
                               "another connection of this headend took over",
                               {},
                               NameOf(headend),
                               0});
  }
  in_use_[headend] = {caller, {}};
  return true;
}

HeadendStreams::Outcome HeadendStreams::OnReport(const Caller& caller,
                                                 const v1::HeadendReport& report,
                                                 const rekey::State& state, HeadendId& headend) {
  const auto known = streams_.find(caller);
  if (known == streams_.end()) {
    const auto id = HeadendOf(report.headend());
    const auto enrolled = id ? state.headends.find(*id) : state.headends.end();
    if (enrolled == state.headends.end()) {
      Refuse(caller, NotThere(report.headend()));
    } else {
      Challenge(caller, enrolled->second);
    }
    return Outcome::kNothing;
  }
  Stream& stream = known->second;
  headend = stream.headend;
  if (stream.proved) return Outcome::kReport;
  const bool proved = Prove(caller, stream, AsBytes(report.proof()));
  return proved ? Outcome::kConnected : Outcome::kNothing;
}

std::optional<HeadendId> HeadendStreams::Ended(const Caller& caller) {
  const auto stream = streams_.find(caller);
  if (stream == streams_.end()) return std::nullopt;
  const HeadendId headend = stream->second.headend;
  streams_.erase(stream);
  const auto in_use = in_use_.find(headend);
  if (in_use == in_use_.end() || in_use->second.caller != caller) return std::nullopt;
  in_use_.erase(in_use);
  return headend;
}

std::vector<HeadendId> HeadendStreams::Forget(ClientId client) {
  std::vector<HeadendId> gone;
  std::vector<Caller> callers;
  for (const auto& [caller, stream] : streams_) {
    if (caller.client == client) callers.push_back(caller);
  }
  for (const Caller& caller : callers) {
    if (const auto headend = Ended(caller)) gone.push_back(*headend);
  }
  return gone;
}

HeadendDirectives HeadendStreams::Redefine(const HeadendId& headend,
                                           const controller::Controller& controller) {
  HeadendDirectives directives;
  const auto in_use = in_use_.find(headend);
  if (in_use == in_use_.end()) return directives;
  const rekey::State& state = controller.state();
  std::set<ChannelId> may_have;
  if (const auto enrolled = state.headends.find(headend); enrolled != state.headends.end()) {
    may_have.insert(enrolled->second.channels.begin(), enrolled->second.channels.end());
  }
  std::set<ChannelId>& told = in_use->second.told;
  for (const ChannelId& channel : told) {
    if (may_have.contains(channel) && state.channels.contains(channel)) continue;
    directives.emplace_back(headend, v1::HeadendDirective());
    directives.back().second.set_dropped_channel(NameOf(channel));
  }
  told.clear();
  for (const ChannelId& channel : may_have) {
    const auto found = state.channels.find(channel);
    if (found == state.channels.end()) continue;
    directives.emplace_back(headend, v1::HeadendDirective());
    *directives.back().second.mutable_channel() = ToProto(controller, found->second);
    told.insert(channel);
  }
  return directives;
}

void HeadendStreams::Send(const HeadendDirectives& directives) {
  for (const auto& [headend, directive] : directives) {
    const auto in_use = in_use_.find(headend);
    if (in_use == in_use_.end()) continue;
    core::CoreReply reply;
    *reply.mutable_headend_directive() = directive;
    clients_.Send(in_use->second.caller, reply, false);
  }
}

}  // namespace keymast::server
