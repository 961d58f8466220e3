// SPDX-License-Identifier: Apache-2.0
#include "server/headend_streams.h"

#include <algorithm>

#include "base/failpoint.h"
#include "server/names.h"
#include "server/translate.h"

namespace keymast::server {

HeadendStreams::Answer HeadendStreams::Refuse(const Caller& caller, const Failure& failure) {
  ++refused_;
  streams_.erase(caller);
  Answer answer{caller, {}, true};
  *answer.reply.mutable_error() = ErrorOf(failure);
  return answer;
}

HeadendStreams::Answer HeadendStreams::Challenge(const Caller& caller,
                                                 const groups::Headend& headend, Instant now) {
  Stream stream;
  stream.headend = headend.id;
  stream.proves_by = now + kProvesWithin;
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
  streams_[caller] = std::move(stream);
  due_.push_back({now + kProvesWithin, caller});
  Answer answer{caller, {}, false};
  answer.reply.mutable_headend_directive()->mutable_challenge()->set_box(std::string(AsText(*box)));
  return answer;
}

// End tells the stream in use that it is over.
void HeadendStreams::End(std::map<HeadendId, InUse>::iterator in_use, const Failure& failure) {
  const Caller caller = in_use->second.caller;
  in_use_.erase(in_use);
  streams_.erase(caller);
  clients_.SendError(caller, failure);
}

// TakeInUse makes a stream that has proved itself the one of its headend.
void HeadendStreams::TakeInUse(const Caller& caller, Stream& stream) {
  const HeadendId headend = stream.headend;
  stream.proved = true;
  stream.expected = {};
  if (const auto earlier = in_use_.find(headend); earlier != in_use_.end()) {
    // Not kUnavailable: a process that is still there must not come back and take over in turn.
    End(earlier,
        {Error::kInUse, "another connection of this headend took over", {}, NameOf(headend), 0});
  }
  in_use_[headend] = {caller, {}};
}

HeadendStreams::Outcome HeadendStreams::OnReport(const Caller& caller,
                                                 const v1::HeadendReport& report,
                                                 const rekey::State& state, Instant now,
                                                 HeadendId& headend, std::vector<Answer>& answers) {
  const auto known = streams_.find(caller);
  if (known == streams_.end()) {
    const auto id = HeadendOf(report.headend());
    const auto enrolled = id ? state.headends.find(*id) : state.headends.end();
    answers.push_back(enrolled == state.headends.end() ? Refuse(caller, NotThere(report.headend()))
                                                       : Challenge(caller, enrolled->second, now));
    return Outcome::kNothing;
  }
  Stream& stream = known->second;
  headend = stream.headend;
  if (stream.proved) return Outcome::kReport;
  if (!crypto::ConstantTimeEqual(AsBytes(report.proof()), stream.expected.view())) {
    answers.push_back(Refuse(caller, {Error::kUnauthenticated,
                                      "the proof is not what the challenge holds",
                                      {},
                                      NameOf(headend),
                                      0}));
    return Outcome::kNothing;
  }
  TakeInUse(caller, stream);
  return Outcome::kConnected;
}

void HeadendStreams::Expire(Instant now) {
  for (; NextDeadline() <= now; due_.pop_front()) {
    const Caller caller = due_.front().caller;
    const auto stream = streams_.find(caller);
    if (stream == streams_.end() || stream->second.proved || stream->second.proves_by > now) {
      continue;
    }
    const Failure failure = {Error::kUnauthenticated,
                             "the headend did not prove its key in time",
                             {},
                             NameOf(stream->second.headend),
                             0};
    ++refused_;
    streams_.erase(stream);
    clients_.SendError(caller, failure);
  }
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
                                           const controller::Controller& controller) const {
  HeadendDirectives directives;
  const auto in_use = in_use_.find(headend);
  if (in_use == in_use_.end()) return directives;
  const rekey::State& state = controller.state();
  const auto enrolled = state.headends.find(headend);
  if (enrolled == state.headends.end()) return {{headend, std::nullopt}};
  const std::vector<ChannelId>& has = enrolled->second.channels;
  for (const ChannelId& channel : in_use->second.told) {
    if (std::find(has.begin(), has.end(), channel) != has.end()) continue;
    v1::HeadendDirective dropped;
    dropped.set_dropped_channel(NameOf(channel));
    directives.emplace_back(headend, std::move(dropped));
  }
  for (const ChannelId& channel : has) {
    v1::HeadendDirective definition;
    *definition.mutable_definition() = DefinitionOf(controller, state.channels.at(channel));
    directives.emplace_back(headend, std::move(definition));
  }
  return directives;
}

void HeadendStreams::Send(const HeadendDirectives& directives) {
  for (const auto& [headend, directive] : directives) {
    const auto in_use = in_use_.find(headend);
    if (in_use == in_use_.end()) continue;
    if (!directive) {
      End(in_use, NotThere(NameOf(headend)));
      continue;
    }
    std::set<ChannelId>& told = in_use->second.told;
    if (directive->has_definition()) {
      told.insert(*ChannelOf(directive->definition().channel().name()));
    }
    if (directive->has_dropped_channel()) told.erase(*ChannelOf(directive->dropped_channel()));
    PassFailpoint("server.directive.before");
    core::CoreReply reply;
    *reply.mutable_headend_directive() = *directive;
    clients_.Send(in_use->second.caller, reply, false);
  }
}

}  // namespace keymast::server
