// SPDX-License-Identifier: Apache-2.0
// C2SP Wycheproof for RSA.
#include "crypto/oaep.h"
#include "crypto/pkcs1.h"
#include "crypto/rsa_key.h"
#include "tests/vectors/wycheproof.h"

namespace keymast::vectors {
namespace {

using nlohmann::json;

// OpenedWide is the message of RSAES-PKCS1-v1_5 of any length, as Wycheproof asks for it.
std::optional<Bytes> OpenedWide(const crypto::PrivateKey& key, ByteView wrapped) {
  const size_t size = key.modulus_size();
  Bytes block(size);
  if (wrapped.size() != size || !crypto::RawPrivate(key.native(), wrapped, block)) return {};
  const size_t most = size - crypto::kPkcs1Overhead;
  const crypto::Pkcs1Message message = crypto::FindPkcs1Message(block, 0, most);
  if (message.good == 0) return {};
  Bytes out(most);
  crypto::TakeTail(block, message.size, out);
  out.resize(message.size);
  return out;
}

bool IsEnvelope(const Bytes& message) {
  return message.size() >= crypto::kMinEnvelope && message.size() <= crypto::kMaxEnvelope;
}

TEST(Wycheproof, RsaPkcs1Decryption) {
  KEYMAST_LOAD_VECTORS(file, "wycheproof/rsa_pkcs1_2048_test.json");
  ForEach(file, [](const json& group, const json& test) {
    const auto key = crypto::PrivateKey::FromDer(HexIn(group["privateKeyPkcs8"]));
    ASSERT_TRUE(key) << ErrorName(key.error());
    const Bytes wrapped = HexIn(test["ct"]);
    const Bytes message = HexIn(test["msg"]);
    const std::optional<Bytes> opened = OpenedWide(*key, wrapped);
    ASSERT_EQ(opened.has_value(), IsValid(test));
    if (opened) {
      EXPECT_EQ(*opened, message);
    }
    const crypto::Envelope envelope = crypto::DefaultSuite().pk->unwrap(*key, wrapped);
    EXPECT_EQ(Equal(envelope.view(), message), IsValid(test) && IsEnvelope(message));
  });
}

// OpenedAs is the message of RSAES-OAEP with an empty label, where it has that many octets.
std::optional<Bytes> OpenedAs(const crypto::PrivateKey& key, ByteView wrapped, size_t size) {
  Bytes block(key.modulus_size());
  if (wrapped.size() != block.size() || !crypto::RawPrivate(key.native(), wrapped, block)) {
    return {};
  }
  if (crypto::OpenOaep(block, size) == 0) return {};
  return Bytes(block.end() - static_cast<std::ptrdiff_t>(size), block.end());
}

TEST(Wycheproof, RsaOaepDecryption) {
  KEYMAST_LOAD_VECTORS(file, "wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json");
  ForEach(file, [](const json& group, const json& test) {
    const auto key = crypto::PrivateKey::FromDer(HexIn(group["privateKeyPkcs8"]));
    ASSERT_TRUE(key) << ErrorName(key.error());
    const Bytes wrapped = HexIn(test["ct"]);
    const Bytes message = HexIn(test["msg"]);
    const bool good = IsValid(test) && test["label"] == "";
    for (size_t size = 0; size <= key->modulus_size() - crypto::kOaepOverhead; ++size) {
      const std::optional<Bytes> opened = OpenedAs(*key, wrapped, size);
      ASSERT_EQ(opened.has_value(), good && size == message.size()) << size;
      if (opened) {
        EXPECT_EQ(*opened, message);
      }
    }
    const crypto::SecretKey<32> opened = crypto::DefaultSuite().pk->unwrap_oaep(*key, wrapped);
    EXPECT_EQ(Equal(opened.view(), message), good && message.size() == 32);
  });
}

void CheckSignatures(const json& file, const char* spki, crypto::SignatureScheme scheme) {
  ForEach(file, [spki, scheme](const json& group, const json& test) {
    const auto key = crypto::PublicKey::FromSpki(HexIn(group[spki]));
    ASSERT_TRUE(key) << ErrorName(key.error());
    const Bytes message = HexIn(test["msg"]);
    const std::array<ByteView, 1> parts{message};
    // The one that is `acceptable` leaves out a NULL that RFC 8017 §9.2 puts in: refused here.
    EXPECT_EQ(crypto::DefaultSuite().pk->verify(*key, scheme, parts, HexIn(test["sig"])),
              IsValid(test));
  });
}

TEST(Wycheproof, RsaPkcs1Signatures) {
  KEYMAST_LOAD_VECTORS(file, "wycheproof/rsa_signature_2048_sha256_test.json");
  CheckSignatures(file, "publicKeyDer", crypto::SignatureScheme::kRsaPkcs1Sha256);
}

TEST(Wycheproof, RsaPssSignatures) {
  KEYMAST_LOAD_VECTORS(file, "wycheproof/rsa_pss_2048_sha256_mgf1_32_test.json");
  CheckSignatures(file, "publicKeyDer", crypto::SignatureScheme::kRsaPssSha256);
}

}  // namespace
}  // namespace keymast::vectors
