// SPDX-License-Identifier: Apache-2.0
// The files that joins by certificate rest on: read at the start, and again when they are asked for
// (docs/operator.md).
#pragma once

#include <string>
#include <vector>

#include "controller/join_credentials.h"

namespace keymast::server {

// JoinFiles are names of files, all of them in PEM; lists may be in DER.
struct JoinFiles {
  struct Own {
    std::string certificates;  // leaf first
    std::string private_key;   // of the leaf; mode 0600
  };
  std::vector<Own> own;  // in order of preference; none: no joins by certificate
  std::vector<std::string> anchors;
  std::vector<std::string> revocation_lists;
  std::string pins;  // lines of an identity and SHA-256 of its certificate; empty: none
  bool take_stale_lists = false;
};

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
