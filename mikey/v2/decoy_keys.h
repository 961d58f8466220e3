// SPDX-License-Identifier: Apache-2.0
// Keys under which SIGN of a CAP is verified where the certificate that it stands for is not there,
// so that it costs the same (MIKEYv2 §6 rule 4).
#pragma once

#include <map>

#include "mikey/v2/signing.h"

namespace keymast::mikey::v2 {

class DecoyKeys {
 public:
  // For is the SubjectPublicKeyInfo of a key that could have made such a signature; empty where
  // none could. It is still to be read, as another one would be.
  ByteView For(const SignPayload& sign) const;

 private:
  mutable std::map<std::pair<crypto::KeyKind, size_t>, Bytes> made_;
};

}  // namespace keymast::mikey::v2
