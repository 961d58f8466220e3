// SPDX-License-Identifier: Apache-2.0
#include "crypto/oaep.h"

#include "crypto/openssl.h"

namespace keymast::crypto {
namespace {

constexpr size_t kHash = 32;
// SHA-256 of nothing: of the empty label.
constexpr std::array<uint8_t, kHash> kLabelHash = {
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};

using Context = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;  // cleared by OpenSSL
using Fetched = std::unique_ptr<EVP_MD, Freed<EVP_MD_free>>;

// XorMask is MGF1 (RFC 8017 §B.2.1) of the seed over the data.
void XorMask(ByteView seed, MutableBytes data) {
  thread_local const Fetched sha256(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  const Context context(EVP_MD_CTX_new());
  KEYMAST_CHECK(sha256 != nullptr && context != nullptr);
  SecretKey<kHash> mask = SecretKey<kHash>::OfSize(kHash);
  for (uint8_t number = 0; !data.empty(); ++number) {  // 4096 bits take 15 hashes
    const std::array<uint8_t, 4> counter{0, 0, 0, number};
    KEYMAST_CHECK(EVP_DigestInit_ex2(context.get(), sha256.get(), nullptr) == 1 &&
                  EVP_DigestUpdate(context.get(), seed.data(), seed.size()) == 1 &&
                  EVP_DigestUpdate(context.get(), counter.data(), counter.size()) == 1 &&
                  EVP_DigestFinal_ex(context.get(), mask.mutable_view().data(), nullptr) == 1);
    const size_t size = std::min(data.size(), kHash);
    for (size_t i = 0; i < size; ++i) data[i] = static_cast<uint8_t>(data[i] ^ mask.view()[i]);
    data = data.subspan(size);
  }
}

}  // namespace

void PadOaep(ByteView message, Rng& rng, MutableBytes block) {
  KEYMAST_CHECK(message.size() + kOaepOverhead <= block.size());
  const MutableBytes seed = block.subspan(1, kHash);
  const MutableBytes data = block.subspan(1 + kHash);
  std::fill(block.begin(), block.end(), uint8_t{0});
  rng.Fill(seed);
  std::copy(kLabelHash.begin(), kLabelHash.end(), data.begin());
  data[data.size() - message.size() - 1] = 1;
  std::copy(message.begin(), message.end(), data.last(message.size()).begin());
  XorMask(seed, data);
  XorMask(data, seed);
}

Mask OpenOaep(MutableBytes block, size_t message_size) {
  KEYMAST_CHECK(message_size + kOaepOverhead <= block.size());
  const MutableBytes seed = block.subspan(1, kHash);
  const MutableBytes data = block.subspan(1 + kHash);
  XorMask(data, seed);
  XorMask(seed, data);
  const size_t one = data.size() - message_size - 1;
  uint32_t wrong = block[0];
  for (size_t i = 0; i < kHash; ++i) wrong |= uint32_t{data[i]} ^ kLabelHash[i];
  for (size_t i = kHash; i < one; ++i) wrong |= data[i];
  wrong |= uint32_t{data[one]} ^ 1;
  return IsZero(wrong);
}

SecretKey<kOaepKey> OpenOaepKey(MutableBytes block, const SecretKey<kOaepKey>& substitute) {
  const Mask good = OpenOaep(block, kOaepKey);
  const ByteView message = block.last(kOaepKey);
  auto key = SecretKey<kOaepKey>::OfSize(kOaepKey);
  std::transform(message.begin(), message.end(), substitute.view().begin(),
                 key.mutable_view().begin(),
                 [good](uint8_t a, uint8_t b) { return static_cast<uint8_t>(Choose(good, a, b)); });
  return key;
}

}  // namespace keymast::crypto
