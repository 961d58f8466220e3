// SPDX-License-Identifier: Apache-2.0
// What an SRTP protection profile means: lengths and MIKEY parameters, values only.
#pragma once

#include <array>
#include <span>

#include "base/error.h"
#include "base/ids.h"

namespace keymast::srtp {

// ProfileInfo in octets. The tag lengths are SRTP's and SRTCP's.
struct ProfileInfo {
  SrtpProfile profile;
  std::string_view name;  // IANA's name, as AEAD_AES_128_GCM
  uint8_t key_length;     // master and session encryption key
  uint8_t salt_length;    // master salt: 14, or 12 for AEAD (RFC 7714 §12)
  uint8_t rtp_tag_length;
  uint8_t rtcp_tag_length;
  bool aead;
};

// All profiles that this build knows.
std::span<const ProfileInfo> Profiles();
// InfoOf aborts on a value that is not a profile: values from outside pass ProfileFromNumber.
const ProfileInfo& InfoOf(SrtpProfile profile);
Result<SrtpProfile> ProfileFromNumber(uint16_t number);
Result<SrtpProfile> ProfileFromName(std::string_view name);

// PolicyParam is one parameter of MIKEY's SRTP policy (RFC 3830 §6.10.1); all of ours have one
// octet of value.
struct PolicyParam {
  uint8_t type;
  uint8_t value;
};

// ParamsOf lists the parameters of a profile that go into an SP payload, in ascending type.
std::span<const PolicyParam> ParamsOf(SrtpProfile profile);

// ProfileFromParams reads an SP payload's parameters: missing ones take SRTP's defaults
// (RFC 3830 §6.10.1). kUnsupportedPolicy when they describe no profile of ours.
Result<SrtpProfile> ProfileFromParams(std::span<const PolicyParam> params);

}  // namespace keymast::srtp
