// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <ostream>

#include "cli/audit_file.h"
#include "cli/commands.h"
#include "cli/methods.h"
#include "keymast/v1/audit.pb.h"
#include "keymast/v1/server.pb.h"

namespace keymast::cli {
namespace {

constexpr const char* kMethod = "Audit.ListAuditRecords";

std::string KeysCell(const v1::AuditRecord& record) {
  std::string cell;
  for (const std::string& key : record.key_ids()) cell += (cell.empty() ? "" : " ") + key;
  return cell;
}

void WriteRecords(const v1::ListAuditRecordsResponse& list, std::ostream& out) {
  Table table({"SEQUENCE", "TIME", "PRINCIPAL", "METHOD", "RESOURCE", "KEYS"});
  for (const v1::AuditRecord& record : list.audit_records()) {
    table.Add({std::to_string(record.sequence()), TimeCell(record.time(), record.has_time()),
               record.principal(), record.method(), record.resource(), KeysCell(record)});
  }
  table.Write(out);
}

struct ExportOptions {
  std::string file;
};

// Draft is beside a file, and takes its place once it is whole; of a pipe or a device it is that
// itself. One that is not published is removed.
class Draft {
 public:
  explicit Draft(const std::string& file) : file_(file), before_(std::filesystem::status(file)) {
    const auto kind = before_.type();
    is_beside_ = kind == std::filesystem::file_type::not_found ||
                 kind == std::filesystem::file_type::regular;
    // A link stays one.
    std::error_code none;
    const auto end = std::filesystem::canonical(file, none);
    if (is_beside_ && !none) file_ = end.string();
    path_ = is_beside_ ? file_ + ".new" : file_;
  }
  ~Draft() {
    std::error_code gone;
    if (is_beside_) std::filesystem::remove(path_, gone);
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  const std::string& path() const { return path_; }
  bool Publish() const {
    if (!is_beside_) return true;
    std::error_code problem;
    if (before_.type() == std::filesystem::file_type::regular) {
      std::filesystem::permissions(path_, before_.permissions(), problem);
    }
    if (!problem) std::filesystem::rename(path_, file_, problem);
    return !problem;
  }

 private:
  std::string file_;
  std::filesystem::file_status before_;
  bool is_beside_ = true;
  std::string path_;
};

// A page is written before the next is fetched: the log may be longer than memory. What was there
// before stays until all of it has come.
Outcome<void> Export(Context& context, const ExportOptions& options) {
  const Draft draft(options.file);
  std::ofstream file(draft.path());
  if (!file) return UsageProblem(draft.path() + ": cannot be written");
  v1::ListAuditRecordsRequest request;
  request.set_page_size(1000);
  uint64_t count = 0;
  v1::AuditRecord last;
  do {
    v1::ListAuditRecordsResponse page;
    if (auto called = context.session.Call(kMethod, request, page); !called) return called;
    for (const v1::AuditRecord& record : page.audit_records()) {
      WriteOneOfMany(record, Format::kJson, file);
    }
    count += static_cast<uint64_t>(page.audit_records_size());
    if (!page.audit_records().empty()) last = *page.audit_records().rbegin();
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  file.close();
  if (!file || !draft.Publish()) return UsageProblem(options.file + ": cannot be written");
  v1::AuditPosition end;
  end.set_sequence(last.sequence());
  end.set_hash(last.hash());
  return Show(context, end, [&](const v1::AuditPosition&, std::ostream& out) {
    const ByteView hash = AsBytes(last.hash());
    const std::string place = PositionText({last.sequence(), Bytes(hash.begin(), hash.end())});
    WritePairs({{"records", std::to_string(count)}, {"end", count == 0 ? "" : place}}, out);
  });
}

}  // namespace

void AddAudit(Command& program) {
  Command& group = program.Add("audit", "Who changed what");
  Lists<v1::ListAuditRecordsRequest>(group.Add("list", "List audit records"), kMethod,
                                     WriteRecords);
  group.Example("keymastctl audit list --filter 'method = \"Members.ExpelMembers\"'");
  Command& all = group.Add("export", "Write all records, a line of JSON each");
  all.Add(Word("FILE", "Is written over", Into(OptionsOf<ExportOptions>(all, Export).file)));
  group.Example("keymastctl audit export audit.jsonl");
  AddAuditVerify(group);
}

}  // namespace keymast::cli
