// SPDX-License-Identifier: Apache-2.0
// The Initiator of MIKEY version 1 as a step machine: it writes one message, and takes the answer
// to it. Loss is its owner's to see: after a while without an answer, start anew (RFC 3830 has no
// retransmission; every message has a timestamp of its own).
#pragma once

#include "mikey/error_message.h"
#include "mikey/exchange.h"

namespace keymast::mikey {

class Initiator {
 public:
  enum class State : uint8_t {
    kIdle,         // nothing was sent, or the run has failed
    kWaiting,      // for the answer
    kEstablished,  // session() is valid
  };

  // Party and stamper are borrowed; the stamper is one for all messages of the party.
  Initiator(const Party& party, Stamper& stamper) : party_(party), stamper_(stamper) {}

  State state() const { return state_; }
  const Session& session() const { return exchange_.session; }
  // What the last error message said; it only ends a run when it is proven (RFC 3830 §5.1.2).
  const std::optional<PeerError>& peer_error() const { return peer_error_; }

  // Start begins a new bundle with a peer and returns the length of the first message in `out`
  // (kMaxMessage octets at most). In mode kRsar the peer may be empty: whoever answers with a
  // certificate that is believed. Errors: kPolicyViolation (mode or algorithms are off),
  // kInvalidArgument (an offer that no message can carry), kUnknownIdentity, what the peer's key is
  // refused for, kTooLong. Without an answer to wait for it is established at once.
  Result<size_t> Start(Mode mode, const Identity& peer, const Offer& offer, Instant now,
                       crypto::Rng& rng, MutableBytes out);

  // Update begins an update of a bundle that is ours to update (RFC 3830 §4.5; of mode kRsar the
  // Responder's, of all others the Initiator's): same CSB ID and RAND, a new timestamp, new keys or
  // none. What the offer leaves out stays as it was. The bundle may be session(). kPolicyViolation
  // for a bundle that is not ours to update, or that has no update.
  Result<size_t> Update(const Session& session, const Offer& offer, Instant now, crypto::Rng& rng,
                        MutableBytes out);

  // Receive takes a datagram that claims to be the answer. Every error is a discard, the state
  // stays: another message may be the true one. After a proven error message the machine is idle;
  // an unproven one changes nothing but peer_error().
  Status Receive(ByteView datagram, Instant now);

 private:
  Status CheckOffer(Mode mode, const Offer& offer) const;
  Status TakeOffer(const Offer& offer);
  Result<size_t> Write(const Offer& offer, Instant now, crypto::Rng& rng, MutableBytes out);
  Result<size_t> Send(const Offer& offer, Instant now, crypto::Rng& rng, MutableBytes out);
  Status CheckAnswer(const Message& message) const;
  Status TakeIdentities(const Message& message, Exchange& exchange) const;
  Status Read(const Received& received, Exchange& exchange) const;
  Status TakeError(const Received& received);

  const Party& party_;
  Stamper& stamper_;
  State state_ = State::kIdle;
  Exchange exchange_;
  DataType answer_ = DataType::kError;  // the data type that is waited for
  std::optional<PeerError> peer_error_;
};

}  // namespace keymast::mikey
