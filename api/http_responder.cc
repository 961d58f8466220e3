// SPDX-License-Identifier: Apache-2.0
#include "api/http_responder.h"

#include <httplib.h>

#include <algorithm>

namespace keymast::api {
namespace {

constexpr const char* kPlain = "text/plain";
constexpr const char* kExposition = "text/plain; version=0.0.4; charset=utf-8";

// Text is a connection whose client has said all that it will ever say.
class Text final : public httplib::Stream {
 public:
  explicit Text(std::string_view said) : said_(said) {}

  bool is_readable() const override { return !said_.empty(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* out, size_t size) override {
    const size_t count = std::min(size, said_.size());
    std::copy_n(said_.begin(), count, out);
    said_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* octets, size_t size) override {
    answer.append(octets, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }

  std::string answer;

 private:
  std::string_view said_;
};

}  // namespace

class HttpResponder::Library final : public httplib::Server {
 public:
  explicit Library(const HttpPages& pages) {
    set_payload_max_length(0);
    Health(
        "/livez", [alive = pages.alive] { return alive() ? "" : "not alive\n"; }, "alive\n");
    Health(
        "/readyz", [not_ready = pages.not_ready] { return Lines(not_ready()); }, "ready\n");
    Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      wanted_ = metrics_ == nullptr;
      if (!wanted_) response.set_content(*metrics_, kExposition);
    });
  }

  std::optional<std::string> Answer(std::string_view head, const std::string* metrics) {
    Text connection(head);
    metrics_ = metrics;
    wanted_ = false;
    bool closed = false;
    // A page is sent whole: ranges would let a short request ask for a page a thousand times over.
    process_request(connection, true, closed,
                    [](httplib::Request& request) { request.ranges.clear(); });
    if (wanted_) return std::nullopt;
    return std::move(connection.answer);
  }

 private:
  // A page of health says what is wrong; `good` when nothing is.
  void Health(const char* path, std::function<std::string()> wrong, const char* good) {
    Get(path,
        [wrong = std::move(wrong), good](const httplib::Request&, httplib::Response& response) {
          const std::string text = wrong();
          response.status = text.empty() ? 200 : 503;
          response.set_content(text.empty() ? good : text, kPlain);
        });
  }
  static std::string Lines(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += word + "\n";
    return text;
  }

  const std::string* metrics_ = nullptr;
  bool wanted_ = false;
};

HttpResponder::HttpResponder(const HttpPages& pages) : library_(std::make_unique<Library>(pages)) {}
HttpResponder::~HttpResponder() = default;

std::optional<std::string> HttpResponder::Answer(std::string_view head,
                                                 const std::string* metrics) {
  return library_->Answer(head, metrics);
}

}  // namespace keymast::api
