// SPDX-License-Identifier: Apache-2.0
#include "server/core_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace keymast::server {
namespace {

constexpr uint32_t kProtocol = 1;

bool SendAll(int fd, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t count = send(fd, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    octets.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

}  // namespace

CoreClient::CoreClient(CoreClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      last_call_(other.last_call_),
      frames_(std::move(other.frames_)) {}

CoreClient& CoreClient::operator=(CoreClient&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(last_call_, other.last_call_);
  std::swap(frames_, other.frames_);
  return *this;
}

CoreClient::~CoreClient() {
  if (fd_ >= 0) close(fd_);
}

Result<CoreClient> CoreClient::Connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Err(Error::kTooLong);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  CoreClient client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (connect(client.fd_, generic, sizeof address) != 0) return Err(Error::kUnavailable);
  core::CoreRequest hello;
  hello.mutable_hello()->set_protocol(kProtocol);
  hello.mutable_hello()->set_version(KEYMAST_VERSION);
  const auto reply = client.Call(std::move(hello));
  if (!reply) return Err(reply.error());
  if (reply->hello().protocol() != kProtocol) return Err(Error::kUnknownVersion);
  return client;
}

Result<uint64_t> CoreClient::Send(core::CoreRequest request) {
  if (request.call() == 0) request.set_call(++last_call_);
  std::string frame;
  if (const Status framed = framing::AppendFrame(request, frame); !framed)
    return Err(framed.error());
  if (!SendAll(fd_, frame)) return Err(Error::kUnavailable);
  return request.call();
}

Result<core::CoreReply> CoreClient::Receive(Duration timeout) {
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  for (;;) {
    if (const auto frame = frames_.Next()) {
      core::CoreReply reply;
      if (reply.ParseFromArray(frame->data(), static_cast<int>(frame->size()))) return reply;
      return Err(Error::kMalformed);
    }
    pollfd ready{fd_, POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(millis)) <= 0) return Err(Error::kUnavailable);
    const MutableBytes room = frames_.Room();
    const ssize_t count = read(fd_, room.data(), room.size());
    if (count <= 0) return Err(Error::kUnavailable);
    frames_.Filled(static_cast<size_t>(count));
  }
}

Result<core::CoreReply> CoreClient::Call(core::CoreRequest request) {
  const auto call = Send(std::move(request));
  if (!call) return Err(call.error());
  for (;;) {
    auto reply = Receive();
    if (!reply || reply->call() == *call) return reply;
  }
}

}  // namespace keymast::server
