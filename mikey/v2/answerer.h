// SPDX-License-Identifier: Apache-2.0
// The Answerer of version 2 as a step machine (MIKEYv2 §7): datagrams and time go in, replies come
// out. It keeps a cache of exchanges; who may have what is its owner's to say.
#pragma once

#include "mikey/v2/cookies.h"
#include "mikey/v2/exchange_cache.h"

namespace keymast::mikey::v2 {

// Asked is what a CAP wants; nothing of it may be believed before its proof.
struct Asked {
  Identity offerer;
  Identity answerer;  // the group's URI in a join
  std::optional<KeyIds> join;
  const Capabilities& offer;
};

// Grant is what an Offerer gets: of a session its streams, of a group all that MIKEYv2 §10 lists.
// Views live until the call that asked returns.
struct Grant {
  Streams streams;
  Contents contents;  // of a group; the TGK of a session is made by the Answerer
};

// Terms are what can be said of a session or group before anything is proved.
struct Terms {
  Profiles profiles;  // that its streams use, each once
  uint32_t features = 0;
};

// Directory is what an Answerer knows of others. No call changes anything but GrantTo.
class Directory {
 public:
  virtual ~Directory() = default;
  virtual bool IsOwn(const Identity& identity) const = 0;
  // Whether CAPs for this identity, and this group, are ours to answer.
  virtual bool Serves(const Asked& asked) const = 0;
  // The pre-shared key of the two, kMinSharedKey to kMaxSharedKey octets; null for a stranger.
  virtual const crypto::SecretKey<kMaxSharedKey>* SharedWith(const Asked& asked) const = 0;
  // kUnsupportedPolicy: no session or group can be had by this offer.
  virtual Result<Terms> TermsFor(const Asked& asked) const = 0;
  // What the Offerer, whose proof was good, gets. kNotEntitled and other reasons are told to it.
  // Of a group the keys-given mark must be durable before what the Answerer returns is sent.
  virtual Result<Grant> GrantTo(const Asked& asked, const Choice& choice) = 0;
};

class Answerer {
 public:
  enum class Event : uint8_t {
    kNone,
    kAnswered,  // keys of a group may be in the answer
    kVerified,  // a finish was good: the exchange's keys are usable
  };

  // Outcome of a datagram. Send `reply` octets of `out` to where it came from, when all that
  // GrantTo changed is durable. The exchange is good until the next call.
  struct Outcome {
    Status status;
    size_t reply = 0;
    Event event = Event::kNone;
    const Entry* entry = nullptr;
  };

  // Borrowed: suite, policy, directory. At most `capacity` exchanges are remembered.
  Answerer(const crypto::Suite& suite, const Policy& policy, Directory& others, size_t capacity,
           crypto::Rng& rng);

  // Under load only addresses that prove themselves by a cookie are answered.
  void set_under_load(bool under_load) { under_load_ = under_load; }

  // Receive steps in the order of MIKEYv2 §7. `address` is the sender's address and port in any
  // form, at most kMaxAddress octets; `out` has kMaxOneDatagram octets or more. Every error is a
  // discard, some with a reply.
  Outcome Receive(ByteView datagram, ByteView address, Instant now, crypto::Rng& rng,
                  MutableBytes out);

  // IsProved is true for a CAP whose cookie proves the address that it came from. It is cheap: with
  // it an owner tells whom to serve first.
  bool IsProved(ByteView datagram, ByteView address, Instant now) const;
  // Exchanges that are remembered.
  size_t exchanges() const { return cache_.size(); }

  // The session of a verified unicast exchange.
  UnicastSession SessionOf(const Entry& entry) const;

 private:
  struct Cap;
  struct Finish;
  Outcome TakeCap(Cap& cap, crypto::Rng& rng, MutableBytes out);
  Outcome Retry(const Cap& cap, MutableBytes out) const;
  bool CanDo(Mode mode, const Cap& cap, Choice& choice) const;
  Status Choose(const Cap& cap, Choice& choice) const;
  Status Prove(Cap& cap) const;
  Outcome Answer(Cap& cap, crypto::Rng& rng, MutableBytes out);
  static bool GivesInAnswer(const Exchange& exchange);
  Result<size_t> AnswerWithGrant(Cap& cap, crypto::Rng& rng, Streams& streams, MutableBytes out);
  Result<size_t> AnswerWithoutKeys(Cap& cap, crypto::Rng& rng, MutableBytes out);
  Status Prepare(Cap& cap, crypto::Rng& rng) const;
  Outcome Refuse(const Cap& cap, Error error, crypto::Rng& rng, MutableBytes out) const;
  Outcome TakeFinish(const Finish& finish, crypto::Rng& rng, MutableBytes out);
  Status CheckFinish(const Finish& finish, Exchange& exchange, const Streams& streams) const;
  static Status CheckPolicies(std::span<const Payload> policies, const Exchange& exchange,
                              const Streams& streams);
  Result<size_t> AnswerFinish(const Entry& entry, crypto::Rng& rng, MutableBytes out);
  Outcome Repeat(Entry& entry, const Finish& finish, MutableBytes out) const;

  const crypto::Suite& suite_;
  const Policy& policy_;
  Directory& others_;
  Cookies cookies_;
  ExchangeCache cache_;
  crypto::SecretKey<kMaxSharedKey> nobodys_key_;  // for the V of who is not known
  bool under_load_ = false;
};

}  // namespace keymast::mikey::v2
