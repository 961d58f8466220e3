// SPDX-License-Identifier: Apache-2.0
// Sides of a session that have certificates.
#pragma once

#include "peer_world.h"
#include "tests/data/ec_keys.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/make_certificate.h"

namespace keymast::tools {

inline constexpr std::string_view kP256KeyPem = keymast::testdata::kP256Key;
inline constexpr std::string_view kEd25519KeyPem = keymast::testdata::kEd25519Key;
inline constexpr std::string_view kRsaKeyPem = keymast::testdata::kKey4096;

// CertifiedSetup is a side with a key of its own and a certificate that nobody issued.
inline CallSetup CertifiedSetup(bool is_alice, std::string_view key, mikey::v2::Mode mode,
                                crypto::CertificateRecipe recipe = {}) {
  recipe.key = key;
  recipe.signer = key;
  CallSetup setup = SetupOf(is_alice);
  setup.psk = {};
  setup.policy.modes.clear();
  setup.policy.modes.Add(static_cast<uint8_t>(mode));
  auto credentials = std::make_shared<mikey::v2::Credentials>();
  credentials->own.push_back({crypto::TestKey(key), {crypto::MakeCertificate(recipe)}});
  credentials->self = setup.self;
  setup.credentials = std::move(credentials);
  return setup;
}

}  // namespace keymast::tools
