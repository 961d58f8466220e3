// SPDX-License-Identifier: Apache-2.0
// What keymastctl reads: files, options, and what the server says of a failure. The first octet
// says what the rest is.
#include <sstream>

#include "cli/audit_file.h"
#include "cli/batch.h"
#include "cli/channels.h"
#include "cli/fields.h"
#include "cli/output.h"
#include "cli/problem.h"
#include "cli/reflection.h"
#include "cli/request_id.h"
#include "tests/fuzz/memory_file.h"

namespace {

using namespace keymast;
using namespace keymast::cli;

void ReadTable(ByteView octets) {
  const MemoryFile file(octets);
  auto rows = ReadCsv(file.path(), 2);
  if (!rows || rows->empty()) return;
  CsvOptions options;
  options.file = "members.csv";
  options.skip_existing = true;
  const Batches batches(options, *rows);
  Problem problem;
  problem.violations = {{"requests[0].member", "wrong"}, {rows->front().cells[1], "wrong"}};
  problem.resource = rows->back().cells[0];
  KEYMAST_CHECK(!ToText(batches.Refused(problem, 0, rows->size())).empty());
  KEYMAST_CHECK(!ToText(batches.NotMade(problem, 0, rows->size() - 1)).empty());
  const size_t before = rows->size();
  KEYMAST_CHECK(Leave({LastSegment(rows->front().cells[0])}, *rows) + rows->size() == before);
}

void ReadOptions(const std::string& text) {
  google::protobuf::Timestamp time;
  google::protobuf::Duration span;
  static_cast<void>(ParseTime(text, time));
  static_cast<void>(ParseSpan(text, span));
  if (const auto stream = ParseStream(text)) KEYMAST_CHECK(stream->ByteSizeLong() > 0);
  if (IsUuid(text)) KEYMAST_CHECK(IsUuid(PartRequestId(text, {text})));
  if (const auto place = ReadPosition(text)) KEYMAST_CHECK(place->hash.size() == 32);
  if (Bytes octets; ReadOctets(text, octets)) KEYMAST_CHECK(octets.size() == 32);
}

// A file, and the octets of it as options over it.
void ReadChannel(ByteView octets) {
  const MemoryFile file(octets);
  v1::Channel channel, onto;
  if (ReadJson(file.path(), channel)) {
    Overlay(channel, onto);
    google::protobuf::FieldMask mask;
    AddToMask(onto, "", mask);
    std::ostringstream out;
    WriteDocument(onto, Format::kYaml, out);
    KEYMAST_CHECK(!out.str().empty());
  }
  for (const char* path : {"display_name", "multicast.ttl", "policy.mtk_period", "srtp_profile",
                           "policy.leave_policy", "create_time", "member_count"}) {
    static_cast<void>(SetField(channel, path, std::string(AsText(octets))));
  }
}

// A log that is chained as it likes.
void ReadLog(ByteView octets) {
  const MemoryFile file(octets);
  const AuditRules rules = {
      [](ByteView, const v1::AuditRecord& record) {
        const ByteView hash = AsBytes(record.hash());
        return Bytes(hash.begin(), hash.end());
      },
      [](const v1::AuditRecord& record) { return !record.signature().empty(); }};
  const auto server = [](uint64_t) -> Outcome<Bytes> { return Bytes(32, 0); };
  const AuditExpectation expected{AuditPlace{2, Bytes(32, 0)}, server, true};
  static_cast<void>(VerifyAuditFile(file.path(), expected, rules));
}

// A server that says these octets of itself, whatever it is asked.
class Saying final : public Session {
 public:
  explicit Saying(ByteView octets) : octets_(octets) {}
  Outcome<void> Call(const std::string&, const google::protobuf::Message&,
                     google::protobuf::Message&) override {
    return {};
  }
  Outcome<void> Stream(const std::string&, const google::protobuf::Message&,
                       google::protobuf::Message&, const std::function<bool()>&) override {
    return {};
  }
  Outcome<void> Converse(const std::string&, Deadline,
                         const std::function<const google::protobuf::Message*()>&,
                         google::protobuf::Message& scratch,
                         const std::function<bool()>& each) override {
    if (++asked_ > 10) return UsageProblem("enough");
    if (scratch.ParseFromArray(octets_.data(), static_cast<int>(octets_.size()))) {
      static_cast<void>(each());
    }
    return {};
  }

 private:
  ByteView octets_;
  int asked_ = 0;
};

void ReadReflection(ByteView octets) {
  Saying session(octets);
  Reflection reflection(session);
  static_cast<void>(reflection.Services());
  for (const char* typed : {"Channels.GetChannel", "Channel"}) {
    const auto name = reflection.Find(typed);
    if (!name) continue;
    static_cast<void>(reflection.pool().FindMethodByName(*name));
    if (const auto* type = reflection.pool().FindMessageTypeByName(*name)) {
      const auto message = reflection.New(type);
      static_cast<void>(ParseJson(ToJson(*message, true), *message));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView rest = ByteView(data, size).subspan(1);
  const std::string text(AsText(rest));
  switch (data[0] % 8) {
    case 0:
      ReadTable(rest);
      break;
    case 1:
      ReadOptions(text);
      break;
    case 2:
      ReadChannel(rest);
      break;
    case 4:
      ReadLog(rest);
      break;
    case 5:
      ReadReflection(rest);
      break;
    default:
      KEYMAST_CHECK(!ToText(ProblemOf(rest.empty() ? 3 : rest[0] % 20, "refused", text)).empty());
  }
  return 0;
}
