// SPDX-License-Identifier: Apache-2.0
// audit verify
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <ostream>

#include "audit/record.h"
#include "cli/audit_file.h"
#include "cli/commands.h"
#include "cli/methods.h"
#include "cli/request_id.h"
#include "keymast/v1/server.pb.h"
#include "shell/json_line.h"

namespace keymast::cli {
namespace {

// Identifiers of 16 octets as the API spells them: hexadecimal, UUIDs with dashes.
template <class Id>
std::optional<Id> IdOf(std::string text) {
  std::erase(text, '-');
  Bytes octets;
  Id id;
  if (!FromHex(text, octets) || octets.size() != id.octets.size()) return std::nullopt;
  std::copy(octets.begin(), octets.end(), id.octets.begin());
  return id;
}

audit::Hash HashOf(ByteView octets) {
  audit::Hash hash{};
  std::copy_n(octets.begin(), std::min(octets.size(), hash.size()), hash.begin());
  return hash;
}

bool AreFilled(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  return std::none_of(texts.begin(), texts.end(), [](const auto& text) { return text.empty(); });
}

bool IsLower(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// IsWhole: nothing of the record is lost on the way to its text.
bool IsWhole(const v1::AuditRecord& record) {
  using google::protobuf::util::TimeUtil;
  const auto time = TimeUtil::NanosecondsToTimestamp(ToUnixNanos(InstantOf(record.time())));
  if (!AreFilled(record.items()) || !AreFilled(record.key_ids())) return false;
  // One spelling each, by which they are searched for.
  const std::string& request = record.request_id();
  const std::string& trace = record.trace_id();
  const bool is_request = request.empty() || (IsUuid(request) && IsLower(request));
  const auto id = IdOf<TraceId>(trace);
  return is_request && (trace.empty() || (id && ToHex(id->octets) == trace)) &&
         time == record.time();
}

audit::Record RecordOf(const v1::AuditRecord& record) {
  audit::Record of;
  of.sequence = record.sequence();
  of.time = InstantOf(record.time());
  of.principal = record.principal();
  of.method = record.method();
  of.request = IdOf<RequestId>(record.request_id());
  of.resource = record.resource();
  of.items.assign(record.items().begin(), record.items().end());
  of.revision_before = record.revision_before();
  of.revision_after = record.revision_after();
  of.key_ids.assign(record.key_ids().begin(), record.key_ids().end());
  of.trace = IdOf<TraceId>(record.trace_id());
  of.hash = HashOf(AsBytes(record.hash()));
  const ByteView signature = AsBytes(record.signature());
  of.signature.assign(signature.begin(), signature.end());
  return of;
}

AuditRules RulesOf(const crypto::PublicKey& key) {
  return {[](ByteView previous, const v1::AuditRecord& record) {
            if (!IsWhole(record)) return Bytes();
            const audit::Hash hash = audit::ChainHash(HashOf(previous), RecordOf(record));
            return Bytes(hash.begin(), hash.end());
          },
          [key](const v1::AuditRecord& record) {
            return audit::CheckSignature(key, RecordOf(record));
          }};
}

struct VerifyOptions {
  std::string file;
  Bytes public_key;
  AuditExpectation expected;
  bool asks_status = false;
};

Outcome<v1::ServerStatus> StatusOf(Context& context) {
  v1::ServerStatus status;
  auto called =
      context.session.Call("Server.GetServerStatus", v1::GetServerStatusRequest(), status);
  if (!called) return tl::unexpected(called.error());
  return status;
}

// The server's audit key, unless one was kept from before.
Outcome<void> AskForKey(Context& context, Bytes& key) {
  if (!key.empty()) return {};
  const auto status = StatusOf(context);
  if (!status) return tl::unexpected(status.error());
  const ByteView its = AsBytes(status->audit_public_key());
  key.assign(its.begin(), its.end());
  return {};
}

Outcome<Bytes> AskForHash(Context& context, uint64_t sequence) {
  v1::ListAuditRecordsRequest request;
  request.set_after(sequence - 1);
  request.set_page_size(1);
  v1::ListAuditRecordsResponse page;
  auto called = context.session.Call("Audit.ListAuditRecords", request, page);
  if (!called) return tl::unexpected(called.error());
  if (page.audit_records().empty()) return Bytes();
  const ByteView hash = AsBytes(page.audit_records(0).hash());
  return Bytes(hash.begin(), hash.end());
}

std::string JsonOf(const AuditSummary& summary, uint64_t server_end) {
  return shell::JsonLine()
      .Text("records", std::to_string(summary.records))
      .Text("superseded", std::to_string(summary.superseded))
      .Text("checkpoints", std::to_string(summary.checkpoints))
      .Text("signedTo", std::to_string(summary.signed_to))
      .Text("provenTo", std::to_string(summary.proven_to))
      .Text("supersededCheckpoints", std::to_string(summary.signed_ones.size()))
      .Text("serverEnd", std::to_string(server_end))
      .Text("end", PositionText(summary.end))
      .str();
}

void ShowSummary(Context& context, const AuditSummary& summary, uint64_t server_end) {
  if (context.format != Format::kTable) {
    return WriteJsonText(JsonOf(summary, server_end), context.format, context.out);
  }
  const uint64_t unproven = summary.records - summary.proven_to;
  WritePairs(
      {{"records", std::to_string(summary.records)},
       {"superseded", summary.superseded == 0 ? "" : std::to_string(summary.superseded)},
       {"signed of these",
        summary.signed_ones.empty() ? "" : std::to_string(summary.signed_ones.size())},
       {"checkpoints", std::to_string(summary.checkpoints)},
       {"signed", summary.signed_to == 0 ? "none" : "to " + std::to_string(summary.signed_to)},
       {"as expected",
        summary.proven_to == summary.signed_to ? "" : "to " + std::to_string(summary.proven_to)},
       {"unproven", unproven == 0
                        ? ""
                        : std::to_string(unproven) +
                              " at the end: neither signed nor asked for by --expect or --status"},
       {"end", PositionText(summary.end)},
       {"left out", summary.is_cut ? "the last line, which has no end" : ""},
       {"server's end", server_end <= summary.records
                            ? ""
                            : std::to_string(server_end) + ": " +
                                  std::to_string(server_end - summary.records) +
                                  " records more than here"}},
      context.out);
}

Outcome<void> Verify(Context& context, const VerifyOptions& typed) {
  VerifyOptions options = typed;
  if (options.asks_status) {
    if (auto asked = AskForKey(context, options.public_key); !asked) return asked;
    options.expected.server = [&context](uint64_t sequence) {
      return AskForHash(context, sequence);
    };
  }
  const auto key = crypto::PublicKey::FromEd25519(options.public_key);
  if (!key) {
    return UsageProblem("audit verify: --public-key or --status says whose signatures are good");
  }
  const auto summary = VerifyAuditFile(options.file, options.expected, RulesOf(*key));
  if (!summary) return tl::unexpected(summary.error());
  // Asked behind the file, which may be of a log that grows.
  const auto status = options.asks_status ? StatusOf(context) : v1::ServerStatus();
  if (!status) return tl::unexpected(status.error());
  ShowSummary(context, *summary, status->audit().sequence());
  return {};
}

Option PublicKey(VerifyOptions& options) {
  const Taker take = [&options](const std::string& typed) -> Outcome<void> {
    if (ReadOctets(typed, options.public_key)) return {};
    return UsageProblem("\"" + typed +
                        "\" is neither 64 hexadecimal digits nor base64 of 32 octets");
  };
  return Valued("--public-key", "HEX", "The server's audit key, kept from before", take);
}

Option Expected(AuditExpectation& expected) {
  const Taker take = [&expected](const std::string& typed) -> Outcome<void> {
    auto read = ReadPosition(typed);
    if (!read) return tl::unexpected(read.error());
    expected.position = std::move(*read);
    return {};
  };
  return Valued("--expect", "SEQUENCE:HASH",
                "Record that must be there, as an earlier export or status told its end", take);
}

}  // namespace

void AddAuditVerify(Command& group) {
  Command& command = group.Add("verify", "Check an exported file: its chain, signatures, and end");
  auto& options = OptionsOf<VerifyOptions>(command, Verify);
  command.Add(Word("FILE", "As audit export wrote it", Into(options.file)));
  command.Add(PublicKey(options));
  command.Add(Flag("--status",
                   "Ask the server for its audit key, and for its record of the file's end",
                   options.asks_status));
  command.Add(Flag("--sink", "FILE is what a keymastd's audit_sink has taken: records may go back",
                   options.expected.is_sink));
  command.Add(Expected(options.expected));
  group.Example("keymastctl audit verify audit.jsonl --public-key $KEY --expect 4711:$HASH");
}

}  // namespace keymast::cli
