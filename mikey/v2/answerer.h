// SPDX-License-Identifier: Apache-2.0
// The Answerer of version 2 as a step machine (MIKEYv2 §7): datagrams and time go in, replies come
// out. It keeps a cache of exchanges; who may have what is its owner's to say.
#pragma once

#include "mikey/v2/cap_check.h"
#include "mikey/v2/cookies.h"
#include "mikey/v2/dh_pool.h"
#include "mikey/v2/error_rate.h"
#include "mikey/v2/exchange_cache.h"

namespace keymast::mikey::v2 {

struct Given;  // mikey/v2/messages.h

// Octets to an address that has not proved itself, of each that came from it (MIKEYv2 §2).
inline constexpr size_t kAmplification = 3;

class Answerer {
 public:
  enum class Event : uint8_t {
    kNone,
    kAnswered,  // keys of a group may be in the answer
    kVerified,  // a finish was good: the exchange's keys are usable
  };

  // Outcome of a datagram. Send `reply` octets of `out`, and those of `more` that follow them, to
  // where it came from, when all that GrantTo changed is durable. There are more only where the
  // policy has FRAGMENTs. The exchange is good until the next call; beside an error it is that of a
  // finish that cost a proof and was refused.
  struct Outcome {
    Status status;
    size_t reply = 0;
    Event event = Event::kNone;
    const Entry* entry = nullptr;
    MoreDatagrams more = {};
    // kVerified: the finish came from where the answer went, and so proves that address. From
    // another one nothing is proved of it (MIKEYv2 §2).
    bool proves_address = false;
    // Of kVerified in a mode by certificate: what CAP showed whole, leaf first. Whoever keeps it
    // may give it to a later CAP that names it by hash (Directory::CertificatesOf).
    CertificateChain certificates = {};
    // A late finish failed in its proof, or behind it, for whatever reason: public-key work was in
    // vain. The owner counts these of a host and of all, as the Answerer does of an entry.
    bool was_costly = false;
  };

  // Answered CAPs of early DH that are remembered, each for two hours at most (MIKEYv2 §8): beyond
  // that mode DH takes its place. Room is taken when it is used.
  static constexpr size_t kAnsweredRoom = 1 << 18;
  // Addresses that have a message in FRAGMENTs under way.
  static constexpr size_t kFragmented = 256;

  // Borrowed: suite, policy, directory, credentials. At most `capacity` exchanges are remembered.
  // Without credentials no mode by certificate is taken.
  Answerer(const crypto::Suite& suite, const Policy& policy, Directory& others, size_t capacity,
           crypto::Rng& rng, const Credentials* credentials = nullptr);

  // Credentials may be changed between two calls: exchanges under way need none.
  void set_credentials(const Credentials* credentials) { credentials_ = credentials; }
  // Without tickets nothing is resumed, and none are given. Borrowed.
  void use_tickets(Tickets* tickets) { tickets_ = tickets; }
  // Values made ahead are taken from the pool; null: made when they are needed.
  void use_pool(DhPool* pool) { pool_ = pool; }

  // Under load only addresses that prove themselves by a cookie are answered.
  void set_under_load(bool under_load) { under_load_ = under_load; }
  // A CAP that comes in SDP is never answered by RETRY: no address is asked to prove itself, and
  // no datagram is amplified (MIKEYv2 §12).
  void set_in_signalling(bool in_signalling) { in_signalling_ = in_signalling; }
  // EndOffer tells that offer and answer of a `session` are open no more: until then exchanges that
  // came in SDP wait for their finish, and 10 s longer.
  void EndOffer(ByteView session, Instant now);

  // Receive steps in the order of MIKEYv2 §7. `address` is the sender's address and port in any
  // form, at most kMaxAddress octets; `out` has RoomOf the policy. Every error is a
  // discard, some with a reply.
  Outcome Receive(ByteView datagram, ByteView address, Instant now, crypto::Rng& rng,
                  MutableBytes out);

  // IsProved is true for a CAP whose cookie proves the address that it came from. It is cheap: with
  // it an owner tells whom to serve first.
  bool IsProved(ByteView datagram, ByteView address, Instant now) const;
  // Exchanges that are remembered.
  size_t exchanges() const { return cache_.size(); }
  // Tick, when it is due, forgets what is past: nothing but datagrams does so else. kNever: there
  // is nothing.
  Instant deadline() const;
  void Tick(Instant now);
  // ForgetIf ends exchanges, and returns how many; their keys are the owner's to drop. So ends what
  // rests on a credential, in entry.exchange.standing too, or a membership that is gone: CAP was
  // judged by it, and the finish is not again.
  template <class Is>
  size_t ForgetIf(Is is) {
    return cache_.RemoveIf(is);
  }
  // ForgetOf asks `is` of the exchanges that one identity offered, and of no others.
  template <class Is>
  size_t ForgetOf(const Identity& offerer, Is is) {
    return cache_.RemoveOf(offerer, is);
  }

  // The session of a verified unicast exchange. Of its other secrets, and of a join all, nothing is
  // left when the finish has verified: a repetition needs octets alone.
  UnicastSession SessionOf(const Entry& entry) const;

 private:
  struct Finish;
  Answering answering() const;
  Outcome TakeCap(FirstMessage& cap, crypto::Rng& rng, MutableBytes out);
  Outcome TakeFragment(const Message& message, ByteView address, Instant now, crypto::Rng& rng,
                       MutableBytes out);
  Outcome TakeFirst(const Message& message, ByteView datagram, ByteView address, Instant now,
                    bool is_whole, crypto::Rng& rng, MutableBytes out);
  Outcome Sent(Outcome outcome, ByteView whole, const Entry& entry, MutableBytes out) const;
  Way WayOf(const Capabilities& offer) const;
  Outcome RepeatAnswer(Entry& entry, const FirstMessage& cap, MutableBytes out) const;
  Outcome Retry(const FirstMessage& cap, const Judged* judged, MutableBytes out) const;
  Outcome RefuseChoice(const FirstMessage& cap, const Judged& judged, Error error, crypto::Rng& rng,
                       MutableBytes out);
  Outcome Answer(FirstMessage& cap, const Judged& judged, crypto::Rng& rng, MutableBytes out);
  static bool GivesInAnswer(const Exchange& exchange);
  Given GivenBy(const FirstMessage& cap, const Judged& judged, const Streams& streams,
                const Contents& contents) const;
  Status CheckRoom(const FirstMessage& cap, const Judged& judged, const Streams& streams,
                   const Contents& contents, MutableBytes out) const;
  Status Give(FirstMessage& cap, Streams& streams, Contents& contents);
  Result<size_t> WriteTheAnswer(FirstMessage& cap, const Judged& judged, Streams& streams,
                                Contents& contents, crypto::Rng& rng, MutableBytes out);
  Status Prepare(FirstMessage& cap, crypto::Rng& rng,
                 Octets<crypto::kMaxModulusSize>& envelope) const;
  Outcome Refuse(const FirstMessage& cap, const Judged& judged, Error error, crypto::Rng& rng,
                 MutableBytes out);
  Outcome TakeFinish(const Finish& finish, crypto::Rng& rng, MutableBytes out);
  Outcome TakeFirstFinish(const Finish& finish, Entry& entry, crypto::Rng& rng, MutableBytes out);
  static Result<Parts> ReadFinish(const Finish& finish, const Exchange& exchange);
  Status CheckFinish(const Finish& finish, const Parts& parts, Exchange& exchange,
                     const Streams* of_session) const;
  Status ProveFinish(const Finish& finish, const Parts& parts, Exchange& exchange) const;
  static Status CheckPolicies(std::span<const Payload> policies, const Exchange& exchange,
                              const Streams* of_session);
  Result<Outcome> AnswerFinish(Entry& entry, const Exchange& exchange, const Finish& finish,
                               crypto::Rng& rng, MutableBytes out, Bytes& keys);
  Result<size_t> WriteKeysOf(const Entry& entry, const Exchange& exchange, const Finish& finish,
                             const Streams& streams, const Contents& contents, crypto::Rng& rng,
                             MutableBytes out);
  Outcome RefuseFinish(const Entry& entry, const Exchange& exchange, Error error,
                       const Finish& finish, crypto::Rng& rng, MutableBytes out);
  Fresh::Tail TailOf(const Exchange& exchange) const;
  std::optional<Resumption> GiveTicket(const Exchange& exchange, Instant now, crypto::Rng& rng);
  Outcome Repeat(Entry& entry, const Finish& finish, MutableBytes out) const;

  const crypto::Suite& suite_;
  const Policy& policy_;
  Directory& others_;
  const Credentials* credentials_;
  DhPool* pool_ = nullptr;
  Tickets* tickets_ = nullptr;
  Cookies cookies_;
  Fresh fresh_;
  FragmentsByAddress fragments_{kFragmented};
  ErrorRate errors_;
  ExchangeCache cache_;
  Instant swept_{};
  crypto::SecretKey<kMaxSharedKey> nobodys_key_;  // for the V of who is not known
  DecoyKeys decoys_;
  bool under_load_ = false;
  bool in_signalling_ = false;
};

}  // namespace keymast::mikey::v2
