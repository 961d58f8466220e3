// SPDX-License-Identifier: Apache-2.0
// What the three 3GPP messages share: algorithms of the profile, COUNTER and Key ID information.
#pragma once

#include "mikey/kemac.h"
#include "mikey/key_ids.h"

namespace keymast::mikey {

inline Algorithms AlgorithmsOf(const Profile3gpp& profile) {
  return {profile.prf, profile.encr_alg, profile.mac_alg};
}

// Scratch is a fixed buffer that a payload's view can point at.
template <size_t Capacity>
class Scratch {
 public:
  Writer& writer() { return writer_; }
  ByteView view() const { return writer_.written(); }

 private:
  std::array<uint8_t, Capacity> octets_{};
  Writer writer_{octets_};
};

// CounterOctets is the value of a T payload of type COUNTER (RFC 3830 §6.6).
inline std::array<uint8_t, 4> CounterOctets(uint32_t counter) {
  std::array<uint8_t, 4> octets{};
  Writer(octets).U32(counter);
  return octets;
}

// AddKeyIdsAndT adds the two in the order of the profile.
inline void AddKeyIdsAndT(ChainWriter& chain, const Profile3gpp& profile, const KeyIds& ids,
                          ByteView counter) {
  Scratch<kMaxKeyIds> key_ids;
  PutKeyIds(key_ids.writer(), ids);
  const ExtPayload ext{ExtType::kKeyIds, key_ids.view()};
  const TPayload t{TsType::kCounter, counter};
  if (profile.key_id_before_t) chain.Add(ext);
  chain.Add(t);
  if (!profile.key_id_before_t) chain.Add(ext);
}

inline bool IsKeyLength(size_t length) { return length >= 16 && length <= 32; }

}  // namespace keymast::mikey
