// SPDX-License-Identifier: Apache-2.0
#include "api/readiness.h"

#include <utility>

#include "shell/log.h"

namespace keymast::api {
namespace {

constexpr Duration kPatience = std::chrono::seconds(2);

}  // namespace

Readiness::Readiness(CoreLink& link, Duration period, std::function<void(bool)> on_change)
    : link_(link), period_(period), on_change_(std::move(on_change)), thread_([this] { Run(); }) {}

Readiness::~Readiness() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Readiness::Wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  wake_.notify_all();
}

bool Readiness::Ask() {
  if (!link_.up()) return false;
  core::CoreRequest request;
  request.set_principal("keymast-api");
  request.mutable_get_server_status();
  const auto reply = link_.Ask(std::move(request), kPatience);
  return reply && reply->has_server_status() && reply->server_status().store_state() != v1::CLOSED;
}

void Readiness::Run() {
  bool was_ready = false;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    woken_ = false;
    lock.unlock();
    const bool ready = Ask();
    if (std::exchange(was_ready, ready) != ready) {
      shell::Log(shell::LogLevel::kInfo, "readiness", {{"ready", ready ? "true" : "false"}});
      on_change_(ready);
    }
    lock.lock();
    wake_.wait_for(lock, period_, [this] { return stopping_ || woken_; });
  }
}

}  // namespace keymast::api
