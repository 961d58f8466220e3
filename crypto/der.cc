// SPDX-License-Identifier: Apache-2.0
#include "crypto/der.h"

#include <array>

#include "base/check.h"

namespace keymast::crypto {
namespace {

// With its NULL.
constexpr std::array<uint8_t, 13> kRsaEncryption = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                                    0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
// id-ecPublicKey, then secp256r1.
constexpr std::array<uint8_t, 19> kEcOverP256 = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                                 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                                 0xce, 0x3d, 0x03, 0x01, 0x07};
constexpr std::array<uint8_t, 5> kEd25519 = {0x06, 0x03, 0x2b, 0x65, 0x70};

// TakeLength: lengths that do not fit in two octets belong to no key.
size_t TakeLength(Reader& reader) {
  const uint8_t first = reader.U8();
  const size_t least = first == 0x81 ? 0x80 : first == 0x82 ? 0x100 : 0;
  if (least == 0 && first >= 0x80) return SIZE_MAX;
  const size_t length = first == 0x81 ? reader.U8() : first == 0x82 ? reader.U16() : first;
  return length < least ? SIZE_MAX : length;
}

bool IsShortestPositive(ByteView content) {
  if (content.empty() || content[0] >= 0x80) return false;
  return content[0] != 0 || (content.size() > 1 && content[1] >= 0x80);
}

}  // namespace

ByteView TakeElement(Reader& reader, uint8_t tag) {
  if (reader.U8() != tag) return reader.Take(SIZE_MAX);
  return reader.Take(TakeLength(reader));
}

ByteView TakeOptional(Reader& reader, uint8_t tag) {
  const bool is_there = !reader.empty() && reader.rest()[0] == tag;
  return is_there ? TakeElement(reader, tag) : ByteView();
}

Result<ByteView> TakeOnly(ByteView der, uint8_t tag) {
  Reader reader(der);
  const ByteView content = TakeElement(reader, tag);
  if (!reader.ok()) return Err(Error::kMalformed);
  if (!reader.empty()) return Err(Error::kTrailingOctets);
  return content;
}

Bignum TakeNumber(Reader& reader) {
  const ByteView content = TakeElement(reader, kDerInteger);
  if (!IsShortestPositive(content)) return nullptr;
  Bignum number(BN_secure_new());
  KEYMAST_CHECK(number != nullptr && BN_bin2bn(content.data(), static_cast<int>(content.size()),
                                               number.get()) != nullptr);
  return number;
}

std::optional<KeyKind> KindOfAlgorithm(ByteView algorithm) {
  if (Equal(algorithm, kRsaEncryption)) return KeyKind::kRsa;
  if (Equal(algorithm, kEcOverP256)) return KeyKind::kP256;
  if (Equal(algorithm, kEd25519)) return KeyKind::kEd25519;
  return std::nullopt;
}

bool IsP256Name(ByteView element) { return Equal(element, ByteView(kEcOverP256).subspan(9)); }

}  // namespace keymast::crypto
