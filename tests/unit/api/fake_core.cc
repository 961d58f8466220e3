// SPDX-License-Identifier: Apache-2.0
#include "fake_core.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>

#include "api/methods.h"
#include "framing/frame.h"

namespace keymast::api {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

void WriteAll(int fd, const std::string& octets) {
  size_t sent = 0;
  while (sent < octets.size()) {
    const ssize_t count = send(fd, octets.data() + sent, octets.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += static_cast<size_t>(count);
  }
}

}  // namespace

core::CoreReply LastReply() {
  core::CoreReply reply;
  reply.set_last(true);
  return reply;
}

core::CoreReply ErrorReply(const std::string& reason, const std::string& message) {
  core::CoreReply reply = LastReply();
  reply.mutable_error()->set_reason(reason);
  reply.mutable_error()->set_message(message);
  return reply;
}

FakeCore::FakeCore(std::string path, Handler handler)
    : path_(std::move(path)), handler_(std::move(handler)) {
  Open();
}

FakeCore::~FakeCore() { Close(); }

std::vector<core::CoreReply> FakeCore::DefaultAnswers(const core::CoreRequest& request) {
  core::CoreReply reply = LastReply();
  if (request.has_get_server_status()) {
    reply.mutable_server_status()->set_store_state(v1::OPEN);
    return {reply};
  }
  if (request.has_metrics()) {
    auto* metric = reply.mutable_metrics()->add_metrics();
    metric->set_name("keymast_channels");
    metric->set_help("Channels.");
    metric->set_type(core::Metric::GAUGE);
    metric->add_samples()->set_value(3);
    return {reply};
  }
  const auto* reflection = request.GetReflection();
  for (const Method& method : Methods()) {
    if (method.descriptor->server_streaming()) continue;
    if (!reflection->HasField(request, method.request_field)) continue;
    reply.GetReflection()->MutableMessage(&reply, method.reply_field);
    return {reply};
  }
  return {};
}

void FakeCore::set_handler(Handler handler) {
  const std::lock_guard lock(mutex_);
  handler_ = std::move(handler);
}

void FakeCore::set_protocol(uint32_t protocol) {
  const std::lock_guard lock(mutex_);
  protocol_ = protocol;
}

void FakeCore::Open() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path_.size(), sizeof address.sun_path);
  std::copy(path_.begin(), path_.end(), address.sun_path);
  unlink(path_.c_str());
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << path_;
  ASSERT_EQ(listen(listener_, 4), 0);
  thread_ = std::thread([this, listener = listener_] { Accept(listener); });
}

void FakeCore::Close() {
  unlink(path_.c_str());
  shutdown(listener_, SHUT_RDWR);
  Drop();
  if (thread_.joinable()) thread_.join();
  close(listener_);
}

void FakeCore::Drop() {
  const std::lock_guard lock(mutex_);
  if (connection_ >= 0) shutdown(connection_, SHUT_RDWR);
}

void FakeCore::Accept(int listener) {
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    {
      const std::lock_guard lock(mutex_);
      connection_ = fd;
    }
    Serve(fd);
    const std::lock_guard lock(mutex_);
    connection_ = -1;
    close(fd);
  }
}

void FakeCore::Serve(int fd) {
  framing::FrameReader frames;
  for (;;) {
    const auto room = frames.Room();
    const ssize_t got = recv(fd, room.data(), room.size(), 0);
    if (got <= 0) return;
    frames.Filled(static_cast<size_t>(got));
    for (auto frame = frames.Next(); frame; frame = frames.Next()) {
      core::CoreRequest request;
      ASSERT_TRUE(request.ParseFromArray(frame->data(), static_cast<int>(frame->size())));
      Handle(request);
    }
  }
}

void FakeCore::Handle(const core::CoreRequest& request) {
  Handler handler;
  std::vector<core::CoreReply> replies;
  {
    const std::lock_guard lock(mutex_);
    handler = handler_;
    requests_.push_back(request);
    if (request.has_hello()) {
      replies.push_back(LastReply());
      replies[0].mutable_hello()->set_protocol(protocol_);
    }
  }
  arrived_.notify_all();
  if (replies.empty()) replies = handler(request);
  for (core::CoreReply& reply : replies) {
    reply.set_call(request.call());
    Send(reply);
  }
}

void FakeCore::Send(const core::CoreReply& reply) {
  std::string octets;
  ASSERT_TRUE(framing::AppendFrame(reply, octets));
  SendRaw(octets);
}

void FakeCore::SendRaw(const std::string& octets) {
  const std::lock_guard lock(mutex_);
  if (connection_ >= 0) WriteAll(connection_, octets);
}

core::CoreRequest FakeCore::WaitFor(const std::function<bool(const core::CoreRequest&)>& wanted) {
  std::unique_lock lock(mutex_);
  core::CoreRequest found;
  const bool came = arrived_.wait_for(lock, kPatience, [&] {
    for (const core::CoreRequest& request : requests_) {
      if (!wanted(request)) continue;
      found = request;
      return true;
    }
    return false;
  });
  EXPECT_TRUE(came) << "the request did not come";
  return found;
}

size_t FakeCore::CountOf(core::CoreRequest::RequestCase kind) {
  const std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const core::CoreRequest& request : requests_) count += request.request_case() == kind;
  return count;
}

TestFolder::TestFolder() {
  std::string name = "/tmp/keymast-test-XXXXXX";
  path_ = mkdtemp(name.data());
}
TestFolder::~TestFolder() { std::filesystem::remove_all(path_); }

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace keymast::api
