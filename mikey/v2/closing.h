// SPDX-License-Identifier: Apache-2.0
// The payloads that close a message. They are computed when the chain is whole: a MAC covers the
// `next payload` of its own payload, and a signature the MAC before it (MIKEYv2 §4.2).
#pragma once

#include "mikey/v2/contents.h"
#include "mikey/v2/credentials.h"
#include "mikey/v2/protection.h"

namespace keymast::mikey::v2 {

class Closing {
 public:
  // All are borrowed.
  Closing(const crypto::Suite& suite, const Protection& protection, ChainWriter& chain)
      : suite_(suite), protection_(protection), chain_(chain) {}

  // AddKemac encrypts `plain`, at most kMaxPlain octets.
  void AddKemac(ByteView plain);
  void AddV();
  void AddSign(const Signer& signer);  // the last; its credential is not null

  // Finish computes what was added and returns the message's length: kTooLong.
  Result<size_t> Finish();

 private:
  const crypto::Suite& suite_;
  const Protection& protection_;
  ChainWriter& chain_;
  std::optional<size_t> mac_end_;
  const OwnKey* key_ = nullptr;
};

// SizeOfV and SizeOfSign are what such a payload adds to a message, in octets.
size_t SizeOfV(MacAlg alg);
size_t SizeOfSign(const Signer& signer);

}  // namespace keymast::mikey::v2
