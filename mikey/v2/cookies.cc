// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/cookies.h"

#include "base/cursor.h"

namespace keymast::mikey::v2 {
namespace {

uint32_t SlotOf(Instant now) {
  return static_cast<uint32_t>(now.time_since_epoch() / Cookies::kSlot);
}

}  // namespace

Cookies::Cookies(const crypto::Suite& suite, crypto::Rng& rng)
    : suite_(suite), key_(crypto::Key32::OfSize(32)) {
  rng.Fill(key_.mutable_view());
}

Cookies::Cookie Cookies::Of(uint32_t slot, ByteView address, CsbId csb_id) const {
  Cookie cookie{};
  Writer head(cookie);
  head.U32(slot);
  std::array<uint8_t, 4> csb{};
  Writer(csb).U32(csb_id.value);
  const std::array<ByteView, 3> fields{head.written(), csb, address};
  const crypto::Key32 mac = Kdf(suite_, key_.view(), "cookie", fields);
  head.Put(mac.view().first(kSize - head.size()));
  return cookie;
}

Cookies::Cookie Cookies::Make(ByteView address, CsbId csb_id, Instant now) const {
  return Of(SlotOf(now), address, csb_id);
}

bool Cookies::IsGood(ByteView cookie, ByteView address, CsbId csb_id, Instant now) const {
  if (cookie.size() != kSize) return false;
  const uint32_t slot = Reader(cookie).U32();
  const uint32_t current = SlotOf(now);
  if (slot != current && slot + 1 != current) return false;
  return crypto::ConstantTimeEqual(Of(slot, address, csb_id), cookie);
}

}  // namespace keymast::mikey::v2
