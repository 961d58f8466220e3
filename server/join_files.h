// SPDX-License-Identifier: Apache-2.0
// The files that joins by certificate rest on: read at the start, and again when they are asked for
// (docs/operator.md).
#pragma once

#include "controller/join_credentials.h"
#include "credentials/files.h"

namespace keymast::server {

using JoinFiles = credentials::Files;

struct LoadedJoinFiles {
  std::shared_ptr<const controller::JoinCredentials> credentials;
  Instant certificate_end = kNever;  // of our certificates, the first
  std::optional<Instant> list_end;   // nextUpdate, the first
};

// LoadJoinFiles reads and judges all of them. The failure names the file, and what to do.
// `self` and `member_type`: our identity, and the type of members' identities.
tl::expected<LoadedJoinFiles, Failure> LoadJoinFiles(const JoinFiles& files,
                                                     const mikey::OwnedIdentity& self,
                                                     mikey::IdType member_type);

}  // namespace keymast::server
