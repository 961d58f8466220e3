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

// Empty of a server that does not say.
std::string ReadyCell(const v1::ServerStatus& status) {
  if (status.ready()) return "yes";
  std::string reasons;
  for (const std::string& reason : status.not_ready()) {
    reasons += (reasons.empty() ? "no: " : ", ") + reason;
  }
  return reasons;
}

void WriteStatus(const v1::ServerStatus& status, std::ostream& out) {
  WritePairs({{"version", status.version()},
              {"identity", status.identity()},
              {"ready", ReadyCell(status)},
              {"store", v1::StoreState_Name(status.store_state())},
              {"channels", std::to_string(status.channel_count())},
              {"subscribers", std::to_string(status.subscriber_count())},
              {"members", std::to_string(status.member_count())},
              {"revision", std::to_string(status.revision())},
              {"epoch", std::to_string(status.epoch())},
              {"incarnation", std::to_string(status.incarnation())},
              {"possibly lost", LostCell(status)},
              {"started", TimeCell(status.start_time(), status.has_start_time())},
              {"uptime", DurationCell(status.uptime())},
              {"import key", HexCell(status.import_public_key())},
              {"master key", status.master_key_id()},
              {"audit key", HexCell(status.audit_public_key())},
              {"audit log", AuditCell(status)}},
             out);
}

void WriteBackups(const v1::ListBackupsResponse& list, std::ostream& out) {
  Table table({"BACKUP", "CREATED", "REVISION", "OCTETS", "DIRECTORY"});
  for (const v1::Backup& backup : list.backups()) {
    table.Add({LastSegment(backup.name()), TimeCell(backup.create_time(), backup.has_create_time()),
               std::to_string(backup.revision()), std::to_string(backup.octets()),
               backup.directory()});
  }
  table.Write(out);
}

void AddBackups(Command& program) {
  Command& group = program.Add("backups", "Copies of the store, sealed as it is");
  Command& create = group.Add("create", "Write a backup on the server; an operation");
  auto& request = Begins<v1::CreateBackupRequest>(create, "Server.CreateBackup");
  create.Add(Id("BACKUP", *request.mutable_backup_id())
                 .Optional()
                 .Saying("Made of the time when not given"));
  group.Example("keymastctl backups create --wait");
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
