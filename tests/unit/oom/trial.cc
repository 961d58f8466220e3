// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/oom/trial.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

namespace keymast::oom {
namespace {

// Nothing here takes so long; without it a test that fails would hang.
constexpr auto kPatience = std::chrono::seconds(60);

}  // namespace

Trial::Trial(const House& house, uint64_t strike) : house_(house) {
  house.PutBack();
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  KEYMAST_CHECK(memory != MAP_FAILED);
  shared_ = new (memory) Shared;
  shared_->fuse.struck_at = strike;
  shared_->now = ToUnixNanos(house.now);
  std::array<int, 2> ends{};
  KEYMAST_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.data()) == 0);
  pid_ = fork();
  KEYMAST_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    close(ends[0]);
    house.Serve(*shared_, ends[1]);
  }
  close(ends[1]);
  port_ = ends[0];
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!shared_->ready && std::chrono::steady_clock::now() < until && !IsGone()) {
    Collect();
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  EXPECT_TRUE(shared_->ready) << Log();
  Connect();
  EXPECT_TRUE(Settle());
}

void Trial::Connect() {
  auto client = server::CoreClient::Connect(house_.socket());
  EXPECT_TRUE(client.has_value()) << Log();
  if (client) client_ = std::move(*client);
}

Trial::~Trial() {
  End();
  client_.reset();
  close(port_);
  munmap(shared_, sizeof(Shared));
}

Result<core::CoreReply> Trial::Call(core::CoreRequest request) {
  if (!client_) return Err(Error::kUnavailable);
  auto reply = client_->Call(std::move(request));
  Collect();
  return reply;
}

void Trial::Arrive(const Endpoint& from, const Bytes& octets) {
  ++arrived_;
  SendOn(port_, {from, octets});
}

bool Trial::Settle() {
  Arrive({}, {});
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (shared_->handled < arrived_) {
    pollfd ready{port_, POLLIN, 0};
    poll(&ready, 1, 1);
    Collect();
    if (IsGone()) return false;
    if (std::chrono::steady_clock::now() > until) {
      ADD_FAILURE() << "the server does not come to its end\n" << Log();
      return false;
    }
  }
  Collect();
  return true;
}

void Trial::Collect() {
  while (auto post = ReceiveOn(port_)) sent_.push_back(std::move(*post));
}

Bytes Trial::Answer(const Endpoint& to) const {
  for (auto post = sent_.rbegin(); post != sent_.rend(); ++post) {
    if (post->at == to && post->octets[0] == mikey::kVersion2) return post->octets;
  }
  return {};
}

void Trial::Promised() { promised_ = house_.Commits().size(); }

std::string Trial::StateHash() {
  if (!client_) Connect();
  core::CoreRequest request;
  request.mutable_state_hash();
  const auto reply = Call(std::move(request));
  EXPECT_TRUE(reply.has_value() && reply->has_state_hash()) << Log();
  return reply ? ToHex(AsBytes(reply->state_hash().hash())) : "";
}

bool Trial::IsGone() {
  int status = 0;
  if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
  return status_.has_value();
}

int Trial::End() {
  // One that is ending by itself is not overtaken.
  if (!status_ && !HasStruck()) kill(pid_, SIGKILL);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!IsGone() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  if (!IsGone()) {
    ADD_FAILURE() << "it had no memory and did not end";
    kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    status_ = status;
  }
  Collect();
  return *status_;
}

std::string Trial::Log() const {
  std::ifstream file(house_.log());
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace keymast::oom
