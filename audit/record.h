// SPDX-License-Identifier: Apache-2.0
// The audit log: who changed what, chained so that nothing can be altered, left out or put in
// between, with signed checkpoints so that nothing can be cut off behind one (docs/audit.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "crypto/public_key.h"

namespace keymast::audit {

using Hash = std::array<uint8_t, 32>;

// Methods of keymastd's own records; all others are of the API, as `Members.ExpelMembers`.
inline constexpr std::string_view kCheckpoint = "checkpoint";  // has a signature
inline constexpr std::string_view kStart = "start";            // resource: version and epoch
inline constexpr std::string_view kRollback = "rollback";      // the start was accepted as one
inline constexpr std::string_view kServer = "keymastd";        // principal of these

// Record is one entry. Its texts hold names and ids of keys, never keys.
struct Record {
  uint64_t sequence = 0;  // from 1, without gaps
  Instant time{};
  std::string principal;
  std::string method;
  std::optional<RequestId> request;
  std::string resource;
  std::vector<std::string> items;  // what the resource does not say
  uint64_t revision_before = 0;    // of the resource; 0: it was not there, or has none
  uint64_t revision_after = 0;
  std::vector<std::string> key_ids;  // MSK ID, or MSK ID and MTK ID, as `00010002.3`
  std::optional<TraceId> trace;
  Hash hash{};      // of the chain up to here
  Bytes signature;  // of a checkpoint, 64 octets
};

// TextOf is what is hashed of a record: lines of name, blank and value in a fixed order, empty ones
// left out; control characters, `%` and what is not ASCII stand as %XX.
std::string TextOf(const Record& record);

// ChainHash is SHA-256 over the hash before (32 octets of zero before the first) and the text.
Hash ChainHash(const Hash& previous, const Record& record);

// Sign makes the signature of a checkpoint, whose hash is known: Ed25519 over
// `keymast audit checkpoint 1` and the hash.
Bytes Sign(const crypto::PrivateKey& key, const Hash& hash);
bool CheckSignature(const crypto::PublicKey& key, const Record& record);

// Head is the end of a log.
struct Head {
  uint64_t sequence = 0;  // of the last record; 0: there is none
  Hash hash{};
  uint64_t checkpoint = 0;  // sequence of the last checkpoint
  Instant checkpoint_at = Instant::min();
  friend bool operator==(const Head&, const Head&) = default;
};

// Follow moves the head to a record that was appended.
void Follow(Head& head, const Record& record);

}  // namespace keymast::audit
