// SPDX-License-Identifier: Apache-2.0
// Who may what, as the configuration says it: `[tls.principals]`, `[[sockets]]` and `[[grants]]`.
#pragma once

#include <map>
#include <string>

#include "api/config.h"

namespace keymast::api {

// ReadGrants fills `sockets` and `socket_rights` of `config`, whose paths were read before, and
// returns what names of certificates may. What is wrong stays in `file`.
std::map<std::string, Rights> ReadGrants(shell::ConfigFile& file, ApiConfig& config);

}  // namespace keymast::api
