// SPDX-License-Identifier: Apache-2.0
#include "server/audited_store.h"

#include "base/failpoint.h"

namespace keymast::server {

AuditedStore::AuditedStore(std::unique_ptr<Durable> store, AuditSink::Config sink)
    : store_(std::move(store)), sink_(std::move(sink), [this](uint64_t after, size_t limit) {
        return store_->Audit(after, limit);
      }) {}

Result<uint64_t> AuditedStore::Commit(const std::vector<rekey::Change>& changes) {
  std::vector<audit::Record> records;
  for (const rekey::Change& change : changes) {
    const auto* audited = std::get_if<rekey::Audited>(&change);
    if (audited != nullptr) records.push_back(audited->record);
  }
  if (!records.empty()) {
    if (auto taken = sink_.Take(records); !taken) {
      refusal_ = std::move(taken.error());
      return Err(Error::kAuditBlocked);
    }
  }
  PassFailpoint("server.audit.taken");
  return store_->Commit(changes);
}

}  // namespace keymast::server
