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

bool CanDo(Mode mode, const Capabilities& offer, const Decided& decided) {
  // MIKEYv2 §12: a fingerprint allows these modes, and no others.
  if (mikey::v2::IsSigned(mode) && decided.signature.empty()) return false;
  if (!mikey::v2::HasDh(mode)) return true;
  const auto& groups = decided.policy.groups;
  if (groups.empty()) return false;
  // MIKEYv2 §3.3: an early mode is eligible with the group of CAP's value, the first one.
  return !mikey::v2::IsEarly(mode) || groups[0] == offer.groups[0];
}

Octets<1> SignatureFor(const Capabilities& offer, const mikey::v2::Credentials* credentials) {
  if (credentials == nullptr) return {};
  const mikey::v2::Signer signer = credentials->SignerFor(offer.signatures);
  if (signer.credential == nullptr) return {};
  return Octets<1>(Bytes{static_cast<uint8_t>(signer.type())});
}

}  // namespace

Result<Decided> Decide(const Capabilities& offer, const Policy& ours,
                       const mikey::v2::Credentials* credentials) {
  Decided decided;
  decided.signature = SignatureFor(offer, credentials);
  Policy& taken = decided.policy;
  taken.signatures = ours.signatures;
  taken.fragments = ours.fragments;
  TakeFirst(offer.groups, ours.groups, taken.groups);
  const bool is_common = TakeFirst(offer.prf, ours.prfs, taken.prfs) &&
                         TakeFirst(offer.encr, ours.encrs, taken.encrs) &&
                         TakeFirst(offer.mac, ours.macs, taken.macs) &&
                         TakeProfile(offer, ours, taken);
  if (!is_common) return Err(Error::kUnsupportedPolicy);
  for (const uint8_t number : offer.modes) {
    const auto mode = static_cast<Mode>(number);
    if (!mikey::v2::Contains(ours.modes.view(), number) || !CanDo(mode, offer, decided)) continue;
    taken.modes.Add(number);
    if (!mikey::v2::HasDh(mode)) taken.groups.clear();
    if (!mikey::v2::IsSigned(mode)) decided.signature = {};
    return decided;
  }
  return Err(Error::kUnsupportedPolicy);
}

Bytes AnswerTlvs(const Decided& decided, ByteView session) {
  const Policy& policy = decided.policy;
  std::array<uint8_t, 8> profiles{};
  Writer writer(profiles);
  for (const uint16_t profile : policy.profiles) writer.U16(profile);
  Capabilities chosen;
  chosen.modes = policy.modes.view();
  chosen.prf = policy.prfs.view();
  chosen.encr = policy.encrs.view();
  chosen.mac = policy.macs.view();
  chosen.groups = policy.groups.view();
  chosen.signatures = decided.signature.view();
  chosen.profiles = writer.written();
  chosen.session = session;
  if (policy.fragments != 0) chosen.fragments = {&policy.fragments, 1};
  Bytes tlvs(128);
  const Result<size_t> size = mikey::v2::WriteCapabilities(chosen, tlvs);
  KEYMAST_CHECK(size.has_value());
  tlvs.resize(*size);
  return tlvs;
}

}  // namespace keymast::tools
