// SPDX-License-Identifier: Apache-2.0
// Principal is somebody whom the configuration knows, with what it has under way. There are as many
// as the configuration has.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "api/grants.h"
#include "base/error.h"
#include "base/rate.h"

namespace keymast::api {

class Principal {
  struct OneLess {
    void operator()(std::atomic<uint64_t>* watches) const { --*watches; }
  };

 public:
  // `name` is that of a certificate, or `unix:NAME` for the socket file NAME.sock. There is a
  // grant.
  Principal(std::string name, Rights rights);

  const std::string& name() const { return name_; }
  const Limits& limits() const { return rights_.limits; }
  const std::vector<Grant>& grants() const { return rights_.grants; }

  // As names the principal under a role, for logs and for keymastd: `operator:alice.example.org`,
  // and `operator` alone for the callers of operator.sock.
  std::string As(Role role) const;

  // Leave is what lets a principal call a method.
  struct Leave {
    Role role = Role::kViewer;
    // It is for these alone: those of all grants whose role may call the method.
    std::optional<ChannelSet> channels = {};
  };
  // LeaveFor looks at roles only: nothing when no role of the principal may call the method.
  // `roles` has a bit per Role that may.
  std::optional<Leave> LeaveFor(unsigned roles) const;

  // TakeCall counts a call at `now`, of a clock that is never set, against requests a second.
  tl::expected<void, Failure> TakeCall(Instant now);
  // TakeWatch takes a watch until what it gives is destroyed; the principal outlives it.
  using Watching = std::unique_ptr<std::atomic<uint64_t>, OneLess>;
  tl::expected<Watching, Failure> TakeWatch();

 private:
  Failure Beyond(const char* limit, const std::string& allows) const;

  const std::string name_;
  const Rights rights_;
  const Rate rate_;
  std::mutex mutex_;
  Bucket calls_;  // guarded by mutex_
  std::atomic<uint64_t> watches_{0};
};

// SocketPrincipal gives the name of the callers of the socket file NAME.sock.
std::string SocketPrincipal(std::string_view socket);

}  // namespace keymast::api
