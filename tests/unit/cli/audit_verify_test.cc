// SPDX-License-Identifier: Apache-2.0
// audit verify, by the rules of the log itself.
#include <fstream>

#include "audit/record.h"
#include "cli/output.h"
#include "crypto/key_maker.h"
#include "fake_session.h"
#include "keymast/v1/audit.pb.h"
#include "keymast/v1/server.pb.h"
#include "tests/unit/cli/temp_path.h"

namespace keymast::cli {
namespace {

// RFC 8032 §7.1, TEST 1: the seed as RFC 8410's CurvePrivateKey, and its public key.
constexpr const char* kSeed =
    "04209d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
constexpr const char* kPublicKey =
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

// A log of five records as the server makes it, the third a checkpoint.
class AuditVerify : public testing::Test {
 protected:
  AuditVerify() {
    Bytes seed;
    EXPECT_TRUE(FromHex(kSeed, seed));
    const auto key = crypto::ReadEd25519Private(seed);
    EXPECT_TRUE(key);
    audit::Hash previous{};
    for (uint64_t i = 1; i <= 5; ++i) {
      audit::Record record;
      record.sequence = i;
      record.time = FromUnixNanos(1'769'860'800'000'000'000 + static_cast<int64_t>(i) * 1'001);
      record.principal = "operator:alice@example.org";
      record.method = i == 3 ? std::string(audit::kCheckpoint) : "Members.ExpelMembers";
      record.resource = "channels/one";
      record.items = {"mallory", "m%"};
      record.revision_before = i - 1;
      record.revision_after = i;
      record.key_ids = {"00010002", "00010002.3"};
      if (i < 5) record.request = RequestId{{1, 2, 3}};
      if (i < 5) record.trace = TraceId{{4, 5, 6}};
      record.hash = previous = audit::ChainHash(previous, record);
      if (i == 3) record.signature = audit::Sign(*key, record.hash);
      Add(record);
    }
  }

  void Add(const audit::Record& record) {
    v1::AuditRecord& wire = records_.emplace_back();
    wire.set_sequence(record.sequence);
    const int64_t nanos = ToUnixNanos(record.time);
    wire.mutable_time()->set_seconds(nanos / 1'000'000'000);
    wire.mutable_time()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
    wire.set_principal(record.principal);
    wire.set_method(record.method);
    if (record.request) wire.set_request_id("01020300-0000-0000-0000-000000000000");
    if (record.trace) wire.set_trace_id("04050600000000000000000000000000");
    wire.set_resource(record.resource);
    for (const std::string& item : record.items) wire.add_items(item);
    wire.set_revision_before(record.revision_before);
    wire.set_revision_after(record.revision_after);
    for (const std::string& key : record.key_ids) wire.add_key_ids(key);
    wire.set_hash(std::string(AsText(record.hash)));
    wire.set_signature(std::string(AsText(record.signature)));
  }

  FakeServer::Outcome Verify(const std::vector<std::string>& more = {"--public-key", kPublicKey}) {
    const std::string path = TempPath("verify.jsonl");
    std::ofstream file(path);
    for (const auto& record : records_) WriteOneOfMany(record, Format::kJson, file);
    file.close();
    std::vector<std::string> words = {"audit", "verify", path};
    words.insert(words.end(), more.begin(), more.end());
    return server_.Run(words);
  }

  std::vector<v1::AuditRecord> records_;
  FakeServer server_;
};

TEST_F(AuditVerify, ALogOfTheServersIsGoodWithoutAsking) {
  const auto done = Verify();
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_EQ(done.out,
            "records      5\n"
            "checkpoints  1\n"
            "signed       to 3\n"
            "unproven     2 at the end: neither signed nor asked for by --expect or --status\n"
            "end          5:" +
                ToHex(AsBytes(records_[4].hash())) + "\n");
  EXPECT_TRUE(server_.asked().empty());
  const std::string end = "5:" + ToHex(AsBytes(records_[4].hash()));
  EXPECT_EQ(Verify({"--public-key", kPublicKey, "--expect", end}).out,
            "records      5\n"
            "checkpoints  1\n"
            "signed       to 3\n"
            "as expected  to 5\n"
            "end          " +
                end + "\n");
  records_.pop_back();
  EXPECT_EQ(Verify({"--public-key", kPublicKey, "--expect", end}).exit, 1) << "the tail is cut";
}

TEST_F(AuditVerify, EveryFieldIsUnderTheHash) {
  const std::vector<std::function<void(v1::AuditRecord&)>> changes = {
      [](auto& record) { record.mutable_time()->set_nanos(1); },
      [](auto& record) { record.set_principal("operator:bob"); },
      [](auto& record) { record.set_method("Members.JoinChannel"); },
      [](auto& record) { record.set_request_id("01020300-0000-0000-0000-000000000001"); },
      [](auto& record) { record.set_resource("channels/two"); },
      [](auto& record) { record.set_items(0, "m"); },
      [](auto& record) { record.set_revision_before(9); },
      [](auto& record) { record.set_revision_after(9); },
      [](auto& record) { record.set_key_ids(1, "00010002.4"); },
      [](auto& record) { record.set_trace_id("04050600000000000000000000000001"); },
      [](auto& record) { record.mutable_hash()->back() ^= 1; }};
  const auto good = records_;
  for (const auto& change : changes) {
    records_ = good;
    change(records_[1]);
    const auto done = Verify();
    EXPECT_EQ(done.exit, 1);
    EXPECT_NE(done.err.find(":2: record 2 was changed"), std::string::npos) << done.err;
  }
}

TEST_F(AuditVerify, WhatItsTextCouldNotHoldIsAChange) {
  const std::vector<std::function<void(v1::AuditRecord&)>> changes = {
      [](auto& record) { record.set_request_id("anything"); },
      [](auto& record) { record.set_trace_id("anything"); },
      [](auto& record) { record.set_request_id("01-020300000000000000000000000000"); },
      [](auto& record) { record.set_trace_id("04050600-000000000000000000000000"); },
      [](auto& record) { record.add_items(""); }, [](auto& record) { record.add_key_ids(""); },
      [](auto& record) {
        record.set_request_id("anything");
        record.clear_hash();
      },
      // 2^64 nanoseconds later.
      [](auto& record) {
        record.mutable_time()->set_seconds(record.time().seconds() + 18'446'744'073);
        record.mutable_time()->set_nanos(record.time().nanos() + 709'551'616);
      }};
  const auto good = records_;
  for (const auto& change : changes) {
    records_ = good;
    change(records_[4]);
    const auto done = Verify();
    EXPECT_EQ(done.exit, 1);
    EXPECT_NE(done.err.find(":5: record 5 was changed"), std::string::npos) << done.err;
  }
}

// As the file of audit_sink has them: taken, and of no commit.
TEST_F(AuditVerify, ARecordThatGoesBackSupersedesThoseFromThere) {
  audit::Record other;
  other.sequence = 4;
  other.principal = "keymastd";
  other.method = "start";
  audit::Hash third{};
  std::copy_n(records_[2].hash().begin(), third.size(), third.begin());
  other.hash = audit::ChainHash(third, other);
  Add(other);
  records_.back().clear_time();
  const std::string end = "4:" + ToHex(other.hash);
  EXPECT_NE(
      Verify().err.find(":6: record 4 follows 5: records go back in the file of an audit_sink"),
      std::string::npos);
  const auto done = Verify({"--sink", "--public-key", kPublicKey, "--expect", end});
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_NE(done.out.find("records      4\nsuperseded   2\n"), std::string::npos) << done.out;
  EXPECT_NE(done.out.find(end), std::string::npos) << done.out;

  const std::string superseded = "4:" + ToHex(AsBytes(records_[3].hash()));
  const auto expected = Verify({"--sink", "--public-key", kPublicKey, "--expect", superseded});
  EXPECT_NE(expected.err.find(":6: this is another log"), std::string::npos) << expected.err;
  records_.back().mutable_hash()->back() ^= 1;
  EXPECT_NE(Verify({"--sink", "--public-key", kPublicKey}).err.find(":6: record 4 was changed"),
            std::string::npos);
}

TEST_F(AuditVerify, ProgramsAreToldWhatIsProven) {
  EXPECT_EQ(Verify({"--public-key", kPublicKey, "-o", "json"}).out,
            "{\n"
            " \"records\": \"5\",\n"
            " \"superseded\": \"0\",\n"
            " \"checkpoints\": \"1\",\n"
            " \"signedTo\": \"3\",\n"
            " \"provenTo\": \"3\",\n"
            " \"supersededCheckpoints\": \"0\",\n"
            " \"serverEnd\": \"0\",\n"
            " \"end\": \"5:" +
                ToHex(AsBytes(records_[4].hash())) +
                "\"\n"
                "}\n");
  EXPECT_NE(Verify({"--public-key", kPublicKey, "-o", "yaml"}).out.find("provenTo: \"3\"\n"),
            std::string::npos);
}

// The file is not to blame.
TEST_F(AuditVerify, AServerThatDoesNotAnswerIsAProblemOfItsOwn) {
  server_.Refuse("Audit.ListAuditRecords",
                 {.exit = Exit::kPermission, .message = "may not", .reason = "permission_denied"});
  const auto done = Verify({"--status", "--public-key", kPublicKey});
  EXPECT_EQ(done.exit, 5);
  EXPECT_EQ(done.err.find("keymastctl: may not [permission_denied]"), 0U) << done.err;
}

TEST_F(AuditVerify, AnotherKeyHasNotSignedIt) {
  const auto done = Verify({"--public-key", std::string(64, '1')});
  EXPECT_NE(done.exit, 0);
  records_[2].mutable_signature()->back() ^= 1;
  EXPECT_NE(Verify().err.find(":3: record 3: the checkpoint is not signed by this key"),
            std::string::npos);
}

TEST_F(AuditVerify, TheServerIsAskedWhenItMay) {
  EXPECT_EQ(Verify({}).exit, 2) << "whose key?";
  v1::ServerStatus status;
  Bytes key;
  EXPECT_TRUE(FromHex(kPublicKey, key));
  status.set_audit_public_key(std::string(AsText(key)));
  server_.Answer("Server.GetServerStatus", ToJson(status, true));
  v1::ListAuditRecordsResponse none, last;
  server_.Answer("Audit.ListAuditRecords", ToJson(none, true));
  EXPECT_NE(Verify({"--status"}).err.find("the server has no record 5: it has lost its tail"),
            std::string::npos);
  EXPECT_EQ(server_.asked().back().request, R"({"pageSize":1,"after":"4"})");
  server_.Forget("Audit.ListAuditRecords");
  *last.add_audit_records() = records_.back();
  server_.Answer("Audit.ListAuditRecords", ToJson(last, true));
  EXPECT_EQ(Verify({"--status"}).exit, 0);
  const size_t asked = server_.asked().size();
  EXPECT_EQ(Verify({"--status", "--public-key", kPublicKey}).exit, 0);
  EXPECT_EQ(server_.asked().size(), asked + 2) << "for its record and its end";
  status.mutable_audit()->set_sequence(9);
  server_.Forget("Server.GetServerStatus");
  server_.Answer("Server.GetServerStatus", ToJson(status, true));
  EXPECT_NE(Verify({"--status"}).out.find("server's end  9: 4 records more than here\n"),
            std::string::npos)
      << Verify({"--status"}).out;
}

}  // namespace
}  // namespace keymast::cli
