// SPDX-License-Identifier: Apache-2.0
// Traffic keys, and the messages that carry keys to members (TS 33.246 §6.4.5).
#pragma once

#include "mikey/mbms.h"
#include "rekey/state.h"

namespace keymast::rekey {

// Mtk is an SRTP master key with its salt, in the lengths of the profile.
struct Mtk {
  crypto::Key32 key;
  crypto::Salt14 salt;
};

// DeriveMtk gives the one MTK that belongs to (domain, MSK ID, MTK ID). It is a KDF of the MSK's
// seed, which members never see: whatever is lost in a crash, an ID cannot get a second key.
Mtk DeriveMtk(const Msk& msk, MtkId id, const groups::Channel& channel);

// MtkMessage builds the multicast message that carries `id`. `counter` is the COUNTER under the
// MSK, never used before. kTooLong when it does not fit the channel's max_datagram.
Result<Bytes> MtkMessage(const crypto::Suite& suite, const mikey::Profile3gpp& profile,
                         const groups::Channel& channel, const Msk& msk, MtkId id,
                         uint32_t counter);

// MskRecipient is whom an MSK message is for. Views are borrowed for the call.
struct MskRecipient {
  std::string_view server_identity;  // IDi
  std::string_view identity;         // IDr
  ByteView user_key;
  uint32_t counter = 0;  // COUNTER under the user key
};

// MskMessage builds the unicast message that carries `msk` with the ROC of each stream as last
// reported. A member is given MTK IDs from the active one on: what was sent before it joined stays
// closed to it (TS 33.246 §6.4.5.1, KV).
Result<Bytes> MskMessage(const crypto::Suite& suite, const mikey::Profile3gpp& profile,
                         const ChannelState& channel, const Msk& msk, const MskRecipient& to);

}  // namespace keymast::rekey
