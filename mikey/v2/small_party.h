// SPDX-License-Identifier: Apache-2.0
// What a small receiver does not have (MIKEYv2 §14), in the places where a party keeps it:
// FRAGMENTs and, but for one size, certificates. These types are empty, so that neither their room
// nor their code is there; what is declared and not defined is never called.
#pragma once

#include "base/small.h"
#include "mikey/v2/credentials.h"
#include "mikey/v2/fragments.h"

namespace keymast::mikey::v2 {

struct NoPeerKey {
  NoPeerKey& operator=(const ProvedKey&);
  const ProvedKey& operator*() const;
};
using PeerPublicKey = std::conditional_t<kHasCertificates, std::optional<ProvedKey>, NoPeerKey>;

struct NoFragments {
  Result<ByteView> Take(const crypto::Suite& suite, CsbId csb_id, const FragmentPayload& fragment,
                        Instant now);
};
using OffererFragments = std::conditional_t<kSmall, NoFragments, Fragments>;

// LongCap is a CAP that goes in FRAGMENTs.
struct NoLongCap {
  void assign(ByteView::iterator begin, ByteView::iterator end);
  void clear() {}
  operator ByteView() const { return {}; }
};
using LongCap = std::conditional_t<kSmall, NoLongCap, Bytes>;

// OwnersFresh is FRESH that KEYS or SDP gave before; without certificates there is that of RETRY
// alone.
struct NoFresh {
  NoFresh() = default;
  explicit NoFresh(ByteView) {}
  ByteView view() const { return {}; }
};
using OwnersFresh = std::conditional_t<kHasCertificates, Octets<kFreshSize>, NoFresh>;

}  // namespace keymast::mikey::v2
