// SPDX-License-Identifier: Apache-2.0
// Who a party is (RFC 3830 §6.7, RFC 6043 §6.5).
#pragma once

#include "base/octets.h"
#include "mikey/payloads.h"

namespace keymast::mikey {

// Identity is an ID payload's content (RFC 3830 §6.7): a view.
struct Identity {
  IdType type = IdType::kNai;
  ByteView data;  // at most kMaxIdentity octets; empty: unknown

  bool empty() const { return data.empty(); }
  IdPayload Payload() const { return {type, data}; }
  friend bool operator==(const Identity& a, const Identity& b) {
    return a.type == b.type && Equal(a.data, b.data);
  }
};

// OwnedIdentity keeps one.
struct OwnedIdentity {
  IdType type = IdType::kNai;
  Octets<kMaxIdentity> data;
  OwnedIdentity() = default;
  explicit OwnedIdentity(const Identity& identity) : type(identity.type), data(identity.data) {}
  Identity view() const { return {type, data.view()}; }
};

}  // namespace keymast::mikey
