// SPDX-License-Identifier: Apache-2.0
// status, backups, master-key
#include <ostream>

#include "cli/commands.h"
#include "cli/operations.h"
#include "keymast/v1/server.pb.h"

namespace keymast::cli {
namespace {

std::string LostCell(const v1::ServerStatus& status) {
  if (status.possibly_lost_commits_unknown()) return "commits; nobody can say how many";
  const uint64_t lost = status.possibly_lost_commits();
  return lost == 0 ? "" : std::to_string(lost) + " commits, at most";
}

std::string AuditCell(const v1::ServerStatus& status) {
  if (!status.has_audit()) return "";
  return "to " + std::to_string(status.audit().sequence()) + ":" + HexCell(status.audit().hash());
}

// A principal of some channels is told a part, in which all numbers are zero. Of the whole the
// epoch never is: each start raises it.
bool IsWhole(const v1::ServerStatus& status) {
  return status.epoch() != 0 || !status.import_public_key().empty();
}

// Empty of a server that does not say. A part is without the reasons.
std::string ReadyCell(const v1::ServerStatus& status) {
  if (status.ready()) return "yes";
  if (!IsWhole(status)) return "no";
  std::string reasons;
  for (const std::string& reason : status.not_ready()) {
    reasons += (reasons.empty() ? "no: " : ", ") + reason;
  }
  return reasons;
}

void WriteStatus(const v1::ServerStatus& status, std::ostream& out) {
  const auto number = [is_whole = IsWhole(status)](uint64_t count) {
    return is_whole ? std::to_string(count) : "not told";
  };
  WritePairs({{"version", status.version()},
              {"identity", status.identity()},
              {"ready", ReadyCell(status)},
              {"store", v1::StoreState_Name(status.store_state())},
              {"channels", number(status.channel_count())},
              {"subscribers", number(status.subscriber_count())},
              {"members", number(status.member_count())},
              {"revision", number(status.revision())},
              {"epoch", number(status.epoch())},
              {"incarnation", number(status.incarnation())},
              {"possibly lost", LostCell(status)},
              {"started", TimeCell(status.start_time(), status.has_start_time())},
              {"uptime", DurationCell(status.uptime())},
              {"import key", HexCell(status.import_public_key())},
              {"master key", status.master_key_id()},
              {"audit key", HexCell(status.audit_public_key())},
              {"audit log", AuditCell(status)}},
             out);
}

void WriteBackup(const v1::Backup& backup, std::ostream& out) {
  WritePairs({{"name", backup.name()},
              {"created", TimeCell(backup.create_time(), backup.has_create_time())},
              {"octets", std::to_string(backup.octets())},
              {"directory", backup.directory()}},
             out);
}

void WriteBackups(const v1::ListBackupsResponse& list, std::ostream& out) {
  Table table({"BACKUP", "CREATED", "OCTETS", "DIRECTORY"});
  for (const v1::Backup& backup : list.backups()) {
    table.Add({LastSegment(backup.name()), TimeCell(backup.create_time(), backup.has_create_time()),
               std::to_string(backup.octets()), backup.directory()});
  }
  table.Write(out);
}

void AddBackups(Command& program) {
  Command& group = program.Add("backups", "Copies of the store, sealed as it is");
  Command& create = group.Add("create", "Write a backup on the server; an operation");
  auto& request = Begins<v1::CreateBackupRequest>(create, "Server.CreateBackup");
  create.Add(Id("BACKUP", "backups/", *request.mutable_backup_id())
                 .Optional()
                 .Saying("Made of the time when not given"));
  group.Example("keymastctl backups create --wait");
  AddNamed<v1::GetBackupRequest>(group, "get", "Show a backup", "Server.GetBackup",
                                 {"BACKUP", "backups/"}, WriteBackup);
  Lists<v1::ListBackupsRequest>(group.Add("list", "List backups"), "Server.ListBackups",
                                WriteBackups);
  AddDelete<v1::DeleteBackupRequest, v1::DeleteBackupResponse>(
      group, "Delete a backup", "Server.DeleteBackup", {"BACKUP", "backups/"});
}

void AddMasterKey(Command& program) {
  Command& group = program.Add("master-key", "The key that everything at rest is sealed under");
  Command& rotate =
      group.Add("rotate", "Seal everything anew under the master key that is configured as next");
  auto& request = Begins<v1::RotateMasterKeyRequest>(rotate, "Server.RotateMasterKey");
  const Fields fields(request);
  rotate.Add(fields.Of("old_key_id", "--old", "ID", "Id of the key in use").Required());
  rotate.Add(fields.Of("new_key_id", "--new", "ID", "Id of the configured next key").Required());
  group.Example("keymastctl master-key rotate --old 3f1c --new 9a20 --wait");
}

}  // namespace

void AddServer(Command& program) {
  Command& status = program.Add("status", "Show the server's state");
  Calls<v1::GetServerStatusRequest>(status, "Server.GetServerStatus", WriteStatus);
  AddBackups(program);
  AddMasterKey(program);
}

}  // namespace keymast::cli
