// SPDX-License-Identifier: Apache-2.0
#include "server/audit_listing.h"

#include <cstdlib>

#include "framing/frame.h"
#include "server/listing.h"
#include "server/translate.h"

namespace keymast::server {
namespace {

constexpr size_t kMaxOctets = framing::kMaxFrame - 128 * 1024;

}  // namespace

tl::expected<AuditListing, Failure> AuditListing::Read(const v1::ListAuditRecordsRequest& request,
                                                       const PageTokens& tokens) {
  AuditListing listing;
  if (request.page_size() < 0) return tl::unexpected(Wrong("page_size", "must be 1 to 1000, or 0"));
  listing.page_ = request.page_size() == 0
                      ? kDefaultPage
                      : std::min(static_cast<size_t>(request.page_size()), kMaxPage);
  if (!request.order_by().empty() && request.order_by() != "sequence") {
    return tl::unexpected(Wrong("order_by", "must be sequence, or empty"));
  }
  auto filter = Filter::Parse(request.filter(), *v1::AuditRecord::descriptor());
  if (!filter) return tl::unexpected(filter.error());
  listing.filter_ = std::move(*filter);
  listing.tokens_ = &tokens;
  listing.label_ = "audit records" + std::string(1, '\0') + std::to_string(request.after()) +
                   std::string(1, '\0') + request.filter();
  listing.after_ = request.after();
  const auto position = tokens.Read(listing.label_, request.page_token());
  if (!position) {
    return tl::unexpected(Wrong(
        "page_token", "must be the next_page_token of the same call, with its filter and after"));
  }
  if (!position->empty()) listing.after_ = std::strtoull(position->c_str(), nullptr, 10);
  return listing;
}

void AuditListing::Fill(const std::vector<audit::Record>& records,
                        v1::ListAuditRecordsResponse& list) const {
  size_t octets = 0;
  uint64_t last = after_;
  const auto go_on = [&] { list.set_next_page_token(tokens_->Make(label_, std::to_string(last))); };
  for (const audit::Record& record : records) {
    if (static_cast<size_t>(list.audit_records_size()) == page_) return go_on();
    v1::AuditRecord message = ToProto(record);
    if (filter_.Matches(message)) {
      octets += message.ByteSizeLong() + 8;
      if (octets > kMaxOctets && list.audit_records_size() > 0) return go_on();
      *list.add_audit_records() = std::move(message);
    }
    last = record.sequence;
  }
  if (records.size() == wanted()) go_on();
}

}  // namespace keymast::server
