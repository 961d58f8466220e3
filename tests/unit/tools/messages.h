// SPDX-License-Identifier: Apache-2.0
// Messages of known keys, and decoding them in one call.
#pragma once

#include <sstream>

#include "tests/unit/mikey/sample.h"
#include "tools/decoder.h"
#include "tools/json_view.h"
#include "tools/text_view.h"

namespace keymast::tools {

inline Key NamedKey(const std::string& name, ByteView octets) {
  return {name, crypto::SecretBytes(octets.begin(), octets.end())};
}
inline Keys UserKeyOnly() { return {NamedKey("muk", mikey::kUserKey)}; }

// Worked messages of an independent program (docs/mikey.md): PSK mode and its answer.
inline const Bytes kPskInit = mikey::Hex(
    "0100058012345678010000deadbeef000000000b00e5a1b2c3000000010610101112131415161718191a1b1c1d1e1f"
    "06000010626d7363406578616d706c652e6f72670a00000f756531406578616d706c652e6f7267010000001b000101"
    "01011002010103011404010e0701010801010a01010b010a0001002936635126b5fc393cd81234f350e3515eb75bd2"
    "6d31e247f13d64931324c5d3c1592f47579f491155db011d2f22ffd7a5f790eed8ba176dcaabd35329ca02");
inline const Bytes kPskAnswer = mikey::Hex(
    "0101050012345678010000deadbeef000000000600e5a1b2c3000000010900000f756531406578616d706c652e6f72"
    "67000179eb2ead54d8527f2c9a9f67ae9b9c8423881fbf");

// Session holds messages with what decoding them in order gave.
class Session {
 public:
  Session(std::vector<Bytes> messages, Keys keys, std::vector<Bytes> rands = {})
      : messages_(std::move(messages)) {
    Decoder decoder(crypto::DefaultSuite(), std::move(keys), std::move(rands));
    for (const Bytes& octets : messages_) decoded_.push_back(decoder.Decode(octets));
  }
  const Decoded& operator[](size_t i) const { return decoded_[i]; }
  std::vector<Outcome> Outcomes() const {
    std::vector<Outcome> outcomes;
    for (const Decoded& one : decoded_) outcomes.push_back(one.outcome);
    return outcomes;
  }

 private:
  std::vector<Bytes> messages_;
  std::vector<Decoded> decoded_;
};

inline std::string TextOf(const Decoded& decoded, const TextOptions& options = {}) {
  std::ostringstream out;
  WriteText(decoded, {}, 1, options, out);
  return out.str();
}

}  // namespace keymast::tools
