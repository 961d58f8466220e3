// SPDX-License-Identifier: Apache-2.0
// The master key of a store at rest wraps one key, under which the store keeps all others
// (docs/keys-at-rest.md). It is 32 octets in this process, or stays in a token (crypto/pkcs11.h).
#pragma once

#include <array>
#include <string>

#include "crypto/primitives.h"

namespace keymast::crypto {

class MasterKey {
 public:
  // Of the text that `id` gives.
  static constexpr size_t kMaxId = 64;

  virtual ~MasterKey() = default;
  // `id` says in clear which key it is: 2 to kMaxId digits of lower-case hexadecimal.
  virtual const std::string& id() const = 0;
  // `Wrap` seals `key`; the failure says what the token said.
  virtual tl::expected<Bytes, Failure> Wrap(const SecretKey<32>& key, Rng& rng) const = 0;
  // `Unwrap` is kDecryptionFailed for what this key has not wrapped or what was changed since.
  virtual tl::expected<SecretKey<32>, Failure> Unwrap(ByteView wrapped) const = 0;
  // `octets` are the key itself, for data of the time when values were sealed under keys derived
  // from it; null for a key that stays in its token.
  virtual const SecretKey<32>* octets() const { return nullptr; }
};

// MasterKeyCheck says nothing about the key, and which one it is: data of record formats before 5
// name theirs by it.
std::array<uint8_t, 16> MasterKeyCheck(const SecretKey<32>& key);

// LocalMasterKey is a key in this process. Its id is the first half of its check value.
class LocalMasterKey final : public MasterKey {
 public:
  explicit LocalMasterKey(const SecretKey<32>& key);
  const std::string& id() const override { return id_; }
  tl::expected<Bytes, Failure> Wrap(const SecretKey<32>& key, Rng& rng) const override;
  tl::expected<SecretKey<32>, Failure> Unwrap(ByteView wrapped) const override;
  const SecretKey<32>* octets() const override { return &key_; }

 private:
  SecretKey<32> key_;
  std::string id_;
};

}  // namespace keymast::crypto
