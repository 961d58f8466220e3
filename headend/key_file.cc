// SPDX-License-Identifier: Apache-2.0
#include "headend/key_file.h"

#include "shell/files.h"

namespace keymast::headend {

tl::expected<std::array<uint8_t, 32>, Failure> MakeKeyFile(const std::string& path,
                                                           crypto::Rng& rng) {
  const crypto::KeyPair keys = crypto::MakeKeyPair(rng);
  const Status written = shell::WriteSecretFile(path, keys.private_key.view());
  if (written) return keys.public_key;
  const std::string reason = written.error() == Error::kAlreadyExists
                                 ? "there is a key already; it was left alone"
                                 : std::string(ErrorName(written.error()));
  return Fail(written.error(), path + ": " + reason);
}

tl::expected<crypto::KeyPair, Failure> ReadKeyFile(const std::string& path) {
  auto octets = crypto::SecretKey<33>::OfSize(33);
  const Result<size_t> size = shell::ReadSecretFile(path, octets.mutable_view());
  if (!size) {
    const std::string reason =
        size.error() == Error::kPermissionDenied ? "others can read it: chmod 600 " + path
        : size.error() == Error::kNotFound
            ? "there is none: make one with `keymast-headend init --key-file " + path + "`"
            : shell::WhyNot(size.error());
    return Fail(size.error(), "key file " + path + ": " + reason);
  }
  if (*size != 32) return Fail(Error::kMalformed, "key file " + path + ": it has not 32 octets");
  crypto::KeyPair keys;
  keys.private_key = crypto::SecretKey<32>(octets.view().first(32));
  keys.public_key = crypto::PublicKeyOf(keys.private_key);
  return keys;
}

}  // namespace keymast::headend
