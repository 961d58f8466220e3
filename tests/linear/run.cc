// SPDX-License-Identifier: Apache-2.0
#include "run.h"

#include <signal.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <map>
#include <mutex>
#include <thread>

#include "mix.h"
#include "mixing.h"

namespace keymast::linear {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr int kMostTries = 8;

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC, one for all threads

// Resource is what an etag is of: channel and subscriber, -1 where there is none.
using Resource = std::pair<int, int>;
using Etag = std::pair<uint64_t, uint64_t>;  // revision, and when it was made

Resource ResourceOf(const Request& request, const View& view) {
  switch (request.verb) {
    case Verb::kCreateChannel:
    case Verb::kGetChannel:
    case Verb::kUpdateChannel:
    case Verb::kListChannels:
      return {view.id, -1};
    case Verb::kCreateSubscriber:
    case Verb::kGetSubscriber:
    case Verb::kListSubscribers:
      return {-1, view.id};
    default:
      return {request.channel, view.id};
  }
}

Resource ResourceOf(const Request& request) {
  switch (request.verb) {
    case Verb::kUpdateChannel:
    case Verb::kDeleteChannel:
      return {request.channel, -1};
    case Verb::kDeleteSubscriber:
      return {-1, request.subscribers[0]};
    default:
      return {request.channel, request.subscribers[0]};
  }
}

}  // namespace

void Victim::Is(pid_t pid) {
  const std::lock_guard lock(mutex_);
  pid_ = pid;
  changed_.notify_all();
}

bool Victim::Kill() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kPatience, [this] { return pid_ != 0; })) return false;
  return kill(std::exchange(pid_, 0), SIGKILL) == 0;
}

// Scene is what the clients of one history share.
struct Run::Scene {
  std::latch begin{kClients};
  Clock::time_point began = Clock::now();
  std::atomic<int> calls = 0;
  int killed_at = -1;  // before this call
  std::atomic<bool> has_failed = false;

  // Settle says for a guessed etag when that resource was made: the same for who asks again.
  uint64_t Settle(uint32_t request_id, uint64_t created) {
    if (request_id == 0) return created;
    const std::lock_guard lock(mutex);
    return settled.try_emplace(request_id, created).first->second;
  }
  std::mutex mutex;
  std::map<uint32_t, uint64_t> settled;
};

class Run::Actor {
 public:
  Actor(int number, Client& client, Victim& victim, Scene& scene)
      : number_(number), client_(client), victim_(victim), scene_(scene) {}

  void Play(const std::vector<Request>& requests) {
    scene_.begin.arrive_and_wait();
    for (const Request& request : requests) {
      if (scene_.has_failed) return;
      Insist(request);
    }
  }

  // Read is of what there is at last.
  void Read() {
    Request request;
    for (const Verb verb : {Verb::kListChannels, Verb::kListSubscribers, Verb::kListMembers}) {
      request.verb = verb;
      const int channels = verb == Verb::kListMembers ? kChannels : 1;
      for (request.channel = 0; request.channel < channels; ++request.channel) Do(request);
    }
  }

  History& history() { return history_; }

 private:
  // Insist tries again, with the same request id, until it knows; without an id nobody may.
  void Insist(Request request) {
    if (request.revision == kLastSeen) {
      const auto seen = seen_.find(ResourceOf(request));
      std::tie(request.revision, request.created) = seen == seen_.end() ? Etag(1, 0) : seen->second;
    }
    for (int i = 0; i < kMostTries; ++i) {
      if (Do(request)) return;
      if (!client_.WaitUntilServed()) break;
      if (request.request_id == 0) return;
    }
    scene_.has_failed = true;
  }

  bool Do(const Request& request) {
    if (scene_.calls++ == scene_.killed_at && !victim_.Kill()) scene_.has_failed = true;
    Operation operation;
    operation.request = request;
    operation.client = number_;
    operation.called = Now();
    operation.answer = client_.Do(request);
    if (operation.answer) {
      operation.answered = Now();
      for (const View& view : operation.answer->views) {
        if (view.revision != 0) seen_[ResourceOf(request, view)] = {view.revision, view.created};
      }
    }
    history_.push_back(std::move(operation));
    return history_.back().answer.has_value();
  }

  int64_t Now() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - scene_.began)
        .count();
  }

  const int number_;
  Client& client_;
  Victim& victim_;
  Scene& scene_;
  std::map<Resource, Etag> seen_;
  History history_;
};

Run::Run(const std::string& socket, uint64_t run, Victim& victim) : run_(run), victim_(victim) {
  for (int i = 0; i < kClients; ++i) clients_.push_back(std::make_unique<Client>(socket));
}

std::optional<History> Run::Record(uint32_t number, uint64_t seed, bool is_rough) {
  const auto mix = MixOf(seed, is_rough);
  for (const auto& client : clients_) {
    client->Begin(Spelling(run_, number));
    if (!client->WaitUntilServed()) return std::nullopt;
  }
  Scene scene;
  // In the middle half.
  constexpr uint32_t kCalls = kClients * kEach;
  if (is_rough) scene.killed_at = static_cast<int>(kCalls / 4 + Dice(seed).Below(kCalls / 2));
  std::vector<std::unique_ptr<Actor>> actors;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kClients; ++i) {
    actors.push_back(std::make_unique<Actor>(static_cast<int>(i), *clients_[i], victim_, scene));
    threads.emplace_back([&actor = *actors[i], &requests = mix[i]] { actor.Play(requests); });
  }
  for (std::thread& thread : threads) thread.join();
  actors[0]->Read();
  if (scene.has_failed || !clients_[0]->Clear()) return std::nullopt;
  History history;
  for (const auto& actor : actors) {
    History& own = actor->history();
    history.insert(history.end(), own.begin(), own.end());
  }
  return history;
}

}  // namespace keymast::linear
