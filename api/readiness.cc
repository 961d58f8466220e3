// SPDX-License-Identifier: Apache-2.0
#include "api/readiness.h"

#include <utility>

#include "shell/log.h"

namespace keymast::api {
namespace {

constexpr Duration kPatience = std::chrono::seconds(2);

void LogState(const ServingState& state) {
  std::string reasons;
  for (const std::string& reason : state.not_ready) {
    reasons += (reasons.empty() ? "" : " ") + reason;
  }
  shell::Log(shell::LogLevel::kInfo, "readiness",
             {{"ready", reasons.empty() ? "true" : "false"}, {"not_ready", reasons}});
}

}  // namespace

Readiness::Readiness(CoreLink& link, Duration period,
                     std::function<void(const ServingState&)> on_change)
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

ServingState Readiness::Ask() {
  if (!link_.up()) return {};
  core::CoreRequest request;
  request.set_principal("keymast-api");
  request.mutable_get_server_status();
  const auto reply = link_.Ask(std::move(request), kPatience);
  if (!reply || !reply->has_server_status()) {
    // Answers wait for the disk while it hangs.
    return {false, {link_.up() ? "core_silent" : "core_away"}};
  }
  const v1::ServerStatus& status = reply->server_status();
  return {status.store_state() != v1::CLOSED,
          {status.not_ready().begin(), status.not_ready().end()}};
}

void Readiness::Run() {
  ServingState was;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    woken_ = false;
    lock.unlock();
    ServingState is = Ask();
    if (is != was) {
      LogState(is);
      on_change_(is);
      was = std::move(is);
    }
    lock.lock();
    wake_.wait_for(lock, period_, [this] { return stopping_ || woken_; });
  }
}

}  // namespace keymast::api
