// SPDX-License-Identifier: Apache-2.0
// The C interface: what may be wrong with a call is found here, the rest is Receiver's.
#include <new>

#include "receiver/library/reasons.h"
#include "receiver/library/receiver.h"

namespace {

using keymast::ByteView;
using keymast::receiver::library::ReasonOf;
using keymast::receiver::library::Receiver;
using keymast::receiver::library::ViewOf;

Receiver& Of(keymast_receiver* receiver) {
  return *std::launder(reinterpret_cast<Receiver*>(receiver->room));
}
const Receiver& Of(const keymast_receiver* receiver) {
  return *std::launder(reinterpret_cast<const Receiver*>(receiver->room));
}

bool IsWithin(const keymast_octets& octets, size_t least, size_t most) {
  return octets.data != nullptr && octets.size >= least && octets.size <= most;
}

bool IsGood(const keymast_member& member) {
  return member.id_type <= KEYMAST_OCTET_STRING &&
         IsWithin(member.identity, 1, KEYMAST_IDENTITY_SIZE) &&
         (IsWithin(member.user_key, KEYMAST_MIN_USER_KEY, KEYMAST_MAX_USER_KEY) ||
          (member.user_key.size == 0 && member.certificates != nullptr));
}

bool MayUse(const keymast_crypto& crypto, const keymast_member& member) {
  const bool has_dh = !keymast::kPskOnly && crypto.x25519 != nullptr;
  const keymast_certificates* certificates = member.certificates;
  if (member.needs_dh != 0 && !has_dh) return false;
  if (certificates == nullptr) return true;
  // Without Diffie-Hellman there is mode RSA alone.
  return keymast::kHasCertificates && keymast::receiver::library::IsGood(*certificates) &&
         (has_dh || certificates->open_envelope != nullptr);
}

bool IsGood(const keymast_crypto& crypto) {
  return crypto.hmac != nullptr && crypto.sha256 != nullptr && crypto.aes_ctr != nullptr &&
         crypto.random != nullptr;
}

bool IsGood(const keymast_group& group) {
  const bool is_known = group.key_group != 0 || group.key_domain[0] != 0 ||
                        group.key_domain[1] != 0 || group.key_domain[2] != 0;
  return IsWithin(group.uri, 1, KEYMAST_IDENTITY_SIZE) && (is_known || group.by_3gpp == 0);
}

// MayBegin is KEYMAST_OK when a call that changes something may be made.
keymast_reason MayBegin(const keymast_receiver* receiver, uint8_t channel) {
  if (channel >= KEYMAST_CHANNELS) return KEYMAST_INVALID_ARGUMENT;
  return Of(receiver).HasActions() ? KEYMAST_FAILED_PRECONDITION : KEYMAST_OK;
}

}  // namespace

extern "C" {

keymast_reason keymast_receiver_init(keymast_receiver* receiver, const keymast_crypto* crypto,
                                     const keymast_member* member, keymast_octets saved) {
  const bool is_good = IsGood(*crypto) && IsGood(*member) && MayUse(*crypto, *member);
  if (!is_good) return KEYMAST_INVALID_ARGUMENT;
  auto* made = new (receiver->room) Receiver(*crypto, *member);
  return ReasonOf(made->Restore(ViewOf(saved)));
}

void keymast_receiver_wipe(keymast_receiver* receiver) {
  Of(receiver).~Receiver();
  keymast::crypto::Wipe(receiver, sizeof *receiver);
}

keymast_reason keymast_receiver_join(keymast_receiver* receiver, uint8_t channel,
                                     const keymast_group* group, uint64_t now) {
  if (!IsGood(*group)) return KEYMAST_INVALID_ARGUMENT;
  const keymast_reason may_begin = MayBegin(receiver, channel);
  if (may_begin == KEYMAST_OK) Of(receiver).Join(channel, *group, now);
  return may_begin;
}

keymast_reason keymast_receiver_leave(keymast_receiver* receiver, uint8_t channel, uint64_t now) {
  const keymast_reason may_begin = MayBegin(receiver, channel);
  if (may_begin == KEYMAST_OK) Of(receiver).Leave(channel, now);
  return may_begin;
}

keymast_reason keymast_receiver_receive(keymast_receiver* receiver, keymast_octets datagram,
                                        uint64_t now) {
  const keymast_reason may_begin = MayBegin(receiver, 0);
  if (may_begin != KEYMAST_OK) return may_begin;
  return ReasonOf(Of(receiver).Receive(ViewOf(datagram), now));
}

uint64_t keymast_receiver_deadline(const keymast_receiver* receiver) {
  return Of(receiver).deadline();
}

keymast_reason keymast_receiver_tick(keymast_receiver* receiver, uint64_t now) {
  const keymast_reason may_begin = MayBegin(receiver, 0);
  if (may_begin == KEYMAST_OK) Of(receiver).Tick(now);
  return may_begin;
}

int keymast_receiver_next(keymast_receiver* receiver, keymast_action* action) {
  return Of(receiver).Next(*action) ? 1 : 0;
}

const keymast_key* keymast_receiver_key(const keymast_receiver* receiver, uint8_t channel,
                                        keymast_octets mki) {
  if (channel >= KEYMAST_CHANNELS) return nullptr;
  return Of(receiver).channel(channel).Find(ViewOf(mki));
}

keymast_reason keymast_receiver_used(keymast_receiver* receiver, uint8_t channel,
                                     keymast_octets mki, uint64_t now) {
  if (channel >= KEYMAST_CHANNELS) return KEYMAST_INVALID_ARGUMENT;
  return ReasonOf(Of(receiver).Used(channel, ViewOf(mki), now));
}

keymast_reason keymast_receiver_missing(keymast_receiver* receiver, uint8_t channel,
                                        keymast_octets mki, uint64_t now) {
  const keymast_reason may_begin = MayBegin(receiver, channel);
  if (may_begin != KEYMAST_OK) return may_begin;
  return ReasonOf(Of(receiver).Missing(channel, ViewOf(mki), now));
}

const keymast_stream* keymast_receiver_streams(const keymast_receiver* receiver, uint8_t channel,
                                               size_t* count) {
  *count = 0;
  if (channel >= KEYMAST_CHANNELS) return nullptr;
  const auto streams = Of(receiver).channel(channel).streams();
  *count = streams.size();
  return streams.data();
}

}  // extern "C"
