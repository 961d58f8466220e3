// SPDX-License-Identifier: Apache-2.0
#include "tests/constant_time/cases.h"

#include <cstring>

#include "crypto/oaep.h"
#include "crypto/pkcs1.h"
#include "crypto/public_suite.h"
#include "mikey/key_payloads.h"
#include "mikey/mac_check.h"
#include "mikey/prf.h"
#include "tests/data/rsa_keys.h"

namespace keymast::constant_time {
namespace {

using crypto::DefaultSuite;
using crypto::Hash;

volatile int sink = 0;

// Secret is octets that differ from case to case, marked.
template <size_t kSize>
std::array<uint8_t, kSize> Secret(uint8_t seed) {
  std::array<uint8_t, kSize> octets{};
  for (size_t i = 0; i < kSize; ++i) octets[i] = static_cast<uint8_t>(seed + 37 * i);
  MarkSecret(octets);
  return octets;
}

// SecretRng draws octets that are marked.
class SecretRng final : public crypto::Rng {
 public:
  void Fill(MutableBytes out) override {
    crypto::SeededRng(2).Fill(out);
    MarkSecret(out);
  }
};

void PlantedMemcmp() {
  const auto a = Secret<32>(1);
  const auto b = Secret<32>(1);
  if (std::memcmp(a.data(), b.data(), a.size()) == 0) sink = 1;
}

void PlantedLookup() {
  static const std::array<uint8_t, 256> table{1};
  const auto a = Secret<1>(1);
  sink = table[a[0]];
}

// The unpadding as one would write it without care.
void PlantedUnpadding() {
  auto block = Secret<256>(1);
  size_t i = 2;
  while (i < block.size() && block[i] != 0) ++i;
  sink = static_cast<int>(i);
}

template <bool (*kIsEqual)(ByteView, ByteView)>
void Comparison() {
  const auto a = Secret<32>(1);
  for (const uint8_t seed : Bytes{1, 2}) {
    const auto b = Secret<32>(seed);
    bool equal = kIsEqual(a, b);
    crypto::Declassify(&equal, sizeof equal);
    KEYMAST_CHECK(equal == (seed == 1));
  }
}

// Unpad opens a block that holds a message of `size` octets, with one octet put over it.
void Unpad(size_t size, size_t at, uint8_t octet, bool good) {
  crypto::SeededRng rng(1);
  Bytes block(256);
  crypto::PadPkcs1(Bytes(size, 7), rng, block);
  block[at] = octet;
  auto substitute = crypto::Substitute::OfSize(crypto::kMaxEnvelope + 4);
  MarkSecret(substitute.mutable_view());
  MarkSecret(block);
  crypto::Envelope envelope = crypto::OpenPkcs1(block, substitute);
  MarkPublic(envelope.mutable_view());
  KEYMAST_CHECK(!good || envelope.size() == size);
}

void Unpadding() {
  for (const size_t size : {16u, 32u, 128u}) Unpad(size, 0, 0, true);
  for (const size_t size : {0u, 15u, 129u, 245u}) Unpad(size, 0, 0, false);
  for (size_t at = 0; at < 256; at += 5) Unpad(32, at, 0, false);
  Unpad(32, 1, 1, false);
}

// UnpadOaep opens a block that holds a message of `size` octets, with one octet put over it.
void UnpadOaep(size_t size, size_t at, uint8_t octet, bool good) {
  crypto::SeededRng rng(1);
  Bytes block(256);
  crypto::PadOaep(Bytes(size, 7), rng, block);
  block[at] = octet;
  auto substitute = crypto::SecretKey<32>::OfSize(32);
  MarkSecret(substitute.mutable_view());
  MarkSecret(block);
  crypto::SecretKey<32> key = crypto::OpenOaepKey(block, substitute);
  MarkPublic(key.mutable_view());
  KEYMAST_CHECK((key.view()[0] == 7) == good);
}

void OaepUnpadding() {
  UnpadOaep(32, 0, 0, true);
  for (const size_t size : {0u, 31u, 33u, 190u}) UnpadOaep(size, 0, 0, false);
  for (size_t at = 0; at < 256; at += 15) UnpadOaep(32, at, 1, false);
}

template <Hash kHash, size_t kKey>
void Hmac() {
  const auto key = Secret<kKey>(1);
  const auto text = Secret<50>(2);
  const std::array<ByteView, 2> parts{ByteView(text), ByteView(text)};
  std::array<uint8_t, crypto::HashSize(kHash)> mac{};
  // The second turn meets the contexts of the same key.
  for (int turn = 0; turn < 2; ++turn) DefaultSuite().hmac(kHash, key, parts, mac);
  DefaultSuite().hmac_once(kHash, key, parts, mac);
}

// What an RSA key decrypts, from there on: a good envelope, damaged ones, one of another length.
void RsaUnwrapping() {
  const auto key = crypto::PrivateKey::FromPem(AsBytes(testdata::kEndKey));
  KEYMAST_CHECK(key.has_value());
  crypto::SeededRng rng(1);
  const std::array<uint8_t, 32> inside{7};
  Bytes wrapped(256);
  KEYMAST_CHECK(crypto::RsaWrap(key->PublicPart(), inside, rng, wrapped).has_value());
  Bytes oaep(256);
  KEYMAST_CHECK(crypto::RsaWrapOaep(key->PublicPart(), inside, rng, oaep).has_value());
  for (const size_t damaged : {0u, 100u, 255u, 256u}) {
    crypto::Envelope envelope = crypto::RsaUnwrap(*key, wrapped);
    MarkPublic(envelope.mutable_view());
    crypto::SecretKey<crypto::kOaepKey> opened = crypto::RsaUnwrapOaep(*key, oaep);
    MarkPublic(opened.mutable_view());
    KEYMAST_CHECK(Equal(opened.view(), inside) == (damaged == 0));
    if (damaged < wrapped.size()) {
      wrapped[damaged] ^= 1;
      oaep[damaged] ^= 1;
    } else {
      wrapped.pop_back();
    }
  }
}

template <size_t kKey>
void AesCtr() {
  const auto key = Secret<kKey>(1);
  auto data = Secret<75>(2);
  const std::array<uint8_t, 16> iv{1};
  for (int turn = 0; turn < 2; ++turn) DefaultSuite().aes_ctr(key, iv, data);
}

// Agreement draws a private value, which is marked, and agrees with a public one.
template <crypto::DhGroup kGroup>
void Agreement() {
  std::array<uint8_t, crypto::kDhPrivateSize> peer_private{};
  Bytes peer(crypto::DhPublicSize(kGroup));
  crypto::SeededRng peers(1);
  crypto::DhGenerate(kGroup, peers, peer_private, peer);
  SecretRng rng;
  std::array<uint8_t, crypto::kDhPrivateSize> mine{};
  Bytes value(crypto::DhPublicSize(kGroup));
  crypto::DhGenerate(kGroup, rng, mine, value);
  std::array<uint8_t, crypto::DhSharedSize(kGroup)> shared{};
  const bool agreed = crypto::DhAgree(kGroup, mine, peer, shared);
  KEYMAST_CHECK(crypto::Declassified(agreed));
}

// UnwrapsKey opens a key of `size` octets, with one octet of what is wrapped changed.
void UnwrapsKey(size_t size, size_t at, uint8_t change) {
  const auto key = Secret<32>(1);
  Bytes plain(size, 3);
  MarkSecret(plain);
  Bytes wrapped(crypto::KeyWrapSize(size));
  DefaultSuite().key_wrap(key, plain, wrapped);
  wrapped[at] ^= change;
  Bytes out(wrapped.size());
  const Result<size_t> opened = DefaultSuite().key_unwrap(key, wrapped, out);
  KEYMAST_CHECK(opened.has_value() == (change == 0));
}

void KeyUnwrapping() {
  for (const size_t size : {5u, 8u, 20u, 32u}) {
    UnwrapsKey(size, 0, 0);
    for (const size_t at : {0u, 8u, 15u}) UnwrapsKey(size, at, 1);
  }
}

void Hkdf() {
  const auto key = Secret<32>(1);
  const auto salt = Secret<32>(2);
  std::array<uint8_t, 100> out{};
  crypto::HkdfSha256(key, salt, AsBytes("info"), out);
}

template <mikey::PrfFunc kPrf>
void PrfAndDerive() {
  const auto inkey = Secret<48>(1);  // two pieces
  std::array<uint8_t, 50> out{};
  mikey::Prf(DefaultSuite(), kPrf, inkey, AsBytes("label"), out);
  const std::array<uint8_t, 16> rand{1};
  mikey::Derive(DefaultSuite(), kPrf, inkey, mikey::KeyConstant::kTek, 1, CsbId(5), rand, out);
}

template <mikey::MacAlg kMac>
void MessageMac() {
  const auto key = Secret < kMac == mikey::MacAlg::kHmacSha1_160 ? 20 : 32 > (1);
  const std::array<uint8_t, 90> message{1};
  const std::array<ByteView, 1> parts{message};
  std::array<uint8_t, kMac == mikey::MacAlg::kHmacSha1_160 ? 20 : 32> mac{};
  mikey::Mac(DefaultSuite(), kMac, key, parts, mac);
}

template <size_t kKey>
void KeyData() {
  mikey::TransportKeys keys;
  keys.encr = crypto::Key32(Secret<kKey>(1));
  keys.salt = crypto::Salt14(Secret<14>(2));
  auto data = Secret<60>(3);
  const std::array<uint8_t, 4> timestamp{1};
  mikey::CryptKeyData(DefaultSuite(), keys, CsbId(5), {mikey::TsType::kCounter, timestamp}, data);
}

constexpr Case kCases[] = {
    {"memcmp", PlantedMemcmp, true},
    {"table lookup", PlantedLookup, true},
    {"careless unpadding", PlantedUnpadding, true},
    {"ConstantTimeEqual", Comparison<crypto::ConstantTimeEqual>},
    {"MacIsGood", Comparison<mikey::MacIsGood>},
    {"RSA unwrapping", RsaUnwrapping},
    {"PKCS#1 unpadding and choice", Unpadding},
    {"OAEP unpadding and choice", OaepUnpadding},
    {"HMAC-SHA-1", Hmac<Hash::kSha1, 20>},
    {"HMAC-SHA-1, key longer than a block", Hmac<Hash::kSha1, 80>},
    {"HMAC-SHA-256", Hmac<Hash::kSha256, 32>},
    {"AES-128-CTR", AesCtr<16>},
    {"AES-256-CTR", AesCtr<32>},
    {"key wrap and unwrap", KeyUnwrapping},
    {"HKDF-SHA-256", Hkdf},
    {"X25519", Agreement<crypto::DhGroup::kX25519>},
    {"secp256r1", Agreement<crypto::DhGroup::kSecp256r1>},
    {"MIKEY-1 PRF", PrfAndDerive<mikey::PrfFunc::kMikey1>},
    {"PRF-HMAC-SHA-256", PrfAndDerive<mikey::PrfFunc::kHmacSha256>},
    {"Mac of HMAC-SHA-1-160", MessageMac<mikey::MacAlg::kHmacSha1_160>},
    {"Mac of HMAC-SHA-256-256", MessageMac<mikey::MacAlg::kHmacSha256_256>},
    {"CryptKeyData, AES-128", KeyData<16>},
    {"CryptKeyData, AES-256", KeyData<32>},
};

}  // namespace

std::span<const Case> Cases() { return kCases; }

}  // namespace keymast::constant_time
