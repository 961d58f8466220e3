// SPDX-License-Identifier: Apache-2.0
#include "api/http.h"

#include <httplib.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/endpoint.h"

namespace keymast::api {
namespace {

constexpr size_t kThreads = 8;
constexpr size_t kMaxWaiting = 64;
constexpr time_t kTimeoutSeconds = 1;
constexpr size_t kMaxBody = 1024;
constexpr const char* kText = "text/plain; version=0.0.4; charset=utf-8";

// BoundedPool accepts no further connection while kMaxWaiting wait for a thread. Each leaves after
// its timeout, so accepting always goes on.
class BoundedPool final : public httplib::TaskQueue {
 public:
  BoundedPool() : pool_(kThreads) {}

  void enqueue(std::function<void()> task) override {
    {
      std::unique_lock lock(mutex_);
      room_.wait(lock, [this] { return waiting_ < kMaxWaiting; });
      ++waiting_;
    }
    pool_.enqueue([this, task = std::move(task)] {
      task();
      const std::lock_guard lock(mutex_);
      --waiting_;
      room_.notify_one();
    });
  }
  void shutdown() override { pool_.shutdown(); }

 private:
  std::mutex mutex_;
  std::condition_variable room_;
  size_t waiting_ = 0;
  httplib::ThreadPool pool_;
};

void Serve(httplib::Server& server, HttpPages pages) {
  server.new_task_queue = [] { return new BoundedPool; };
  server.set_read_timeout(kTimeoutSeconds);
  server.set_write_timeout(kTimeoutSeconds);
  // Not SO_REUSEPORT, the library's default: two servers on one port are a mistake.
  server.set_socket_options([](socket_t fd) {
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  });
  server.set_keep_alive_max_count(1);
  server.set_payload_max_length(kMaxBody);
  server.Get("/livez", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("alive\n", "text/plain");
  });
  server.Get("/readyz",
             [ready = pages.ready](const httplib::Request&, httplib::Response& response) {
               const bool is_ready = ready();
               response.status = is_ready ? 200 : 503;
               response.set_content(is_ready ? "ready\n" : "not ready\n", "text/plain");
             });
  server.Get("/metrics",
             [metrics = pages.metrics](const httplib::Request&, httplib::Response& response) {
               response.set_content(metrics(), kText);
             });
}

}  // namespace

struct HttpServer::Impl {
  httplib::Server server;
  int port = 0;
  std::thread thread;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  impl_->server.stop();
  impl_->thread.join();
}

int HttpServer::port() const { return impl_->port; }

tl::expected<std::unique_ptr<HttpServer>, Failure> HttpServer::Open(const std::string& listen,
                                                                    HttpPages pages) {
  // ParseEndpoint refuses port 0, which tests use for a free one.
  const size_t colon = listen.rfind(':');
  const bool any_port = colon != std::string::npos && listen.substr(colon) == ":0";
  const auto endpoint = ParseEndpoint(any_port ? listen.substr(0, colon) + ":1" : listen);
  if (!endpoint) {
    return Fail(Error::kInvalidArgument,
                "http_listen: \"" + listen + "\" is not an address and port, as 127.0.0.1:9469");
  }
  auto impl = std::make_unique<Impl>();
  Serve(impl->server, std::move(pages));
  const std::string address = AddressToString(*endpoint);
  impl->port = any_port ? impl->server.bind_to_any_port(address)
               : impl->server.bind_to_port(address, endpoint->port) ? endpoint->port
                                                                    : -1;
  if (impl->port <= 0) return Fail(Error::kInUse, "cannot listen on " + listen + " for HTTP");
  impl->thread = std::thread([server = &impl->server] { server->listen_after_bind(); });
  // stop() before the loop runs would be lost.
  while (!impl->server.is_running()) std::this_thread::yield();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

}  // namespace keymast::api
