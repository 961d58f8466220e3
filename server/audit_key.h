// SPDX-License-Identifier: Apache-2.0
// The key that signs checkpoints of the audit log. It follows from the import key, so that it lives
// as long as the store.
#pragma once

#include "controller/controller.h"
#include "crypto/primitives.h"
#include "server/durable.h"

namespace keymast::server {

// AuditOf is how a server with this import key records.
controller::AuditConfig AuditOf(const crypto::KeyPair& import_key, const About& about);

// AuditPublicKey is who else can check it: 32 octets, Ed25519.
Bytes AuditPublicKey(const crypto::KeyPair& import_key);

}  // namespace keymast::server
