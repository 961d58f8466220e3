// SPDX-License-Identifier: Apache-2.0
// What a context of the C interface (include/keymast/receiver.h) is.
#pragma once

#include "mikey/v2/offerer.h"
#include "receiver/library/channel.h"
#include "receiver/library/saved.h"
#include "receiver/library/table.h"

namespace keymast::receiver::library {

class Receiver {
 public:
  // The member's fields are good; the table is borrowed.
  Receiver(const keymast_crypto& crypto, const keymast_member& member);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  Status Restore(ByteView saved) { return ReadSaved(suite_, saved, saved_); }

  // All of these but Used and the questions need that all actions were taken.
  bool HasActions() const;
  void Join(uint8_t channel, const keymast_group& group, uint64_t now);
  void Leave(uint8_t channel, uint64_t now);
  Status Receive(ByteView datagram, uint64_t now);
  void Tick(uint64_t now);
  Status Missing(uint8_t channel, ByteView mki, uint64_t now);

  Status Used(uint8_t channel, ByteView mki, uint64_t now);
  uint64_t deadline() const;
  bool Next(keymast_action& action);
  const Channel& channel(uint8_t index) const { return channels_[index].keys; }

 private:
  static constexpr uint8_t kNobody = 0xff;
  // What a channel wants and has to tell beside its keys.
  struct Followed {
    Channel keys;
    bool wants_keys = false;           // waits until it may ask
    bool is_joined = false;            // to be told
    Error failure = Error::kInternal;  // to be told when
    bool has_failed = false;
    uint64_t missing_at = kNoTime;  // at which missing keys are asked for
    uint32_t missing_window = 1;    // in windows of the group
  };

  Status ReceiveVersion1(ByteView datagram, uint64_t now);
  Status ReceiveMsk(Followed& followed, const mikey::Unverified& message);
  Status CheckMsk(const mikey::Unverified& message, const SavedSender* sender) const;
  Status AnswerMsk(Followed& followed, const mikey::Unverified& message,
                   const mikey::OpenedMsk& opened);
  Status ReceiveMtk(Followed& followed, const mikey::Unverified& message, uint64_t now);
  Status ReceiveVersion2(ByteView datagram, uint64_t now);
  void TakeKeys(Followed& followed);
  void AskNext(uint64_t now);
  void Ask(uint8_t index, uint64_t now);
  void Fail(uint8_t index, Error error);
  void NoteMissing(Followed& followed, uint64_t now);
  SavedGroup& SavedOf(const Followed& followed);
  bool NextState(keymast_action& action);
  void Begin();
  uint8_t IndexOf(const Followed& followed) const;
  uint64_t Draw(uint64_t below);

  TableRng rng_;
  crypto::Suite suite_;
  mikey::v2::Policy policy_;
  mikey::OwnedIdentity self_;
  crypto::Key32 user_key_;
  std::array<Followed, KEYMAST_CHANNELS> channels_;

  // One exchange at a time (MIKEYv2 §14), for the channel that asks.
  std::optional<mikey::v2::Offerer> offerer_;
  uint8_t asking_ = kNobody;
  bool has_taken_ = false;  // keys of this exchange

  Saved saved_;
  std::array<uint8_t, KEYMAST_SAVED_SIZE> saved_octets_;
  bool must_persist_ = false;
  std::array<uint8_t, KEYMAST_DATAGRAM_SIZE> send_;
  size_t send_size_ = 0;
  uint8_t send_channel_ = 0;
};
static_assert(sizeof(Receiver) <= KEYMAST_CONTEXT_SIZE);
static_assert(alignof(Receiver) <= alignof(keymast_receiver));

}  // namespace keymast::receiver::library
