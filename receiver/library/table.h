// SPDX-License-Identifier: Apache-2.0
// The caller's primitives, as mikey reaches them.
#pragma once

#include "crypto/primitives.h"
#include "include/keymast/receiver.h"

namespace keymast::receiver::library {

// SuiteOf a table, which outlives it.
crypto::Suite SuiteOf(const keymast_crypto& table);

class TableRng final : public crypto::Rng {
 public:
  explicit TableRng(const keymast_crypto& table) : table_(table) {}
  void Fill(MutableBytes out) override { table_.random(table_.user, out.data(), out.size()); }

 private:
  const keymast_crypto& table_;
};

inline ByteView ViewOf(const keymast_octets& octets) { return {octets.data, octets.size}; }
inline keymast_octets OctetsOf(ByteView octets) { return {octets.data(), octets.size()}; }

}  // namespace keymast::receiver::library
