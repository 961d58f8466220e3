// SPDX-License-Identifier: Apache-2.0
// FakeCore speaks core.proto on a Unix socket as keymastd does, and answers as a test tells it.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "private/core.pb.h"

namespace keymast::api {

class FakeCore {
 public:
  // Answers are sent in order with the request's call number; none: the test replies later.
  using Handler = std::function<std::vector<core::CoreReply>(const core::CoreRequest&)>;
  explicit FakeCore(std::string path, Handler handler = DefaultAnswers);
  ~FakeCore();

  // DefaultAnswers gives an empty reply of the right kind to every unary request, a status with an
  // open store, and one metric.
  static std::vector<core::CoreReply> DefaultAnswers(const core::CoreRequest& request);

  void set_handler(Handler handler);
  void set_protocol(uint32_t protocol);
  // Send writes a reply outside the handler.
  void Send(const core::CoreReply& reply);
  void SendRaw(const std::string& octets);
  // Drop closes the present connection; Close also refuses new ones until Open.
  void Drop();
  void Close();
  void Open();

  // WaitFor returns the first request for which `wanted` holds, now or within 10 s; it fails the
  // test otherwise.
  core::CoreRequest WaitFor(const std::function<bool(const core::CoreRequest&)>& wanted);
  size_t CountOf(core::CoreRequest::RequestCase kind);

 private:
  void Accept(int listener);
  void Serve(int fd);
  void Handle(const core::CoreRequest& request);

  const std::string path_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  Handler handler_;
  std::vector<core::CoreRequest> requests_;
  uint32_t protocol_ = 1;
  int listener_ = -1;
  int connection_ = -1;
  std::thread thread_;
};

// LastReply begins a reply that ends its call.
core::CoreReply LastReply();
core::CoreReply ErrorReply(const std::string& reason, const std::string& message);

// TestFolder is a fresh folder, removed at the end.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Eventually polls `condition` for up to 10 s.
bool Eventually(const std::function<bool()>& condition);

}  // namespace keymast::api
