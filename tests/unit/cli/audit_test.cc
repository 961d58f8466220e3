// SPDX-License-Identifier: Apache-2.0
#include <fstream>

#include "cli/audit_file.h"
#include "crypto/primitives.h"
#include "fake_session.h"
#include "tests/unit/cli/temp_path.h"

namespace keymast::cli {
namespace {

// A chain with rules of its own: SHA-256 over the hash before and the record without hash and
// signature; a checkpoint is signed when it says so.
Bytes HashOf(ByteView previous, v1::AuditRecord record) {
  record.clear_hash();
  record.clear_signature();
  const std::string text = std::string(AsText(previous)) + record.SerializeAsString();
  const auto hash = crypto::Sha256(AsBytes(text));
  return {hash.begin(), hash.end()};
}

const AuditRules kRules = {
    HashOf, [](const v1::AuditRecord& record) { return record.signature() == "signed"; }};

class AuditFile : public testing::Test {
 protected:
  AuditFile() {
    Bytes previous(32, 0);
    for (uint64_t i = 1; i <= 6; ++i) {
      v1::AuditRecord& record = records_.emplace_back();
      record.set_sequence(i);
      record.set_method(i == 4 ? "checkpoint" : "Channels.CreateChannel");
      record.set_principal("operator:alice");
      if (i == 4) record.set_signature("signed");
      previous = HashOf(previous, record);
      record.set_hash(std::string(AsText(previous)));
    }
  }
  AuditPlace PlaceOf(size_t sequence) const {
    const ByteView hash = AsBytes(records_[sequence - 1].hash());
    return {sequence, Bytes(hash.begin(), hash.end())};
  }
  // A server whose log ends with this record of ours.
  AuditExpectation Server(size_t end) const {
    AuditExpectation expected;
    expected.server = [this, end](uint64_t sequence) {
      return sequence > end ? Bytes() : PlaceOf(sequence).hash;
    };
    return expected;
  }
  static AuditExpectation Position(AuditPlace place) {
    AuditExpectation expected;
    expected.position = std::move(place);
    return expected;
  }
  // Makes the chain anew, as who has no key can, of so many records without checkpoint.
  void Forge(size_t count) {
    records_.clear();
    Bytes previous(32, 0);
    for (size_t i = 1; i <= count; ++i) {
      v1::AuditRecord& record = records_.emplace_back();
      record.set_sequence(i);
      record.set_method("Channels.CreateChannel");
      previous = HashOf(previous, record);
      record.set_hash(std::string(AsText(previous)));
    }
  }
  Outcome<AuditSummary> Check(const AuditExpectation& expected = {}) {
    const std::string path = TempPath("audit.jsonl");
    std::ofstream file(path);
    for (const auto& record : records_) WriteOneOfMany(record, Format::kJson, file);
    file << rest_;
    file.close();
    return VerifyAuditFile(path, expected, kRules);
  }
  std::string Complaint(const AuditExpectation& expected = {}) {
    const auto checked = Check(expected);
    if (checked) return "none";
    EXPECT_EQ(checked.error().exit, Exit::kRefused);
    return checked.error().message.substr(checked.error().message.find(".jsonl:") + 7);
  }
  std::vector<v1::AuditRecord> records_;
  std::string rest_;
};

TEST_F(AuditFile, AWholeOneIsGood) {
  AuditExpectation expected = Server(9);
  expected.position = PlaceOf(5);
  const auto summary = Check(expected);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->records, 6U);
  EXPECT_EQ(summary->checkpoints, 1U);
  EXPECT_EQ(summary->signed_to, 4U);
  EXPECT_EQ(summary->end.sequence, 6U);
  EXPECT_EQ(summary->end.hash, PlaceOf(6).hash);
  EXPECT_EQ(summary->proven_to, 6U);
  EXPECT_EQ(Check()->proven_to, 4U);
  EXPECT_EQ(Check(Position(PlaceOf(5)))->proven_to, 5U);
}

TEST_F(AuditFile, TheFirstRecordThatWasChangedIsNamed) {
  records_[2].set_principal("operator:mallory");
  EXPECT_EQ(Complaint(), "3: record 3 was changed, or one before it: its hash does not follow");
}

TEST_F(AuditFile, AGapIsNamed) {
  records_.erase(records_.begin() + 2);
  EXPECT_EQ(Complaint(), "3: record 4 follows 2: records are missing or out of order");
}

TEST_F(AuditFile, AFrontThatIsCutIsAGap) {
  records_.erase(records_.begin());
  EXPECT_EQ(Complaint(), "1: record 2 follows 0: records are missing or out of order");
}

TEST_F(AuditFile, AnUnsignedCheckpointIsNamed) {
  records_[3].set_signature("forged");
  EXPECT_EQ(Complaint(), "4: record 4: the checkpoint is not signed by this key");
}

TEST_F(AuditFile, ATailThatIsCutShowsByWhatWasExpected) {
  const AuditExpectation expected = Position(PlaceOf(6));
  records_.pop_back();
  EXPECT_EQ(Complaint(), "none") << "nobody knows";
  EXPECT_EQ(Complaint(expected).find("5: the tail is cut: it ends at 5, and record 6:"), 0U);
}

TEST_F(AuditFile, AnotherLogShowsByWhatWasExpected) {
  AuditPlace other = PlaceOf(5);
  other.hash[0] ^= 1;
  EXPECT_EQ(Complaint(Position(other)).find("5: this is another log: record 5:"), 0U);
}

TEST_F(AuditFile, AServerThatHasLostItsTailIsFound) {
  EXPECT_EQ(Complaint(Server(5)),
            "6: the server has no record 6: it has lost its tail, or never had this one");
}

TEST_F(AuditFile, AnEndThatTheServerHasOtherwiseIsFound) {
  const AuditExpectation server = Server(6);
  const AuditPlace true_end = PlaceOf(6);
  AuditExpectation expected;
  expected.server = [&](uint64_t) { return true_end.hash; };
  records_[5].set_principal("operator:mallory");
  records_[5].set_hash(std::string(AsText(HashOf(AsBytes(records_[4].hash()), records_[5]))));
  EXPECT_EQ(Complaint(), "none") << "it is behind the last signature";
  EXPECT_EQ(Complaint(expected).find("6: this is another log: record 6:"), 0U);
}

TEST_F(AuditFile, WhatNobodySignedIsNotGood) {
  Forge(5);
  EXPECT_EQ(Complaint().find("5: nothing in it is signed yet"), 0U) << Complaint();
  EXPECT_EQ(Complaint(Position({0, Bytes(32, 0)})).find("5: nothing in it is signed yet"), 0U);
  EXPECT_EQ(Complaint(Position(PlaceOf(3))), "none");
  EXPECT_EQ(Complaint(Server(5)), "none");
  Forge(64);
  EXPECT_EQ(Complaint(Server(64)), "none");
  Forge(65);
  EXPECT_EQ(Complaint(Server(65)),
            "65: records 1 to 65 have no checkpoint among them, and the server signs each 64");
}

TEST_F(AuditFile, AnEmptyOneIsNotGood) {
  records_.clear();
  EXPECT_EQ(Complaint(), "0: it has no records, and a log begins with the server's start");
}

TEST_F(AuditFile, ASignatureIsOfACheckpointAlone) {
  records_[4].set_signature("signed");
  EXPECT_EQ(Complaint(), "5: record 5 has a signature, and is no checkpoint");
}

TEST_F(AuditFile, RecordsGoBackInASinksFileAlone) {
  const auto go_back = [&](size_t sequence) {
    v1::AuditRecord record = records_[sequence - 1];
    record.set_method("start");
    record.clear_signature();
    record.set_hash(std::string(AsText(HashOf(AsBytes(records_[sequence - 2].hash()), record))));
    records_.push_back(record);
  };
  go_back(6);
  EXPECT_EQ(Complaint(),
            "7: record 6 follows 6: records go back in the file of an audit_sink alone (--sink)");
  AuditExpectation expected;
  expected.is_sink = true;
  EXPECT_EQ(Complaint(expected), "none");
  expected.server = Server(5).server;
  const std::string missing = "7: the server has no record 6: it is of a change that was not made";
  EXPECT_EQ(Complaint(expected).find(missing), 0U) << Complaint(expected);
  records_.back() = records_[5];
  EXPECT_EQ(Complaint(expected), "7: record 6 is there twice");
}

// Whatever follows: the server has what it signed.
TEST_F(AuditFile, ACheckpointIsNotSupersededWhereTheServerHasIt) {
  const std::vector<v1::AuditRecord> log = records_;
  v1::AuditRecord forged = records_[1];
  forged.set_principal("operator:mallory");
  forged.set_hash(std::string(AsText(HashOf(AsBytes(records_[0].hash()), forged))));
  records_.push_back(forged);
  AuditExpectation expected;
  expected.is_sink = true;
  expected.position = PlaceOf(1);
  const auto alone = Check(expected);
  ASSERT_TRUE(alone) << alone.error().message;
  ASSERT_EQ(alone->signed_ones.size(), 1U);
  EXPECT_EQ(alone->signed_ones[0].sequence, 4U);
  EXPECT_EQ(alone->proven_to, 1U);
  expected.server = [&](uint64_t sequence) {
    const ByteView hash = AsBytes(sequence == 2 ? forged.hash() : log[sequence - 1].hash());
    return Bytes(hash.begin(), hash.end());
  };
  EXPECT_EQ(Complaint(expected).find("7: record 4:"), 0U) << Complaint(expected);
}

TEST_F(AuditFile, ALastLineOfASinkMayHaveNoEnd) {
  rest_ = R"({"sequence":"7","ti)";
  EXPECT_EQ(Complaint().find("7: "), 0U);
  AuditExpectation expected;
  expected.is_sink = true;
  const auto summary = Check(expected);
  ASSERT_TRUE(summary);
  EXPECT_TRUE(summary->is_cut);
  EXPECT_EQ(summary->records, 6U);
}

TEST_F(AuditFile, AFieldThatStandsTwiceIsRefused) {
  rest_ = ToJson(records_[5], true);
  records_.pop_back();
  EXPECT_EQ(Complaint(), "none");
  rest_.insert(rest_.size() - 1, ",\"principal\":\"operator:alice\"");
  EXPECT_EQ(Complaint(), "6: it is not as audit export writes it");
}

TEST_F(AuditFile, WhatIsNoRecordIsNamed) {
  rest_ = "{\"sequence\": \"seven\"}\n";
  EXPECT_EQ(Complaint().find("7: "), 0U);
  EXPECT_EQ(VerifyAuditFile("/absent", {}, kRules).error().exit, Exit::kUsage);
}

TEST(Position, IsASequenceAndAHash) {
  const auto place = ReadPosition("4711:" + std::string(64, 'a'));
  ASSERT_TRUE(place);
  EXPECT_EQ(place->sequence, 4711U);
  EXPECT_EQ(place->hash, Bytes(32, 0xaa));
  EXPECT_EQ(ReadPosition("1:qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=")->hash, place->hash);
  for (const std::string& text :
       {std::string(), std::string("4711"), std::string("4711:aa"), ":" + std::string(64, 'a'),
        "x:" + std::string(64, 'a'), "4711 " + std::string(64, 'a'), "1:" + std::string(66, 'a')}) {
    EXPECT_FALSE(ReadPosition(text)) << text;
  }
}

TEST(Audit, ListsAndExports) {
  FakeServer server;
  server.Answer("Audit.ListAuditRecords", R"({"auditRecords": [{"sequence": "1",
      "time": "2026-01-31T12:00:00Z", "principal": "operator:alice",
      "method": "Members.ExpelMembers", "resource": "channels/one",
      "keyIds": ["00010002", "00010002.1"], "hash": "qqo="}], "nextPageToken": "p2"})");
  server.Answer("Audit.ListAuditRecords",
                R"({"auditRecords": [{"sequence": "2", "hash": "qqs="}]})");
  const std::string path = TempPath("export.jsonl");
  const auto done = server.Run({"audit", "export", path});
  EXPECT_EQ(done.out,
            "records  2\n"
            "end      2:aaab\n");
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find("\"sequence\":\"1\""), std::string::npos) << lines[0];
  EXPECT_EQ(server.asked()[1].request, R"({"pageSize":1000,"pageToken":"p2"})");
  EXPECT_EQ(server.Run({"audit", "export", "/absent/x"}).exit, 2);
  server.Forget("Audit.ListAuditRecords");
  server.Answer("Audit.ListAuditRecords",
                R"({"auditRecords": [{"sequence": "7", "method": "start"}]})");
  EXPECT_EQ(server.Run({"audit", "list", "--order-by", "sequence desc"}).out,
            "SEQUENCE  TIME  PRINCIPAL  METHOD  RESOURCE  KEYS\n"
            "7                          start             \n");
}

}  // namespace
}  // namespace keymast::cli
