// SPDX-License-Identifier: Apache-2.0
#include "crypto/primitives.h"

namespace keymast::crypto {

void HkdfSha256(ByteView key, ByteView salt, ByteView info, MutableBytes out) {
  KEYMAST_CHECK(out.size() <= 255 * 32);
  static constexpr std::array<uint8_t, 32> kNoSalt{};  // RFC 5869 §2.2
  const ByteView extract[] = {key};
  const SecretKey<32> prk = HmacSha256(salt.empty() ? ByteView(kNoSalt) : salt, extract);
  SecretKey<32> block;
  for (size_t done = 0, number = 1; done < out.size(); ++number) {  // RFC 5869 §2.3
    const uint8_t counter = static_cast<uint8_t>(number);
    const ByteView parts[] = {block.view(), info, {&counter, 1}};
    block = HmacSha256(prk.view(), parts);
    const size_t take = std::min<size_t>(block.size(), out.size() - done);
    std::copy_n(block.view().begin(), take, out.subspan(done).begin());
    done += take;
  }
}

}  // namespace keymast::crypto
