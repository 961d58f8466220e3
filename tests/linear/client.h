// SPDX-License-Identifier: Apache-2.0
// One client of keymast-api over its Unix socket, with a connection of its own.
#pragma once

#include <memory>
#include <string>

#include "history.h"
#include "keymast/v1/service.grpc.pb.h"
#include "spelling.h"

namespace keymast::linear {

class Client {
 public:
  // `socket`: the operator's.
  explicit Client(const std::string& socket);

  // WaitUntilServed asks until there is an answer; false when none comes for a minute.
  bool WaitUntilServed();

  // Begin: what is done from now on is of this history.
  void Begin(const Spelling& spelling) { spelling_ = spelling; }
  // Do makes one call. Nothing: whether it was carried out is not known.
  std::optional<Answer> Do(const Request& request);
  // Clear deletes whatever the history left; false when it cannot.
  bool Clear();

 private:
  using Outcome = std::optional<Answer>;

  Outcome OfChannel(const Request& request);
  Outcome OfSubscriber(const Request& request);
  Outcome OfMember(const Request& request);
  Outcome OfMembers(const Request& request);
  Outcome List(const Request& request);

  std::unique_ptr<v1::Server::Stub> server_;
  std::unique_ptr<v1::Channels::Stub> channels_;
  std::unique_ptr<v1::Subscribers::Stub> subscribers_;
  std::unique_ptr<v1::Members::Stub> members_;
  crypto::SystemRng rng_;
  std::string import_key_;
  Spelling spelling_{0, 0};
};

}  // namespace keymast::linear
