// SPDX-License-Identifier: Apache-2.0
// The Offerer of version 2 as a step machine (MIKEYv2 §7): one exchange from CAP to KEYS. Whoever
// owns it sends what it writes, gives it what comes, and calls Tick at its deadline.
#pragma once

#include "mikey/v2/answer_check.h"
#include "mikey/v2/answer_rules.h"

namespace keymast::mikey::v2 {

// Wish is what an Offerer wants. Views are borrowed for the call.
struct Wish {
  Identity self;
  Identity peer;                         // the other party, or the group's URI
  ByteView psk;                          // PSK or MUK, kMinSharedKey octets or more, or empty
  std::optional<KeyIds> join;            // Key Domain ID and Key Group; nothing: unicast
  std::span<const StreamOffer> streams;  // unicast: 1 to kMaxSessions / 2
  ByteView session;                      // SDP's id, or empty (MIKEYv2 §12)
  // Of a CAP that goes in SDP (RFC 4567): the protocols offered there, `;` between them.
  ByteView sdp_ids = {};

  // Of the modes by certificate. A peer that lacks our certificate answers with the hint
  // kInvalidCert to another Shown than kCertificates: then whoever owns the Offerer opens another
  // exchange with that, beside the first (MIKEYv2 §6 rule 4).
  Shown shown = Shown::kCertificates;
  ByteView fingerprint = {};  // SDP's, SHA-256, or empty; with it the peer may have no name
  ByteView fresh = {};        // of the last exchange or SDP, or empty (MIKEYv2 §8)
  // Of a session by SDP, with neither fingerprint nor pre-shared key: the answer may come before
  // the description that tells the fingerprint, and is taken by any valid certificate that is whole
  // in it (MIKEYv2 §12, provisional). Anybody can have answered: what the exchange leaves is kept,
  // and what comes under its keys believed, when proved_by() is found to be the fingerprint told.
  bool takes_provisional = false;

  // What an exchange with this peer left, in place of the pre-shared key and of certificates; the
  // owner wipes it when CAP is sent. Of a join its ticket is shown, of a session its id. Beside a
  // fingerprint it is of that certificate.
  const Resumption* resume = nullptr;

  // The peer is configured or signalled to take a CAP in FRAGMENTs, where the policy has them.
  bool takes_fragments = false;
};

class Offerer {
 public:
  enum class State : uint8_t { kIdle, kOffered, kAnswered, kDone, kFailed };

  // Outcome of a step. `status` is the reason of a discard; `send` counts the octets in `out` that
  // go to the peer. Where the policy has FRAGMENTs, more() tells what follows them.
  struct Outcome {
    Status status;
    size_t send = 0;
    // A message that came in FRAGMENTs, with the last of them; good until the next call.
    ByteView whole = {};
  };

  // All are borrowed, the credentials while an exchange is under way. Without credentials no mode
  // by certificate is offered.
  Offerer(const crypto::Suite& suite, const Policy& policy,
          const Credentials* credentials = nullptr)
      : suite_(suite), policy_(policy), credentials_(credentials) {}
  // Values made ahead are taken from the pool; null: made when they are needed.
  void use_pool(DhPool* pool) { pool_ = pool; }

  State state() const { return state_; }
  // Datagrams behind the first that the last call wrote.
  const MoreDatagrams& more() const { return more_; }
  // When Tick is due; kNever in idle, done and failed.
  Instant deadline() const { return deadline_; }

  // Open begins an exchange and returns the length of CAP in `out`, which has RoomOf the policy
  // here and below. kFailedPrecondition when one is under way; kInvalidArgument for a short key,
  // missing identities or streams, or when no mode of the policy can be offered, kTooLong for a CAP
  // above kMaxFirstCap that cannot go in FRAGMENTs.
  Result<size_t> Open(const Wish& wish, Instant now, crypto::Rng& rng, MutableBytes out);

  // Expect the Answerer's certificate, which SDP told only after CAP was made (MIKEYv2 §12): from
  // then on no other one counts, provisionally neither, and no pre-shared key. Before the answer
  // has come.
  void Expect(const crypto::Fingerprint& fingerprint);

  // Receive takes a datagram that claims to belong to the exchange. Every error is a discard.
  Outcome Receive(ByteView datagram, Instant now, crypto::Rng& rng, MutableBytes out);

  // Tick sends again what was not answered; after the fourth time the exchange fails with
  // kUnavailable, unless a join has its keys.
  Outcome Tick(Instant now, crypto::Rng& rng, MutableBytes out);

  // Abandon ends the exchange and wipes its keys.
  void Abandon() { Fail(); }
  // Wipe, in kDone, what it brought, which the owner has taken: contents, session and resumption
  // are not there from then on. Repeated answers still get the finish.
  void Wipe();

  // When the exchange was opened and, in kDone, when that came.
  Instant opened() const { return opened_; }
  Instant done() const { return done_; }
  const Exchange& exchange() const { return exchange_; }
  // Streams and, of a group, keys that answer or KEYS brought: from kAnswered on. The contents are
  // good until the next call.
  const Streams& streams() const { return streams_; }
  const Contents& contents() const { return contents_; }
  // The session of a unicast exchange.
  UnicastSession session() const;
  // Whether an answer is taken, or was, that is provisional by its certificate.
  bool takes_provisional() const { return takes_provisional_; }
  // The certificate that has proved the answer, by its SHA-256; nothing where none has.
  std::optional<crypto::Fingerprint> proved_by() const;
  // What the last ERROR said, proven or not.
  std::optional<ErrorNumber> peer_error() const { return peer_error_; }
  // Whether that was proven, and ended the exchange.
  bool has_proven_error() const { return has_proven_error_; }
  // Whether group keys have come.
  bool has_keys() const { return has_keys_; }
  // A ticket that KEYS brought.
  const std::optional<Resumption>& resumption() const { return resumption_; }
  // FRESH for the next exchange, which KEYS may bring; else empty.
  ByteView fresh() const { return next_fresh_.view(); }

 private:
  Status CheckWish(const Wish& wish) const;
  static bool MayBeProvisional(const Wish& wish);
  FixedList<uint8_t, 6> ModesOf(const Wish& wish) const;
  bool OffersAny(bool (*is_of)(Mode)) const;
  void TakeWish(const Wish& wish, crypto::Rng& rng);
  void Forget();
  Signer SignerOf(const Wish& wish) const;
  Capabilities Offer() const;
  Awaited AwaitedNow(const Capabilities& offer, crypto::Rng& rng) const;
  Result<size_t> SendCap(MutableBytes out);
  Result<size_t> SendAgain(MutableBytes out);
  Outcome TakeMessage(ByteView datagram, Instant now, bool is_whole, crypto::Rng& rng,
                      MutableBytes out);
  Outcome TakeFragment(const Message& message, Instant now, crypto::Rng& rng, MutableBytes out);
  bool IsToUs(const Parts& retry) const;
  Outcome TakeRetry(const Received& received, crypto::Rng& rng, MutableBytes out);
  Outcome TakeAnswer(const Received& received, crypto::Rng& rng, MutableBytes out);
  Status ReadAnswer(const Received& received, crypto::Rng& rng);
  Status OpenKemac(const Received& received, const Parts& parts, const Protection& protection,
                   Exchange* answered);
  Result<bool> TakeBrought(const Received& received, ByteView plain, Exchange* answered);
  void TakeTicket(const Contents& contents, Instant now);
  Status CheckBrought(const Brought& brought, const Exchange& exchange, bool is_answer) const;
  Status TakeKeys(const Received& received);
  Status TakeError(const Received& received, crypto::Rng& rng);
  bool IsErrorToFinish(const Received& received, const Parts& parts) const;
  void Arm(Instant now, crypto::Rng& rng);
  void End(Instant now);
  void WipeBrought();
  void Fail();

  const crypto::Suite& suite_;
  const Policy& policy_;
  const Credentials* credentials_;
  DhPool* pool_ = nullptr;
  State state_ = State::kIdle;
  Instant deadline_ = kNever;
  unsigned sendings_ = 0;
  unsigned retried_ = 0;  // the wait of the last RETRY beyond those at once
  Instant opened_;
  Instant done_;
  Exchange exchange_;
  // What CAP is made of, also after RETRY.
  FixedList<uint8_t, 6> modes_;
  Octets<8> profiles_;
  Octets<kMaxSessions * kStreamOctets> offered_streams_;
  std::array<uint8_t, 4> features_{};
  Octets<kMaxCookie> cookie_;
  Octets<kFreshSize> fresh_;
  [[no_unique_address]] OwnersFresh first_fresh_;
  Signer signer_;
  std::optional<crypto::Fingerprint> fingerprint_;
  TicketOctets ticket_;  // or
  Octets<kTicketIdSize> ticket_id_;
  FixedList<Digest, kMaxRetries + 1> hashes_;  // TH of each CAP that was sent
  Octets<kMaxSent> sent_;  // the last CAP, unless it goes in FRAGMENTs; then the finish
  LongCap long_cap_;       // which has its cookie beside it
  bool in_fragments_ = false;
  bool takes_provisional_ = false;
  OffererFragments fragments_;
  MoreDatagrams more_;

  Streams streams_;  // of the last message that had contents
  crypto::SecretScratch<kMaxPlain> plain_;
  Contents contents_;
  bool has_keys_ = false;
  Octets<kFreshSize> next_fresh_;
  std::optional<Resumption> resumption_;
  std::optional<ErrorNumber> peer_error_;
  bool has_proven_error_ = false;
};

}  // namespace keymast::mikey::v2
