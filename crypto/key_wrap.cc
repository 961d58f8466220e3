// SPDX-License-Identifier: Apache-2.0
// The wrapping of RFC 3394 §2.2 over OpenSSL's AES. OpenSSL's own (CRYPTO_128_unwrap_pad) returns
// earlier or later by what is wrong.
#include "crypto/key_wrap.h"

#include "crypto/constant_time.h"
#include "crypto/openssl.h"

namespace keymast::crypto {
namespace {

constexpr size_t kHalf = 8;  // octets of a half block, the unit of RFC 3394
constexpr size_t kRounds = 6;
constexpr std::array<uint8_t, 4> kPrefix = {0xa6, 0x59, 0x59, 0xa6};  // RFC 5649 §3

// Block is A || R[i] of RFC 3394.
using Block = SecretKey<2 * kHalf>;

// ReusedEcb is AES-256 of single blocks, its context made once and re-keyed.
class ReusedEcb {
 public:
  explicit ReusedEcb(int encrypts) : context_(EVP_CIPHER_CTX_new()) {
    const std::unique_ptr<EVP_CIPHER, Freed<EVP_CIPHER_free>> cipher(
        EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr));
    KEYMAST_CHECK(cipher != nullptr && context_ != nullptr &&
                  EVP_CipherInit_ex2(context_.get(), cipher.get(), nullptr, nullptr, encrypts,
                                     nullptr) == 1 &&
                  EVP_CIPHER_CTX_set_padding(context_.get(), 0) == 1);
  }
  void Arm(ByteView key) {
    KEYMAST_CHECK(EVP_CipherInit_ex2(context_.get(), nullptr, key.data(), nullptr, -1, nullptr) ==
                  1);
  }
  void Apply(Block& block) {
    int size = 0;
    uint8_t* octets = block.mutable_view().data();
    KEYMAST_CHECK(EVP_CipherUpdate(context_.get(), octets, &size, octets, 2 * kHalf) == 1 &&
                  size == 2 * kHalf);
  }

 private:
  std::unique_ptr<EVP_CIPHER_CTX, Freed<EVP_CIPHER_CTX_free>> context_;
};

ReusedEcb& Armed(ByteView key, bool encrypts) {
  thread_local ReusedEcb encryption(1);
  thread_local ReusedEcb decryption(0);
  ReusedEcb& cipher = encrypts ? encryption : decryption;
  cipher.Arm(key);
  return cipher;
}

void Copy(ByteView from, MutableBytes to) { std::copy(from.begin(), from.end(), to.begin()); }

MutableBytes A(Block& block) { return block.mutable_view().first(kHalf); }
MutableBytes R(Block& block) { return block.mutable_view().last(kHalf); }

// XorStep puts t = nj + i (RFC 3394 §2.2.1) over A; it fits in 32 bits.
void XorStep(Block& block, size_t step) {
  const MutableBytes a = A(block);
  for (size_t i = 0; i < 4; ++i) a[7 - i] = static_cast<uint8_t>(a[7 - i] ^ (step >> (8 * i)));
}

// Forward and Backward wrap and unwrap the half blocks of `data` in place, A being in `block`.
void Forward(ReusedEcb& cipher, Block& block, MutableBytes data) {
  const size_t count = data.size() / kHalf;
  for (size_t step = 1; step <= kRounds * count; ++step) {
    const MutableBytes half = data.subspan((step - 1) % count * kHalf, kHalf);
    Copy(half, R(block));
    cipher.Apply(block);
    XorStep(block, step);
    Copy(R(block), half);
  }
}

void Backward(ReusedEcb& cipher, Block& block, MutableBytes data) {
  const size_t count = data.size() / kHalf;
  for (size_t step = kRounds * count; step >= 1; --step) {
    const MutableBytes half = data.subspan((step - 1) % count * kHalf, kHalf);
    XorStep(block, step);
    Copy(half, R(block));
    cipher.Apply(block);
    Copy(R(block), half);
  }
}

// SizeIn is the length of the message (RFC 5649 §3) in unwrapped data, of which A tells; `good` is
// cleared where A or the padding is not as it should be. Lengths fit in 16 bits.
uint32_t SizeIn(ByteView a, ByteView data, Mask& good) {
  static_assert(kMaxKeyWrap <= 0xffff);
  const auto padded = static_cast<uint32_t>(data.size());
  const auto least = static_cast<uint32_t>(data.size() - kHalf);
  uint32_t wrong = uint32_t{a[4]} | a[5];
  for (size_t i = 0; i < kPrefix.size(); ++i) wrong |= uint32_t{a[i]} ^ kPrefix[i];
  const uint32_t size = uint32_t{a[6]} << 8 | a[7];
  // Hidden, or the optimizer counts the loop by what is left to the size.
  for (uint32_t i = least; i < padded; ++i) wrong |= data[i] & ~IsLess(Hidden(i), size);
  good = IsZero(wrong) & IsLess(least, size) & ~IsLess(padded, size);
  return size;
}

bool HasShape(ByteView wrapped) {
  return wrapped.size() % kHalf == 0 && wrapped.size() >= 2 * kHalf &&
         wrapped.size() <= KeyWrapSize(kMaxKeyWrap);
}

}  // namespace

void KeyWrap(ByteView key, ByteView plain, MutableBytes out) {
  KEYMAST_CHECK(key.size() == 32 && !plain.empty() && plain.size() <= kMaxKeyWrap &&
                out.size() == KeyWrapSize(plain.size()));
  const MutableBytes data = out.subspan(kHalf);
  std::fill(data.end() - kHalf, data.end(), uint8_t{0});
  Copy(plain, data);
  Block block = Block::OfSize(2 * kHalf);
  Copy(kPrefix, A(block));
  for (size_t i = 0; i < 4; ++i) A(block)[7 - i] = static_cast<uint8_t>(plain.size() >> (8 * i));
  ReusedEcb& cipher = Armed(key, true);
  if (data.size() == kHalf) {  // RFC 5649 §4.1: one block
    Copy(data, R(block));
    cipher.Apply(block);
    Copy(R(block), data);
  } else {
    Forward(cipher, block, data);
  }
  Copy(A(block), out);
}

Result<size_t> KeyUnwrap(ByteView key, ByteView wrapped, MutableBytes out) {
  KEYMAST_CHECK(key.size() == 32 && out.size() >= wrapped.size());
  std::fill(out.begin(), out.end(), uint8_t{0});
  if (!HasShape(wrapped)) return Err(Error::kDecryptionFailed);
  const MutableBytes data = out.first(wrapped.size() - kHalf);
  Copy(wrapped.subspan(kHalf), data);
  Block block = Block::OfSize(2 * kHalf);
  Copy(wrapped.first(kHalf), A(block));
  ReusedEcb& cipher = Armed(key, false);
  if (data.size() == kHalf) {
    Copy(data, R(block));
    cipher.Apply(block);
    Copy(R(block), data);
  } else {
    Backward(cipher, block, data);
  }
  Mask good = 0;
  const uint32_t size = SizeIn(A(block), data, good);
  for (uint8_t& octet : data) octet = static_cast<uint8_t>(octet & Hidden(good));
  // Whether it was right everybody sees in the end, and of a right one the length.
  if (Declassified(good) == 0) return Err(Error::kDecryptionFailed);
  return Declassified(size);
}

}  // namespace keymast::crypto
