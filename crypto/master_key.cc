// SPDX-License-Identifier: Apache-2.0
#include "crypto/master_key.h"

namespace keymast::crypto {
namespace {

constexpr size_t kIdOctets = 8;
constexpr std::string_view kWrapping = "keymast meta key";

Sealer WrappingSealer(const SecretKey<32>& key) {
  auto derived = SecretKey<32>::OfSize(32);
  HkdfSha256(key.view(), {}, AsBytes(kWrapping), derived.mutable_view());
  return Sealer(derived);
}

}  // namespace

LocalMasterKey::LocalMasterKey(const SecretKey<32>& key) : key_(key) {
  // The same octets that data of record formats before 5 name their master key by.
  std::array<uint8_t, kIdOctets> id{};
  HkdfSha256(key.view(), {}, AsBytes("keymast key check"), id);
  id_ = ToHex(id);
}

tl::expected<Bytes, Failure> LocalMasterKey::Wrap(const SecretKey<32>& key, Rng& rng) const {
  return WrappingSealer(key_).Seal(AsBytes(kWrapping), key.view(), rng);
}

tl::expected<SecretKey<32>, Failure> LocalMasterKey::Unwrap(ByteView wrapped) const {
  const Result<SecretBytes> key = WrappingSealer(key_).Open(AsBytes(kWrapping), wrapped);
  if (key && key->size() == 32) return SecretKey<32>(*key);
  return Fail(Error::kDecryptionFailed, "master key " + id_ + ": has not wrapped this");
}

}  // namespace keymast::crypto
