// SPDX-License-Identifier: Apache-2.0
#include "api/call_quota.h"

#include <algorithm>

#include "base/check.h"

namespace keymast::api {
namespace {

constexpr uint32_t kRetryAfterMs = 500;
constexpr size_t kParts = 16;

struct Row {
  Role role;
  CallKind kind;
  std::string_view name;
  size_t parts;  // of kParts
};

// Viewers have no streams, headends nothing else.
constexpr std::array<Row, CallQuota::kShares> kRows = {{
    {Role::kOperator, CallKind::kUnary, "operator", 4},
    {Role::kOperator, CallKind::kStream, "operator_streams", 2},
    {Role::kAuditor, CallKind::kUnary, "auditor", 2},
    {Role::kAuditor, CallKind::kStream, "auditor_streams", 2},
    {Role::kViewer, CallKind::kUnary, "viewer", 2},
    {Role::kHeadend, CallKind::kStream, "headend_streams", 4},
}};

size_t RowOf(Role role, CallKind kind) {
  const auto* row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& candidate) {
    return candidate.role == role && candidate.kind == kind;
  });
  KEYMAST_CHECK(row != kRows.end());
  return static_cast<size_t>(row - kRows.begin());
}

std::string CallLimit(Role role, CallKind kind, size_t limit) {
  return std::to_string(limit) + (kind == CallKind::kStream ? " streams" : " calls") + " of role " +
         std::string(RoleName(role)) + " are under way at once";
}

std::string UnreadLimit(Role role) {
  return std::to_string(CallQuota::kMaxUnread >> 20) + " MiB of answers wait for clients of role " +
         std::string(RoleName(role)) + " to read them";
}

}  // namespace

CallQuota::CallQuota(size_t max_calls) {
  for (size_t i = 0; i < kShares; ++i) {
    shares_[i].limit = std::max<size_t>(1, max_calls * kRows[i].parts / kParts);
  }
}

void CallQuota::Place::Answered(size_t octets) {
  if (share_ == nullptr || unread_ > 0) return;
  unread_ = octets + kCallCost;
  share_->unread += unread_;
  --share_->under_way;
}

void CallQuota::Place::HeldBy(std::weak_ptr<Holder> holder) {
  KEYMAST_CHECK(share_ != nullptr && !holding_);
  holding_ = std::make_unique<Holding>();
  holding_->holder = std::move(holder);
  const std::lock_guard lock(share_->mutex);
  share_->holdings.insert(holding_.get());
}

void CallQuota::Place::Hold(size_t octets) {
  const std::lock_guard lock(share_->mutex);
  holding_->octets += octets;
  share_->unread += octets;
}

void CallQuota::Place::Release(size_t octets) {
  const std::lock_guard lock(share_->mutex);
  holding_->octets -= octets;
  share_->unread -= octets;
}

std::shared_ptr<Holder> CallQuota::Place::Slowest() {
  if (share_->unread <= kMaxUnread) return nullptr;
  const std::lock_guard lock(share_->mutex);
  Holding* slowest = nullptr;
  for (Holding* holding : share_->holdings) {
    if (!holding->cut && (slowest == nullptr || holding->octets > slowest->octets)) {
      slowest = holding;
    }
  }
  if (slowest == nullptr) return nullptr;
  slowest->cut = true;
  return slowest->holder.lock();
}

void CallQuota::Place::GiveBack() {
  if (share_ == nullptr) return;
  if (holding_) {
    const std::lock_guard lock(share_->mutex);
    share_->holdings.erase(holding_.get());
    share_->unread -= holding_->octets;
  }
  if (unread_ > 0) {
    share_->unread -= unread_;
  } else {
    --share_->under_way;
  }
}

tl::expected<CallQuota::Place, Failure> CallQuota::Take(Role role, CallKind kind) {
  const size_t row = RowOf(role, kind);
  Share& share = shares_[row];
  const bool unread = share.unread >= kMaxUnread;
  if (++share.under_way <= share.limit && !unread) return Place(share);
  --share.under_way;
  ++share.refused;
  const std::string limit = unread ? UnreadLimit(role) : CallLimit(role, kind, share.limit);
  return tl::unexpected(Failure{Error::kTooManyRequests,
                                limit + ", its share",
                                {},
                                {},
                                kRetryAfterMs,
                                {std::string(kRows[row].name), limit}});
}

std::array<CallQuota::Count, CallQuota::kShares> CallQuota::Counts() const {
  std::array<Count, kShares> counts;
  for (size_t i = 0; i < kShares; ++i) {
    const Share& share = shares_[i];
    counts[i] = {std::string(kRows[i].name), share.under_way, share.unread, share.refused};
  }
  return counts;
}

}  // namespace keymast::api
