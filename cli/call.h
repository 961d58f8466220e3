// SPDX-License-Identifier: Apache-2.0
// keymastctl call, methods: any method of the API with its request as protobuf JSON.
#pragma once

#include "cli/command.h"

namespace keymast::cli {

// CallMethod calls `method`, as Channels.GetChannel, and prints JSON: the response indented, or one
// line a message of a stream. A `request` that begins with @ names a file.
Outcome<void> CallMethod(Context& context, const std::string& method, const std::string& request);

// ListMethods needs no server: it prints the methods that this version knows.
Outcome<void> ListMethods(Context& context);

}  // namespace keymast::cli
