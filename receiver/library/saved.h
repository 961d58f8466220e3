// SPDX-License-Identifier: Apache-2.0
// What must outlive a loss of power, so that nothing recorded is taken twice: COUNTERs of MSK
// messages by sender under the user key (TS 33.246 §6.4.3), and by group the last MTK ID and
// COUNTER under each MSK that came by such a message, two at most, and the T of REPORT and KEYS
// (MIKEYv2 §10).
#pragma once

#include "base/fixed_list.h"
#include "crypto/primitives.h"
#include "include/keymast/receiver.h"
#include "mikey/mbms.h"

namespace keymast::receiver::library {

// Name stands for an identity or URI: the front of its SHA-256.
using Name = std::array<uint8_t, 12>;
Name NameOf(const crypto::Suite& suite, ByteView octets);

struct SavedSender {
  Name name{};
  uint32_t counter = 0;  // highest that was taken
};

struct SavedMsk {
  uint32_t id = 0;  // MSK ID; 0: none
  uint32_t mtk_counter = 0;
  MtkId mtk;  // highest that was taken
};

struct SavedGroup {
  static constexpr size_t kMsks = 2;  // TS 33.246 §6.3.2.1
  Name name{};
  KeyDomainId domain;
  std::array<SavedMsk, kMsks> msks;
  uint32_t report_t = 0;  // reserved up to here
  uint32_t keys_t = 0;    // last taken

  SavedMsk* FindMsk(const mikey::KeyIds& ids);
};

struct Saved {
  static constexpr size_t kSenders = 4;
  Name user_key{};  // of the senders
  FixedList<SavedSender, kSenders> senders;
  FixedList<SavedGroup, KEYMAST_CHANNELS> groups;

  SavedSender* FindSender(const Name& name);
  SavedGroup* FindGroup(const Name& name);
};

// NameOfKey tells user keys apart, and nothing of them.
Name NameOfKey(const crypto::Suite& suite, ByteView user_key);

// WriteSaved returns the octets that it wrote to `out`.
ByteView WriteSaved(const crypto::Suite& suite, const Saved& saved,
                    std::span<uint8_t, KEYMAST_SAVED_SIZE> out);
// ReadSaved is kNewerFormat for a later version, kCorrupt for whatever is not whole.
Status ReadSaved(const crypto::Suite& suite, ByteView octets, Saved& saved);

}  // namespace keymast::receiver::library
