// SPDX-License-Identifier: Apache-2.0
#include "crypto/rng.h"

#include "tests/unit/crypto/hex.h"

namespace keymast::crypto {
namespace {

Bytes Draw(Rng& rng, size_t size) {
  Bytes octets(size);
  rng.Fill(octets);
  return octets;
}

TEST(SeededRng, OneSeedReplaysARun) {
  SeededRng a(7);
  SeededRng b(7);
  for (const size_t size : {1u, 16u, 100u}) EXPECT_EQ(Draw(a, size), Draw(b, size));
}

TEST(SeededRng, SeedsAndDrawsDiffer) {
  SeededRng a(7);
  SeededRng b(8);
  const Bytes first = Draw(a, 32);
  EXPECT_NE(first, Draw(a, 32));
  EXPECT_NE(first, Draw(b, 32));
}

TEST(SystemRng, FillsAllOctets) {
  SystemRng rng;
  // 64 octets that are all zero after 8 draws would be a broken source.
  Bytes seen(64);
  for (int draw = 0; draw < 8; ++draw) {
    const Bytes octets = Draw(rng, seen.size());
    for (size_t i = 0; i < seen.size(); ++i) seen[i] |= octets[i];
  }
  for (const uint8_t octet : seen) EXPECT_NE(octet, 0);
}

TEST(SystemRng, TakesNothing) {
  SystemRng rng;
  EXPECT_TRUE(Draw(rng, 0).empty());
}

}  // namespace
}  // namespace keymast::crypto
