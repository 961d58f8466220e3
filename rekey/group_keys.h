// SPDX-License-Identifier: Apache-2.0
// What a member is given with an answer or KEYS of MIKEYv2 (MIKEYv2 §10).
#pragma once

#include "mikey/v2/contents.h"
#include "mikey/v2/party.h"
#include "rekey/messages.h"

namespace keymast::rekey {

// IsJoinable is false for a group that version 2 has no words for: a protection profile without a
// number of IANA's, or MKIs of another form.
bool IsJoinable(const groups::Channel& channel, const mikey::Profile3gpp& profile);

// LastTs are what EXT 248 tells a member: the T that its REPORTs must be above, and that of the
// last KEYS to it which nobody asked for.
struct LastTs {
  uint32_t report = 0;
  uint32_t keys = 0;
};

// GroupKeys are the streams with their policies and indexes of now, the MSK in use with its current
// MTK, and the next of both where they are announced. It owns what the contents point to.
class GroupKeys {
 public:
  // The ladder has an active MTK, the channel is joinable.
  GroupKeys(const ChannelState& channel, const groups::Member& member, LastTs last);
  GroupKeys(const GroupKeys&) = delete;
  GroupKeys& operator=(const GroupKeys&) = delete;

  const mikey::v2::Streams& streams() const { return streams_; }
  const mikey::v2::Contents& contents() const { return contents_; }

 private:
  struct GivenMsk {
    crypto::Key32 key;
    std::array<uint8_t, 16> rand{};
    std::array<uint8_t, 2> low{};
    std::array<uint8_t, 2> high{};
  };
  struct GivenMtk {
    Mtk mtk;
    std::array<uint8_t, 6> mki{};
  };
  void AddStreams(const ChannelState& channel);
  void AddMsk(const Msk& msk, MtkId low);
  void AddMtk(const Slot& slot, const Ladder& ladder, const groups::Channel& channel);
  void AddMember(const groups::Channel& channel, const groups::Member& member, LastTs last);

  KeyDomainId domain_;
  std::array<GivenMsk, 2> msks_;
  std::array<GivenMtk, 2> mtks_;
  size_t msk_count_ = 0;
  size_t mtk_count_ = 0;
  mikey::v2::Streams streams_;
  mikey::v2::Contents contents_;
};

// NewestMsk that GroupKeys would give.
MskId NewestMsk(const Ladder& ladder);

}  // namespace keymast::rekey
