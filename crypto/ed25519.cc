// SPDX-License-Identifier: Apache-2.0
// Ed25519 (RFC 8032) by libsodium, which refuses points of small order and s from the order upward.
#include <sodium.h>

#include "crypto/key_maker.h"
#include "crypto/signatures.h"

namespace keymast::crypto {
namespace {

// Whole is the parts in one piece, which hashing twice wants; copied where there are several.
class Whole {
 public:
  explicit Whole(std::span<const ByteView> parts) {
    if (parts.size() == 1) {
      view_ = parts[0];
      return;
    }
    for (const ByteView part : parts) octets_.insert(octets_.end(), part.begin(), part.end());
    view_ = octets_;
  }
  Whole(const Whole&) = delete;
  Whole& operator=(const Whole&) = delete;
  ByteView view() const { return view_; }

 private:
  Bytes octets_;
  ByteView view_;
};

}  // namespace

Result<PublicKey> PublicKey::FromEd25519(ByteView octets) {
  if (octets.size() != kEd25519Key) return Err(Error::kMalformed);
  return KeyMaker::Public(octets);
}

PrivateKey PrivateKey::FromEd25519(const SecretKey<kEd25519Key>& seed) {
  return KeyMaker::Private(seed);
}

void Ed25519Sign(const PrivateKey& key, std::span<const ByteView> parts, MutableBytes out) {
  const Whole whole(parts);
  KEYMAST_CHECK(crypto_sign_ed25519_detached(out.data(), nullptr, whole.view().data(),
                                             whole.view().size(), key.ed25519().data()) == 0);
}

bool Ed25519Verify(const PublicKey& key, std::span<const ByteView> parts, ByteView signature) {
  const Whole whole(parts);
  return crypto_sign_ed25519_verify_detached(signature.data(), whole.view().data(),
                                             whole.view().size(), key.ed25519().data()) == 0;
}

}  // namespace keymast::crypto
