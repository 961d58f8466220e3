// SPDX-License-Identifier: Apache-2.0
// C2SP Wycheproof for the curves of MIKEYv2.
#include "base/cursor.h"
#include "crypto/public_key.h"
#include "tests/vectors/wycheproof.h"

namespace keymast::vectors {
namespace {

using nlohmann::json;

const crypto::PublicSuite& Pk() { return *crypto::DefaultSuite().pk; }

// The file has the peers' keys as SubjectPublicKeyInfo: what stands before a point of P-256.
constexpr std::string_view kSpki = "3059301306072a8648ce3d020106082a8648ce3d030107034200";

TEST(Wycheproof, EcdhSecp256r1) {
  KEYMAST_LOAD_VECTORS(file, "wycheproof/ecdh_secp256r1_test.json");
  size_t agreed = 0;
  ForEach(file, [&agreed](const json&, const json& test) {
    const auto spki = test["public"].get<std::string>();
    const bool is_plain = spki.starts_with(kSpki);
    // Those that are `acceptable` describe the curve in another way, or have a compressed point.
    ASSERT_TRUE(is_plain || !IsValid(test));
    EXPECT_EQ(crypto::PublicKey::FromSpki(Hex(spki)).has_value(), IsValid(test));
    if (!is_plain) return;
    Bytes own =
        HexIn(test["private"]);  // with a zero octet before, or without those it begins with
    if (own.size() > 32) own.erase(own.begin(), own.end() - 32);
    own.insert(own.begin(), 32 - own.size(), 0);
    Bytes shared(32);
    const Bytes point = Hex(std::string_view(spki).substr(kSpki.size()));
    ASSERT_EQ(Pk().dh_agree(crypto::DhGroup::kSecp256r1, own, point, shared), IsValid(test));
    if (!IsValid(test)) return;
    EXPECT_EQ(ToHex(shared), test["shared"].get<std::string>());
    ++agreed;
  });
  EXPECT_EQ(agreed, 330u);
}

TEST(Wycheproof, X25519OfTheSuite) {
  KEYMAST_LOAD_VECTORS(file, "wycheproof/x25519_test.json");
  ForEach(file, [](const json&, const json& test) {
    Bytes shared(32);
    const bool known_to_all = HexIn(test["shared"]) == shared;
    EXPECT_EQ(Pk().dh_agree(crypto::DhGroup::kX25519, HexIn(test["private"]), HexIn(test["public"]),
                            shared),
              !known_to_all);
    EXPECT_EQ(ToHex(shared), test["shared"].get<std::string>());
  });
}

// RAndS of a DER signature; nothing where it is no DER, or a number does not fit in 32 octets.
std::optional<Bytes> RAndS(ByteView der) {
  Reader reader(der);
  if (reader.U8() != 0x30 || reader.U8() != reader.remaining()) return {};
  Bytes octets;
  for (int i = 0; i < 2; ++i) {
    if (reader.U8() != 0x02) return {};
    ByteView number = reader.Take(reader.U8());
    if (!reader.ok() || number.empty() || number[0] >= 0x80) return {};
    const bool has_sign = number[0] == 0 && number.size() > 1;
    if (has_sign && number[1] < 0x80) return {};
    if (has_sign) number = number.subspan(1);
    if (number.size() > 32) return {};
    octets.insert(octets.end(), 32 - number.size(), 0);
    octets.insert(octets.end(), number.begin(), number.end());
  }
  if (!reader.Finish()) return {};
  return octets;
}

TEST(Wycheproof, EcdsaSecp256r1Sha256) {
  KEYMAST_LOAD_VECTORS(file, "wycheproof/ecdsa_secp256r1_sha256_test.json");
  size_t asked = 0;
  ForEach(file, [&asked](const json& group, const json& test) {
    const auto key = crypto::PublicKey::FromSpki(HexIn(group["publicKeyDer"]));
    ASSERT_TRUE(key) << ErrorName(key.error());
    const std::optional<Bytes> signature = RAndS(HexIn(test["sig"]));
    ASSERT_TRUE(signature || !IsValid(test));
    if (!signature) return;  // of the DER alone
    const Bytes message = HexIn(test["msg"]);
    const std::array<ByteView, 1> parts{message};
    EXPECT_EQ(Pk().verify(*key, crypto::SignatureScheme::kEcdsaP256Sha256, parts, *signature),
              IsValid(test));
    ++asked;
  });
  EXPECT_EQ(asked, 249u);
}

TEST(Wycheproof, Ed25519) {
  KEYMAST_LOAD_VECTORS(file, "wycheproof/ed25519_test.json");
  ForEach(file, [](const json& group, const json& test) {
    const auto key = crypto::PublicKey::FromSpki(HexIn(group["publicKeyDer"]));
    ASSERT_TRUE(key) << ErrorName(key.error());
    const Bytes message = HexIn(test["msg"]);
    const std::array<ByteView, 1> parts{message};
    EXPECT_EQ(Pk().verify(*key, crypto::SignatureScheme::kEd25519, parts, HexIn(test["sig"])),
              IsValid(test));
  });
}

}  // namespace
}  // namespace keymast::vectors
