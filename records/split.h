// SPDX-License-Identifier: Apache-2.0
// What goes into one journal record. A record keeps a promise on which the skip after lost commits
// rests (rekey::SkipLost): it reserves at most one block of each counter and makes at most one MSK
// and one epoch of each channel.
#pragma once

#include <map>
#include <optional>

#include "records/codec.h"

namespace keymast::records {

// RecordRoom is what is left of one record.
class RecordRoom {
 public:
  explicit RecordRoom(size_t octets) : left_(octets) {}

  // Take gives room to a change of `size` octets; false, leaving all as it was, when it must go
  // into another record.
  bool Take(const rekey::Change& change, size_t size);

 private:
  // What a ladder promised: puts of a channel in one record do not differ in it.
  struct Promise {
    KeyNumber last;
    uint64_t epoch = 0;
    uint64_t end = 0;       // reserved under the MSK
    uint64_t next_end = 0;  // and under the next one
    friend bool operator==(const Promise&, const Promise&) = default;
  };
  bool Keeps(const rekey::Change& change);
  bool Keeps(const rekey::LadderPut& put);

  size_t left_;
  std::map<ChannelId, Promise> ladders_;
  bool reserves_user_counter_ = false;
  bool retires_group_ = false;  // its next channel may make another MSK of the group
};

// SharedRoom is what is left of a record that whole steps share.
class SharedRoom {
 public:
  explicit SharedRoom(size_t octets) : room_(octets) {}

  // Take gives room to a step. After a step that did not fit there is room for none.
  bool Take(const std::vector<rekey::Change>& step);

 private:
  RecordRoom room_;
  bool closed_ = false;
};

// Body is the changes of one record. Beside the last ones of a step stand its audit records as an
// entry of the audit log (records/audit_log.h), which is not there when the step is cut short.
struct Body {
  crypto::SecretBytes changes;
  crypto::SecretBytes audited;
  uint64_t last_audited = 0;
};

// Split encodes changes, in order, as the bodies of one or more records of at most `octets`; one
// empty body when there are none. What rekey::Apply ignores because its channel is not there is
// left out: replayed over pages that are newer, it would find the channel. `has_channel` answers
// for the state before these changes. kBatchTooLarge when a change alone is too large.
using HasChannel = std::function<bool(const ChannelId&)>;
Result<std::vector<Body>> Split(const std::vector<rekey::Change>& changes, size_t octets,
                                const HasChannel& has_channel);

}  // namespace keymast::records
