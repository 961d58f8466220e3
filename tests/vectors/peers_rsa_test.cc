// SPDX-License-Identifier: Apache-2.0
// Envelopes, signatures and certificates that minisip's libmikey made.
#include <sodium.h>

#include "crypto/public_key.h"
#include "tests/vectors/vectors.h"

namespace keymast::vectors {
namespace {

using nlohmann::json;

const crypto::PublicSuite& Pk() { return *crypto::DefaultSuite().pk; }
const Instant kLater = FromUnixNanos(1'800'000'000'000'000'000);  // behind the vectors' dates

// Payload of a kind in a message, as the vectors' maker read it.
const json& Payload(const json& message, const char* kind) {
  for (const json& payload : message["fields"]["payloads"]) {
    if (payload["payload"] == kind) return payload;
  }
  static const json none;
  return none;
}

Bytes DerOf(const std::string& pem) {
  const size_t begin = pem.find('\n');
  const size_t end = pem.find("-----END");
  Bytes der(pem.size());
  size_t size = 0;
  EXPECT_EQ(sodium_base642bin(der.data(), der.size(), &pem[begin], end - begin, "\r\n", &size,
                              nullptr, sodium_base64_VARIANT_ORIGINAL),
            0);
  der.resize(size);
  return der;
}

void ExpectEnvelope(const json& message, const json& key_pem, const json& envelope_key) {
  const auto key = crypto::PrivateKey::FromPem(AsBytes(key_pem.get<std::string>()));
  ASSERT_TRUE(key);
  const auto envelope = Pk().unwrap(*key, HexIn(Payload(message, "PKE")["data"]));
  EXPECT_EQ(ToHex(envelope.view()), envelope_key.get<std::string>());
}

// ExpectSigned: by the certificate in the message, over the message and what `behind` adds.
void ExpectSigned(const json& message, ByteView behind) {
  const auto certificate =
      crypto::Certificate::FromDer(HexIn(Payload(message, "CERT")["cert_der"]));
  ASSERT_TRUE(certificate);
  const Bytes signature = HexIn(Payload(message, "SIGN")["signature"]);
  const Bytes whole = HexIn(message["hex"]);
  const std::array<ByteView, 2> parts{ByteView(whole).first(whole.size() - signature.size()),
                                      behind};
  constexpr auto kScheme = crypto::SignatureScheme::kRsaPkcs1Sha1;  // S type 0, RFC 3830 §6.5
  EXPECT_TRUE(Pk().verify(certificate->public_key(), kScheme, parts, signature));
  EXPECT_FALSE(
      Pk().verify(certificate->public_key(), kScheme, std::span(parts).last(1), signature));
}

void ExpectTrusted(const json& message, const json& ca_pem, const char* identity) {
  crypto::TrustStore store;
  ASSERT_TRUE(store.AddAnchor(DerOf(ca_pem.get<std::string>())));
  const Bytes der = HexIn(Payload(message, "CERT")["cert_der"]);
  const std::array<ByteView, 1> chain{der};
  EXPECT_TRUE(store.Verify(chain, kLater));
  EXPECT_TRUE(crypto::Certificate::FromDer(der)->Names(AsBytes(identity)));
}

TEST(PeersRsa, PublicKeyMode) {
  KEYMAST_LOAD_VECTORS(file, "peers/pke_rsa2048.json");
  const json& init = file["messages"]["init"];
  ExpectEnvelope(init, file["keys"]["resp_key"], file["checks"]["pk"]["init_envelope_key"]);
  ExpectSigned(init, {});
  ExpectTrusted(init, file["keys"]["ca_pem"], "sip:init@example.test");
}

TEST(PeersRsa, ReverseMode) {
  KEYMAST_LOAD_VECTORS(file, "peers/rsar_rsa2048.json");
  const json& resp = file["messages"]["resp"];
  ExpectEnvelope(resp, file["keys"]["init_key"], file["checks"]["pk"]["resp_envelope_key"]);
  // The peer signs its own identity and time behind the message, where RFC 4738 §3.6 has both
  // identities.
  std::string id = Payload(resp, "ID")["id"];
  Bytes behind(id.begin(), id.end());
  const Bytes time = HexIn(Payload(resp, "T")["ts"]);
  behind.insert(behind.end(), time.begin(), time.end());
  ExpectSigned(resp, behind);
  ExpectTrusted(resp, file["keys"]["ca_pem"], "sip:resp@example.test");
}

}  // namespace
}  // namespace keymast::vectors
