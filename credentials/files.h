// SPDX-License-Identifier: Apache-2.0
// The files that exchanges by certificate rest on (MIKEYv2 §5, §6), read and judged.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "mikey/v2/credentials.h"

namespace keymast::credentials {

// Files are names of files, all of them in PEM; lists may be in DER.
struct Files {
  struct Own {
    std::string certificates;  // leaf first
    std::string private_key;   // of the leaf; mode 0600
  };
  std::vector<Own> own;  // in order of preference; none: no modes by certificate
  std::vector<std::string> anchors;
  std::vector<std::string> revocation_lists;
  std::string pins;  // lines of an identity and SHA-256 of its certificate; empty: none
  bool take_stale_lists = false;
  // Certificates of others, each followed by those that lead from it to an anchor: an exchange may
  // name them by hash (MIKEYv2 §6 rule 4). They are judged as if they were shown.
  std::vector<std::string> known;
  bool shows_hash = false;  // as answerer: others have ours
};

// Load fills `all` with what the files hold, and returns when the first of our certificates ends.
// The failure names the file, and what to do. `pinned`: the type of the identities in `pins`.
tl::expected<Instant, Failure> Load(const Files& files, mikey::IdType pinned,
                                    mikey::v2::Credentials& all);

// ReadPin reads SHA-256 of a certificate, in hexadecimal. kMalformed.
Result<crypto::Fingerprint> ReadPin(std::string_view text);

}  // namespace keymast::credentials
