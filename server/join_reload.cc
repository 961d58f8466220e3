// SPDX-License-Identifier: Apache-2.0
#include "server/join_reload.h"

#include <utility>

namespace keymast::server {

JoinReload::JoinReload(Load load, std::function<void()> wake)
    : load_(std::move(load)), wake_(std::move(wake)) {}

JoinReload::~JoinReload() {
  if (thread_.joinable()) thread_.join();
}

void JoinReload::Run() {
  auto read = load_();
  {
    const std::lock_guard lock(mutex_);
    read_.emplace(std::move(read));
  }
  wake_();
}

void JoinReload::Start() {
  if (thread_.joinable()) {
    again_ = true;
  } else {
    thread_ = std::thread([this] { Run(); });
  }
}

std::optional<tl::expected<LoadedJoinFiles, Failure>> JoinReload::Take(Instant now) {
  std::optional<tl::expected<LoadedJoinFiles, Failure>> read;
  {
    const std::lock_guard lock(mutex_);
    read = std::exchange(read_, std::nullopt);
  }
  if (!read) return read;
  thread_.join();
  // What was asked for meanwhile may have come too late for this one.
  if (std::exchange(again_, false)) Start();
  if (*read && (*read)->certificate_end <= now) {
    read = Fail(Error::kCertificateExpired, "a certificate of this server has ended");
  }
  view_.last_failed = !*read;
  ++(view_.last_failed ? view_.failed : view_.reloads);
  return read;
}

void JoinReload::Adopt(const LoadedJoinFiles& loaded) {
  view_.are_there = true;
  view_.certificate_end = loaded.certificate_end;
  view_.list_end = loaded.list_end;
}

}  // namespace keymast::server
