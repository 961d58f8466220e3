// SPDX-License-Identifier: Apache-2.0
// audit verify
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <ostream>

#include "audit/record.h"
#include "cli/audit_file.h"
#include "cli/commands.h"
#include "cli/methods.h"
#include "keymast/v1/server.pb.h"

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

// IsWhole: nothing of the record is lost on the way to its text.
bool IsWhole(const v1::AuditRecord& record) {
  using google::protobuf::util::TimeUtil;
  const auto time = TimeUtil::NanosecondsToTimestamp(ToUnixNanos(InstantOf(record.time())));
  return (record.request_id().empty() || IdOf<RequestId>(record.request_id())) &&
         (record.trace_id().empty() || IdOf<TraceId>(record.trace_id())) && time == record.time();
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

Outcome<void> AskServer(Context& context, VerifyOptions& options) {
  v1::ServerStatus status;
  auto called =
      context.session.Call("Server.GetServerStatus", v1::GetServerStatusRequest(), status);
  if (!called) return called;
  const ByteView key = AsBytes(status.audit_public_key()), hash = AsBytes(status.audit().hash());
  if (options.public_key.empty()) options.public_key.assign(key.begin(), key.end());
  options.expected.server = AuditPlace{status.audit().sequence(), Bytes(hash.begin(), hash.end())};
  return {};
}

Outcome<void> ShowSummary(Context& context, const AuditSummary& summary) {
  v1::AuditPosition end;
  end.set_sequence(summary.end.sequence);
  end.set_hash(std::string(AsText(summary.end.hash)));
  return Show(context, end, [&](const v1::AuditPosition&, std::ostream& out) {
    WritePairs(
        {{"records", std::to_string(summary.records)},
         {"superseded", summary.superseded == 0 ? "" : std::to_string(summary.superseded)},
         {"checkpoints", std::to_string(summary.checkpoints)},
         {"signed", summary.signed_to == 0 ? "none" : "to " + std::to_string(summary.signed_to)},
         {"end", PositionText(summary.end)}},
        out);
  });
}

Outcome<void> Verify(Context& context, const VerifyOptions& typed) {
  VerifyOptions options = typed;
  if (options.asks_status) {
    if (auto asked = AskServer(context, options); !asked) return asked;
  }
  const auto key = crypto::PublicKey::FromEd25519(options.public_key);
  if (!key) {
    return UsageProblem("audit verify: --public-key or --status says whose signatures are good");
  }
  const auto summary = VerifyAuditFile(options.file, options.expected, RulesOf(*key));
  if (!summary) return tl::unexpected(summary.error());
  return ShowSummary(context, *summary);
}

Option PublicKey(VerifyOptions& options) {
  const Taker take = [&options](const std::string& typed) -> Outcome<void> {
    if (FromHex(typed, options.public_key) && options.public_key.size() == crypto::kEd25519Key) {
      return {};
    }
    return UsageProblem("\"" + typed + "\" is not 64 hexadecimal digits");
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
  command.Add(Flag("--status", "Ask the server for its audit key and the end of its log",
                   options.asks_status));
  command.Add(Expected(options.expected));
  group.Example("keymastctl audit verify audit.jsonl --public-key $KEY --expect 4711:$KEY");
}

}  // namespace keymast::cli
