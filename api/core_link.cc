// SPDX-License-Identifier: Apache-2.0
#include "api/core_link.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <future>

#include "base/check.h"
#include "framing/frame.h"
#include "shell/log.h"
#include "shell/process.h"

namespace keymast::api {
namespace {

constexpr uint32_t kProtocol = 1;
constexpr uint32_t kRetryAfterMs = 500;
constexpr uint64_t kHelloCall = 1;
constexpr timeval kGreetingTimeout = {.tv_sec = 5, .tv_usec = 0};
constexpr timeval kNoTimeout = {.tv_sec = 0, .tv_usec = 0};

Failure Unavailable(std::string message) {
  return {Error::kUnavailable, std::move(message), {}, {}, kRetryAfterMs};
}

Failure TooMuchQueued() {
  return {Error::kTooManyRequests,
          "too many requests wait for keymastd",
          {},
          {},
          kRetryAfterMs,
          {"core_queue", "octets of requests that wait for keymastd"}};
}

bool SendAll(int fd, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t sent = send(fd, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    octets.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

// Reads once; false when the connection is lost.
bool ReadSome(int fd, framing::FrameReader& frames) {
  const MutableBytes room = frames.Room();
  for (;;) {
    const ssize_t got = recv(fd, room.data(), room.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    frames.Filled(static_cast<size_t>(got));
    return true;
  }
}

bool Parse(ByteView frame, core::CoreReply& reply) {
  return reply.ParseFromArray(frame.data(), static_cast<int>(frame.size()));
}

// Awaited is the sink of Ask.
class Awaited final : public CallSink {
 public:
  void OnReply(core::CoreReply& reply) override { promise_.set_value(std::move(reply)); }
  void OnFailed(const Failure& failure) override { promise_.set_value(tl::unexpected(failure)); }
  std::future<tl::expected<core::CoreReply, Failure>> future() { return promise_.get_future(); }

 private:
  std::promise<tl::expected<core::CoreReply, Failure>> promise_;
};

// Hello goes both ways before anything else; another protocol version is refused.
bool Greet(int fd) {
  core::CoreRequest hello;
  hello.set_call(kHelloCall);
  hello.mutable_hello()->set_protocol(kProtocol);
  hello.mutable_hello()->set_version(KEYMAST_VERSION);
  std::string frame;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kGreetingTimeout, sizeof kGreetingTimeout);
  if (!framing::AppendFrame(hello, frame) || !SendAll(fd, frame)) return false;
  framing::FrameReader frames;
  auto answer = frames.Next();
  while (!answer && answer.error() == Error::kTruncated && ReadSome(fd, frames)) {
    answer = frames.Next();
  }
  core::CoreReply reply;
  if (!answer || !Parse(*answer, reply)) return false;
  if (reply.hello().protocol() != kProtocol) {
    shell::Log(shell::LogLevel::kError, "core_refused",
               {{"reason", reply.error().message()},
                {"their_protocol", std::to_string(reply.hello().protocol())},
                {"our_protocol", std::to_string(kProtocol)}});
    return false;
  }
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kNoTimeout, sizeof kNoTimeout);
  return true;
}

}  // namespace

struct CoreLink::Connection {
  explicit Connection(int descriptor) : fd(descriptor) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(fd); }
  const int fd;
};

Failure FailureOf(const core::CoreError& error) {
  Failure failure;
  if (!ErrorFromName(error.reason(), failure.error)) failure.error = Error::kInternal;
  failure.message = error.message();
  for (const core::Violation& violation : error.violations()) {
    failure.violations.push_back({violation.field(), violation.description()});
  }
  failure.resource = error.resource();
  failure.retry_after_ms = error.retry_after_ms();
  return failure;
}

CoreLink::CoreLink(Options options, std::function<void(bool)> on_change)
    : options_(std::move(options)),
      on_change_(std::move(on_change)),
      last_call_(kHelloCall),
      reader_([this] { Run(); }),
      writer_([this] { Write(); }) {}

CoreLink::~CoreLink() { Stop(); }

void CoreLink::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (connection_) shutdown(connection_->fd, SHUT_RDWR);
  }
  wake_.notify_all();
  if (reader_.joinable()) reader_.join();
  if (writer_.joinable()) writer_.join();
}

size_t CoreLink::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_.size();
}

bool CoreLink::Crowded(Urgency urgency) const {
  const size_t others = queue_.size() - headends_queued_;
  switch (urgency) {
    case Urgency::kOrdinary:
      return others + options_.reserve >= options_.max_queued;
    case Urgency::kUrgent:
      return others >= options_.max_queued;
    case Urgency::kReport:
      return headends_queued_ >= options_.headends / 2;
    case Urgency::kHeadend:
      return headends_queued_ >= options_.headends;
  }
  return true;
}

tl::expected<void, Failure> CoreLink::Append(const core::CoreRequest& request, Urgency urgency) {
  const size_t before = queue_.size();
  if (!framing::AppendFrame(request, queue_)) {
    return Fail(Error::kTooLong, "the request is longer than 1 MiB");
  }
  if (urgency == Urgency::kReport || urgency == Urgency::kHeadend) {
    headends_queued_ += queue_.size() - before;
  }
  return {};
}

tl::expected<uint64_t, Failure> CoreLink::Start(core::CoreRequest request,
                                                std::shared_ptr<CallSink> sink, Urgency urgency) {
  uint64_t call = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!up_) return tl::unexpected(Unavailable("keymastd cannot be reached"));
    if (Crowded(urgency)) return tl::unexpected(TooMuchQueued());
    call = last_call_ + 1;
    request.set_call(call);
    if (auto appended = Append(request, urgency); !appended) {
      return tl::unexpected(appended.error());
    }
    last_call_ = call;
    calls_.emplace(call, std::move(sink));
  }
  wake_.notify_all();
  return call;
}

tl::expected<void, Failure> CoreLink::Send(uint64_t call, core::CoreRequest request,
                                           Urgency urgency) {
  {
    const std::lock_guard lock(mutex_);
    if (!calls_.contains(call)) return Fail(Error::kNotFound, "the call is over");
    if (Crowded(urgency)) return tl::unexpected(TooMuchQueued());
    request.set_call(call);
    if (auto appended = Append(request, urgency); !appended) return appended;
  }
  wake_.notify_all();
  return {};
}

bool CoreLink::Cancel(uint64_t call) {
  std::shared_ptr<CallSink> sink;  // released after the lock
  {
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(call);
    if (found == calls_.end()) return false;
    sink = std::move(found->second);
    calls_.erase(found);
    QueueCancel(call);
  }
  wake_.notify_all();
  return true;
}

void CoreLink::QueueCancel(uint64_t call) {
  core::CoreRequest request;
  request.set_call(call);
  request.mutable_cancel();
  KEYMAST_CHECK(framing::AppendFrame(request, queue_).has_value());
}

void CoreLink::EndEndless(const Failure& failure) {
  std::vector<std::shared_ptr<CallSink>> ended;
  {
    const std::lock_guard lock(mutex_);
    for (auto call = calls_.begin(); call != calls_.end();) {
      if (!call->second->endless()) {
        ++call;
        continue;
      }
      QueueCancel(call->first);
      ended.push_back(std::move(call->second));
      call = calls_.erase(call);
    }
  }
  wake_.notify_all();
  for (const auto& sink : ended) sink->OnFailed(failure);
}

tl::expected<core::CoreReply, Failure> CoreLink::Ask(core::CoreRequest request, Duration timeout) {
  const auto sink = std::make_shared<Awaited>();
  auto future = sink->future();
  const auto call = Start(std::move(request), sink, Urgency::kUrgent);
  if (!call) return tl::unexpected(call.error());
  if (future.wait_for(timeout) != std::future_status::ready && Cancel(*call)) {
    return tl::unexpected(Unavailable("keymastd did not answer in time"));
  }
  auto reply = future.get();
  if (!reply || !reply->has_error()) return reply;
  return tl::unexpected(FailureOf(reply->error()));
}

void CoreLink::Run() {
  Duration backoff = options_.first_backoff;
  for (;;) {
    if (const auto connection = Connect()) {
      backoff = options_.first_backoff;
      ReadUntilLost(connection->fd);
      Lost();
    }
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, backoff, [this] { return stopping_; })) return;
    backoff = std::min(backoff * 2, options_.longest_backoff);
  }
}

std::shared_ptr<CoreLink::Connection> CoreLink::Connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (options_.path.size() >= sizeof address.sun_path) return nullptr;
  if (const auto own = shell::CheckSocketFolder(options_.path); !own) {
    if (own.error().error != Error::kNotFound) {
      shell::Log(shell::LogLevel::kError, "core_refused", {{"reason", own.error().message}});
    }
    return nullptr;
  }
  std::copy(options_.path.begin(), options_.path.end(), address.sun_path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return nullptr;
  auto connection = std::make_shared<Connection>(fd);
  // Without waiting, which nobody could interrupt: with too many before it, it comes again.
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return nullptr;
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return nullptr;
    connection_ = connection;  // from here on Stop can interrupt
  }
  const bool greeted = Greet(fd);
  {
    const std::lock_guard lock(mutex_);
    if (!greeted || stopping_) {
      connection_.reset();
      return nullptr;
    }
    up_ = true;
  }
  ++connections_;
  shell::Log(shell::LogLevel::kInfo, "core_connected", {{"socket", options_.path}});
  if (on_change_) on_change_(true);
  return connection;
}

void CoreLink::ReadUntilLost(int fd) {
  framing::FrameReader frames;
  core::CoreReply reply;
  while (ReadSome(fd, frames)) {
    auto frame = frames.Next();
    for (; frame; frame = frames.Next()) {
      reply.Clear();
      if (!Parse(*frame, reply)) {
        shell::Log(shell::LogLevel::kError, "core_frame_unreadable");
        return;
      }
      Deliver(reply);
    }
    if (frame.error() != Error::kTruncated) {
      shell::Log(shell::LogLevel::kError, "core_frame_unreadable",
                 {{"reason", std::string(ErrorName(frame.error()))}});
      return;
    }
  }
}

// A reply to a call that was cancelled meanwhile finds nobody and is dropped.
void CoreLink::Deliver(core::CoreReply& reply) {
  std::shared_ptr<CallSink> sink;
  {
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(reply.call());
    if (found == calls_.end()) return;
    if (reply.last()) {
      sink = std::move(found->second);
      calls_.erase(found);
    } else {
      sink = found->second;
    }
  }
  sink->OnReply(reply);
}

// The writer sends whatever gathered while it sent before: many calls, one system call.
void CoreLink::Write() {
  std::string sending;
  for (;;) {
    std::shared_ptr<Connection> connection;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || (connection_ && !queue_.empty()); });
      if (stopping_) return;
      sending.clear();
      sending.swap(queue_);
      headends_queued_ = 0;
      connection = connection_;
    }
    if (!SendAll(connection->fd, sending)) shutdown(connection->fd, SHUT_RDWR);
  }
}

void CoreLink::Lost() {
  std::unordered_map<uint64_t, std::shared_ptr<CallSink>> orphans;
  {
    const std::lock_guard lock(mutex_);
    up_ = false;
    connection_.reset();
    queue_.clear();
    headends_queued_ = 0;
    orphans.swap(calls_);
  }
  shell::Log(shell::LogLevel::kWarning, "core_lost",
             {{"calls_failed", std::to_string(orphans.size())}});
  if (on_change_) on_change_(false);
  const Failure failure = Unavailable(
      "the connection to keymastd was lost before it answered; a change may have been made or not");
  for (const auto& [call, sink] : orphans) sink->OnFailed(failure);
}

}  // namespace keymast::api
