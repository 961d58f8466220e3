// SPDX-License-Identifier: Apache-2.0
#include "srtp/policy.h"

#include <gtest/gtest.h>

#include <vector>

namespace keymast::srtp {
namespace {

std::vector<PolicyParam> Copy(SrtpProfile profile) {
  const auto params = ParamsOf(profile);
  return {params.begin(), params.end()};
}

std::vector<PolicyParam> With(SrtpProfile profile, PolicyParam changed) {
  std::vector<PolicyParam> params = Copy(profile);
  for (PolicyParam& param : params) {
    if (param.type == changed.type) {
      param = changed;
      return params;
    }
  }
  params.push_back(changed);
  return params;
}

TEST(Policy, FiveProfilesByNumberAndName) {
  EXPECT_EQ(Profiles().size(), 5u);
  for (const ProfileInfo& info : Profiles()) {
    EXPECT_EQ(ProfileFromNumber(static_cast<uint16_t>(info.profile)), info.profile);
    EXPECT_EQ(ProfileFromName(info.name), info.profile);
    EXPECT_EQ(InfoOf(info.profile).name, info.name);
  }
  EXPECT_EQ(ProfileFromNumber(0x0003), Err(Error::kUnsupportedPolicy));
  EXPECT_EQ(ProfileFromName("aes_cm_128_hmac_sha1_80"), Err(Error::kUnsupportedPolicy));
  EXPECT_EQ(ProfileFromName(""), Err(Error::kUnsupportedPolicy));
}

TEST(Policy, LengthsOfTheRfcs) {
  EXPECT_EQ(InfoOf(SrtpProfile::kAesCm128HmacSha1_80).salt_length, 14);  // RFC 3711 §8.2
  EXPECT_EQ(InfoOf(SrtpProfile::kAesCm128HmacSha1_32).rtp_tag_length, 4);
  EXPECT_EQ(InfoOf(SrtpProfile::kAesCm128HmacSha1_32).rtcp_tag_length, 10);  // RFC 5764 §4.1.2
  EXPECT_EQ(InfoOf(SrtpProfile::kAesCm256HmacSha1_80).key_length, 32);       // RFC 6188 §7
  EXPECT_EQ(InfoOf(SrtpProfile::kAeadAes128Gcm).salt_length, 12);            // RFC 7714 §12
  EXPECT_EQ(InfoOf(SrtpProfile::kAeadAes256Gcm).key_length, 32);
  EXPECT_TRUE(InfoOf(SrtpProfile::kAeadAes256Gcm).aead);
}

TEST(Policy, AnUnknownProfileIsABrokenInvariant) { EXPECT_DEATH(InfoOf(SrtpProfile{0x1234}), ""); }

TEST(Policy, ParametersRoundTripInAscendingType) {
  for (const ProfileInfo& info : Profiles()) {
    const auto params = ParamsOf(info.profile);
    for (size_t i = 1; i < params.size(); ++i) EXPECT_LT(params[i - 1].type, params[i].type);
    EXPECT_EQ(ProfileFromParams(params), info.profile) << info.name;
  }
}

TEST(Policy, NoParametersMeanTheDefaults) {  // RFC 3830 §6.10.1, RFC 3711 §8.2
  EXPECT_EQ(ProfileFromParams({}), SrtpProfile::kAesCm128HmacSha1_80);
  const std::vector<PolicyParam> long_key = {{1, 32}};
  EXPECT_EQ(ProfileFromParams(long_key), SrtpProfile::kAesCm256HmacSha1_80);
  const std::vector<PolicyParam> short_tag = {{11, 4}};
  EXPECT_EQ(ProfileFromParams(short_tag), SrtpProfile::kAesCm128HmacSha1_32);
  const std::vector<PolicyParam> gcm = {{0, 6}};
  EXPECT_EQ(ProfileFromParams(gcm), SrtpProfile::kAeadAes128Gcm);
}

TEST(Policy, TheOrderOfParametersIsFree) {
  for (const ProfileInfo& info : Profiles()) {
    std::vector<PolicyParam> params = Copy(info.profile);
    std::reverse(params.begin(), params.end());
    EXPECT_EQ(ProfileFromParams(params), info.profile);
  }
}

TEST(Policy, WhatIsNotOursIsRefused) {
  const SrtpProfile cm = SrtpProfile::kAesCm128HmacSha1_80;
  const SrtpProfile gcm = SrtpProfile::kAeadAes128Gcm;
  const std::vector<std::vector<PolicyParam>> refused = {
      With(cm, {0, 0}),   // no encryption
      With(cm, {0, 2}),   // AES-F8
      With(cm, {1, 24}),  // AES-192
      With(cm, {2, 0}),   // no authentication
      With(cm, {3, 32}),
      With(cm, {4, 12}),
      With(cm, {5, 1}),
      With(cm, {6, 1}),
      With(cm, {7, 0}),
      With(cm, {8, 0}),
      With(cm, {9, 1}),
      With(cm, {10, 0}),
      With(cm, {11, 8}),
      With(cm, {12, 1}),
      With(cm, {13, 0}),  // 13 is not defined
      With(cm, {20, 16}),
      With(cm, {255, 0}),
      With(gcm, {2, 1}),
      With(gcm, {4, 14}),
      With(gcm, {20, 8}),  // RFC 7714 §13.1
      With(gcm, {1, 24}),
      With(SrtpProfile::kAesCm256HmacSha1_80, {11, 4}),  // 256 with a short tag has no name here
  };
  for (size_t i = 0; i < refused.size(); ++i) {
    EXPECT_EQ(ProfileFromParams(refused[i]), Err(Error::kUnsupportedPolicy)) << "row " << i;
  }
}

TEST(Policy, AParameterGivenTwiceIsRefused) {
  std::vector<PolicyParam> params = Copy(SrtpProfile::kAesCm128HmacSha1_80);
  params.push_back(params.front());
  EXPECT_EQ(ProfileFromParams(params), Err(Error::kUnsupportedPolicy));
}

TEST(Policy, EveryTypeAndValueEitherFitsAProfileOrIsRefused) {
  size_t fitting = 0;
  for (int type = 0; type < 256; ++type) {
    for (int value = 0; value < 256; ++value) {
      const PolicyParam one{static_cast<uint8_t>(type), static_cast<uint8_t>(value)};
      const Result<SrtpProfile> profile = ProfileFromParams({&one, 1});
      if (!profile) {
        EXPECT_EQ(profile.error(), Error::kUnsupportedPolicy);
        continue;
      }
      ++fitting;
      for (const PolicyParam& param : ParamsOf(*profile)) {
        if (param.type == one.type) {
          EXPECT_EQ(param.value, one.value) << type;
        }
      }
    }
  }
  EXPECT_GE(fitting, ParamsOf(SrtpProfile::kAesCm128HmacSha1_80).size());
}

}  // namespace
}  // namespace keymast::srtp
