// SPDX-License-Identifier: Apache-2.0
// A gRPC client that keeps a number of calls in flight, and what it needs to be made first.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "keymast/v1/service.grpc.pb.h"

namespace keymast::bench {

class ApiLoad {
 public:
  // ApiLoad waits until keymast-api serves on its operator socket.
  explicit ApiLoad(const std::string& operator_socket);

  // MakeSubscribers creates `count` of them, numbered from 0.
  void MakeSubscribers(size_t count);
  // MakeChannel creates channel `number`, from 1.
  void MakeChannel(size_t number);

  // AddMembers makes subscribers 0 to `count` - 1 members of a channel, one a call, `in_flight`
  // calls at once, and returns members a second of wall time.
  double AddMembers(size_t channel, size_t count, size_t in_flight);
  // AddBatches does the same with `batch` members a call.
  double AddBatches(size_t channel, size_t count, size_t batch, size_t in_flight);

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Members::Stub> members_;
};

}  // namespace keymast::bench
