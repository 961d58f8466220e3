// SPDX-License-Identifier: Apache-2.0
// What keymast-mikey says of messages that other implementations made, under the keys that come
// with them; each is built again from what is shown of it.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/vectors/vectors.h"
#include "tools/builder.h"
#include "tools/decoder.h"

namespace keymast::tools {
namespace {

using nlohmann::json;
using vectors::HexIn;

struct Row {
  const char* file;
  std::vector<Outcome> outcomes;  // of its messages, in order
};
constexpr Outcome kVerified = Outcome::kVerified;
constexpr Outcome kUnverified = Outcome::kUnverified;
constexpr Outcome kMalformed = Outcome::kMalformed;
constexpr Outcome kFailed = Outcome::kFailed;

// docs/mikey.md names the quirks.
const Row kRows[] = {
    {"dh_group0_rsa_sign", {kUnverified, kUnverified}},
    {"dhhmac_group0", {kVerified, kVerified}},
    {"dhhmac_group1", {kVerified, kVerified}},
    {"gst_dhinit_t_rand_only", {kMalformed}},
    {"gst_error_type_t_only", {kMalformed}},
    {"gst_from_caps_0", {kUnverified}},
    {"gst_kemac_enc0_mac1", {kFailed}},
    {"gst_kemac_enc1_mac0", {kUnverified}},
    {"gst_kemac_enc2_mac1", {kFailed}},
    {"gst_pk_pke128_opaque", {kMalformed}},
    {"gst_psk_3cs_2sp_tek16_salt_kvspi", {kUnverified}},
    {"gst_version2_build", {kMalformed}},
    {"pke_rsa2048", {kUnverified, kVerified}},
    {"psk16_default_tgk192_prf_chunk_quirk", {kVerified, kVerified}},
    {"psk32_prf_chunk_quirk", {kFailed, kFailed}},
    {"psk_aescm_hmac_2cs_psk16_tgk16", {kVerified, kVerified}},
    {"psk_aescm_hmac_kv_interval", {kMalformed, kVerified}},  // a stray octet in its key data
    {"psk_aescm_macnull", {kUnverified, kUnverified}},
    {"psk_null_macnull", {kUnverified, kUnverified}},
    {"rsar_rsa2048", {kUnverified, kFailed}},  // both sides send RAND (RFC 4738 §3.6)
};

std::vector<Bytes> MessagesOf(const json& file) {
  std::vector<Bytes> messages{HexIn(file["messages"]["init"]["hex"])};
  if (file["messages"].contains("resp")) {
    messages.push_back(HexIn(file["messages"]["resp"]["hex"]));
  }
  return messages;
}

Keys KeysOf(const json& file) {
  Keys keys{{"none", crypto::SecretBytes(16, 0x5a)}};
  for (const char* name : {"psk", "envelope_key"}) {
    if (!file["keys"].contains(name)) continue;
    const Bytes key = HexIn(file["keys"][name]);
    keys.push_back({name, crypto::SecretBytes(key.begin(), key.end())});
  }
  return keys;
}

TEST(Tool, OthersMessagesComeOutAsTheTableSays) {
  for (const Row& row : kRows) {
    KEYMAST_LOAD_VECTORS(file, std::string("peers/") + row.file + ".json");
    Decoder decoder(crypto::DefaultSuite(), KeysOf(file), {});
    std::vector<Outcome> outcomes;
    for (const Bytes& octets : MessagesOf(file)) outcomes.push_back(decoder.Decode(octets).outcome);
    EXPECT_EQ(outcomes, row.outcomes) << row.file;
  }
}

TEST(Tool, OthersTrafficKeysAreDerived) {
  KEYMAST_LOAD_VECTORS(file, "peers/psk_aescm_hmac_2cs_psk16_tgk16.json");
  Decoder decoder(crypto::DefaultSuite(), KeysOf(file), {});
  const Bytes init = MessagesOf(file)[0];
  const Decoded decoded = decoder.Decode(init);
  for (const json& session : file["keys"]["init_cs"]) {
    const std::string cs = " of CS " + std::to_string(session["cs_id"].get<int>());
    for (const auto& [name, key] : {std::pair("TEK", "tek"), std::pair("salt", "salt")}) {
      const auto derived =
          std::find_if(decoded.derived.begin(), decoded.derived.end(),
                       [&, title = name + cs](const DerivedKey& k) { return k.name == title; });
      ASSERT_NE(derived, decoded.derived.end()) << name << cs;
      EXPECT_EQ(ToHex(derived->octets), session[key].get<std::string>());
    }
  }
}

TEST(Tool, OthersMessagesAreBuiltAgainFromTheirDescriptions) {
  const auto folder = vectors::Folder() / "peers";
  if (!std::filesystem::exists(folder)) {
    ASSERT_TRUE(vectors::MayLeaveOut("peers"));
    GTEST_SKIP() << vectors::LeftOut("peers");
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const json file = vectors::Load("peers/" + entry.path().filename().string());
    for (const Bytes& octets : MessagesOf(file)) {
      const auto descriptions = ParseDescriptions(DescriptionOf(octets).dump());
      ASSERT_TRUE(descriptions);
      const auto built = BuildMessages(*descriptions, {}, crypto::DefaultSuite());
      ASSERT_TRUE(built) << entry.path();
      EXPECT_EQ(built->front(), octets) << entry.path();
    }
  }
}

}  // namespace
}  // namespace keymast::tools
