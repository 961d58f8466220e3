// SPDX-License-Identifier: Apache-2.0
#include "api/principal.h"

#include <algorithm>

#include "base/check.h"

namespace keymast::api {
namespace {

constexpr Duration kSecond = std::chrono::seconds(1);

Rate RateOf(const Limits& limits) {
  const auto a_second = static_cast<int64_t>(std::max<uint64_t>(1, limits.requests_per_second));
  return {static_cast<uint32_t>(std::max<uint64_t>(1, limits.burst)), kSecond / a_second};
}

}  // namespace

std::string SocketPrincipal(std::string_view socket) { return "unix:" + std::string(socket); }

Principal::Principal(std::string name, Rights rights)
    : name_(std::move(name)), rights_(std::move(rights)), rate_(RateOf(rights_.limits)) {
  KEYMAST_CHECK(!rights_.grants.empty());
}

std::string Principal::As(Role role) const {
  const std::string role_name(RoleName(role));
  return name_ == SocketPrincipal(role_name) ? role_name : role_name + ":" + name_;
}

std::optional<Principal::Leave> Principal::LeaveFor(unsigned roles) const {
  std::optional<Leave> leave;
  for (const Grant& grant : rights_.grants) {
    if ((roles & RoleBit(grant.role)) == 0) continue;
    if (!grant.channels) return Leave{grant.role};
    if (!leave) leave = Leave{grant.role, ChannelSet()};
    leave->channels->Add(*grant.channels);
  }
  return leave;
}

Failure Principal::Beyond(const char* limit, const std::string& allows) const {
  return {Error::kTooManyRequests,
          name_ + " has reached its limit of " + limit + ": " + allows,
          {},
          {},
          0,
          {"principal:" + name_, std::string(limit) + ": " + allows}};
}

tl::expected<void, Failure> Principal::TakeCall(Instant now) {
  if (limits().requests_per_second == 0) return {};
  Duration wait;
  {
    const std::lock_guard lock(mutex_);
    if (calls_.Take(rate_, now)) return {};
    wait = calls_.full_until - rate_.each * (rate_.burst - 1) - now;
  }
  Failure failure = Beyond("requests_per_second", std::to_string(limits().requests_per_second) +
                                                      ", after a pause " +
                                                      std::to_string(limits().burst) + " at once");
  constexpr auto kMillisecond = std::chrono::milliseconds(1);
  failure.retry_after_ms = static_cast<uint32_t>(wait / kMillisecond + 1);
  return tl::unexpected(std::move(failure));
}

tl::expected<Principal::Watching, Failure> Principal::TakeWatch() {
  Watching watching(&watches_);
  if (++watches_ <= limits().watches || limits().watches == 0) return watching;
  return tl::unexpected(Beyond("watches", std::to_string(limits().watches) + " at once"));
}

}  // namespace keymast::api
