// SPDX-License-Identifier: Apache-2.0
// The attributes that bring keying into a description (MIKEYv2 §12), read and written.
#pragma once

#include "sdp/session.h"

namespace keymast::sdp {

// TakeKeying reads those of the session's section, and fingerprints of all; the others must not be
// in `media`.
tl::expected<Keying, Failure> TakeKeying(const Description& description);

void PutKeying(const Keying& keying, Attributes& attributes);

}  // namespace keymast::sdp
