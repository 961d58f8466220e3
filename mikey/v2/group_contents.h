// SPDX-License-Identifier: Apache-2.0
// What a group's keys come with, wherever they come (MIKEYv2 §10).
#pragma once

#include "mikey/v2/party.h"

namespace keymast::mikey::v2 {

inline constexpr size_t kMaxPathKeys = 24;  // of a leaf, MIKEYv2 §14

// GroupName is which group a member is in, and how its messages are encrypted.
struct GroupName {
  KeyDomainId domain;
  KeyGroup key_group;
  CsbId csb_id;
  EncrAlg encr = EncrAlg::kAesCm256;
};

// CheckGroupContents judges contents of a message that has the group's CSB ID, with the streams
// beside them. Where there is an MSK all that MIKEYv2 §10 lists is there: kMalformed for less, and
// for keys that say nothing of the member's place. kUnknownChannel for those of another group.
// Nothing at all is good.
Status CheckGroupContents(const Contents& contents, const Streams& streams, const GroupName& group);

}  // namespace keymast::mikey::v2
