// SPDX-License-Identifier: Apache-2.0
// Messages that other implementations made (GStreamer gstmikey, minisip libmikey). One row a
// message; docs/mikey.md shows the same table and says why.
#include "tests/vectors/peers.h"

#include <fstream>

namespace keymast::mikey {
namespace {

struct Row {
  const char* file;
  const char* message;
  const char* parse;
  const char* verify;
  const char* decrypt;
  const char* null;
  const char* tek;
};

constexpr Row kRows[] = {
    {"dh_group0_rsa_sign", "init", "ok", "ok", "-", "", "quirk 1"},
    {"dh_group0_rsa_sign", "resp", "ok", "quirk 2", "-", "", "quirk 1"},
    {"dhhmac_group0", "init", "ok", "ok", "-", "", "quirk 1"},
    {"dhhmac_group0", "resp", "ok", "quirk 2", "-", "", "quirk 1"},
    {"dhhmac_group1", "init", "ok", "ok", "-", "", "quirk 1"},
    {"dhhmac_group1", "resp", "ok", "quirk 2", "-", "", "quirk 1"},
    {"gst_dhinit_t_rand_only", "init", "payload_missing", "-", "-", "", "-"},
    {"gst_error_type_t_only", "init", "payload_missing", "-", "-", "", "-"},
    {"gst_from_caps_0", "init", "ok", "unsupported_algorithm", "-", "ok", "-"},
    {"gst_from_caps_1", "init", "ok", "unsupported_algorithm", "-", "ok", "-"},
    {"gst_kemac_enc0_mac0", "init", "ok", "unsupported_algorithm", "-", "ok", "-"},
    {"gst_kemac_enc0_mac1", "init", "ok", "unsupported_algorithm", "-", "authentication_failed",
     "-"},
    {"gst_kemac_enc1_mac0", "init", "ok", "unsupported_algorithm", "-", "decryption_failed", "-"},
    {"gst_kemac_enc1_mac1", "init", "ok", "authentication_failed", "-", "", "-"},
    {"gst_kemac_enc2_mac0", "init", "ok", "unsupported_algorithm", "-", "", "-"},
    {"gst_kemac_enc2_mac1", "init", "ok", "unsupported_algorithm", "-", "", "-"},
    {"gst_kemac_enc6_mac0", "init", "ok", "unsupported_algorithm", "-", "", "-"},
    {"gst_kemac_enc6_mac1", "init", "ok", "unsupported_algorithm", "-", "", "-"},
    {"gst_pk_pke128_opaque", "init", "truncated", "-", "-", "", "-"},
    {"gst_psk_0cs_rand32", "init", "ok", "unsupported_algorithm", "-", "ok", "-"},
    {"gst_psk_1cs_sp13_tek30_null", "init", "ok", "unsupported_algorithm", "-", "ok", "-"},
    {"gst_psk_3cs_2sp_tek16_salt_kvspi", "init", "ok", "unsupported_algorithm", "-", "ok", "-"},
    {"gst_psk_verify_t_only", "init", "payload_missing", "-", "-", "", "-"},
    {"gst_type9_prf1_map1", "init", "payload_missing", "-", "-", "", "-"},
    {"gst_version2_build", "init", "unknown_version", "-", "-", "", "-"},
    {"hdr_tcounter_ext_vendor", "init", "payload_missing", "-", "-", "", "-"},
    {"pke_rsa2048", "init", "ok", "ok", "ok", "", "ok"},
    {"pke_rsa2048", "resp", "ok", "quirk 2", "-", "", "-"},
    {"psk16_default_tgk192_prf_chunk_quirk", "init", "ok", "ok", "ok", "", "quirk 1"},
    {"psk16_default_tgk192_prf_chunk_quirk", "resp", "ok", "quirk 2", "-", "", "-"},
    {"psk16_tgk32_prf_chunk_quirk", "init", "ok", "ok", "ok", "", "quirk 1"},
    {"psk16_tgk32_prf_chunk_quirk", "resp", "ok", "quirk 2", "-", "", "-"},
    {"psk32_prf_chunk_quirk", "init", "ok", "quirk 1", "quirk 1", "", "ok"},
    {"psk32_prf_chunk_quirk", "resp", "ok", "quirks 1, 2", "-", "", "-"},
    {"psk_aescm_hmac_2cs_psk16_tgk16", "init", "ok", "ok", "ok", "", "ok"},
    {"psk_aescm_hmac_2cs_psk16_tgk16", "resp", "ok", "quirk 2", "-", "", "-"},
    {"psk_aescm_hmac_kv_interval", "init", "ok", "ok", "decryption_failed", "", "ok"},
    {"psk_aescm_hmac_kv_interval", "resp", "ok", "quirk 2", "-", "", "-"},
    {"psk_aescm_macnull", "init", "ok", "unsupported_algorithm", "-", "ok", "ok"},
    {"psk_aescm_macnull", "resp", "ok", "unsupported_algorithm", "-", "", "-"},
    {"psk_null_macnull", "init", "ok", "unsupported_algorithm", "-", "ok", "ok"},
    {"psk_null_macnull", "resp", "ok", "unsupported_algorithm", "-", "", "-"},
    {"rsar_rsa2048", "init", "ok", "ok", "-", "", "-"},
    {"rsar_rsa2048", "resp", "ok", "payload_unexpected, quirk 3", "ok", "", "ok"},
};

// Line is a row as the page has it, up to its note.
std::string Line(const Row& row, const Verdict& verdict) {
  std::string line;
  for (const std::string& cell : {std::string(row.file), std::string(row.message), verdict.parse,
                                  verdict.verify, verdict.decrypt, verdict.null, verdict.tek}) {
    line += "| " + cell + " ";
  }
  return line + "|";
}

class Peers : public testing::TestWithParam<Row> {};

TEST_P(Peers, BehaveAsTheTableSays) {
  const Row& row = GetParam();
  KEYMAST_LOAD_VECTORS(file, std::string("peers/") + row.file + ".json");
  EXPECT_EQ(Line(row, Judge(file, row.message)),
            Line(row, {row.parse, row.verify, row.decrypt, row.null, row.tek}));
}

INSTANTIATE_TEST_SUITE_P(All, Peers, testing::ValuesIn(kRows), [](const auto& row) {
  return std::string(row.param.file) + "_" + row.param.message;
});

TEST(PeerTable, NamesEveryFile) {
  const auto folder = vectors::Folder() / "peers";
  if (!std::filesystem::exists(folder)) {
    ASSERT_TRUE(vectors::MayLeaveOut("peers"));
    GTEST_SKIP() << vectors::LeftOut("peers");
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().stem().string();
    const bool listed = std::any_of(std::begin(kRows), std::end(kRows),
                                    [&name](const Row& row) { return row.file == name; });
    EXPECT_TRUE(listed) << name;
  }
}

TEST(PeerTable, IsTheOneOfTheDocs) {
  EXPECT_EQ(std::size(kRows), vectors::CasesOf("peers"));
  std::ifstream file(std::string(KEYMAST_SOURCE_DIR) + "/docs/mikey.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const Row& row : kRows) {
    const std::string line = Line(row, {row.parse, row.verify, row.decrypt, row.null, row.tek});
    EXPECT_NE(text.find("\n" + line), std::string::npos) << line;
  }
}

TEST(PeerQuirks, PskOf32OctetsIsTakenAsEmpty) {
  KEYMAST_LOAD_VECTORS(file, "peers/psk32_prf_chunk_quirk.json");
  Message message;
  const Bytes init = vectors::HexIn(file["messages"]["init"]["hex"]);
  ASSERT_TRUE(ParseMessage(init, message));
  Bytes key(20);
  QuirkDerive(vectors::HexIn(file["keys"]["psk"]), KeyConstant::kMikeyAuth, kMikeyOwnKeys,
              CsbId(message.header.csb_id), message.Get<RandPayload>()->rand, key);
  EXPECT_EQ(ToHex(key), file["checks"]["quirk"]["auth_key"].get<std::string>());
}

}  // namespace
}  // namespace keymast::mikey
