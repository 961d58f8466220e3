// SPDX-License-Identifier: Apache-2.0
#include "mikey/params.h"

namespace keymast::mikey {
namespace {

constexpr auto kEncr = CodePointsOf<SrtpEncrAlg>();
constexpr auto kAuth = CodePointsOf<SrtpAuthAlg>();
constexpr auto kPrf = CodePointsOf<SrtpPrf>();
constexpr auto kSwitch = CodePointsOf<Switch>();

constexpr ParamInfo kSrtpParams[] = {
    {0, "SRTP encr alg", 1, kEncr, "RFC 3830 §6.10.1"},
    {1, "Session encr key length", 1, {}, "RFC 3830 §6.10.1"},
    {2, "SRTP auth alg", 1, kAuth, "RFC 3830 §6.10.1"},
    {3, "Session auth key length", 1, {}, "RFC 3830 §6.10.1"},
    {4, "Session salt key length", 1, {}, "RFC 3830 §6.10.1"},
    {5, "SRTP PRF", 1, kPrf, "RFC 3830 §6.10.1"},
    {6, "Key derivation rate", 0, {}, "RFC 3830 §6.10.1"},
    {7, "SRTP encryption", 1, kSwitch, "RFC 3830 §6.10.1"},
    {8, "SRTCP encryption", 1, kSwitch, "RFC 3830 §6.10.1"},
    {9, "FEC order", 1, CodePointsOf<FecOrder>(), "RFC 3830 §6.10.1"},
    {10, "SRTP authentication", 1, kSwitch, "RFC 3830 §6.10.1"},
    {11, "Authentication tag length", 1, {}, "RFC 3830 §6.10.1"},
    {12, "SRTP prefix length", 1, {}, "RFC 3830 §6.10.1"},
    {13, "ROC transmission rate", 2, {}, "RFC 4771 §4"},
    {14, "SRTP auth alg (SRTP only)", 1, kAuth, "RFC 4771 §4"},
    {15, "SRTCP auth alg", 1, kAuth, "RFC 4771 §4"},
    {16, "SRTP session auth key length", 1, {}, "RFC 4771 §4"},
    {17, "SRTCP session auth key length", 1, {}, "RFC 4771 §4"},
    {18, "SRTP authentication tag length", 1, {}, "RFC 4771 §4"},
    {19, "SRTCP authentication tag length", 1, {}, "RFC 4771 §4"},
    {20, "AEAD authentication tag length", 1, {}, "RFC 7714 §14.3"},
};

constexpr ParamInfo kTeslaParams[] = {
    {1, "PRF identifier", 1, CodePointsOf<TeslaPrf>(), "RFC 4442 §4.2"},
    {2, "Length of PRF f' output", 0, {}, "RFC 4442 §4.2"},
    {3, "TESLA MAC identifier", 1, CodePointsOf<TeslaMac>(), "RFC 4442 §4.2"},
    {4, "Length of TESLA MAC output", 0, {}, "RFC 4442 §4.2"},
    {5, "Start of session", 8, {}, "RFC 4442 §4.2", true},
    {6, "Interval duration (ms)", 4, {}, "RFC 4442 §4.2"},
    {7, "Key disclosure delay", 2, {}, "RFC 4442 §4.2"},
    {8, "Key chain length", 0, {}, "RFC 4442 §4.2"},
    {9, "Local timestamp of media receiver", 8, {}, "RFC 4442 §4.2", true},
};

}  // namespace

std::span<const ParamInfo> ParamsOf(ProtType prot_type) {
  switch (prot_type) {
    case ProtType::kSrtp:
      return kSrtpParams;
    case ProtType::kTesla:
      return kTeslaParams;
  }
  return {};
}

const ParamInfo* FindParam(ProtType prot_type, uint8_t type) {
  for (const ParamInfo& info : ParamsOf(prot_type)) {
    if (info.type == type) return &info;
  }
  return nullptr;
}

}  // namespace keymast::mikey
