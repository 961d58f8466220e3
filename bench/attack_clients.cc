// SPDX-License-Identifier: Apache-2.0
#include "bench/attack_clients.h"

#include <grpcpp/create_channel.h>

#include <algorithm>
#include <chrono>

#include "bench/harness.h"
#include "bench/processes.h"

namespace keymast::bench {
namespace {

constexpr auto kPause = std::chrono::milliseconds(100);
constexpr auto kPatience = std::chrono::seconds(10);
constexpr const char* kChannel = "channels/channel-1";

std::shared_ptr<grpc::Channel> Connect(const std::string& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  return grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments);
}

v1::WatchRequest From(const std::string& token) {
  v1::WatchRequest request;
  request.set_resume_token(token);
  return request;
}

}  // namespace

Watcher::Watcher(const std::string& socket)
    : channel_(Connect(socket)), thread_([this] { Run(); }) {}

Watcher::~Watcher() {
  stopping_ = true;
  {
    const std::lock_guard lock(mutex_);
    if (context_ != nullptr) context_->TryCancel();
  }
  thread_.join();
}

void Watcher::Run() {
  while (!stopping_) {
    Follow();
    std::this_thread::sleep_for(kPause);
  }
}

void Watcher::Follow() {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  v1::WatchRequest request;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    context_ = &context;
    request = From(token_);
  }
  const auto reader = v1::Rekeys::NewStub(channel_)->Watch(&context, request);
  v1::Event event;
  bool is_first = true;
  while (reader->Read(&event)) {
    if (std::exchange(is_first, false)) ++streams_;
    const std::lock_guard lock(mutex_);
    token_ = event.resume_token();
    if (event.kind() == v1::Event::BOOKMARK) continue;
    tokens_.push_back(token_);
    ++told_;
  }
  const grpc::Status status = reader->Finish();
  const std::lock_guard lock(mutex_);
  context_ = nullptr;
  const bool is_over = status.ok() || status.error_code() == grpc::StatusCode::UNAVAILABLE;
  Demand(is_over || stopping_, "the watch ended: " + status.error_message());
}

size_t Watcher::Faults() {
  std::vector<std::string> mine;
  {
    const std::lock_guard lock(mutex_);
    Demand(tokens_.size() > checked_ + 1, "no events came");
    mine.assign(tokens_.begin() + static_cast<std::ptrdiff_t>(checked_), tokens_.end());
    checked_ = tokens_.size() - 1;
  }
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  const auto reader = v1::Rekeys::NewStub(channel_)->Watch(&context, From(mine.front()));
  std::vector<std::string> anew{mine.front()};
  v1::Event event;
  while (anew.back() != mine.back() && reader->Read(&event)) {
    if (event.kind() != v1::Event::BOOKMARK) anew.push_back(event.resume_token());
  }
  context.TryCancel();
  reader->Finish();
  size_t faults = std::max(mine.size(), anew.size()) - std::min(mine.size(), anew.size());
  for (size_t i = 0; i < std::min(mine.size(), anew.size()); ++i) faults += mine[i] != anew[i];
  return faults;
}

Operator::Operator(const std::string& socket)
    : channel_(Connect(socket)), thread_([this] { Run(); }) {}

Operator::~Operator() {
  stopping_ = true;
  thread_.join();
}

void Operator::Run() {
  const auto stub = v1::Channels::NewStub(channel_);
  for (size_t number = 0; !stopping_; ++number) {
    v1::UpdateChannelRequest request;
    request.mutable_channel()->set_name(kChannel);
    request.mutable_channel()->set_display_name(std::to_string(number));
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    v1::Channel answer;
    const double begin = WallSeconds();
    const bool is_done = stub->UpdateChannel(&context, request, &answer).ok();
    {
      const std::lock_guard lock(mutex_);
      ++done_.changes;
      done_.failed += is_done ? 0 : 1;
      done_.slowest = std::max(done_.slowest, WallSeconds() - begin);
    }
    std::this_thread::sleep_for(kPause);
  }
}

Operator::Done Operator::Take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

}  // namespace keymast::bench
