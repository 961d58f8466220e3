// SPDX-License-Identifier: Apache-2.0
// The entries of a CS ID map: which policy, stream and key a crypto session has.
#pragma once

#include "mikey/wire.h"

namespace keymast::mikey {

inline constexpr size_t kSrtpIdEntry = 9;  // octets of an entry of the SRTP-ID map

// Entry i of an SRTP-ID map (RFC 3830 §6.1.1), counted from 1, is crypto session i.
struct SrtpIdEntry {
  static constexpr const char* kClause = "RFC 3830 §6.1.1";
  uint8_t policy = 0;
  uint32_t ssrc = 0;  // 0: the Responder fills it in
  uint32_t roc = 0;

  template <class Io, class T>
  static void Describe(Io& io, T& entry) {
    io.U8("policy_no", entry.policy);
    io.U32("ssrc", entry.ssrc);
    io.U32("roc", entry.roc);
  }
};

// Entry of a GENERIC-ID map (RFC 6043 §6.1.1).
struct GenericIdEntry {
  static constexpr const char* kClause = "RFC 6043 §6.1.1";
  uint8_t cs_id = 0;
  ProtType prot_type = ProtType::kSrtp;
  bool s_flag = false;       // session data of SRTP has ROC and SEQ
  uint8_t policy_count = 0;  // 7 bits
  ByteView policies;         // policy numbers, one octet each
  ByteView session_data;     // of SRTP: SSRC, and ROC and SEQ when `s_flag` says so
  ByteView spi;              // names the key; for SRTP the MKI

  template <class Io, class T>
  static void Describe(Io& io, T& entry) {
    io.U8("cs_id", entry.cs_id);
    io.U8("prot_type", entry.prot_type);
    io.Split8("s", entry.s_flag, 1, "policies", entry.policy_count);
    io.Octets("policy_no", entry.policies, entry.policy_count);
    io.Sized16("session_data", entry.session_data);
    io.Sized8("spi", entry.spi);
  }
};

// Session data of SRTP in a GENERIC-ID map; ROC and SEQ are there when the entry's S flag is set.
struct SrtpSessionData {
  static constexpr const char* kClause = "RFC 6043 §6.1.1";
  static constexpr size_t kShort = 4;  // octets without, and with position
  static constexpr size_t kLong = 10;
  uint32_t ssrc = 0;
  uint32_t roc = 0;
  uint16_t seq = 0;
  bool has_position = false;

  template <class Io, class T>
  static void Describe(Io& io, T& data) {
    io.U32("ssrc", data.ssrc);
    if (!data.has_position) return;
    io.U32("roc", data.roc);
    io.U16("seq", data.seq);
  }
};

}  // namespace keymast::mikey
