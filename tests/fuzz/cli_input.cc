// SPDX-License-Identifier: Apache-2.0
// What keymastctl reads: files, options, and what the server says of a failure. The first octet
// says what the rest is.
#include "cli/batch.h"
#include "cli/channel_options.h"
#include "cli/channels.h"
#include "cli/command.h"
#include "cli/problem.h"
#include "tests/fuzz/memory_file.h"

namespace {

using namespace keymast;
using namespace keymast::cli;

void ReadTable(ByteView octets) {
  const MemoryFile file(octets);
  auto rows = ReadCsv(file.path(), 2);
  if (!rows || rows->empty()) return;
  const CsvOptions options{"members.csv", true};
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
  static_cast<void>(ParseTime("--from", text, time));
  static_cast<void>(ParseSpan("--lead", text, span));
  if (const auto stream = ParseStream(text)) KEYMAST_CHECK(stream->ByteSizeLong() > 0);
}

// A file, and the octets of it as options over it.
void ReadChannel(ByteView octets) {
  const MemoryFile file(octets);
  ChannelOptions options;
  options.file = file.path();
  v1::Channel channel;
  static_cast<void>(Apply(options, channel));
  const std::string text(AsText(octets));
  options.file.clear();
  options.display_name = options.group = options.interface_address = text;
  options.ttl = options.dscp = 1;
  options.key_domain = text;
  options.streams = {"video:5004:0xa0000001:96:H264/90000"};
  options.policy.mtk_period = text;
  options.policy.leave_policy = text;
  if (!Apply(options, channel)) options.policy.mtk_period = "2s";
  if (!Apply(options, channel)) options.policy.leave_policy = "immediate";
  options.profile = text;
  static_cast<void>(Apply(options, channel));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView rest = ByteView(data, size).subspan(1);
  const std::string text(AsText(rest));
  switch (data[0] % 4) {
    case 0:
      ReadTable(rest);
      break;
    case 1:
      ReadOptions(text);
      break;
    case 2:
      ReadChannel(rest);
      break;
    default:
      KEYMAST_CHECK(!ToText(ProblemOf(rest.empty() ? 3 : rest[0] % 20, "refused", text)).empty());
  }
  return 0;
}
