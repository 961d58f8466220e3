// SPDX-License-Identifier: Apache-2.0
#include "crypto/digest.h"

namespace keymast::crypto {
namespace {

using Context = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using Fetched = std::unique_ptr<EVP_MD, Freed<EVP_MD_free>>;

// Fetched once, which would cost as much as hashing a message.
const EVP_MD* Algorithm(Hash hash) {
  thread_local const Fetched sha1(EVP_MD_fetch(nullptr, "SHA1", nullptr));
  thread_local const Fetched sha256(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  return hash == Hash::kSha1 ? sha1.get() : sha256.get();
}

}  // namespace

Digest::Digest(Hash hash, std::span<const ByteView> parts) : md_(Algorithm(hash)) {
  thread_local const Context context(EVP_MD_CTX_new());
  bool ok = EVP_DigestInit_ex2(context.get(), md_, nullptr) == 1;
  for (const ByteView part : parts) {
    ok = ok && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  }
  KEYMAST_CHECK(ok && EVP_DigestFinal_ex(context.get(), octets_.data(), &size_) == 1);
}

}  // namespace keymast::crypto
