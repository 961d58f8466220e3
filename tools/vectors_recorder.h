// SPDX-License-Identifier: Apache-2.0
// Writes down what two parties sent each other: octets, fields, what each proof covers, and the
// keys that protect each message.
#pragma once

#include <deque>
#include <string>

#include "mikey/v1.h"
#include "tools/json_view.h"
#include "tools/key_file.h"

namespace keymast::tools {

class Recorder {
 public:
  Recorder(mikey::Mode mode, const mikey::V1Policy& policy) : mode_(mode), policy_(policy) {}

  // AddKey adds a key of the vector; one of a name, one of some octets.
  void AddKey(const std::string& name, ByteView octets);

  // AddRound adds a message of the Initiator and its answer. `session` is the Initiator's when it
  // has taken the answer; `round` is what is to be said of both beside them.
  void AddRound(const mikey::Session& session, const Bytes& first, const Bytes& answer, Json round);

  // Finish adds all that was written down to a vector.
  void Finish(Json& vector);

 private:
  // Sent is one message.
  struct Sent {
    const char* from;
    Bytes octets;
    Bytes behind;  // IDi || IDr || T of the message answered, and of the first message its own
    crypto::SecretKey<mikey::kMaxSharedKey> shared;
    Bytes rand;
    CsbId csb_id;
  };
  struct Round {
    Json json;
    std::array<Sent, 2> messages;
  };

  std::string NameOfKey(ByteView octets) const;
  Json JsonOfMessage(const Sent& sent, Decoder& decoder) const;
  Json ProofsOf(const Sent& sent, const mikey::Message& message) const;

  mikey::Mode mode_;
  const mikey::V1Policy policy_;
  Keys keys_;
  std::deque<Round> rounds_;
};

}  // namespace keymast::tools
