// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/bytes.h"
#include "google/rpc/error_info.pb.h"
#include "keymast/v1/server.pb.h"
#include "server/names.h"
#include "server/request_digest.h"
#include "server/translate.h"

namespace keymast::server {
namespace {

struct KindName {
  const char* method;
  const char* unit;
};

KindName NameOf(rekey::OperationKind kind) {
  switch (kind) {
    case rekey::OperationKind::kBackup:
      return {"Server.CreateBackup", "octets"};
    case rekey::OperationKind::kMasterKey:
      return {"Server.RotateMasterKey", "entries"};
    case rekey::OperationKind::kRekeyChannels:
      break;
  }
  return {"Rekeys.RekeyChannels", "channels"};
}

void FillResponse(const rekey::Operation& operation, google::protobuf::Any& any) {
  switch (operation.kind) {
    case rekey::OperationKind::kBackup: {
      v1::Backup backup;
      backup.set_name("backups/" + operation.subject);
      backup.set_octets(operation.progress.total);
      if (!operation.progress.notes.empty()) backup.set_directory(operation.progress.notes[0]);
      *backup.mutable_create_time() = ToProto(operation.begun);
      any.PackFrom(backup);
      return;
    }
    case rekey::OperationKind::kMasterKey: {
      v1::RotateMasterKeyResponse response;
      response.set_key_id(operation.subject);
      response.set_pages(operation.progress.total);
      any.PackFrom(response);
      return;
    }
    case rekey::OperationKind::kRekeyChannels:
      break;
  }
  v1::RekeyChannelsResponse response;
  const std::vector<std::string>& notes = operation.progress.notes;
  response.set_rekeyed(operation.progress.done - rekey::RefusedIn(operation.progress));
  for (size_t i = 0; i < std::min(notes.size(), rekey::kMostRefusals); ++i) {
    response.add_refused(notes[i]);
  }
  any.PackFrom(response);
}

}  // namespace

v1::Operation ToProto(const rekey::Operation& operation) {
  const rekey::Progress& progress = operation.progress;
  const KindName kind = NameOf(operation.kind);
  v1::Operation message;
  message.set_name(NameOf(operation.id));
  message.set_method(kind.method);
  message.set_principal(operation.principal);
  *message.mutable_create_time() = ToProto(operation.begun);
  message.set_done_units(progress.done);
  message.set_total_units(progress.total);
  message.set_unit(kind.unit);
  message.set_cancel_requested(progress.cancelling);
  if (!progress.IsDone()) return message;
  message.set_done(true);
  *message.mutable_end_time() = ToProto(progress.ended);
  if (!progress.failed) {
    FillResponse(operation, *message.mutable_response());
    return message;
  }
  // Its code is given at the border, from the reason.
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(ErrorName(progress.error)));
  info.set_domain("keymast");
  message.mutable_error()->set_message(progress.message);
  message.mutable_error()->add_details()->PackFrom(info);
  return message;
}

v1::AuditRecord ToProto(const audit::Record& record) {
  v1::AuditRecord message;
  message.set_sequence(record.sequence);
  *message.mutable_time() = ToProto(record.time);
  message.set_principal(record.principal);
  message.set_method(record.method);
  if (record.request) message.set_request_id(ToText(*record.request));
  message.set_resource(record.resource);
  for (const std::string& item : record.items) message.add_items(item);
  message.set_revision_before(record.revision_before);
  message.set_revision_after(record.revision_after);
  for (const std::string& key : record.key_ids) message.add_key_ids(key);
  if (record.trace) message.set_trace_id(ToHex(record.trace->octets));
  message.set_hash(std::string(AsText(record.hash)));
  message.set_signature(std::string(AsText(record.signature)));
  return message;
}

}  // namespace keymast::server
