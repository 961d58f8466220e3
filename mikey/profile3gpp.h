// SPDX-License-Identifier: Apache-2.0
// Every choice where the text of TS 33.246 was not at hand (docs/mikey.md lists why): one struct,
// the same at both ends.
#pragma once

#include "base/ids.h"
#include "mikey/code_points.h"

namespace keymast::mikey {

struct Profile3gpp {
  CsbId csb_id{0};  // of MSKs made from now on; a receiver uses the one that came
  PrfFunc prf = PrfFunc::kMikey1;
  EncrAlg encr_alg = EncrAlg::kAesCm128;
  MacAlg mac_alg = MacAlg::kHmacSha1_160;
  KeyDataType msk_key_type = KeyDataType::kTgk;
  IdType idi_type = IdType::kNai;
  IdType idr_type = IdType::kNai;
  uint8_t interval_width = 2;                 // octets of SEQl and SEQu when sending, 1..6
  CsIdMapType mtk_map = CsIdMapType::kEmpty;  // map of the MTK message
  bool key_id_before_t = true;                // order of EXT and T when sending
  bool want_verification = true;              // V flag of MSK messages
  bool ids_in_verification = true;            // IDi || IDr appended to V's input, RFC 3830 §5.2
  bool mki_with_domain = false;               // MKI 9 octets: KDID || MSK ID || MTK ID
  bool strict_seqs = false;                   // refuse an MTK ID below the highest one taken
  uint16_t msk_port = 2269;                   // UDP port of MSK messages and verifications
  uint16_t mtk_port = 2269;
};

}  // namespace keymast::mikey
