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

crypto::Key32 EncryptionKey(const crypto::Suite& suite, const Protection& protection) {
  auto key = crypto::Key32::OfSize(protection.encr == EncrAlg::kAesCm128 ? 16 : 32);
  DeriveMessageKey(suite, protection.prf, protection.inkey, KeyConstant::kMikeyEncr,
                   protection.label(), key.mutable_view());
  return key;
}

// CryptByAes encrypts or decrypts in place.
void CryptByAes(const crypto::Suite& suite, const Protection& protection, MutableBytes data) {
  KEYMAST_CHECK(protection.encr == EncrAlg::kAesCm128 || protection.encr == EncrAlg::kAesCm256);
  TransportKeys keys;
  keys.encr = EncryptionKey(suite, protection);
  keys.salt = crypto::Salt14::OfSize(14);  // RFC 3830 §4.2.3: 112 bits
  DeriveMessageKey(suite, protection.prf, protection.inkey, KeyConstant::kMikeySalt,
                   protection.label(), keys.salt.mutable_view());
  std::array<uint8_t, 4> t{};
  Writer(t).U32(protection.t);
  CryptKeyData(suite, keys, protection.csb_id, {TsType::kCounter, t}, data);
}

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

void Encrypt(const crypto::Suite& suite, const Protection& protection, ByteView plain,
             MutableBytes out) {
  KEYMAST_CHECK(out.size() == EncryptedSize(protection.encr, plain.size()));
  if (plain.empty()) return;
  if (protection.encr == EncrAlg::kAesKwp256) {
    return suite.key_wrap(EncryptionKey(suite, protection).view(), plain, out);
  }
  std::copy(plain.begin(), plain.end(), out.begin());
  CryptByAes(suite, protection, out);
}

Result<size_t> Decrypt(const crypto::Suite& suite, const Protection& protection, ByteView encrypted,
                       MutableBytes out) {
  KEYMAST_CHECK(out.size() >= encrypted.size());
  if (encrypted.empty()) return size_t{0};
  if (protection.encr == EncrAlg::kAesKwp256) {
    return suite.key_unwrap(EncryptionKey(suite, protection).view(), encrypted, out);
  }
  std::copy(encrypted.begin(), encrypted.end(), out.begin());
  CryptByAes(suite, protection, out.first(encrypted.size()));
  return encrypted.size();
}

}  // namespace keymast::mikey::v2
