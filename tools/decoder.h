// SPDX-License-Identifier: Apache-2.0
// Reads messages one after the other, and verifies and decrypts what the keys given allow. What an
// earlier message tells serves for later ones: the RAND of an update, what a verification message
// answers, the MSK of MTK messages.
#pragma once

#include <deque>
#include <functional>
#include <map>

#include "mikey/mbms.h"
#include "tools/derived_keys.h"
#include "tools/exit.h"
#include "tools/key_file.h"
#include "tools/tree.h"

namespace keymast::tools {

// Decoded is what is known of one message. Views point into the octets that were given.
struct Decoded {
  ByteView octets;
  Status parsed;     // what ParseMessage says
  std::string kind;  // as the standards name the message
  Outcome outcome = Outcome::kUnverified;
  std::string reason;  // why it is not verified, or what was left unchecked
  std::string key;     // what it was verified with
  std::string fingerprint;
  std::vector<Node> tree;
  crypto::SecretBytes plain;  // the tree's Decrypted group points into it
  DerivedKeys derived;
};

class Decoder {
 public:
  // `rands` are those of messages that the input lacks (RFC 3830 §4.5: an update has none).
  Decoder(const crypto::Suite& suite, Keys keys, std::vector<Bytes> rands);

  // Decode takes the next message; its octets outlive the result.
  Decoded Decode(ByteView octets);

 private:
  // Seen is what a message told that later ones hang on.
  struct Seen {
    mikey::DataType type;
    Bytes rand;
    Bytes idi;
    Bytes idr;
    Bytes timestamp;
  };
  // Proof is a key that a MAC held under.
  struct Proof {
    const Key* key;
    Secret secret;
    const char* remark = "";
  };
  // Attempt tells whether a MAC holds under a secret.
  using Attempt = std::function<bool(const Secret&)>;

  void Judge(const mikey::Message& message, Decoded& out);
  void JudgeVersion2(const mikey::Message& message, Decoded& out);
  void JudgeKemac(const mikey::Message& message, Decoded& out);
  void JudgeNullMac(const mikey::Message& message, Decoded& out);
  void JudgeV(const mikey::Message& message, Decoded& out);
  std::optional<Proof> TryKeys(ByteView rand, CsbId csb_id, const Attempt& holds) const;
  std::optional<Proof> TryKemac(const mikey::Message& message, ByteView datagram,
                                std::span<const ByteView> rands) const;
  std::optional<Proof> TryV(const mikey::Message& message, ByteView datagram,
                            std::span<const Seen> asked) const;
  void Open(const mikey::Message& message, const Proof& proof, Decoded& out);
  void TakeKeys(const mikey::Message& message, const Proof& proof, Decoded& out);
  void Learn(const mikey::KeyDataPayload& key_data);
  void Remember(const mikey::Message& message, ByteView rand);
  std::vector<ByteView> RandsFor(const mikey::Message& message) const;
  std::vector<Seen> AskedBy(const mikey::Message& message) const;
  bool HasUsableKey() const;

  const crypto::Suite& suite_;
  std::deque<Key> keys_;  // those given, then MSKs learned: where they are they stay
  size_t given_;
  std::vector<Bytes> rands_;
  std::map<uint32_t, std::deque<Seen>> seen_;  // by CSB ID, the newest first
  size_t number_ = 0;
};

}  // namespace keymast::tools
