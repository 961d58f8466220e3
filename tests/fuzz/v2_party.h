// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets of version 2's step machines share: an input is a first octet that chooses
// modes and more, then datagrams with two octets of length in front of each.
#pragma once

#include "tests/unit/mikey/v2_credentials.h"
#include "tests/unit/mikey/v2_directory.h"
#include "tests/unit/mikey/v2_tickets.h"

namespace keymast::mikey::v2 {

inline constexpr uint64_t kFuzzSeed = 1;  // the seeds of the corpora are made with it

// Bits of the first octet above those of the mode.
inline constexpr uint8_t kFuzzJoin = 4;
inline constexpr uint8_t kFuzzNotEntitled = 8;
inline constexpr uint8_t kFuzzLoad = 16;
inline constexpr uint8_t kFuzzCertificates = 32;
inline constexpr uint8_t kFuzzTickets = 64;
inline constexpr uint8_t kFuzzFragments = 128;

inline Policy FuzzPolicy(uint8_t choice) {
  Policy policy = Policy::Default();
  policy.modes.clear();
  const bool by_certificate = (choice & kFuzzCertificates) != 0;
  const std::array<Mode, 3> modes = by_certificate
                                        ? std::array{Mode::kRsa, Mode::kDh, Mode::kEarlyDh}
                                        : std::array{Mode::kPsk, Mode::kDhhmac, Mode::kEarlyDhhmac};
  for (size_t i = 0; i < modes.size(); ++i) {
    if (choice % 4 == 3 || choice % 4 == i) policy.modes.Add(static_cast<uint8_t>(modes[i]));
  }
  if ((choice & kFuzzTickets) != 0) {
    policy.features = kTicketFeature;
    if (by_certificate) policy.modes.Add(static_cast<uint8_t>(Mode::kEarlyDhhmac));
  }
  if ((choice & kFuzzFragments) != 0) policy.fragments = kMaxFragments;
  return policy;
}

// FuzzPair is who has certificates; null without them. Mode RSA alone is worth an RSA key.
inline const Pair* FuzzPair(uint8_t choice) {
  static const auto known = [](crypto::KeyKind kind) {
    Pair pair(kind);
    pair.KnowEachOther();
    return pair;
  };
  static const Pair rsa = known(crypto::KeyKind::kRsa);
  static const Pair curve = known(crypto::KeyKind::kEd25519);
  if ((choice & kFuzzCertificates) == 0) return nullptr;
  return choice % 4 == 0 ? &rsa : &curve;
}

inline Wish FuzzWish(uint8_t choice) {
  static constexpr StreamOffer kStreams[] = {{true, true, 0x11}, {false, true, 0}};
  const bool is_join = (choice & kFuzzJoin) != 0;
  Wish wish{kMemberId, kPeerId, kPskOctets, std::nullopt, kStreams, {}};
  if (is_join) wish = {kMemberId, kGroupId, kPskOctets, kAnyGroup, {}, {}};
  if ((choice & kFuzzFragments) == 0) wish.shown = Shown::kHash;
  wish.takes_fragments = true;
  return wish;
}

// FuzzTickets are those of who is asked: a controller's, or a peer's.
class FuzzTickets {
 public:
  Tickets* For(uint8_t choice) {
    if ((choice & kFuzzTickets) == 0) return nullptr;
    if ((choice & kFuzzJoin) != 0) return &sealed_;
    return &peers_;
  }

 private:
  SealedTickets sealed_;
  PeerTickets peers_{crypto::DefaultSuite(), 2};
};

// ForEachDatagram calls `take` with every datagram that is whole.
template <class Take>
void ForEachDatagram(ByteView octets, Take take) {
  Reader reader(octets);
  while (!reader.empty()) {
    const ByteView datagram = reader.Take(reader.U16());
    if (!reader.ok()) return;
    take(datagram);
  }
}

}  // namespace keymast::mikey::v2
