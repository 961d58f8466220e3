// SPDX-License-Identifier: Apache-2.0
#include "tools/vectors.h"

namespace keymast::tools {
namespace {

using namespace mikey;

struct Purpose {
  const char* name;
  KeyConstant constant;
  uint8_t cs_id;
  size_t length;
};
// RFC 3830 §4.1.3 and §4.1.4.
constexpr Purpose kPurposes[] = {
    {"TEK from TGK", KeyConstant::kTek, 1, 16},
    {"long TEK from TGK", KeyConstant::kTek, 2, 32},
    {"salt from TGK", KeyConstant::kTgkSalt, 1, 14},
    {"authentication key from TGK", KeyConstant::kTgkAuth, 1, 20},
    {"encryption key from TGK", KeyConstant::kTgkEncr, 1, 16},
    {"encr_key", KeyConstant::kMikeyEncr, kMikeyOwnKeys, 16},
    {"auth_key", KeyConstant::kMikeyAuth, kMikeyOwnKeys, 20},
    {"long auth_key", KeyConstant::kMikeyAuth, kMikeyOwnKeys, 32},
    {"salt_key", KeyConstant::kMikeySalt, kMikeyOwnKeys, 14},
};

// Pieces of the PRF have 32 octets: these are less than one, one, more than one, and just two.
constexpr size_t kInkeyLengths[] = {16, 32, 48, 64};
constexpr uint32_t kCsbId = 0x12345678;

Bytes Counting(size_t length, uint8_t first) {
  Bytes octets(length);
  for (size_t i = 0; i < length; ++i) octets[i] = static_cast<uint8_t>(first + i);
  return octets;
}

Json Vector(PrfFunc prf, size_t inkey_length, const Purpose& purpose) {
  const Bytes inkey = Counting(inkey_length, 0x00);
  const Bytes rand = Counting(16, 0x10);
  Bytes out(purpose.length);
  Derive(crypto::DefaultSuite(), prf, inkey, purpose.constant, purpose.cs_id, CsbId(kCsbId), rand,
         out);
  return {{"name", purpose.name},   {"prf_func", NameOf(prf)},
          {"inkey", ToHex(inkey)},  {"constant", static_cast<uint32_t>(purpose.constant)},
          {"cs_id", purpose.cs_id}, {"csb_id", kCsbId},
          {"rand", ToHex(rand)},    {"outkey", ToHex(out)}};
}

}  // namespace

Json KeyDerivationVectors() {
  Json vectors = Json::array();
  for (const PrfFunc prf : {PrfFunc::kMikey1, PrfFunc::kHmacSha256}) {
    for (const size_t length : kInkeyLengths) {
      for (const Purpose& purpose : kPurposes) vectors.push_back(Vector(prf, length, purpose));
    }
  }
  return vectors;
}

}  // namespace keymast::tools
