// SPDX-License-Identifier: Apache-2.0
#include "fake_session.h"

namespace keymast::cli {

class FakeServer::FakeSession final : public Session {
 public:
  explicit FakeSession(FakeServer& server) : server_(server) {}

  cli::Outcome<void> Call(const std::string& method, const google::protobuf::Message& request,
                          google::protobuf::Message& response) override {
    Remember(method, request);
    const auto found = server_.problems_.find(method);
    if (found != server_.problems_.end() && found->second.answered-- == 0) {
      found->second.answered = 0;
      return tl::unexpected(found->second.problem);
    }
    auto& answers = server_.answers_[method];
    if (answers.empty()) return {};
    Read(answers.front(), response);
    if (answers.size() > 1) answers.erase(answers.begin());
    return {};
  }

  cli::Outcome<void> Stream(const std::string& method, const google::protobuf::Message& request,
                            google::protobuf::Message& scratch,
                            const std::function<bool()>& each) override {
    Remember(method, request);
    for (const std::string& json : server_.answers_[method]) {
      scratch.Clear();
      Read(json, scratch);
      if (!each()) return {};
    }
    if (const auto found = server_.problems_.find(method); found != server_.problems_.end()) {
      return tl::unexpected(found->second.problem);
    }
    return {};
  }

 private:
  void Remember(const std::string& method, const google::protobuf::Message& request) {
    std::string json;
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(request, &json).ok());
    server_.asked_.push_back({method, json});
  }
  static void Read(const std::string& json, google::protobuf::Message& message) {
    const auto read = google::protobuf::util::JsonStringToMessage(json, &message);
    EXPECT_TRUE(read.ok()) << read.ToString() << "\n" << json;
  }

  FakeServer& server_;
};

FakeServer::Outcome FakeServer::Run(const std::vector<std::string>& words) {
  std::vector<const char*> argv = {"keymastctl"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  std::ostringstream out, err;
  const auto connect = [this](const Target& target) -> cli::Outcome<std::unique_ptr<Session>> {
    target_ = target;
    return std::make_unique<FakeSession>(*this);
  };
  const int exit = cli::Run(static_cast<int>(argv.size()), argv.data(), connect, out, err);
  return {exit, out.str(), err.str()};
}

}  // namespace keymast::cli
