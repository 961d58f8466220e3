// SPDX-License-Identifier: Apache-2.0
// The fields of Profile3gpp by their names in configuration files: described once, read by the
// programs at both ends (docs/mikey.md).
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "mikey/profile3gpp.h"

namespace keymast::mikey {

template <class Code>
using CodeName = std::pair<std::string_view, Code>;

inline constexpr std::array<CodeName<IdType>, 2> kIdTypeNames{
    {{"nai", IdType::kNai}, {"uri", IdType::kUri}}};
inline constexpr std::array<CodeName<PrfFunc>, 2> kPrfNames{
    {{"mikey-1", PrfFunc::kMikey1}, {"hmac-sha-256", PrfFunc::kHmacSha256}}};
inline constexpr std::array<CodeName<EncrAlg>, 2> kEncrAlgNames{
    {{"aes-cm-128", EncrAlg::kAesCm128}, {"aes-cm-256", EncrAlg::kAesCm256}}};
inline constexpr std::array<CodeName<MacAlg>, 2> kMacAlgNames{
    {{"hmac-sha-1-160", MacAlg::kHmacSha1_160}, {"hmac-sha-256-256", MacAlg::kHmacSha256_256}}};
// An MSK has no salt (RFC 3830 §6.13: the +SALT types carry one).
inline constexpr std::array<CodeName<KeyDataType>, 2> kMskKeyTypeNames{
    {{"tgk", KeyDataType::kTgk}, {"tek", KeyDataType::kTek}}};
inline constexpr std::array<CodeName<CsIdMapType>, 2> kMapNames{
    {{"srtp-id", CsIdMapType::kSrtpId}, {"empty", CsIdMapType::kEmpty}}};

// ReadProfile hands each field to `from`, which has OneOf(key, code, names), Flag(key, value) and
// Number(key, value, lowest, highest), and leaves a field as it is when it has nothing for its key.
template <class From>
void ReadProfile(From& from, Profile3gpp& profile) {
  from.Number("profile.csb_id", profile.csb_id.value, 0, 0xffffffff);
  from.OneOf("profile.prf", profile.prf, kPrfNames);
  from.OneOf("profile.encr_alg", profile.encr_alg, kEncrAlgNames);
  from.OneOf("profile.mac_alg", profile.mac_alg, kMacAlgNames);
  from.OneOf("profile.msk_key_type", profile.msk_key_type, kMskKeyTypeNames);
  from.OneOf("profile.idi_type", profile.idi_type, kIdTypeNames);
  from.OneOf("profile.idr_type", profile.idr_type, kIdTypeNames);
  from.Number("profile.interval_width", profile.interval_width, 2, 6);
  from.OneOf("profile.mtk_map", profile.mtk_map, kMapNames);
  from.Flag("profile.key_id_before_t", profile.key_id_before_t);
  from.Flag("profile.want_verification", profile.want_verification);
  from.Flag("profile.ids_in_verification", profile.ids_in_verification);
  from.Flag("profile.mki_with_domain", profile.mki_with_domain);
  from.Flag("profile.strict_seqs", profile.strict_seqs);
  from.Number("profile.msk_port", profile.msk_port, 1, 65535);
  from.Number("profile.mtk_port", profile.mtk_port, 1, 65535);
}

}  // namespace keymast::mikey
