// SPDX-License-Identifier: Apache-2.0
// One page of the audit log, which is as long as the server has lived: found by sequence alone.
#pragma once

#include "audit/record.h"
#include "keymast/v1/audit.pb.h"
#include "server/filter.h"
#include "server/page_token.h"

namespace keymast::server {

class AuditListing {
 public:
  static tl::expected<AuditListing, Failure> Read(const v1::ListAuditRecordsRequest& request,
                                                  const PageTokens& tokens);

  // What to read of the log: `wanted` records behind `after`.
  uint64_t after() const { return after_; }
  size_t wanted() const { return filter_.IsEmpty() ? page_ + 1 : kScanned; }
  void Fill(const std::vector<audit::Record>& records, v1::ListAuditRecordsResponse& list) const;

 private:
  static constexpr size_t kScanned = 2048;  // records that a filter is held against, for a page

  const PageTokens* tokens_ = nullptr;
  std::string label_;
  size_t page_ = 0;
  Filter filter_;
  uint64_t after_ = 0;
};

}  // namespace keymast::server
