// SPDX-License-Identifier: Apache-2.0
// C2SP Wycheproof for the primitives in use.
#include "tests/vectors/wycheproof.h"
#include "crypto/primitives.h"

namespace keymast::vectors {
namespace {

using nlohmann::json;

void CheckHmac(const json& file, crypto::Hash hash) {
  ForEach(file, [hash](const json& group, const json& test) {
    const Bytes message = HexIn(test["msg"]);
    const std::array<ByteView, 1> parts{message};
    Bytes mac(crypto::HashSize(hash));
    crypto::DefaultSuite().hmac(hash, HexIn(test["key"]), parts, mac);
    mac.resize(group["tagSize"].get<size_t>() / 8);
    EXPECT_EQ(mac == HexIn(test["tag"]), IsValid(test));
  });
}

TEST(Wycheproof, HmacSha1) {
  KEYMAST_LOAD_VECTORS(file, "wycheproof/hmac_sha1_test.json");
  CheckHmac(file, crypto::Hash::kSha1);
}

TEST(Wycheproof, HmacSha256) {
  KEYMAST_LOAD_VECTORS(file, "wycheproof/hmac_sha256_test.json");
  CheckHmac(file, crypto::Hash::kSha256);
}

TEST(Wycheproof, HkdfSha256) {
  KEYMAST_LOAD_VECTORS(file, "wycheproof/hkdf_sha256_test.json");
  ForEach(file, [](const json&, const json& test) {
    if (!IsValid(test)) return;  // asks for more octets than HKDF has: a broken invariant of ours
    Bytes out(test["size"].get<size_t>());
    crypto::HkdfSha256(HexIn(test["ikm"]), HexIn(test["salt"]), HexIn(test["info"]), out);
    EXPECT_EQ(ToHex(out), test["okm"].get<std::string>());
  });
}

TEST(Wycheproof, AesKeyWrapWithPadding) {
  KEYMAST_LOAD_VECTORS(file, "wycheproof/aes_kwp_test.json");
  size_t asked = 0;
  ForEach(file, [&asked](const json& group, const json& test) {
    if (group["keySize"] != 256) return;
    ++asked;
    const Bytes key = HexIn(test["key"]);
    const Bytes message = HexIn(test["msg"]);
    const Bytes wrapped = HexIn(test["ct"]);
    Bytes out(wrapped.size());
    const Result<size_t> size = crypto::DefaultSuite().key_unwrap(key, wrapped, out);
    ASSERT_EQ(size.has_value(), IsValid(test));
    if (!size) return;
    out.resize(*size);
    EXPECT_EQ(out, message);
    Bytes again(crypto::KeyWrapSize(message.size()));
    crypto::DefaultSuite().key_wrap(key, message, again);
    EXPECT_EQ(again, wrapped);
  });
  EXPECT_EQ(asked, 94u);
}

TEST(Wycheproof, X25519) {
  KEYMAST_LOAD_VECTORS(file, "wycheproof/x25519_test.json");
  ForEach(file, [](const json&, const json& test) {
    const bool known_to_all = HexIn(test["shared"]) == Bytes(32);
    crypto::SecretKey<32> shared;
    const bool ok = crypto::X25519(crypto::SecretKey<32>(HexIn(test["private"])),
                                   HexIn(test["public"]), shared);
    EXPECT_EQ(ok, !known_to_all);
    if (ok) {
      EXPECT_EQ(ToHex(shared.view()), test["shared"].get<std::string>());
    }
  });
}

TEST(Wycheproof, XChaCha20Poly1305) {
  KEYMAST_LOAD_VECTORS(file, "wycheproof/xchacha20_poly1305_test.json");
  ForEach(file, [](const json& group, const json& test) {
    if (group["ivSize"] != 192) return;  // a sealed record's nonce has 24 octets by its layout
    const crypto::Sealer sealer{crypto::SecretKey<32>(HexIn(test["key"]))};
    Bytes sealed = HexIn(test["iv"]);
    for (const char* part : {"ct", "tag"}) {
      const Bytes octets = HexIn(test[part]);
      sealed.insert(sealed.end(), octets.begin(), octets.end());
    }
    const auto opened = sealer.Open(HexIn(test["aad"]), sealed);
    ASSERT_EQ(opened.has_value(), IsValid(test));
    if (opened) {
      EXPECT_EQ(ToHex(*opened), test["msg"].get<std::string>());
    }
  });
}

}  // namespace
}  // namespace keymast::vectors
