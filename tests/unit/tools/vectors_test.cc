// SPDX-License-Identifier: Apache-2.0
// The published vectors are what the program writes, and what the codec's own readers take. An
// independent program checks them too: tests/tools/published_vectors_test.py.
#include "tools/vectors.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "mikey/form3gpp.h"
#include "tests/unit/tools/messages.h"

namespace keymast::tools {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(KEYMAST_SOURCE_DIR) / "tests/vectors/published";

std::string TextIn(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Vectors, ThePublishedFilesAreWhatTheProgramWrites) {
  std::set<std::string> files;
  for (const VectorKind& kind : VectorKinds()) {
    EXPECT_TRUE(files.insert(kind.file).second);
    // Not EXPECT_EQ: to show where a megabyte differs it takes all memory there is.
    EXPECT_TRUE(TextIn(kFolder / kind.file) == VectorText(kind))
        << kind.file << ": run keymast-mikey vectors tests/vectors/published";
  }
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    EXPECT_TRUE(files.contains(entry.path().filename().string())) << entry.path();
  }
}

Json VectorsIn(const char* file) { return Json::parse(TextIn(kFolder / file))["vectors"]; }

TEST(Vectors, NamesAreDistinctInAFile) {
  for (const VectorKind& kind : VectorKinds()) {
    if (kind.make == KeyDerivationVectors) continue;
    std::set<std::string> names;
    for (const Json& vector : VectorsIn(kind.file)) {
      EXPECT_TRUE(names.insert(vector["name"]).second) << kind.file << " " << vector["name"];
    }
  }
}

Bytes OctetsOf(const Json& message) { return mikey::Hex(message["octets"].get<std::string>()); }

TEST(Vectors, TheMandatoryOneIsTheOneOfAnIndependentProgram) {
  EXPECT_EQ(OctetsOf(VectorsIn("psk.json")[0]["messages"][0]), kPskInit);
}

mikey::Profile3gpp ProfileOf(const mikey::Unverified& message) {
  mikey::Profile3gpp profile;
  profile.prf = message.prf;
  if (message.prf == mikey::PrfFunc::kHmacSha256) {
    profile.encr_alg = mikey::EncrAlg::kAesCm256;
    profile.mac_alg = mikey::MacAlg::kHmacSha256_256;
  }
  return profile;
}

TEST(Vectors, AReceiverTakesTheMskAndMtkMessages) {
  for (const char* file : {"msk.json", "mtk.json", "verification.json"}) {
    for (const Json& vector : VectorsIn(file)) {
      const Bytes user_key = mikey::Hex(vector["test_keys"]["muk"].get<std::string>());
      const Bytes octets = OctetsOf(vector["messages"][0]);
      const auto seen = mikey::Inspect(octets);
      ASSERT_TRUE(seen) << vector["name"];
      const mikey::Profile3gpp profile = ProfileOf(*seen);
      const auto& suite = crypto::DefaultSuite();
      const auto msk = mikey::OpenMsk(suite, profile, *seen, user_key);
      ASSERT_TRUE(msk) << vector["name"];
      if (vector["messages"].size() < 2) continue;
      const Bytes next = OctetsOf(vector["messages"][1]);
      const auto follows = mikey::Inspect(next);
      ASSERT_TRUE(follows) << vector["name"];
      const bool is_verified = vector["messages"][1]["outcome"] == "verified";
      if (follows->kind == mikey::MessageKind::kMtk) {
        EXPECT_TRUE(mikey::OpenMtk(suite, profile, *follows, msk->msk.view(), seen->rand));
        continue;
      }
      mikey::Profile3gpp bare = profile;
      bare.ids_in_verification = vector["name"] != "without_identities";
      EXPECT_EQ(is_verified,
                mikey::CheckVerification(suite, bare, *follows, seen->idi, seen->rand, user_key)
                    .has_value())
          << vector["name"];
    }
  }
}

// Nothing of one run opens another: a program under test cannot mistake them unseen.
TEST(Vectors, RunsHaveKeysOfTheirOwn) {
  std::set<std::string> keys;
  size_t count = 0;
  for (const VectorKind& kind : VectorKinds()) {
    if (kind.parties == nullptr) continue;
    for (const Json& vector : VectorsIn(kind.file)) {
      for (const Json& key : vector["test_keys"]) {
        keys.insert(key.get<std::string>());
        ++count;
      }
    }
  }
  EXPECT_GT(count, 0u);
  EXPECT_EQ(keys.size(), count);
}

}  // namespace
}  // namespace keymast::tools
