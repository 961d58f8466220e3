// SPDX-License-Identifier: Apache-2.0
#include "receiver/library/table.h"

namespace keymast::receiver::library {
namespace {

const keymast_crypto& TableOf(const void* context) {
  return *static_cast<const keymast_crypto*>(context);
}

void Hmac(const void* context, crypto::Hash hash, ByteView key, std::span<const ByteView> parts,
          MutableBytes out) {
  KEYMAST_CHECK(!key.empty() && key.size() <= 64 && out.size() == crypto::HashSize(hash));
  const keymast_crypto& table = TableOf(context);
  const CParts c_parts(parts);
  const auto number = hash == crypto::Hash::kSha1 ? KEYMAST_SHA1 : KEYMAST_SHA256;
  table.hmac(table.user, number, OctetsOf(key), c_parts.data(), c_parts.size(), out.data());
}

void Sha256(const void* context, std::span<const ByteView> parts, MutableBytes out) {
  KEYMAST_CHECK(out.size() == crypto::HashSize(crypto::Hash::kSha256));
  const keymast_crypto& table = TableOf(context);
  const CParts c_parts(parts);
  table.sha256(table.user, c_parts.data(), c_parts.size(), out.data());
}

void AesCtr(const void* context, ByteView key, ByteView iv, MutableBytes data) {
  KEYMAST_CHECK((key.size() == 16 || key.size() == 32) && iv.size() == 16);
  const keymast_crypto& table = TableOf(context);
  table.aes_ctr(table.user, OctetsOf(key), iv.data(), data.data(), data.size());
}

// Key wrap is not offered, so nobody asks for it.
constexpr crypto::SuiteFunctions kFunctions = {Hmac, Hmac, Sha256, AesCtr, nullptr, nullptr};

}  // namespace

CParts::CParts(std::span<const ByteView> parts) : count_(parts.size()) {
  KEYMAST_CHECK(count_ <= parts_.size());
  std::transform(parts.begin(), parts.end(), parts_.begin(), OctetsOf);
}

crypto::Suite SuiteOf(const TablePk& table) {
  const bool has_any =
      table.table.x25519 != nullptr || (kHasCertificates && table.certificates != nullptr);
  return {&kFunctions, !kPskOnly && has_any ? &table : nullptr, &table.table};
}

}  // namespace keymast::receiver::library
