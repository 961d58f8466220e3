// SPDX-License-Identifier: Apache-2.0
// A master key that never leaves its token: a PKCS#11 module that is loaded at run time.
#pragma once

#include <memory>

#include "crypto/master_key.h"

namespace keymast::crypto {

struct TokenKeyName {
  std::string module;  // path of the shared library
  std::string token;   // label
  std::string key;     // label, or `id:` and hexadecimal digits
};

// OpenTokenKey logs in and finds the AES key. Its id is the object's (CKA_ID). It wraps by AES-GCM
// (CKM_AES_GCM) where token and key allow that, else by AES key wrap (CKM_AES_KEY_WRAP_PAD,
// CKM_AES_KEY_WRAP). The failure says what is missing: kIo (module), kNotFound (token, key),
// kUnauthenticated (PIN), kPermissionDenied (rights of the key), kUnsupportedAlgorithm,
// kInvalidArgument (an object that cannot be a master key).
tl::expected<std::unique_ptr<MasterKey>, Failure> OpenTokenKey(const TokenKeyName& name,
                                                               ByteView pin);

}  // namespace keymast::crypto
