// SPDX-License-Identifier: Apache-2.0
// Reference packets that were made by others (cisco/libsrtp test/srtp_driver.c).
#include "tests/unit/srtpio/packets.h"

namespace keymast::srtpio {
namespace {

struct Reference {
  SrtpProfile profile;
  std::string_view key;
  std::string_view salt;
  std::string_view sealed;  // behind the 12 octets of header
};

constexpr std::string_view kHeader = "800f1234decafbadcafebabe";

constexpr Reference kReferences[] = {
    {SrtpProfile::kAesCm128HmacSha1_80, "e1f97a0d3e018be0d64fa32c06de4139",
     "0ec675ad498afeebb6960b3aabe6", "4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"},
    {SrtpProfile::kAeadAes128Gcm, "000102030405060708090a0b0c0d0e0f", "a0a1a2a3a4a5a6a7a8a9aaab",
     "c5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392"},
};

TrafficKey KeyOf(const Reference& reference) {
  return {reference.profile,
          crypto::Key32(Hex(reference.key)),
          crypto::Salt14(Hex(reference.salt)),
          {}};
}

Bytes Plain() {
  Bytes packet = Hex(kHeader);
  packet.resize(28, 0xab);
  return packet;
}

Bytes Sealed(const Reference& reference) {
  Bytes packet = Hex(kHeader);
  const Bytes rest = Hex(reference.sealed);
  packet.insert(packet.end(), rest.begin(), rest.end());
  return packet;
}

TEST(ReferencePackets, Protect) {
  for (const Reference& reference : kReferences) {
    Session sender = Make(KeyOf(reference), Session::Direction::kSend);
    const auto sealed = Apply(sender, &Session::Protect, Plain());
    ASSERT_TRUE(sealed);
    EXPECT_EQ(ToHex(*sealed), ToHex(Sealed(reference)));
  }
}

TEST(ReferencePackets, Unprotect) {
  for (const Reference& reference : kReferences) {
    Session receiver = Make(KeyOf(reference), Session::Direction::kReceive);
    const auto plain = Apply(receiver, &Session::Unprotect, Sealed(reference));
    ASSERT_TRUE(plain);
    EXPECT_EQ(*plain, Plain());
  }
}

// RFC 3711 §3.1: payload || MKI || tag, the MKI outside of what is authenticated. RFC 7714 §8.1 and
// §13.2: the AEAD tag belongs to the ciphertext, so there the MKI comes last.
TEST(ReferencePackets, WhereTheMkiGoes) {
  for (const Reference& reference : kReferences) {
    TrafficKey key = KeyOf(reference);
    key.mki = {1, 2, 3, 4, 5, 6};
    Session sender = Make(key, Session::Direction::kSend);
    const auto sealed = Apply(sender, &Session::Protect, Plain());
    ASSERT_TRUE(sealed);
    Bytes want = Sealed(reference);
    const long tag = srtp::InfoOf(reference.profile).aead ? 0 : 10;
    want.insert(want.end() - tag, key.mki.begin(), key.mki.end());
    EXPECT_EQ(ToHex(*sealed), ToHex(want));
  }
}

}  // namespace
}  // namespace keymast::srtpio
