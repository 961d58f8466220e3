// SPDX-License-Identifier: Apache-2.0
// The one connection from keymast-api to keymastd: many calls at once, told apart by number.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "base/error.h"
#include "base/time.h"
#include "private/core.pb.h"

namespace keymast::api {

// FailureOf reads a CoreError; a reason that this version does not know becomes kInternal.
Failure FailureOf(const core::CoreError& error);

// CallSink receives what comes back for one call. Exactly one of OnReply with `reply.last()`,
// OnFailed or a CoreLink::Cancel that returned true ends the call; nothing comes after. Called on
// the link's own thread: it must not block, and must not call Stop.
class CallSink {
 public:
  virtual ~CallSink() = default;
  virtual void OnReply(core::CoreReply& reply) = 0;
  virtual void OnFailed(const Failure& failure) = 0;
  // Endless calls are streams: they end when their client or keymastd wants it.
  virtual bool endless() const { return false; }
};

// Urgency says which requests still go when keymastd reads so slowly that others are refused.
// Urgent ones go longer than ordinary ones. What headends send has a part of its own, of which
// reports, that the next one replaces, may fill half: the rest is for names and proofs.
enum class Urgency : uint8_t { kOrdinary, kUrgent, kReport, kHeadend };

// CoreLink connects, says Hello, and connects again with back-off whenever the connection is lost;
// calls under way fail with kUnavailable then. All functions may be called from any thread.
class CoreLink {
 public:
  struct Options {
    std::string path;             // keymastd's private socket
    size_t max_queued = 8 << 20;  // octets waiting for the socket
    size_t reserve = 2 << 20;     // of these, for urgent requests alone
    size_t headends = 2 << 20;    // besides, octets of headends that wait for the socket
    Duration first_backoff = std::chrono::milliseconds(20);
    Duration longest_backoff = std::chrono::seconds(1);
  };
  // `on_change` is told, on the link's thread, when the link comes up and goes down.
  explicit CoreLink(Options options, std::function<void(bool up)> on_change = {});
  ~CoreLink();
  CoreLink(const CoreLink&) = delete;
  CoreLink& operator=(const CoreLink&) = delete;

  // Start sends a request, whose `call` it fills in, and returns the call's number. kUnavailable
  // without a connection, kTooManyRequests when too much waits for the socket, kTooLong for a
  // request beyond one frame; the sink hears nothing then.
  tl::expected<uint64_t, Failure> Start(core::CoreRequest request, std::shared_ptr<CallSink> sink,
                                        Urgency urgency = Urgency::kOrdinary);
  // Send adds a request to a call under way (a client's stream). kNotFound when the call is over,
  // kTooManyRequests and kTooLong as Start; the call goes on then.
  tl::expected<void, Failure> Send(uint64_t call, core::CoreRequest request, Urgency urgency);
  // Cancel ends a call and tells keymastd so. False when the call has already ended.
  bool Cancel(uint64_t call);
  // EndEndless fails every endless call with `failure` and tells keymastd: for a drain.
  void EndEndless(const Failure& failure);

  // Ask is an urgent Start for a thread that waits: the only reply, or the failure. kUnavailable
  // after `timeout`.
  tl::expected<core::CoreReply, Failure> Ask(core::CoreRequest request, Duration timeout);

  bool up() const { return up_; }
  size_t calls() const;
  uint64_t connections() const { return connections_; }

  // Stop fails what is under way and ends the threads. Called by the destructor.
  void Stop();

 private:
  // Connection closes its socket when the last of reader and writer lets go of it.
  struct Connection;

  void Run();
  std::shared_ptr<Connection> Connect();
  void ReadUntilLost(int fd);
  void Deliver(core::CoreReply& reply);
  void Write();
  void Lost();
  void QueueCancel(uint64_t call);
  bool Crowded(Urgency urgency) const;
  // Append puts a frame into the queue; kTooLong.
  tl::expected<void, Failure> Append(const core::CoreRequest& request, Urgency urgency);

  const Options options_;
  const std::function<void(bool)> on_change_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;  // writer and back-off
  std::unordered_map<uint64_t, std::shared_ptr<CallSink>> calls_;
  std::string queue_;           // frames that wait for the writer
  size_t headends_queued_ = 0;  // octets of these that are headends'
  std::shared_ptr<Connection> connection_;
  bool stopping_ = false;
  uint64_t last_call_ = 0;
  std::atomic<bool> up_ = false;
  std::atomic<uint64_t> connections_ = 0;
  std::thread reader_;
  std::thread writer_;
};

}  // namespace keymast::api
