// SPDX-License-Identifier: Apache-2.0
// The member's certificate (keymast_certificates), as an Offerer has it.
#pragma once

#include "mikey/v2/credentials.h"
#include "receiver/library/table.h"

namespace keymast::receiver::library {

// IsGood is false for what breaks what the header says of the fields.
bool IsGood(const keymast_certificates& certificates);

// NoCredentials of the libraries without certificates.
struct NoCredentials {
  explicit NoCredentials(const TablePk&) {}
  const mikey::v2::Credentials* get() const { return nullptr; }
  mikey::v2::Shown shown() const { return {}; }
};

// TheCredentials borrow what the table has.
class TheCredentials {
 public:
  explicit TheCredentials(const TablePk& pk);
  const mikey::v2::Credentials* get() const { return made_ ? &*made_ : nullptr; }
  mikey::v2::Shown shown() const { return shown_; }

 private:
  std::optional<mikey::v2::Credentials> made_;
  mikey::v2::Shown shown_ = mikey::v2::Shown::kCertificates;
};

using OwnCredentials = std::conditional_t<kHasCertificates, TheCredentials, NoCredentials>;

}  // namespace keymast::receiver::library
