// SPDX-License-Identifier: Apache-2.0
// Messages that other implementations made (GStreamer gstmikey, minisip libmikey). One row a
// message; docs/mikey.md shows the same table and says why.
#include <fstream>

#include "mikey/grammar.h"
#include "mikey/kemac.h"
#include "tests/vectors/vectors.h"

namespace keymast::mikey {
namespace {

using nlohmann::json;
using vectors::HexIn;

// What NULL encryption and NULL MAC would give away is what these tests are about.
constexpr PskPolicy kTestPolicy{true, 1};

struct Row {
  const char* file;
  const char* message;
  const char* parse;  // then grammar
  const char* open;   // KEMAC or V by the strict policy
  const char* null;   // by the tests' policy, where that differs
  const char* tek;
};

constexpr Row kRows[] = {
    {"dh_group0_rsa_sign", "init", "unknown_data_type", "-", "", "-"},
    {"dh_group0_rsa_sign", "resp", "unknown_data_type", "-", "", "-"},
    {"dhhmac_group0", "init", "unknown_data_type", "-", "", "-"},
    {"dhhmac_group0", "resp", "unknown_data_type", "-", "", "-"},
    {"dhhmac_group1", "init", "unknown_data_type", "-", "", "-"},
    {"dhhmac_group1", "resp", "unknown_data_type", "-", "", "-"},
    {"gst_dhinit_t_rand_only", "init", "unknown_data_type", "-", "", "-"},
    {"gst_error_type_t_only", "init", "unknown_data_type", "-", "", "-"},
    {"gst_from_caps_0", "init", "ok", "unsupported_algorithm", "ok", "-"},
    {"gst_from_caps_1", "init", "ok", "unsupported_algorithm", "ok", "-"},
    {"gst_kemac_enc0_mac0", "init", "ok", "unsupported_algorithm", "ok", "-"},
    {"gst_kemac_enc0_mac1", "init", "ok", "unsupported_algorithm", "authentication_failed", "-"},
    {"gst_kemac_enc1_mac0", "init", "ok", "unsupported_algorithm", "decryption_failed", "-"},
    {"gst_kemac_enc1_mac1", "init", "ok", "authentication_failed", "", "-"},
    {"gst_kemac_enc2_mac0", "init", "ok", "unsupported_algorithm", "", "-"},
    {"gst_kemac_enc2_mac1", "init", "ok", "unsupported_algorithm", "", "-"},
    {"gst_kemac_enc6_mac0", "init", "ok", "unsupported_algorithm", "", "-"},
    {"gst_kemac_enc6_mac1", "init", "ok", "unsupported_algorithm", "", "-"},
    {"gst_pk_pke128_opaque", "init", "truncated", "-", "", "-"},
    {"gst_psk_0cs_rand32", "init", "ok", "unsupported_algorithm", "ok", "-"},
    {"gst_psk_1cs_sp13_tek30_null", "init", "ok", "unsupported_algorithm", "ok", "-"},
    {"gst_psk_3cs_2sp_tek16_salt_kvspi", "init", "ok", "unsupported_algorithm", "ok", "-"},
    {"gst_psk_verify_t_only", "init", "payload_missing", "-", "", "-"},
    {"gst_type9_prf1_map1", "init", "unknown_data_type", "-", "", "-"},
    {"gst_version2_build", "init", "unknown_version", "-", "", "-"},
    {"hdr_tcounter_ext_vendor", "init", "payload_missing", "-", "", "-"},
    {"pke_rsa2048", "init", "unknown_data_type", "-", "", "-"},
    {"pke_rsa2048", "resp", "unknown_data_type", "-", "", "-"},
    {"psk16_default_tgk192_prf_chunk_quirk", "init", "ok", "ok", "", "quirk 1"},
    {"psk16_default_tgk192_prf_chunk_quirk", "resp", "ok", "ok", "", "-"},
    {"psk16_tgk32_prf_chunk_quirk", "init", "ok", "ok", "", "quirk 1"},
    {"psk16_tgk32_prf_chunk_quirk", "resp", "ok", "ok", "", "-"},
    {"psk32_prf_chunk_quirk", "init", "ok", "authentication_failed", "", "ok"},
    {"psk32_prf_chunk_quirk", "resp", "ok", "authentication_failed", "", "-"},
    {"psk_aescm_hmac_2cs_psk16_tgk16", "init", "ok", "ok", "", "ok"},
    {"psk_aescm_hmac_2cs_psk16_tgk16", "resp", "ok", "ok", "", "-"},
    {"psk_aescm_hmac_kv_interval", "init", "ok", "decryption_failed", "", "ok"},
    {"psk_aescm_hmac_kv_interval", "resp", "ok", "ok", "", "-"},
    {"psk_aescm_macnull", "init", "ok", "unsupported_algorithm", "ok", "ok"},
    {"psk_aescm_macnull", "resp", "ok", "unsupported_algorithm", "", "-"},
    {"psk_null_macnull", "init", "ok", "unsupported_algorithm", "ok", "ok"},
    {"psk_null_macnull", "resp", "ok", "unsupported_algorithm", "", "-"},
    {"rsar_rsa2048", "init", "unknown_data_type", "-", "", "-"},
    {"rsar_rsa2048", "resp", "unknown_data_type", "-", "", "-"},
};

// QuirkDerive is libmikey's PRF: where the key's length is a multiple of 32 octets its last piece
// is taken as empty (quirk 1). HMAC under an empty key is HMAC under one zero octet.
void QuirkDerive(ByteView inkey, KeyConstant constant, uint8_t cs_id, CsbId csb_id, ByteView rand,
                 MutableBytes out) {
  const Bytes empty(1);
  std::fill(out.begin(), out.end(), uint8_t{0});
  for (size_t at = 0; at < inkey.size(); at += 32) {
    const size_t size = std::min<size_t>(32, inkey.size() - at);
    const bool taken_as_empty = size == 32 && at + size == inkey.size();
    Bytes piece(out.size());
    Derive(crypto::DefaultSuite(), PrfFunc::kMikey1,
           taken_as_empty ? ByteView(empty) : inkey.subspan(at, size), constant, cs_id, csb_id,
           rand, piece);
    for (size_t i = 0; i < out.size(); ++i) out[i] ^= piece[i];
  }
}

std::string Label(const Status& status) {
  return status ? "ok" : std::string(ErrorName(status.error()));
}

// Peer is one file: keys and messages parsed from it.
class Peer {
 public:
  explicit Peer(const json& file) : file_(file) {
    init_ = HexIn(file["messages"]["init"]["hex"]);
    if (file["messages"].contains("resp")) resp_ = HexIn(file["messages"]["resp"]["hex"]);
    psk_ = file["keys"].contains("psk") ? HexIn(file["keys"]["psk"]) : Bytes(16, 0x5a);
  }

  std::string Parse(bool init) const {
    Message message;
    if (Status parsed = ParseMessage(Octets(init), message); !parsed) return Label(parsed);
    return Label(CheckGrammar(
        message, init && !IsVerification(message) ? Form::kPsk : Form::kPskVerification));
  }

  std::string Open(bool init, const PskPolicy& policy) const {
    return init ? OpenInit(policy) : CheckAnswer();
  }

  // Tek compares the derived traffic keys with those the peer reports.
  std::string Tek() const {
    if (!file_["keys"].contains("init_cs")) return "-";
    std::string verdict = "ok";
    for (const json& session : file_["keys"]["init_cs"]) {
      if (TekIs(session, Derive1)) continue;
      verdict = TekIs(session, QuirkDerive) ? "quirk 1" : "differs";
    }
    return verdict;
  }

  // QuirkAuthKey is the authentication key by the peer's own rule.
  std::string QuirkAuthKey() const {
    Message message;
    EXPECT_TRUE(ParseMessage(init_, message));
    Bytes key(20);
    QuirkDerive(psk_, KeyConstant::kMikeyAuth, kMikeyOwnKeys, CsbId(message.header.csb_id),
                message.Get<RandPayload>()->rand, key);
    return ToHex(key);
  }

 private:
  using Kdf = void (*)(ByteView, KeyConstant, uint8_t, CsbId, ByteView, MutableBytes);
  static void Derive1(ByteView inkey, KeyConstant constant, uint8_t cs_id, CsbId csb_id,
                      ByteView rand, MutableBytes out) {
    Derive(crypto::DefaultSuite(), PrfFunc::kMikey1, inkey, constant, cs_id, csb_id, rand, out);
  }

  static bool IsVerification(const Message& message) {
    return message.header.data_type == DataType::kPskVerification;
  }
  const Bytes& Octets(bool init) const { return init ? init_ : resp_; }

  PskContext ContextOf(const Message& init) const {
    const KemacPayload* kemac = init.Get<KemacPayload>();
    return {AlgorithmsOf(init.header, *kemac), psk_, CsbId(init.header.csb_id),
            init.Get<RandPayload>()->rand};
  }

  std::string OpenInit(const PskPolicy& policy) const {
    Message message;
    if (!ParseMessage(init_, message) || !CheckGrammar(message, Form::kPsk)) return "-";
    OpenedKeys opened;
    const Status status =
        OpenKemac(crypto::DefaultSuite(), ContextOf(message), init_, message, opened, policy);
    if (!status) return Label(status);
    return HasReportedKey(opened) ? "ok" : "another key";
  }

  bool HasReportedKey(const OpenedKeys& opened) const {
    std::string expected;
    if (file_["keys"].contains("init_tgk")) {
      expected = file_["keys"]["init_tgk"].get<std::string>();
    } else {
      expected = file_["checks"]["plain_sub_payloads"][0]["key"].get<std::string>();
    }
    return ToHex(opened.keys()[0].key) == expected;
  }

  std::string CheckAnswer() const {
    Message init;
    Message resp;
    if (!ParseMessage(init_, init) || !ParseMessage(resp_, resp)) return "-";
    // These peers send no ID payloads, and sign the Initiator's T beside their own.
    return Label(CheckV(crypto::DefaultSuite(), ContextOf(init), resp_, resp,
                        {{}, {}, init.Get<TPayload>()->value}));
  }

  bool TekIs(const json& session, Kdf kdf) const {
    Message message;
    if (!ParseMessage(init_, message)) return false;
    const Bytes tgk = HexIn(file_["keys"]["init_tgk"]);
    const auto cs_id = session["cs_id"].get<uint8_t>();
    const ByteView rand = message.Get<RandPayload>()->rand;
    Bytes tek(session["tek"].get<std::string>().size() / 2);
    Bytes salt(session["salt"].get<std::string>().size() / 2);
    kdf(tgk, KeyConstant::kTek, cs_id, CsbId(message.header.csb_id), rand, tek);
    kdf(tgk, KeyConstant::kTgkSalt, cs_id, CsbId(message.header.csb_id), rand, salt);
    return tek == HexIn(session["tek"]) && salt == HexIn(session["salt"]);
  }

  const json& file_;
  Bytes init_;
  Bytes resp_;
  Bytes psk_;
};

class Peers : public testing::TestWithParam<Row> {};

TEST_P(Peers, BehaveAsTheTableSays) {
  const Row& row = GetParam();
  KEYMAST_LOAD_VECTORS(file, std::string("peers/") + row.file + ".json");
  const Peer peer(file);
  const bool init = std::string_view(row.message) == "init";
  const std::string parse = peer.Parse(init);
  EXPECT_EQ(parse, row.parse);
  if (parse != "ok") return;
  const std::string strict = peer.Open(init, {});
  EXPECT_EQ(strict, row.open);
  const std::string lenient = peer.Open(init, kTestPolicy);
  EXPECT_EQ(lenient == strict ? "" : lenient, row.null);
  EXPECT_EQ(init ? peer.Tek() : "-", row.tek);
}

INSTANTIATE_TEST_SUITE_P(All, Peers, testing::ValuesIn(kRows), [](const auto& row) {
  return std::string(row.param.file) + "_" + row.param.message;
});

TEST(PeerTable, NamesEveryFile) {
  const auto folder = vectors::Folder() / "peers";
  if (!std::filesystem::exists(folder)) {
    ASSERT_TRUE(vectors::MayLeaveOut("peers"));
    GTEST_SKIP() << "LEFT OUT: " << std::size(kRows) << " peer messages, no " << folder;
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().stem().string();
    const bool listed = std::any_of(std::begin(kRows), std::end(kRows),
                                    [&name](const Row& row) { return row.file == name; });
    EXPECT_TRUE(listed) << name;
  }
}

TEST(PeerTable, IsTheOneOfTheDocs) {
  std::ifstream file(std::string(KEYMAST_SOURCE_DIR) + "/docs/mikey.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const Row& row : kRows) {
    std::string line;
    for (const char* cell : {row.file, row.message, row.parse, row.open, row.null, row.tek}) {
      line += std::string("| ") + cell + " ";
    }
    EXPECT_NE(text.find("\n" + line + "|"), std::string::npos) << line;
  }
}

TEST(PeerQuirks, PskOf32OctetsIsTakenAsEmpty) {
  KEYMAST_LOAD_VECTORS(file, "peers/psk32_prf_chunk_quirk.json");
  EXPECT_EQ(Peer(file).QuirkAuthKey(), file["checks"]["quirk"]["auth_key"].get<std::string>());
}

}  // namespace
}  // namespace keymast::mikey
