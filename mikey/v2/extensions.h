// SPDX-License-Identifier: Apache-2.0
// What is inside the general extensions of version 2 (MIKEYv2 §3.6).
#pragma once

#include "mikey/wire.h"

namespace keymast::mikey::v2 {

inline constexpr size_t kTreeIdSize = 8;
inline constexpr size_t kKeyIdSize = 4;   // of a verification key
inline constexpr size_t kMaxLeaves = 16;  // packets under one signature

// Extension 247: what belongs to an MSK, beside the MSK itself.
struct MskState {
  static constexpr const char* kClause = "MIKEYv2 §3.6";
  ByteView domain;  // Key Domain ID
  uint32_t msk = 0;
  uint32_t counter = 0;  // of the last MTK message under it

  template <class Io, class T>
  static void Describe(Io& io, T& state) {
    io.Octets("key_domain_id", state.domain, 3);
    io.U32("msk_id", state.msk);
    io.U32("counter", state.counter);
  }
};

// Extension 248: where a member stands; nothing older is taken.
struct MemberState {
  static constexpr const char* kClause = "MIKEYv2 §3.6";
  static constexpr uint32_t kNoLeaf = 0xffffffff;
  ByteView tree_id;
  uint32_t epoch = 0;
  uint32_t rekey_t = 0;  // T of the last GROUP_REKEY
  uint32_t leaf = kNoLeaf;
  uint32_t generation = 0;
  uint16_t largest_rekey = 0;  // octets of UDP payload
  uint32_t window_ms = 0;      // repair window
  uint32_t report_t = 0;       // greatest T of this member's REPORTs
  uint32_t keys_t = 0;         // T of the last unasked KEYS to this member

  template <class Io, class T>
  static void Describe(Io& io, T& state) {
    io.Octets("tree_id", state.tree_id, kTreeIdSize);
    io.U32("epoch", state.epoch);
    io.U32("rekey_t", state.rekey_t);
    io.U32("leaf", state.leaf);
    io.U32("generation", state.generation);
    io.U16("largest_rekey", state.largest_rekey);
    io.U32("window_ms", state.window_ms);
    io.U32("report_t", state.report_t);
    io.U32("keys_t", state.keys_t);
  }
};

enum class UpdateKind : uint8_t { kTree = 1, kSubsetDifference = 2, kAnnouncement = 3 };

// Extension 246: which update a GROUP_REKEY belongs to.
struct UpdateHead {
  static constexpr const char* kClause = "MIKEYv2 §3.6";
  static constexpr size_t kNonceSize = 16;
  static constexpr uint32_t kByMki = 0xffffffff;
  UpdateKind kind = UpdateKind::kTree;
  ByteView tree_id;
  uint32_t epoch = 0;
  ByteView nonce;  // also the group RAND of the new MSK
  uint32_t first_use_ms = kByMki;
  uint32_t window_ms = 0;

  template <class Io, class T>
  static void Describe(Io& io, T& head) {
    io.U8("kind", head.kind);
    io.Octets("tree_id", head.tree_id, kTreeIdSize);
    io.U32("epoch", head.epoch);
    io.Octets("update_nonce", head.nonce, kNonceSize);
    io.U32("first_use_ms", head.first_use_ms);
    io.U32("window_ms", head.window_ms);
    io.Require(head.kind >= UpdateKind::kTree && head.kind <= UpdateKind::kAnnouncement,
               Error::kMalformed);
  }
};

enum class ReportKind : uint8_t { kAcknowledge = 1, kMissing = 2, kLeave = 3 };

// Extension 249: what a member reports.
struct ReportBody {
  static constexpr const char* kClause = "MIKEYv2 §3.6";
  ReportKind kind = ReportKind::kAcknowledge;
  ByteView tree_id;
  uint32_t epoch = 0;
  uint32_t rekey_t = 0;  // of the last applied GROUP_REKEY
  uint32_t msk = 0;      // the newest held
  uint32_t held_ms = 0;

  template <class Io, class T>
  static void Describe(Io& io, T& report) {
    io.U8("kind", report.kind);
    io.Octets("tree_id", report.tree_id, kTreeIdSize);
    io.U32("epoch", report.epoch);
    io.U32("rekey_t", report.rekey_t);
    io.U32("msk_id", report.msk);
    io.U32("held_ms", report.held_ms);
    io.Require(report.kind >= ReportKind::kAcknowledge && report.kind <= ReportKind::kLeave,
               Error::kMalformed);
  }
};

// Extension 245, and the head of 242: the way from a packet to the signed root of a Merkle tree.
struct MerklePath {
  static constexpr const char* kClause = "MIKEYv2 §3.6";
  static constexpr size_t kNodeSize = 16;
  uint32_t key_id = 0;
  uint8_t leaf = 0;
  uint8_t leaves = 1;
  ByteView path;  // kNodeSize octets each, from the leaf upward

  template <class Io, class T>
  static void Describe(Io& io, T& merkle) {
    io.U32("key_id", merkle.key_id);
    io.U8("leaf", merkle.leaf);
    io.U8("leaves", merkle.leaves);
    io.Rest("path", merkle.path);
    io.Require(merkle.leaf < merkle.leaves && merkle.leaves <= kMaxLeaves &&
                   merkle.path.size() % kNodeSize == 0,
               Error::kMalformed);
  }
};

// Extension 243: tells packets of who holds the MSK from others; it authenticates nobody.
struct FilterMac {
  static constexpr const char* kClause = "MIKEYv2 §3.6";
  static constexpr size_t kMacSize = 8;
  uint32_t msk = 0;
  ByteView mac;

  template <class Io, class T>
  static void Describe(Io& io, T& filter) {
    io.U32("msk_id", filter.msk);
    io.Octets("filter_mac", filter.mac, kMacSize);
  }
};

// Extension 244: the next verification key.
struct KeyRoll {
  static constexpr const char* kClause = "MIKEYv2 §3.6";
  uint32_t key_id = 0;
  ByteView public_key;
  ByteView signature;

  template <class Io, class T>
  static void Describe(Io& io, T& roll) {
    io.U32("key_id", roll.key_id);
    io.Octets("public_key", roll.public_key, 32);
    io.Octets("signature", roll.signature, 64);
  }
};

}  // namespace keymast::mikey::v2
