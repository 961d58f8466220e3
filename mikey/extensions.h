// SPDX-License-Identifier: Apache-2.0
// What is inside the general extensions that have a structure of their own.
#pragma once

#include "mikey/wire.h"

namespace keymast::mikey {

// KeyIdEntry is one entry of Key ID information (RFC 4563 §4); the application says how long an ID
// is.
struct KeyIdEntry {
  static constexpr const char* kClause = "RFC 4563 §4";
  KeyIdType type = KeyIdType::kDomain;
  ByteView id;

  template <class Io, class T>
  static void Describe(Io& io, T& entry) {
    io.U8("key_id_type", entry.type);
    io.Sized8("key_id", entry.id);
  }
};

// CsbIdExtension is the Responder's CSB ID of a group (RFC 4738 §3.2, §3.9.3).
struct CsbIdExtension {
  static constexpr const char* kClause = "RFC 4738 §3.9.3";
  uint32_t csb_id = 0;

  template <class Io, class T>
  static void Describe(Io& io, T& extension) {
    io.U32("csb_id", extension.csb_id);
  }
};

// OmaExtension is a payload of OMA BCAST (RFC 5410 §3); OMA describes the data.
struct OmaExtension {
  static constexpr const char* kClause = "RFC 5410 §3";
  OmaSubtype subtype = OmaSubtype::kLtkm;
  ByteView data;

  template <class Io, class T>
  static void Describe(Io& io, T& extension) {
    io.U8("subtype", extension.subtype);
    io.Rest("subtype_data", extension.data);
  }
};

}  // namespace keymast::mikey
