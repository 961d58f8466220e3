// SPDX-License-Identifier: Apache-2.0
// Making of MSKs.
#include "rekey/ladder.h"
#include "srtp/policy.h"

namespace keymast::rekey {
namespace {

constexpr size_t kSeedLength = 32;

// TS 33.246 §6.3.2.1 has MSKs of 128 bits; one that carries 256-bit traffic keys is no weaker than
// they are.
size_t MskLength(SrtpProfile profile) { return srtp::InfoOf(profile).key_length > 16 ? 32 : 16; }

}  // namespace

Result<Msk> MakeMsk(const Ladder& ladder, const groups::Channel& channel, CsbId csb_id, Instant now,
                    Instant starts, crypto::Rng& rng) {
  if (!CanMakeMsk(ladder)) return Err(Error::kIdsExhausted);
  Msk msk;
  // Key Number 0 means "the current MSK" and is nobody's (TS 33.246 §6.3.2.1).
  msk.id = {channel.key_group, KeyNumber(static_cast<uint16_t>(ladder.last_key_number.value + 1))};
  msk.key = crypto::Key32::OfSize(MskLength(channel.profile));
  rng.Fill(msk.key.mutable_view());
  msk.seed = crypto::SecretKey<32>::OfSize(kSeedLength);
  rng.Fill(msk.seed.mutable_view());
  rng.Fill(msk.rand);
  msk.low = MtkId(1);
  msk.high = MtkId(channel.policy.mtk_ids_per_msk);
  msk.counter = {1, 1 + kMtkCounterBlock};
  msk.csb_id = csb_id;
  msk.made = now;
  msk.ends = starts + channel.policy.msk_period;
  return msk;
}

}  // namespace keymast::rekey
