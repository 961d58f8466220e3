// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/sealing.h"

namespace keymast::mikey::v2 {
namespace {

bool IsCounterMode(EncrAlg encr) {
  return encr == EncrAlg::kAesCm128 || encr == EncrAlg::kAesCm256;
}

crypto::Key32 WrappingKey(const crypto::Suite& suite, const Protection& protection) {
  auto key = crypto::Key32::OfSize(32);  // MIKEYv2 §4.3
  DeriveMessageKey(suite, protection.prf, protection.inkey, KeyConstant::kMikeyEncr,
                   protection.label(), key.mutable_view());
  return key;
}

}  // namespace

size_t SealedSize(EncrAlg encr, size_t plain) {
  return IsCounterMode(encr) || plain == 0 ? plain : crypto::KeyWrapSize(plain);
}

void Seal(const crypto::Suite& suite, const Protection& protection, ByteView plain,
          MutableBytes out) {
  KEYMAST_CHECK(out.size() == SealedSize(protection.encr, plain.size()));
  if (plain.empty()) return;
  if (IsCounterMode(protection.encr)) {
    std::copy(plain.begin(), plain.end(), out.begin());
    return Crypt(suite, protection, out);
  }
  KEYMAST_CHECK(protection.encr == EncrAlg::kAesKwp256);
  suite.key_wrap(WrappingKey(suite, protection).view(), plain, out);
}

Result<size_t> Unseal(const crypto::Suite& suite, const Protection& protection, ByteView sealed,
                      MutableBytes out) {
  KEYMAST_CHECK(out.size() >= sealed.size());
  if (IsCounterMode(protection.encr)) {
    std::copy(sealed.begin(), sealed.end(), out.begin());
    Crypt(suite, protection, out.first(sealed.size()));
    return sealed.size();
  }
  if (protection.encr != EncrAlg::kAesKwp256) return Err(Error::kUnsupportedAlgorithm);
  if (sealed.empty()) return 0;  // no plaintext, no Encr data
  return suite.key_unwrap(WrappingKey(suite, protection).view(), sealed, out);
}

}  // namespace keymast::mikey::v2
