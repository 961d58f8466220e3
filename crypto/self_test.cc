// SPDX-License-Identifier: Apache-2.0
// Known answers of the installed libraries, asked in the way that we use them.
#include <sodium.h>

#include "crypto/public_key.h"

namespace keymast::crypto {
namespace {

// HMAC-SHA-1 of RFC 2202 and HMAC-SHA-256 of RFC 4231, test case 1 of both.
constexpr std::array<uint8_t, 20> kHmacSha1 = {0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72,
                                               0x64, 0xe2, 0x8b, 0xc0, 0xb6, 0xfb, 0x37,
                                               0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00};
constexpr std::array<uint8_t, 32> kHmacSha256 = {
    0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce, 0xaf, 0x0b, 0xf1, 0x2b,
    0x88, 0x1d, 0xc2, 0x00, 0xc9, 0x83, 0x3d, 0xa7, 0x26, 0xe9, 0x37, 0x6c, 0x2e, 0x32, 0xcf, 0xf7};

Bytes FromText(std::string_view hex) {
  Bytes octets;
  KEYMAST_CHECK(FromHex(hex, octets));
  return octets;
}

bool HmacIsRight(Hash hash, ByteView expected) {
  std::array<uint8_t, 20> key{};
  key.fill(0x0b);
  const std::array<ByteView, 2> parts{AsBytes("Hi "), AsBytes("There")};
  std::array<uint8_t, 32> mac{};
  const MutableBytes out = MutableBytes(mac).first(HashSize(hash));
  // The second turn re-arms the context with the same key, which OpenSSL before 3.0.3 got wrong.
  for (int turn = 0; turn < 2; ++turn) {
    DefaultSuite().hmac(hash, key, parts, out);
    if (!Equal(out, expected)) return false;
  }
  return true;
}

// First keystream block of RFC 3711 appendix B.2.
bool AesIsRight() {
  const std::array<uint8_t, 16> key = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                       0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
  const std::array<uint8_t, 16> iv = {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7,
                                      0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0x00, 0x00};
  const std::array<uint8_t, 16> expected = {0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80,
                                            0xe1, 0x66, 0xb1, 0x6d, 0xd9, 0x2b, 0x4e, 0xb4};
  std::array<uint8_t, 16> data{};
  DefaultSuite().aes_ctr(key, iv, data);
  return data == expected;
}

// Test 179 of Wycheproof's aes_kwp; RFC 5649 has none of 256 bits.
bool KeyWrapIsRight() {
  const auto key = FromText("1abf4b7fa2bb62a78f09ddab04625dcacdd9e551d1a69b6b162baa53d2700093");
  const auto plain = FromText("1723eb9d000916996a");
  const auto expected = FromText("db7e73da22219e1baac0f4e955c3db2b900b5d3078f94b59");
  Bytes wrapped(KeyWrapSize(plain.size()));
  DefaultSuite().key_wrap(key, plain, wrapped);
  Bytes back(wrapped.size());
  const Result<size_t> size = DefaultSuite().key_unwrap(key, wrapped, back);
  return wrapped == expected && size && Equal(ByteView(back).first(*size), plain);
}

// The secret of RFC 5903 §8.1.
bool P256IsRight() {
  const auto own = FromText("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
  const auto peer = FromText(
      "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
      "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab");
  const auto expected =
      FromText("d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de");
  Bytes shared(32);
  return DefaultSuite().pk->dh_agree(DhGroup::kSecp256r1, own, peer, shared) && shared == expected;
}

// That of RFC 7748 §6.1.
bool X25519IsRight() {
  const auto own = FromText("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const auto peer = FromText("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  const auto expected =
      FromText("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  Bytes shared(32);
  return DefaultSuite().pk->dh_agree(DhGroup::kX25519, own, peer, shared) && shared == expected;
}

// RFC 6979 §A.2.5, SHA-256 of "sample".
bool EcdsaIsRight() {
  const auto spki = FromText(
      "3059301306072a8648ce3d020106082a8648ce3d030107034200"
      "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
      "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
  const auto signature = FromText(
      "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
      "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
  const std::array<ByteView, 1> parts{AsBytes("sample")};
  const auto key = PublicKey::FromSpki(spki);
  return key &&
         DefaultSuite().pk->verify(*key, SignatureScheme::kEcdsaP256Sha256, parts, signature);
}

// RFC 8032 §7.1, test 2.
bool Ed25519IsRight() {
  const auto seed = FromText("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  const auto expected = FromText(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  const std::array<ByteView, 1> parts{AsBytes("\x72")};
  const PrivateKey key = PrivateKey::FromEd25519(SecretKey<kEd25519Key>(seed));
  Bytes signature(kEcSignature);
  const PublicSuite& pk = *DefaultSuite().pk;
  return pk.sign(key, SignatureScheme::kEd25519, parts, signature) && signature == expected &&
         pk.verify(key.PublicPart(), SignatureScheme::kEd25519, parts, signature);
}

}  // namespace

bool SelfTest() {
  return sodium_init() >= 0 && HmacIsRight(Hash::kSha1, kHmacSha1) &&
         HmacIsRight(Hash::kSha256, kHmacSha256) && AesIsRight() && KeyWrapIsRight() &&
         P256IsRight() && X25519IsRight() && EcdsaIsRight() && Ed25519IsRight();
}

}  // namespace keymast::crypto
