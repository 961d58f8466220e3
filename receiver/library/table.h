// SPDX-License-Identifier: Apache-2.0
// The caller's primitives, as mikey reaches them.
#pragma once

#include "crypto/public_key.h"
#include "include/keymast/receiver.h"

namespace keymast::receiver::library {

inline ByteView ViewOf(const keymast_octets& octets) { return {octets.data, octets.size}; }
inline keymast_octets OctetsOf(ByteView octets) { return {octets.data(), octets.size()}; }

// TablePk is the public-key half, for who knows that it is one: table_dh.cc.
struct TablePk : crypto::PublicSuite {
  TablePk(const keymast_crypto& of, const keymast_certificates* with)
      : crypto::PublicSuite(), table(of), certificates(with) {}
  const keymast_crypto& table;
  const keymast_certificates* certificates;  // null: none
};

// SuiteOf a table and its public-key half, which outlive it.
crypto::Suite SuiteOf(const TablePk& table);

// Verify an Ed25519 signature; false as well where the table has no Ed25519. Not for pre-shared
// keys alone.
bool Verify(const TablePk& pk, ByteView key, ByteView octets, ByteView signature);

// CParts are the parts of an input in the C table's own words.
class CParts {
 public:
  explicit CParts(std::span<const ByteView> parts);
  const keymast_octets* data() const { return parts_.data(); }
  size_t size() const { return count_; }

 private:
  std::array<keymast_octets, 8> parts_;
  size_t count_;
};

class TableRng final : public crypto::Rng {
 public:
  explicit TableRng(const keymast_crypto& table) : table_(table) {}
  void Fill(MutableBytes out) override { table_.random(table_.user, out.data(), out.size()); }

 private:
  const keymast_crypto& table_;
};

}  // namespace keymast::receiver::library
