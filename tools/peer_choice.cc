// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_choice.h"

namespace keymast::tools {
namespace {

using mikey::v2::Capabilities;
using mikey::v2::Mode;
using mikey::v2::Policy;

template <size_t N>
bool TakeFirst(ByteView offered, const FixedList<uint8_t, N>& ours, FixedList<uint8_t, N>& taken) {
  for (const uint8_t number : offered) {
    if (!mikey::v2::Contains(ours.view(), number)) continue;
    taken.Add(number);
    return true;
  }
  return false;
}

bool TakeProfile(const Capabilities& offer, const Policy& ours, Policy& taken) {
  Reader reader(offer.profiles);
  while (!reader.empty()) {
    const uint16_t number = reader.U16();
    if (std::ranges::find(ours.profiles, number) == ours.profiles.end()) continue;
    taken.profiles.Add(number);
    return true;
  }
  return false;
}

// The modes by certificate are not decided here yet: they hang on what each side's certificate is.
bool CanDo(Mode mode, const Capabilities& offer, const Policy& taken) {
  if (!mikey::v2::IsPskType(mode)) return false;
  if (!mikey::v2::HasDh(mode)) return true;
  if (taken.groups.empty()) return false;
  // MIKEYv2 §3.3: an early mode is eligible with the group of CAP's value, the first one.
  return !mikey::v2::IsEarly(mode) || taken.groups[0] == offer.groups[0];
}

}  // namespace

Result<Policy> Decide(const Capabilities& offer, const Policy& ours) {
  Policy taken;
  TakeFirst(offer.groups, ours.groups, taken.groups);
  const bool is_common = TakeFirst(offer.prf, ours.prfs, taken.prfs) &&
                         TakeFirst(offer.encr, ours.encrs, taken.encrs) &&
                         TakeFirst(offer.mac, ours.macs, taken.macs) &&
                         TakeProfile(offer, ours, taken);
  if (!is_common) return Err(Error::kUnsupportedPolicy);
  for (const uint8_t number : offer.modes) {
    const auto mode = static_cast<Mode>(number);
    if (!mikey::v2::Contains(ours.modes.view(), number) || !CanDo(mode, offer, taken)) continue;
    taken.modes.Add(number);
    if (!mikey::v2::HasDh(mode)) taken.groups.clear();
    return taken;
  }
  return Err(Error::kUnsupportedPolicy);
}

Bytes AnswerTlvs(const Policy& decided, ByteView session) {
  std::array<uint8_t, 8> profiles{};
  Writer writer(profiles);
  for (const uint16_t profile : decided.profiles) writer.U16(profile);
  Capabilities chosen;
  chosen.modes = decided.modes.view();
  chosen.prf = decided.prfs.view();
  chosen.encr = decided.encrs.view();
  chosen.mac = decided.macs.view();
  chosen.groups = decided.groups.view();
  chosen.profiles = writer.written();
  chosen.session = session;
  Bytes tlvs(128);
  const Result<size_t> size = mikey::v2::WriteCapabilities(chosen, tlvs);
  KEYMAST_CHECK(size.has_value());
  tlvs.resize(*size);
  return tlvs;
}

}  // namespace keymast::tools
