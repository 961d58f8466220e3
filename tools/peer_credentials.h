// SPDX-License-Identifier: Apache-2.0
// Our certificate and its key, from files.
#pragma once

#include <memory>

#include "mikey/v2/credentials.h"

namespace keymast::tools {

// ReadChain reads certificates in PEM, leaf first; text between them is skipped. kMalformed, also
// for none, kTooLong for more than 4.
Result<mikey::v2::CertificateChain> ReadChain(std::string_view pem);

// LoadCredentials reads a file of certificates and one of mode 0600 with the key of the first, both
// in PEM. The message says what to do.
tl::expected<std::shared_ptr<const mikey::v2::Credentials>, Failure> LoadCredentials(
    const std::string& certificate, const std::string& key, const mikey::OwnedIdentity& self);

}  // namespace keymast::tools
