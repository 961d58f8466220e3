// SPDX-License-Identifier: Apache-2.0
#include "receiver/library/join_policy.h"

namespace keymast::receiver::library {
namespace {

template <size_t N>
void SetList(FixedList<uint8_t, N>& list, std::initializer_list<uint8_t> numbers) {
  list.clear();
  for (const uint8_t number : numbers) list.Add(number);
}

void AddModes(mikey::v2::Policy& policy, std::initializer_list<mikey::v2::Mode> modes) {
  for (const auto mode : modes) policy.modes.Add(static_cast<uint8_t>(mode));
}

}  // namespace

// MIKEYv2 §3.3: no SHA-1 where it is not asked for.
void SetJoinPolicy(mikey::v2::Policy& policy, const keymast_crypto& crypto,
                   const keymast_member& member) {
  using mikey::v2::Mode;
  const keymast_certificates* certificates = kHasCertificates ? member.certificates : nullptr;
  const bool has_dh = !kPskOnly && crypto.x25519 != nullptr;
  if (has_dh) {
    if (certificates != nullptr) AddModes(policy, {Mode::kEarlyDh});
    AddModes(policy, {Mode::kEarlyDhhmac});
    if (certificates != nullptr) AddModes(policy, {Mode::kDh});
    AddModes(policy, {Mode::kDhhmac});
    policy.groups.Add(static_cast<uint8_t>(mikey::DhGroup::kX25519));
  }
  const bool needs_dh = member.needs_dh != 0;
  if (certificates != nullptr) {
    if (!needs_dh && certificates->open_envelope != nullptr) AddModes(policy, {Mode::kRsa});
    for (const uint8_t type : std::span(certificates->verifies, certificates->verifies_size)) {
      policy.signatures.Add(type);
    }
  }
  // Also of who has tickets alone.
  if (!needs_dh) AddModes(policy, {Mode::kPsk});
  SetList(policy.prfs, {1});
  SetList(policy.encrs, {3, 1});
  SetList(policy.macs, {2});
  for (const int profile : {8, 7, 1, 2}) policy.profiles.Add(static_cast<uint16_t>(profile));
  if (member.user_key.size != 0) policy.features = kMskMessages;
  if (!kPskOnly) policy.features |= mikey::v2::kTicketFeature | kReports;
  if (member.offers_sha1 == 0) return;
  policy.prfs.Add(0);
  policy.macs.Add(1);
}

}  // namespace keymast::receiver::library
