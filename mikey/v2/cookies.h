// SPDX-License-Identifier: Apache-2.0
// Cookies that prove an address without state (MIKEYv2 §2, RETRY).
#pragma once

#include "base/time.h"
#include "mikey/v2/keys.h"

namespace keymast::mikey::v2 {

class Cookies {
 public:
  static constexpr size_t kSize = 20;  // slot 4, HMAC cut to 16
  static constexpr Duration kSlot = std::chrono::seconds(30);
  using Cookie = std::array<uint8_t, kSize>;

  // The key is drawn at each start: cookies from before it are none.
  Cookies(const crypto::Suite& suite, crypto::Rng& rng);

  Cookie Make(ByteView address, CsbId csb_id, Instant now) const;
  // IsGood is true for a cookie of this slot or the last one, from this address for this CSB ID.
  bool IsGood(ByteView cookie, ByteView address, CsbId csb_id, Instant now) const;

 private:
  Cookie Of(uint32_t slot, ByteView address, CsbId csb_id) const;

  const crypto::Suite& suite_;
  crypto::Key32 key_;
};

}  // namespace keymast::mikey::v2
