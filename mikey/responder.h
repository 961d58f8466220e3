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
  // error. After an error no session has changed; a message whose proof was good counts as taken
  // all the same, and will not be taken again.
  struct Outcome {
    Status status;               // the reason of a discard
    size_t reply = 0;            // octets in `out` to send to where the datagram came from
    Session* updated = nullptr;  // of the directory, changed; null: `fresh` has a new session
  };

  // Receive steps, in the order of RFC 3830 §5.3: form, whose it is, time and replay, proof, and
  // only then what the message wants. `out` should hold kMaxMessage octets. Reasons beside those of
  // parsing: kUnexpected (an answer, an update that must be a PSK message, or one of a bundle that
  // is ours to update), kUnknownDataType (also of a mode that is off), kUnknownIdentity (not for
  // us, a stranger, or not the bundle's peer), kOutsideInterval, kReplayed, kWrongCsb (an update of
  // no bundle), kAlreadyExists (a new bundle under the ID of another), kAuthenticationFailed,
  // kDecryptionFailed, kUnsupportedAlgorithm, kUnsupportedPolicy, kPolicyViolation (the list of
  // offered protocols is not the one that was signalled), kInvalidArgument (a grant that no message
  // can carry), and what the directory says.
  Outcome Receive(ByteView datagram, Instant now, crypto::Rng& rng, Session& fresh,
                  MutableBytes out);

 private:
  // Run is a message under way.
  struct Run {
    const Received& received;
    crypto::Rng& rng;
    Exchange exchange;
    Session* known = nullptr;  // the bundle of its CSB ID
    bool stranger = false;     // it claims an identity that shares no key with us
    ReplayCache::Digest digest{};
  };

  Status Prepare(Run& run);
  Status TakeIdentities(Run& run) const;
  Status TakeBundle(Run& run);
  Status TakeUpdate(Run& run) const;
  Status TakeNew(Run& run) const;
  Status CheckTime(Run& run) const;
  Status Read(Run& run) const;
  void Remember(const Run& run);
  Status TakeContents(Run& run) const;
  Status TakeProposals(Run& run) const;
  Result<size_t> Reply(Run& run, MutableBytes out);
  Result<size_t> GiveKeys(Run& run, MutableBytes out);
  Outcome Refuse(Error error, const Run& run, MutableBytes out) const;

  const Party& party_;
  ReplayCache& cache_;
};

}  // namespace keymast::mikey
