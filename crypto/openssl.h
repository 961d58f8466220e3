// SPDX-License-Identifier: Apache-2.0
// Owners of OpenSSL's objects, for this room's sources.
#pragma once

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

namespace keymast::crypto {

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};

// A Bignum is cleared when it is released.
using Bignum = std::unique_ptr<BIGNUM, Freed<BN_clear_free>>;
using BignumContext = std::unique_ptr<BN_CTX, Freed<BN_CTX_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using X509Handle = std::unique_ptr<X509, Freed<X509_free>>;

// ErrorsDropped empties OpenSSL's queue of this thread at the end of a function that may have
// filled it: our reasons are values.
struct ErrorsDropped {
  ErrorsDropped() = default;
  ErrorsDropped(const ErrorsDropped&) = delete;
  ErrorsDropped& operator=(const ErrorsDropped&) = delete;
  ~ErrorsDropped() { ERR_clear_error(); }
};

}  // namespace keymast::crypto
