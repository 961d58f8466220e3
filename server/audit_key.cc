// SPDX-License-Identifier: Apache-2.0
#include "server/audit_key.h"

namespace keymast::server {
namespace {

crypto::PrivateKey KeyOf(const crypto::KeyPair& import_key) {
  const ByteView label[] = {AsBytes("keymast audit signing 1")};
  return crypto::PrivateKey::FromEd25519(crypto::HmacSha256(import_key.private_key.view(), label));
}

}  // namespace

controller::AuditConfig AuditOf(const crypto::KeyPair& import_key, const About& about) {
  return {std::make_shared<const crypto::PrivateKey>(KeyOf(import_key)),
          "keymastd " KEYMAST_VERSION " epoch " + std::to_string(about.epoch) + " incarnation " +
              std::to_string(about.incarnation)};
}

Bytes AuditPublicKey(const crypto::KeyPair& import_key) {
  const crypto::PrivateKey key = KeyOf(import_key);
  const ByteView octets = key.ed25519().last(crypto::kEd25519Key);
  return {octets.begin(), octets.end()};
}

}  // namespace keymast::server
