// SPDX-License-Identifier: Apache-2.0
// Backups, and the change of the master key.
#include <google/protobuf/util/time_util.h>

#include <map>

#include "server/calls.h"
#include "server/listing.h"

namespace keymast::server {
namespace {

using google::protobuf::util::TimeUtil;

std::optional<std::string> BackupOf(const std::string& name) {
  constexpr std::string_view kBackups = "backups/";
  if (!name.starts_with(kBackups)) return std::nullopt;
  std::string id = name.substr(kBackups.size());
  return groups::IsResourceId(id) ? std::optional(std::move(id)) : std::nullopt;
}

constexpr NameForm kBackupForm{"backups/BACKUP", [](std::string_view name) {
                                 return BackupOf(std::string(name)).has_value();
                               }};

}  // namespace

bool Calls::Store(const Caller& caller, const core::CoreRequest& request) {
  switch (request.request_case()) {
    case core::CoreRequest::kCreateBackup:
      return CreateBackup(caller, request.create_backup()), true;
    case core::CoreRequest::kGetBackup:
      return GetBackup(caller, request.get_backup()), true;
    case core::CoreRequest::kListBackups:
      return ListBackups(caller, request.list_backups()), true;
    case core::CoreRequest::kDeleteBackup:
      return DeleteBackup(caller, request.delete_backup()), true;
    case core::CoreRequest::kRotateMasterKey:
      return RotateMasterKey(caller, request.rotate_master_key()), true;
    default:
      return false;
  }
}

void Calls::CreateBackup(const Caller& caller, const v1::CreateBackupRequest& request) {
  if (!store_work_.MakesBackups()) {
    return Refuse(caller, {Error::kFailedPrecondition, "this server makes no backups", {}, {}, 0});
  }
  rekey::Operation operation;
  operation.kind = rekey::OperationKind::kBackup;
  operation.subject = request.backup_id();
  if (operation.subject.empty()) {
    operation.subject = "backup-" + std::to_string(ToUnixNanos(shard_.Now()) / 1'000'000'000);
  }
  if (!groups::IsResourceId(operation.subject)) {
    return Refuse(caller, Wrong("backup_id", std::string(groups::kResourceIdRule)));
  }
  const bool is_there = store_work_.HasBackup(operation.subject);
  // A repeated request finds its own.
  if (is_there && KeptOf(request.request_id()) == nullptr) {
    return Refuse(caller, {Error::kAlreadyExists,
                           "backups/" + operation.subject + " exists already",
                           {},
                           "backups/" + operation.subject,
                           0});
  }
  Begin(caller, AskOf(request), std::move(operation));
}

void Calls::GetBackup(const Caller& caller, const v1::GetBackupRequest& request) {
  const auto id = BackupOf(request.name());
  if (!id || !store_work_.IsBackup(*id))
    return Refuse(caller, NoSuch(request.name(), "name", kBackupForm));
  core::CoreReply reply;
  *reply.mutable_backup() = store_work_.BackupNamed(*id);
  Answer(caller, std::move(reply));
}

void Calls::ListBackups(const Caller& caller, const v1::ListBackupsRequest& request) {
  const auto listing = Listing::Read(
      {"backups", request.page_size(), request.page_token(), request.filter(), request.order_by()},
      *v1::Backup::descriptor(), page_tokens_);
  if (!listing) return Refuse(caller, listing.error());
  std::map<std::string, v1::Backup> backups;
  for (v1::Backup& backup : store_work_.Backups()) {
    const std::string name = backup.name();
    backups[name] = std::move(backup);
  }
  const auto picked = listing->Pick(backups, [&](const auto& one) {
    const int64_t made = TimeUtil::TimestampToNanoseconds(one.second.create_time());
    return std::optional(Place{listing->is_by_time() ? made : 0, one.first});
  });
  core::CoreReply reply;
  auto& list = *reply.mutable_list_backups();
  listing->Fill(
      picked, *list.mutable_backups(), [&](const Place& place) { return backups.at(place.id); },
      *list.mutable_next_page_token());
  Answer(caller, std::move(reply));
}

void Calls::DeleteBackup(const Caller& caller, const v1::DeleteBackupRequest& request) {
  const auto id = BackupOf(request.name());
  const bool is_there = id && store_work_.HasBackup(*id);
  const rekey::KeptRequest* kept = KeptOf(request.request_id());
  const bool may_be_missing = id && (request.allow_missing() || kept != nullptr);
  if (!is_there && !may_be_missing)
    return Refuse(caller, NoSuch(request.name(), "name", kBackupForm));
  // One that was not answered may have left it there, but another may have been made since.
  const Instant made_before = kept == nullptr ? kNever : kept->at;
  Do(
      caller, AskOf(request), controller::DeleteBackup{*id},
      [](const controller::Reply&, core::CoreReply& reply) { reply.mutable_delete_backup(); },
      false,
      [this, id = *id, made_before](const Pipeline::Effect& answer) {
        store_work_.Remove({id, made_before, answer});
      });
}

void Calls::RotateMasterKey(const Caller& caller, const v1::RotateMasterKeyRequest& request) {
  const std::string in_use = store_work_.key_in_use();
  // One whose operation failed on its way goes on.
  const bool is_known = store_work_.IsRotating(request.old_key_id(), request.new_key_id()) ||
                        KeptOf(request.request_id()) != nullptr;
  Violations violations;
  if (request.old_key_id() != in_use) {
    violations.Add("old_key_id", "must be that of the master key in use, " + in_use);
  }
  const std::string& next = request.new_key_id();
  if (next.empty() || next.size() > crypto::MasterKey::kMaxId || next == in_use) {
    violations.Add("new_key_id", "must be that of the next master key");
  }
  if (!violations.empty() && !is_known) {
    return Refuse(caller, std::move(violations).Failed().value());
  }
  rekey::Operation operation;
  operation.kind = rekey::OperationKind::kMasterKey;
  operation.subject = request.new_key_id();
  operation.targets = {request.old_key_id()};
  Begin(caller, AskOf(request), std::move(operation));
}

}  // namespace keymast::server
