// SPDX-License-Identifier: Apache-2.0
// make_certificate_seeds FOLDER: writes the first inputs of fuzz_crypto_certificates, but those of
// DH values modulo a prime.
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdio>
#include <fstream>

#include "tests/data/ec_keys.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/make_certificate.h"

namespace {

using namespace keymast;
using namespace keymast::crypto;

void Write(const std::string& path, uint8_t kind, ByteView octets) {
  std::ofstream file(path, std::ios::binary);
  file.put(static_cast<char>(kind));
  const std::string_view text = AsText(octets);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
}

Bytes Chain(std::initializer_list<CertificateRecipe> recipes) {
  Bytes chain;
  for (const CertificateRecipe& recipe : recipes) {
    const Bytes der = MakeCertificate(recipe);
    chain.push_back(static_cast<uint8_t>(der.size() >> 8));
    chain.push_back(static_cast<uint8_t>(der.size()));
    chain.insert(chain.end(), der.begin(), der.end());
  }
  return chain;
}

Bytes Written(int (*write)(const EVP_PKEY*, unsigned char**), const PrivateKey& key) {
  unsigned char* der = nullptr;
  const int size = write(key.native(), &der);
  Bytes octets(der, std::next(der, size));
  OPENSSL_free(der);
  return octets;
}

// The keys of the curves, what they sign, and values of the groups.
void WriteCurves(const std::string& folder) {
  const PublicSuite& pk = *DefaultSuite().pk;
  const PrivateKey p256 = TestKey(testdata::kP256Key);
  const PrivateKey ed25519 = TestKey(testdata::kEd25519Key);
  const std::array<ByteView, 1> parts{AsBytes("text")};
  Bytes signature(kEcSignature);
  Write(folder + "/pem_p256", 2, AsBytes(testdata::kP256Key));
  Write(folder + "/pem_sec1", 2, AsBytes(testdata::kP256KeySec1));
  Write(folder + "/pem_ed25519", 2, AsBytes(testdata::kEd25519Key));
  Write(folder + "/sec1", 3, Written(i2d_PrivateKey, p256));
  Write(folder + "/spki_p256", 4, Written(i2d_PUBKEY, p256));
  Bytes spki = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  const PublicKey part = ed25519.PublicPart();
  spki.insert(spki.end(), part.ed25519().begin(), part.ed25519().end());
  Write(folder + "/spki_ed25519", 4, spki);
  Write(folder + "/raw_ed25519", 4, part.ed25519());
  pk.sign(p256, SignatureScheme::kEcdsaP256Sha256, parts, signature);
  Write(folder + "/signed_p256", 7, signature);
  pk.sign(ed25519, SignatureScheme::kEd25519, parts, signature);
  Write(folder + "/signed_ed25519", 7, signature);
  SeededRng rng(1);
  for (const DhGroup group : {DhGroup::kSecp256r1, DhGroup::kX25519}) {
    const DhKey key(pk, group, rng);
    Bytes value = {static_cast<uint8_t>(group)};
    value.insert(value.end(), key.public_value().begin(), key.public_value().end());
    const std::string name = group == DhGroup::kX25519 ? "/dh_x25519" : "/dh_secp256r1";
    Write(folder + name, 6, value);
    value.back() ^= 1;
    Write(folder + name + "_other", 6, value);
    Write(folder + name + "_zero", 6, [&value] {
      std::fill(value.begin() + 1, value.end(), uint8_t{0});
      return value;
    }());
  }
}

void WriteListsAndUris(const std::string& folder) {
  ListRecipe list;
  list.signer = testdata::kAuthorityKey;
  list.revoked = {1, 2};
  Write(folder + "/list", 8, MakeRevocationList(list));
  list.revoked = {7};
  Write(folder + "/list_revoking", 8, MakeRevocationList(list));
  list.is_delta = true;
  Write(folder + "/list_delta", 8, MakeRevocationList(list));
  Write(folder + "/uri", 9, AsBytes("mikey://user@end.example.org:2269/path?query#fragment"));
  Write(folder + "/uri_address", 9, AsBytes("mikey://[2001:db8::1]:2269/path"));
}

void WriteAll(const std::string& folder) {
  const PrivateKey key = TestKey(testdata::kEndKey);
  CertificateRecipe end = EndRecipe();
  end.alt_names = "URI:sip:end@example.org,email:end@example.org,DNS:end.example.org";
  end.key_usage = "digitalSignature,keyEncipherment";
  end.extended_usage = "serverAuth,clientAuth";
  CertificateRecipe between = AuthorityRecipe();
  between.subject = "between";
  between.key = testdata::kOtherKey;
  CertificateRecipe below = EndRecipe();
  below.issuer = "between";
  below.signer = testdata::kOtherKey;
  Write(folder + "/certificate", 0, MakeCertificate(end));
  Write(folder + "/chain_of_one", 1, Chain({end}));
  Write(folder + "/chain_of_two", 1, Chain({below, between}));
  Write(folder + "/pem", 2, AsBytes(testdata::kOtherKey));
  Write(folder + "/pkcs1", 3, Written(i2d_PrivateKey, key));
  Write(folder + "/spki", 4, Written(i2d_PUBKEY, key));
  SeededRng rng(1);
  Bytes wrapped(key.modulus_size());
  DefaultSuite().pk->wrap(key.PublicPart(), Bytes(32, 9), rng, wrapped);
  Write(folder + "/wrapped", 5, wrapped);
  Write(folder + "/not_wrapped", 5, Bytes(256, 1));
  DefaultSuite().pk->wrap_oaep(key.PublicPart(), Bytes(kOaepKey, 9), rng, wrapped);
  Write(folder + "/wrapped_oaep", 5, wrapped);
  WriteCurves(folder);
  WriteListsAndUris(folder);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_certificate_seeds FOLDER\n");
    return 2;
  }
  WriteAll(argv[1]);
  return 0;
}
