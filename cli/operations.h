// SPDX-License-Identifier: Apache-2.0
// Operations: begun by commands of several groups, and waited for.
#pragma once

#include <iosfwd>

#include "cli/methods.h"
#include "keymast/v1/operation.pb.h"

namespace keymast::cli {

void WriteOperation(const v1::Operation& operation, std::ostream& out);

// Await waits until the operation is done, for at most `patience` when that is above zero, telling
// how far it is: a bar on a terminal, lines elsewhere. An operation that failed is a problem.
Outcome<v1::Operation> Await(Context& context, const std::string& name, Duration patience);

// BeginAndShow begins an operation and shows it: as it began, or with `wait` as it ended.
Outcome<void> BeginAndShow(Context& context, const std::string& method,
                           google::protobuf::Message& request, bool wait);

// Begins has `command` begin an operation by `method`, and wait for it with --wait.
template <class Request>
Request& Begins(Command& command, const std::string& method) {
  struct Options {
    Request request;
    bool wait = false;
  };
  auto options = std::make_shared<Options>();
  AddStandardOptions(command, options->request);
  command.Add(Flag("--wait", "Wait until it is done", options->wait));
  command.action = [options, method](Context& context) {
    return BeginAndShow(context, method, options->request, options->wait);
  };
  return options->request;
}

}  // namespace keymast::cli
