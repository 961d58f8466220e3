// SPDX-License-Identifier: Apache-2.0
// Every choice where the text of TS 33.246 was not at hand (docs/mikey.md lists why): one struct,
// the same at both ends.
#pragma once

#include "base/ids.h"

namespace keymast::mikey {

// Code points of RFC 3830 §6 and its extensions that the profile chooses between.
enum class PrfFunc : uint8_t { kMikey1 = 0, kHmacSha256 = 1 };  // RFC 3830 §6.1, RFC 6043 §6.1
enum class EncrAlg : uint8_t { kNull = 0, kAesCm128 = 1, kAesCm256 = 3 };  // §6.2, RFC 6043 §6.2
enum class MacAlg : uint8_t { kNull = 0, kHmacSha1_160 = 1, kHmacSha256_256 = 2 };
enum class IdType : uint8_t { kNai = 0, kUri = 1 };                                   // §6.7
enum class KeyDataType : uint8_t { kTgk = 0, kTgkSalt = 1, kTek = 2, kTekSalt = 3 };  // §6.13
enum class CsIdMapType : uint8_t { kSrtpId = 0, kEmpty = 1 };  // §6.1.1, RFC 4563 §5

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
