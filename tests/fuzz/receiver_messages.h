// SPDX-License-Identifier: Apache-2.0
// A receiver that holds an MSK and an MTK, for the targets that throw octets at it.
#pragma once

#include "receiver/core.h"
#include "srtp/policy.h"

namespace keymast::receiver {

inline constexpr KeyDomainId kFuzzDomain{{0x26, 0x2f, 0x01}};
inline constexpr MskId kFuzzMsk{KeyGroup(1), KeyNumber(1)};
inline constexpr Ssrc kFuzzSsrc{0xa0000001};

// FuzzReceiver never leaves its first state: the user key is known to nobody who makes inputs.
inline Core FuzzReceiver(SrtpProfile profile) {
  const mikey::Profile3gpp form;
  const crypto::Key32 user_key(Bytes(16, 0x11));
  const Bytes rand(16, 0xb1);
  const Bytes msk(16, 0x21);
  Bytes out(2048);

  std::vector<mikey::SpParam> params;
  for (const srtp::PolicyParam& p : srtp::ParamsOf(profile)) params.push_back({p.type, p.value});
  const mikey::StreamSync sync{0, kFuzzSsrc, Roc(0)};
  mikey::MskMessage message;
  message.ids = {kFuzzDomain, kFuzzMsk, std::nullopt};
  message.counter = 1;
  message.rand = rand;
  message.idi = AsBytes("bmsc.example.org");
  message.idr = AsBytes("one@example.org");
  message.policy = params;
  message.streams = {&sync, 1};
  message.msk = msk;
  message.low = MtkId(1);
  message.high = MtkId(0xffff);
  const Credential credential{user_key, Octets<255>(message.idr)};
  Core core(Keyring(crypto::DefaultSuite(), form, {kFuzzDomain, kFuzzMsk.group}, credential, {}),
            {&kFuzzSsrc, 1});
  std::array<uint8_t, kMaxAnswer> answer{};
  size_t size =
      *mikey::WriteMskMessage(crypto::DefaultSuite(), form, message, user_key.view(), out);
  KEYMAST_CHECK(core.OnMsk(ByteView(out).first(size), answer).has_value());

  const srtp::ProfileInfo& info = srtp::InfoOf(profile);
  const Bytes key(info.key_length, 0x31);
  const Bytes salt(info.salt_length, 0x41);
  mikey::MtkMessage traffic;
  traffic.ids = {kFuzzDomain, kFuzzMsk, MtkId(1)};
  traffic.counter = 1;
  traffic.msk_rand = rand;
  traffic.key = key;
  traffic.salt = salt;
  size = *mikey::WriteMtkMessage(crypto::DefaultSuite(), form, traffic, msk, out);
  KEYMAST_CHECK(core.OnMtk(ByteView(out).first(size), Instant{}).has_value());
  return core;
}

}  // namespace keymast::receiver
