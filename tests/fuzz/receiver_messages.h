// SPDX-License-Identifier: Apache-2.0
// A receiver that holds an MSK and an MTK, for the targets that throw octets at it.
#pragma once

#include "receiver/core.h"
#include "srtp/policy.h"

namespace keymast::receiver {

inline constexpr KeyDomainId kFuzzDomain{{0x26, 0x2f, 0x01}};
inline constexpr MskId kFuzzMsk{KeyGroup(1), KeyNumber(1)};
inline constexpr Ssrc kFuzzSsrc{0xa0000001};
inline const Bytes kFuzzUserKey(16, 0x11);
inline const Bytes kFuzzRand(16, 0xb1);
inline const Bytes kFuzzMskKey(16, 0x21);

struct FuzzTrafficKey {
  explicit FuzzTrafficKey(SrtpProfile profile)
      : key(srtp::InfoOf(profile).key_length, 0x31),
        salt(srtp::InfoOf(profile).salt_length, 0x41) {}
  Bytes key;
  Bytes salt;
};

inline std::vector<mikey::SpParam> FuzzPolicy(SrtpProfile profile) {
  std::vector<mikey::SpParam> params;
  for (const srtp::PolicyParam& p : srtp::ParamsOf(profile)) params.push_back({p.type, p.value});
  return params;
}

// FuzzMsk borrows `policy` and `sync`.
inline mikey::MskMessage FuzzMsk(const std::vector<mikey::SpParam>& policy,
                                 const mikey::StreamSync& sync) {
  mikey::MskMessage message;
  message.ids = {kFuzzDomain, kFuzzMsk, std::nullopt};
  message.counter = 1;
  message.rand = kFuzzRand;
  message.idi = AsBytes("bmsc.example.org");
  message.idr = AsBytes("one@example.org");
  message.policy = policy;
  message.streams = {&sync, 1};
  message.msk = kFuzzMskKey;
  message.low = MtkId(1);
  message.high = MtkId(0xffff);
  return message;
}

// FuzzMtk borrows `traffic`.
inline mikey::MtkMessage FuzzMtk(const FuzzTrafficKey& traffic) {
  mikey::MtkMessage message;
  message.ids = {kFuzzDomain, kFuzzMsk, MtkId(1)};
  message.counter = 1;
  message.msk_rand = kFuzzRand;
  message.key = traffic.key;
  message.salt = traffic.salt;
  return message;
}

// FuzzReceiver has taken one message of each kind.
inline Core FuzzReceiver(SrtpProfile profile) {
  const mikey::Profile3gpp form;
  const std::vector<mikey::SpParam> policy = FuzzPolicy(profile);
  const mikey::StreamSync sync{0, kFuzzSsrc, Roc(0)};
  const mikey::MskMessage msk = FuzzMsk(policy, sync);
  const Credential credential{crypto::Key32(kFuzzUserKey), Octets<255>(msk.idr)};
  Core core(Keyring(crypto::DefaultSuite(), form, {kFuzzDomain, kFuzzMsk.group}, credential, {}),
            {&kFuzzSsrc, 1});
  Bytes out(2048);
  std::array<uint8_t, kMaxAnswer> answer{};
  size_t size = *mikey::WriteMskMessage(crypto::DefaultSuite(), form, msk, kFuzzUserKey, out);
  KEYMAST_CHECK(core.OnMsk(ByteView(out).first(size), answer).has_value());
  const FuzzTrafficKey traffic(profile);
  size = *mikey::WriteMtkMessage(crypto::DefaultSuite(), form, FuzzMtk(traffic), kFuzzMskKey, out);
  KEYMAST_CHECK(core.OnMtk(ByteView(out).first(size), Instant{}).has_value());
  return core;
}

}  // namespace keymast::receiver
