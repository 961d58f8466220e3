// SPDX-License-Identifier: Apache-2.0
// TrafficKeys streams: a headend names itself, proves that it holds its key, then gets its channels
// and the boxes for them.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "controller/controller.h"
#include "keymast/v1/headend.pb.h"
#include "server/clients.h"

namespace keymast::server {

// HeadendDirectives are messages for headends, in order. Nothing: its enrolment has ended.
using HeadendDirectives = std::vector<std::pair<HeadendId, std::optional<v1::HeadendDirective>>>;

class HeadendStreams {
 public:
  // What a report leads to: nothing (a challenge is out, or the stream was refused), a headend that
  // has just proved itself, or the next report of one that did before.
  enum class Outcome { kNothing, kConnected, kReport };

  HeadendStreams(Clients& clients, crypto::Rng& rng) : clients_(clients), rng_(rng) {}

  // Answer to a report: a challenge, or a refusal, which is the last of its stream.
  struct Answer {
    Caller to;
    core::CoreReply reply;
    bool last = false;
  };

  // kProvesWithin is how long a stream may go without a proof; then it is ended.
  static constexpr Duration kProvesWithin = std::chrono::seconds(10);

  // OnReport judges a report by where its stream stands. The headend that it came from is in
  // `headend` unless the outcome is kNothing. A headend that connects again takes the place of its
  // earlier stream. Challenges and refusals rest on `state`: the caller sends them when that is
  // durable.
  Outcome OnReport(const Caller& caller, const v1::HeadendReport& report, const rekey::State& state,
                   Instant now, HeadendId& headend, std::vector<Answer>& answers);

  // Expire ends the streams that have not proved themselves in time; the next ones are due at
  // NextDeadline.
  void Expire(Instant now);
  Instant NextDeadline() const { return due_.empty() ? kNever : due_.front().at; }

  // Ended forgets a stream and gives the headend, if it is the one in use.
  std::optional<HeadendId> Ended(const Caller& caller);
  std::vector<HeadendId> Forget(ClientId client);

  // Redefine gives the directives that bring a headend from what it was told to what it may have
  // now. A headend that is gone from the state is cut off.
  HeadendDirectives Redefine(const HeadendId& headend,
                             const controller::Controller& controller) const;

  // Send passes directives to the streams in use, and notes what they were told.
  void Send(const HeadendDirectives& directives);

  size_t connected() const { return in_use_.size(); }
  uint64_t refused() const { return refused_; }

 private:
  struct Stream {
    HeadendId headend;
    crypto::SecretKey<32> expected;  // proof
    Instant proves_by{};
    bool proved = false;
  };
  struct InUse {
    Caller caller;
    std::set<ChannelId> told;
  };
  Answer Refuse(const Caller& caller, const Failure& failure);
  Answer Challenge(const Caller& caller, const groups::Headend& headend, Instant now);
  void TakeInUse(const Caller& caller, Stream& stream);
  void End(std::map<HeadendId, InUse>::iterator in_use, const Failure& failure);

  Clients& clients_;
  crypto::Rng& rng_;
  std::map<Caller, Stream> streams_;
  struct Due {
    Instant at;
    Caller caller;
  };
  std::deque<Due> due_;  // of proofs, earliest first; of streams since proved or gone too
  std::map<HeadendId, InUse> in_use_;
  uint64_t refused_ = 0;
};

}  // namespace keymast::server
