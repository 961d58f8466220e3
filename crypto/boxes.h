// SPDX-License-Identifier: Apache-2.0
// What each kind of sealed box is bound to: purpose and AAD, the same at both ends.
#pragma once

#include "base/ids.h"
#include "base/time.h"
#include "crypto/primitives.h"

namespace keymast::crypto {

// User key on its way in: sealed to the server's import key by whoever provisions subscribers.
inline constexpr std::string_view kUserKeyPurpose = "user key";
inline constexpr size_t kMinUserKey = 16;
inline constexpr size_t kMaxUserKey = 32;
constexpr bool IsUserKeySize(size_t octets) {
  return octets >= kMinUserKey && octets <= kMaxUserKey;
}
// AAD: subscriber id and identity, each of at most 65,535 octets, with a 2-octet length.
Bytes UserKeyAad(const SubscriberId& subscriber, std::string_view identity);

// Proof that a headend holds its private key: 32 random octets sealed to it, sent back in clear.
inline constexpr std::string_view kHeadendChallengePurpose = "headend challenge";
// AAD: headend id with a 2-octet length.
Bytes HeadendChallengeAad(const HeadendId& headend);

// MTK on its way to a headend; the box holds master key || master salt.
inline constexpr std::string_view kTrafficKeyPurpose = "traffic key";
struct TrafficKeyContext {
  ChannelId channel;
  HeadendId headend;
  MskId msk;
  MtkId mtk;
  Instant switch_at{};
  uint64_t epoch = 0;
  SrtpProfile profile = SrtpProfile::kAesCm128HmacSha1_80;
};
// AAD: channel and headend ids with 2-octet lengths, MSK ID (4), MTK ID (2), switch instant in
// nanoseconds since the Unix epoch (8), epoch (8), profile (2).
Bytes TrafficKeyAad(const TrafficKeyContext& context);

}  // namespace keymast::crypto
