// SPDX-License-Identifier: Apache-2.0
#include "tests/vectors/vectors.h"

#include <cstdlib>
#include <fstream>
#include <map>

namespace keymast::vectors {
namespace {

bool IsSet(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

// Cases of each file, also where it is not at hand.
const std::map<std::string, size_t> kCases = {
    {"mikey-worked.json", 28},
    {"peers", 44},
    {"wycheproof/aes_kwp_test.json", 254},
    {"wycheproof/ecdh_secp256r1_test.json", 612},
    {"wycheproof/ecdsa_secp256r1_sha256_test.json", 484},
    {"wycheproof/ed25519_test.json", 151},
    {"wycheproof/hkdf_sha256_test.json", 86},
    {"wycheproof/hmac_sha1_test.json", 170},
    {"wycheproof/hmac_sha256_test.json", 174},
    {"wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json", 37},
    {"wycheproof/rsa_pkcs1_2048_test.json", 67},
    {"wycheproof/rsa_pss_2048_sha256_mgf1_32_test.json", 108},
    {"wycheproof/rsa_signature_2048_sha256_test.json", 259},
    {"wycheproof/x25519_test.json", 518},
    {"wycheproof/xchacha20_poly1305_test.json", 315},
};

// The messages of a peer's file are counted with all.
std::string CountedAs(const std::string& name) {
  return name.rfind("peers/", 0) == 0 ? "peers" : name;
}

}  // namespace

std::filesystem::path Folder() {
  if (IsSet("KEYMAST_VECTORS")) return std::getenv("KEYMAST_VECTORS");
  return std::filesystem::path(KEYMAST_SOURCE_DIR).parent_path() / "shared" / "vectors";
}

nlohmann::json Load(const std::string& name) {
  std::ifstream file(Folder() / name);
  if (!file) return nullptr;
  nlohmann::json read = nlohmann::json::parse(file);
  if (read.is_object() && read.contains("numberOfTests")) {
    EXPECT_EQ(read["numberOfTests"], CasesOf(name)) << name;
  }
  return read;
}

size_t CasesOf(const std::string& name) { return kCases.at(name); }

std::string LeftOut(const std::string& name) {
  const std::string counted = CountedAs(name);
  return "LEFT OUT: " + std::to_string(CasesOf(counted)) + " vectors of " +
         (Folder() / counted).string();
}

testing::AssertionResult MayLeaveOut(const std::string& name) {
  if (!IsSet("CI")) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no " << Folder() / name << ", and CI is set";
}

Bytes Hex(std::string_view text) {
  Bytes octets;
  EXPECT_TRUE(FromHex(text, octets)) << text;
  return octets;
}

Bytes HexIn(const nlohmann::json& text) { return Hex(text.get<std::string>()); }

}  // namespace keymast::vectors
