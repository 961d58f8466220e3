// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>

#include <cstring>

#include "crypto/rng.h"
#include "crypto/secret.h"

namespace keymast::crypto {

bool ConstantTimeEqual(ByteView a, ByteView b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

void SystemRng::Fill(MutableBytes out) {
  if (!out.empty()) randombytes_buf(out.data(), out.size());
}

void SeededRng::Fill(MutableBytes out) {
  if (out.empty()) return;
  std::array<uint8_t, crypto_stream_chacha20_KEYBYTES> key{};
  std::array<uint8_t, crypto_stream_chacha20_NONCEBYTES> nonce{};
  std::memcpy(key.data(), &seed_, sizeof seed_);
  std::memcpy(nonce.data(), &position_, sizeof position_);
  crypto_stream_chacha20(out.data(), out.size(), nonce.data(), key.data());
  ++position_;
}

}  // namespace keymast::crypto
