// SPDX-License-Identifier: Apache-2.0
// No message has a field for key material in clear: a field that sounds like a secret must be one
// of those known to be public or sealed. (Protobuf cannot wipe what it held.)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "sources.h"

namespace keymast::layering {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::set<std::string>& KnownHarmless() {
  static const std::set<std::string> names = {
      "public_key",        "import_public_key",  // X25519 public keys
      "audit_public_key",                        // Ed25519
      "rekey_schedule",                          // a name
      "sealed_credential",                       // a box sealed to the import key
      "key_domain",        "key_group",          // numbers of RFC 4563
  };
  return names;
}

std::vector<std::string> SuspiciousFields(const Source& source) {
  static const std::regex kField(R"(^\s*(?:repeated\s+|optional\s+)?(bytes|string)\s+(\w+)\s*=)");
  static const std::regex kSecret(
      "key|secret|salt|seed|psk|tgk|tek|msk|mtk|muk|credential|password|token_key|master");
  static const std::regex kIdentifier("_id$|_ids$|_uri$|_name$|_file$|_endpoint$");
  std::vector<std::string> fields;
  for (const std::string& line : source.lines) {
    std::smatch match;
    if (!std::regex_search(line, match, kField)) continue;
    const std::string name = match[2].str();
    if (!std::regex_search(name, kSecret) || std::regex_search(name, kIdentifier)) continue;
    if (!KnownHarmless().contains(name)) fields.push_back(source.path + ": " + name);
  }
  return fields;
}

TEST(Proto, NoFieldForAKeyInClear) {
  for (const Source& source : AllSources()) {
    if (source.extension() != ".proto") continue;
    EXPECT_THAT(SuspiciousFields(source), IsEmpty());
  }
}

TEST(Proto, APlantedKeyIsFound) {
  const Source planted{"proto/planted.proto",
                       {"  bytes msk = 1;", "  string msk_id = 2;", "  optional bytes salt = 3;",
                        "  bytes public_key = 4;", "  uint64 key_count = 5;"}};
  EXPECT_THAT(SuspiciousFields(planted),
              ElementsAre("proto/planted.proto: msk", "proto/planted.proto: salt"));
}

}  // namespace
}  // namespace keymast::layering
