// SPDX-License-Identifier: Apache-2.0
// The Offerer of version 2 as a step machine (MIKEYv2 §7): one exchange from CAP to KEYS. Whoever
// owns it sends what it writes, gives it what comes, and calls Tick at its deadline.
#pragma once

#include "mikey/v2/party.h"

namespace keymast::mikey::v2 {

// Wish is what an Offerer wants. Views are borrowed for the call.
struct Wish {
  Identity self;
  Identity peer;                         // the other party, or the group's URI
  ByteView psk;                          // PSK or MUK, kMinSharedKey octets or more
  std::optional<KeyIds> join;            // Key Domain ID and Key Group; nothing: unicast
  std::span<const StreamOffer> streams;  // unicast: 1 to kMaxSessions / 2
  ByteView session;                      // SDP's id, or empty (MIKEYv2 §12)
};

class Offerer {
 public:
  enum class State : uint8_t { kIdle, kOffered, kAnswered, kDone, kFailed };

  // Outcome of a step. `status` is the reason of a discard; `send` counts the octets in `out` that
  // go to the peer.
  struct Outcome {
    Status status;
    size_t send = 0;
  };

  // Suite and policy are borrowed.
  Offerer(const crypto::Suite& suite, const Policy& policy) : suite_(suite), policy_(policy) {}

  State state() const { return state_; }
  // When Tick is due; kNever in idle, done and failed.
  Instant deadline() const { return deadline_; }

  // Open begins an exchange and returns the length of CAP in `out`. kFailedPrecondition when one is
  // under way; kInvalidArgument for a short key or missing identities or streams, kTooLong for a
  // CAP above kMaxFirstCap.
  Result<size_t> Open(const Wish& wish, Instant now, crypto::Rng& rng, MutableBytes out);

  // Receive takes a datagram that claims to belong to the exchange. Every error is a discard.
  Outcome Receive(ByteView datagram, Instant now, crypto::Rng& rng, MutableBytes out);

  // Tick sends again what was not answered; after the fourth time the exchange fails with
  // kUnavailable, unless a join has its keys.
  Outcome Tick(Instant now, crypto::Rng& rng, MutableBytes out);

  const Exchange& exchange() const { return exchange_; }
  // Streams and, of a group, keys that answer or KEYS brought: from kAnswered on. The contents are
  // good until the next call.
  const Streams& streams() const { return streams_; }
  const Contents& contents() const { return contents_; }
  // The session of a unicast exchange.
  UnicastSession session() const;
  // What the last ERROR said, proven or not.
  std::optional<ErrorNumber> peer_error() const { return peer_error_; }
  // Whether group keys have come.
  bool has_keys() const { return has_keys_; }

 private:
  struct Received;
  Status CheckWish(const Wish& wish) const;
  void TakeWish(const Wish& wish, crypto::Rng& rng);
  Capabilities Offer() const;
  Result<size_t> SendCap(MutableBytes out);
  Outcome TakeRetry(const Received& received, Instant now, crypto::Rng& rng, MutableBytes out);
  Outcome TakeAnswer(const Received& received, Instant now, crypto::Rng& rng, MutableBytes out);
  static Result<Form> FormOf(const Received& received);
  Status ReadAnswer(const Received& received, crypto::Rng& rng);
  Status ProveAnswer(const Received& received, const Parts& parts, Exchange& answered) const;
  Status CheckChoice(const Received& received, const Parts& parts, Choice& choice) const;
  Status CheckGroup(const Parts& parts, const Capabilities& chosen, Choice& choice) const;
  Status OpenKemac(const Received& received, const Parts& parts, const Protection& protection);
  static Result<bool> HasMsk(ByteView plain);
  Status KeepStreams(const Received& received, bool has_msk);
  Status CheckAnswered(Exchange& answered) const;
  Status TakeKeys(const Received& received);
  Status TakeError(const Received& received);
  void Arm(Instant now, crypto::Rng& rng);
  size_t Send(const Octets<kMaxSent>& sent, MutableBytes out) const;
  void Fail();

  const crypto::Suite& suite_;
  const Policy& policy_;
  State state_ = State::kIdle;
  Instant deadline_ = kNever;
  unsigned sendings_ = 0;
  Exchange exchange_;
  // What CAP is made of, also after RETRY.
  FixedList<uint8_t, 6> modes_;
  Octets<8> profiles_;
  Octets<kMaxSessions * kStreamOctets> offered_streams_;
  Octets<kMaxSessionId> session_id_;
  Octets<kMaxCookie> cookie_;
  Octets<kFreshSize> fresh_;
  FixedList<Digest, kMaxRetries + 1> hashes_;  // TH of each CAP that was sent
  Octets<kMaxSent> cap_;
  Octets<kMaxSent> finish_;

  Streams streams_;  // of the last message that had contents
  crypto::SecretScratch<kMaxPlain> plain_;
  Contents contents_;
  bool has_keys_ = false;
  std::optional<ErrorNumber> peer_error_;
};

}  // namespace keymast::mikey::v2
