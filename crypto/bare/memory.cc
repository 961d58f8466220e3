// SPDX-License-Identifier: Apache-2.0
// What secrets need of a machine, for a program without libsodium: libkeymast-receiver.
#include <cstring>

#include "crypto/constant_time.h"
#include "crypto/secret.h"

namespace keymast::crypto {

void Wipe(void* octets, size_t size) {
  if (size == 0) return;
  std::memset(octets, 0, size);
  __asm__ volatile("" : : "r"(octets) : "memory");  // somebody reads them, for all that is known
}

bool ConstantTimeEqual(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  uint32_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<uint32_t>(a[i] ^ b[i]);
  return Declassified(IsZero(Hidden(difference))) != 0;
}

}  // namespace keymast::crypto
