// SPDX-License-Identifier: Apache-2.0
// make_certificate_seeds FOLDER: writes the first inputs of fuzz_crypto_certificates.
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdio>
#include <fstream>

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

void WriteAll(const std::string& folder) {
  const PrivateKey key = TestKey(testdata::kEndKey);
  CertificateRecipe end = EndRecipe();
  end.alt_names = "URI:sip:end@example.org,email:end@example.org,DNS:end.example.org";
  end.key_usage = "digitalSignature,keyEncipherment";
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
