// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/protection.h"

#include "mikey/mac_check.h"

namespace keymast::mikey::v2 {
namespace {

// MIKEYv2 §4.2. A message without MAC and signature has no name.
std::string_view NameIn(DataType type) {
  switch (type) {
    case DataType::kCap:
      return "cap";
    case DataType::kPskResp:
      return "psk_resp";
    case DataType::kPskFin:
      return "psk_fin";
    case DataType::kRsaResp:
      return "rsa_resp";
    case DataType::kRsaFin:
      return "rsa_fin";
    case DataType::kDhRespV2:
      return "dh_resp";
    case DataType::kDhFin:
      return "dh_fin";
    case DataType::kDhhmacRespV2:
      return "dhhmac_resp";
    case DataType::kDhhmacFin:
      return "dhhmac_fin";
    case DataType::kKeys:
      return "keys";
    case DataType::kError:
      return "error";
    case DataType::kReport:
      return "report";
    case DataType::kGroupRekey:
      return "group_rekey";
    default:
      break;
  }
  KEYMAST_CHECK(false);
  return {};
}

size_t KeySize(EncrAlg alg) { return alg == EncrAlg::kAesCm128 ? 16 : 32; }

}  // namespace

Covered::Covered(DataType type, const Digest& first, const Digest& second, ByteView head) {
  Writer writer(prefix_);
  writer.Put(AsBytes("MIKEYv2 "));
  writer.Put(AsBytes(NameIn(type)));
  writer.U8(0);
  writer.Put(first);
  writer.Put(second);
  KEYMAST_CHECK(writer.ok());
  parts_ = {writer.written(), head};
}

void ComputeMac(const crypto::Suite& suite, const Protection& protection, ByteView head,
                MutableBytes out) {
  // RFC 3830 §4.2.4: the authentication key is as long as the MAC.
  auto key = crypto::Key32::OfSize(out.size());
  DeriveMessageKey(suite, protection.prf, protection.inkey, KeyConstant::kMikeyAuth,
                   protection.label(), key.mutable_view());
  const Covered covered(protection.type, protection.first, protection.second, head);
  Mac(suite, protection.mac, key.view(), covered.parts(), out);
}

Status CheckMac(const crypto::Suite& suite, const Protection& protection, ByteView head, MacAlg alg,
                ByteView mac) {
  if (alg != protection.mac) return Err(Error::kUnsupportedAlgorithm);
  auto expected = crypto::Key32::OfSize(mac.size());
  ComputeMac(suite, protection, head, expected.mutable_view());
  if (!MacIsGood(expected.view(), mac)) return Err(Error::kAuthenticationFailed);
  return {};
}

void Crypt(const crypto::Suite& suite, const Protection& protection, MutableBytes data) {
  if (data.empty()) return;
  KEYMAST_CHECK(protection.encr == EncrAlg::kAesCm128 || protection.encr == EncrAlg::kAesCm256);
  TransportKeys keys;
  keys.encr = crypto::Key32::OfSize(KeySize(protection.encr));
  keys.salt = crypto::Salt14::OfSize(14);  // RFC 3830 §4.2.3: 112 bits
  const Label label = protection.label();
  DeriveMessageKey(suite, protection.prf, protection.inkey, KeyConstant::kMikeyEncr, label,
                   keys.encr.mutable_view());
  DeriveMessageKey(suite, protection.prf, protection.inkey, KeyConstant::kMikeySalt, label,
                   keys.salt.mutable_view());
  std::array<uint8_t, 4> t{};
  Writer(t).U32(protection.t);
  CryptKeyData(suite, keys, protection.csb_id, {TsType::kCounter, t}, data);
}

}  // namespace keymast::mikey::v2
