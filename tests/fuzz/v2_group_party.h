// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets of a group's messages share. An input is a first octet that chooses, then
// datagrams with two octets of length in front of each.
#pragma once

#include "tests/fuzz/fake_party.h"
#include "tests/fuzz/v2_party.h"
#include "tests/unit/mikey/v2_group.h"

namespace keymast::mikey::v2 {

inline const Bytes kFuzzR(32, 0x61);
inline const Bytes kFuzzRandOfReport(kRandOctets, 0x71);
inline const Bytes kFuzzPublicKey(crypto::kEd25519Key, 0x33);

// FuzzSuite verifies at no cost, and everything.
inline crypto::Suite FuzzSuite() {
  crypto::Suite suite = crypto::DefaultSuite();
  suite.pk = &kFakePublicSuite;
  return suite;
}

// FuzzPlace is where the member stands when an input begins.
inline Contents FuzzPlace() {
  static constexpr uint8_t kSignerId[] = {0, 0, 0, 1};
  Contents contents;
  contents.keys.Add(MskData(kOldMsk));
  contents.keys.Add({KeyDataType::kVerificationKey,
                     kFuzzPublicKey,
                     {},
                     {KvType::kSpi, ByteView(kSignerId), {}, {}}});
  contents.rands.Add(kNonce);
  contents.csb_id = kGroupCsb;
  contents.msks.Add({kGroupDomain.octets, kOldMskId, 3});
  contents.member = MemberState{kTreeId, 4, 9, 0, 0, 1400, 1000, 0, 0};
  return contents;
}

}  // namespace keymast::mikey::v2
