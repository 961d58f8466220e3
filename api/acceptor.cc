// SPDX-License-Identifier: Apache-2.0
#include "api/acceptor.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"
#include "shell/log.h"

namespace keymast::api {
namespace {

using Steady = std::chrono::steady_clock;

constexpr int kTurnMs = 1000;
// Without a descriptor to spare a listener stays readable; it is asked again a little later.
constexpr int kWithoutDescriptorsMs = 100;
constexpr Duration kHangs = std::chrono::seconds(10);

ino_t InodeOf(int fd) {
  struct stat about {};
  return fstat(fd, &about) == 0 ? about.st_ino : 0;
}

// 0 when nobody listens there.
ino_t SocketFileAt(const std::string& path) {
  struct stat about {};
  return lstat(path.c_str(), &about) == 0 && S_ISSOCK(about.st_mode) ? about.st_ino : 0;
}

}  // namespace

Acceptor::Acceptor(std::vector<Listener> listeners)
    : woken_(eventfd(0, EFD_CLOEXEC)), turned_(Steady::now()) {
  for (Listener& listener : listeners) {
    Door& door = doors_.emplace_back();
    door.listener = std::move(listener);
    if (!door.listener.path.empty()) door.file = SocketFileAt(door.listener.path);
  }
  thread_ = std::thread([this] { Run(); });
}

Acceptor::~Acceptor() { Stop(); }

void Acceptor::Stop() {
  if (stopping_.exchange(true)) return;
  const uint64_t one = 1;
  KEYMAST_CHECK(write(woken_.get(), &one, sizeof one) == sizeof one);
  thread_.join();
  for (Door& door : doors_) {
    // A file that somebody else has put there stays.
    const std::string& path = door.listener.path;
    if (!path.empty() && SocketFileAt(path) == door.file) unlink(path.c_str());
    door.listener.socket = Descriptor();
  }
}

bool Acceptor::Listening() const {
  if (stopping_) return true;  // nobody is expected
  if (Steady::now() - turned_.load() > kHangs) return false;
  return std::all_of(doors_.begin(), doors_.end(), [](const Door& door) {
    return door.listener.path.empty() || SocketFileAt(door.listener.path) == door.file;
  });
}

std::vector<Acceptor::Count> Acceptor::Counts() {
  const std::lock_guard lock(mutex_);
  std::vector<Count> counts;
  for (Door& door : doors_) {
    Sweep(door);
    counts.push_back({door.listener.name, door.handed.size(), door.refused});
  }
  return counts;
}

void Acceptor::Run() {
  int patience = kTurnMs;
  while (!stopping_) {
    std::vector<pollfd> ready;
    for (const Door& door : doors_) ready.push_back({door.listener.socket.get(), POLLIN, 0});
    ready.push_back({woken_.get(), POLLIN, 0});
    if (patience != kTurnMs) ready.erase(ready.begin(), ready.end() - 1);
    poll(ready.data(), ready.size(), patience);
    turned_ = Steady::now();
    patience = kTurnMs;
    // One of each: a flood at one listener leaves the others their turn.
    for (Door& door : doors_) {
      if (!AcceptOne(door)) patience = kWithoutDescriptorsMs;
    }
  }
}

// AcceptOne is false when there was no descriptor for it.
bool Acceptor::AcceptOne(Door& door) {
  auto connection = Accept(door.listener.socket);
  if (!connection) return connection.error() != Error::kNoBufferSpace;
  {
    const std::lock_guard lock(mutex_);
    if (door.handed.size() >= door.listener.share) Sweep(door);
    if (door.handed.size() >= door.listener.share) {
      if (door.refused++ == 0) {
        shell::Log(shell::LogLevel::kWarning, "connection_refused",
                   {{"listener", door.listener.name},
                    {"reason", "its clients have as many connections as they may"},
                    {"share", std::to_string(door.listener.share)}});
      }
      return true;
    }
    door.handed.push_back({connection->get(), InodeOf(connection->get())});
  }
  door.listener.take(std::move(*connection));
  return true;
}

void Acceptor::Sweep(Door& door) {
  std::erase_if(door.handed, [](const Handed& one) { return InodeOf(one.fd) != one.inode; });
}

}  // namespace keymast::api
