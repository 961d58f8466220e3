// SPDX-License-Identifier: Apache-2.0
// The Responder of MIKEY version 1 as a step machine: a datagram and the time go in, a session and
// a reply come out. It keeps no state of its own but the replay cache; bundles are its owner's.
#pragma once

#include "mikey/error_message.h"
#include "mikey/replay_cache.h"

namespace keymast::mikey {

class Responder {
 public:
  // Borrowed. The cache is one for all messages that reach the party.
  Responder(const Party& party, ReplayCache& cache) : party_(party), cache_(cache) {}

  // Outcome of a datagram. What is sent back may also be an error message: then `status` is an
  // error. A reply that could not be written leaves everything as it was.
  struct Outcome {
    Status status;               // the reason of a discard
    size_t reply = 0;            // octets in `out` to send to where the datagram came from
    Session* updated = nullptr;  // of the directory, changed; null: `fresh` has a new session
  };

  // Receive steps, in the order of RFC 3830 §5.3: form, time and replay, proof, and only then what
  // the message wants. `out` should hold kMaxMessage octets. Reasons beside those of parsing:
  // kUnexpected (an answer, or an update that must be a PSK message), kUnknownDataType (also of a
  // mode that is off), kUnknownIdentity (not for us, or a stranger), kOutsideInterval, kReplayed,
  // kWrongCsb (an update of no bundle), kAlreadyExists (a new bundle under the ID of another),
  // kAuthenticationFailed, kDecryptionFailed, kUnsupportedAlgorithm, kUnsupportedPolicy,
  // kPolicyViolation (the list of offered protocols is not the one that was signalled).
  Outcome Receive(ByteView datagram, Instant now, crypto::Rng& rng, Session& fresh,
                  MutableBytes out);

 private:
  Status Prepare(const Received& received, Exchange& exchange);
  Status TakeIdentities(const Message& message, Exchange& exchange) const;
  Status CheckTime(const Received& received, const Exchange& exchange) const;
  Status TakeBundle(const Message& message, Exchange& exchange);
  Status TakeSharedKey(Exchange& exchange);
  Status Read(const Received& received, crypto::Rng& rng, Exchange& exchange);
  void Remember(const Received& received, const Exchange& exchange);
  Status TakeContents(const Message& message, Exchange& exchange) const;
  Result<size_t> Reply(const Received& received, crypto::Rng& rng, Exchange& exchange,
                       MutableBytes out);
  Result<size_t> GiveKeys(const Received& received, crypto::Rng& rng, Exchange& exchange,
                          MutableBytes out);
  Outcome Refuse(Error error, const Message& message, const Exchange& exchange, MutableBytes out);

  const Party& party_;
  ReplayCache& cache_;
  bool stranger_ = false;  // the message under way claims an identity that nobody knows
};

}  // namespace keymast::mikey
