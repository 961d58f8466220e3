// SPDX-License-Identifier: Apache-2.0
#include "crypto/pkcs1.h"

#include "base/cursor.h"

namespace keymast::crypto {
namespace {

// SubstituteSize maps 32 uniform bits to kMinEnvelope..kMaxEnvelope by a multiplication: a division
// would take as long as its operand is great.
uint32_t SubstituteSize(ByteView choice) {
  constexpr uint64_t kSizes = kMaxEnvelope - kMinEnvelope + 1;
  const uint64_t high = Reader(choice).U32();
  return static_cast<uint32_t>(kMinEnvelope + ((high * kSizes) >> 32));
}

}  // namespace

void PadPkcs1(ByteView message, Rng& rng, MutableBytes block) {
  KEYMAST_CHECK(message.size() + kPkcs1Overhead <= block.size());
  const MutableBytes padding = block.subspan(2, block.size() - message.size() - 3);
  rng.Fill(padding);
  for (uint8_t& octet : padding) {
    while (octet == 0) rng.Fill({&octet, 1});
  }
  block[0] = 0;
  block[1] = 2;
  block[block.size() - message.size() - 1] = 0;
  std::copy(message.begin(), message.end(), block.last(message.size()).begin());
}

Pkcs1Message FindPkcs1Message(ByteView block, size_t min_size, size_t max_size) {
  const auto total = static_cast<uint32_t>(block.size());
  KEYMAST_CHECK(total >= kPkcs1Overhead);
  uint32_t separator = 0;
  Mask found = 0;
  for (uint32_t i = 2; i < total; ++i) {
    const Mask zero = IsZero(block[i]);
    separator = Choose(~found & zero, i, separator);
    found |= zero;
  }
  Pkcs1Message message;
  message.size = total - 1 - separator;
  message.good = IsZero(block[0]) & IsEqual(block[1], 2) & found & ~IsLess(separator, 10) &
                 ~IsLess(message.size, static_cast<uint32_t>(min_size)) &
                 ~IsLess(static_cast<uint32_t>(max_size), message.size);
  return message;
}

void TakeTail(ByteView block, uint32_t size, MutableBytes out) {
  const ByteView tail = block.last(out.size());
  std::copy(tail.begin(), tail.end(), out.begin());
  // The message moves to the front by the powers of two of the distance, each done or not by mask:
  // an index that depends on the distance would show in the cache.
  const uint32_t distance = static_cast<uint32_t>(out.size()) - size;
  for (uint32_t step = 1; step < out.size(); step *= 2) {
    const Mask moves = ~IsZero(distance & step);
    for (size_t i = 0; i + step < out.size(); ++i) {
      out[i] = static_cast<uint8_t>(Choose(moves, out[i + step], out[i]));
    }
  }
}

Envelope OpenPkcs1(ByteView block, const Substitute& substitute) {
  KEYMAST_CHECK(substitute.size() == kMaxEnvelope + 4);
  const Pkcs1Message message = FindPkcs1Message(block, kMinEnvelope, kMaxEnvelope);
  auto key = SecretKey<kMaxEnvelope>::OfSize(kMaxEnvelope);
  TakeTail(block, Choose(message.good, message.size, kMaxEnvelope), key.mutable_view());
  const ByteView other = substitute.view().first(kMaxEnvelope);
  std::transform(key.view().begin(), key.view().end(), other.begin(), key.mutable_view().begin(),
                 [&message](uint8_t a, uint8_t b) {
                   return static_cast<uint8_t>(Choose(message.good, a, b));
                 });
  const uint32_t other_size = SubstituteSize(substitute.view().subspan(kMaxEnvelope));
  // A good key's length and a substitute's are alike to whoever does not know the key.
  const uint32_t size = Declassified(Choose(message.good, message.size, other_size));
  return Envelope(key.view().first(size));
}

}  // namespace keymast::crypto
