// SPDX-License-Identifier: Apache-2.0
// A whole keymast-api in front of a FakeCore, and clients of every role.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include "api/front.h"
#include "fake_core.h"

namespace keymast::api {

class FrontTest : public testing::Test {
 protected:
  FrontTest() : core_(folder_ / "core.sock") {
    config_.core_socket = folder_ / "core.sock";
    config_.socket_directory = folder_.path();
    config_.http_listen = "127.0.0.1:0";
    config_.drain_timeout = std::chrono::seconds(5);
  }

  // Start opens the front and waits until it is ready.
  void Start() {
    auto front = Front::Open(config_);
    ASSERT_TRUE(front) << front.error().message;
    front_ = std::move(*front);
    ASSERT_TRUE(Eventually([&] { return front_->ready(); }));
  }

  std::shared_ptr<grpc::Channel> Channel(Role role) {
    return grpc::CreateChannel("unix:" + (folder_ / std::string(RoleName(role))) + ".sock",
                               grpc::InsecureChannelCredentials());
  }

  // Call makes one unary call of any method; the response is dropped.
  static grpc::Status Call(grpc::Channel& channel, const std::string& method,
                           const google::protobuf::Message& request,
                           google::protobuf::Message* response = nullptr,
                           grpc::ClientContext* context = nullptr);

  // CallRaw sends one message as it is and returns the octets of the first that comes back; `path`
  // is `package.Service/Method`.
  static std::pair<grpc::Status, std::string> CallRaw(grpc::Channel& channel,
                                                      const std::string& path,
                                                      const std::string& octets,
                                                      grpc::ClientContext* context);

  // Get returns status and body of an HTTP page.
  std::pair<int, std::string> Get(const std::string& path);

  TestFolder folder_;
  FakeCore core_;
  ApiConfig config_;
  std::unique_ptr<Front> front_;
};

}  // namespace keymast::api
