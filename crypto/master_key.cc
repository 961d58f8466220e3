// SPDX-License-Identifier: Apache-2.0
#include "crypto/master_key.h"

namespace keymast::crypto {
namespace {

constexpr std::string_view kWrapping = "keymast meta key";

Sealer WrappingSealer(const SecretKey<32>& key) {
  auto derived = SecretKey<32>::OfSize(32);
  HkdfSha256(key.view(), {}, AsBytes(kWrapping), derived.mutable_view());
  return Sealer(derived);
}

}  // namespace

std::array<uint8_t, 16> MasterKeyCheck(const SecretKey<32>& key) {
  std::array<uint8_t, 16> check{};
  HkdfSha256(key.view(), {}, AsBytes("keymast key check"), check);
  return check;
}

LocalMasterKey::LocalMasterKey(const SecretKey<32>& key)
    : key_(key), id_(ToHex(ByteView(MasterKeyCheck(key)).first(8))) {}

tl::expected<Bytes, Failure> LocalMasterKey::Wrap(const SecretKey<32>& key, Rng& rng) const {
  return WrappingSealer(key_).Seal(AsBytes(kWrapping), key.view(), rng);
}

tl::expected<SecretKey<32>, Failure> LocalMasterKey::Unwrap(ByteView wrapped) const {
  const Result<SecretBytes> key = WrappingSealer(key_).Open(AsBytes(kWrapping), wrapped);
  if (key && key->size() == 32) return SecretKey<32>(*key);
  return Fail(Error::kDecryptionFailed, "master key " + id_ + ": has not wrapped this");
}

}  // namespace keymast::crypto
