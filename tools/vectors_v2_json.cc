// SPDX-License-Identifier: Apache-2.0
#include "tools/hex_text.h"
#include "tools/vectors_v2.h"

namespace keymast::tools {
namespace {

using namespace mikey;

std::string KeyOf(const crypto::Suite& suite, const v2::Protection& protection,
                  KeyConstant constant, size_t size) {
  crypto::SecretBytes key(size);
  v2::DeriveMessageKey(suite, protection.prf, protection.inkey, constant, protection.label(), key);
  return ToHex(key);
}

// ProofOf is what a MAC is computed with and over (MIKEYv2 §4.2): `covers` stands before the
// message, of which `head` octets are covered.
Json ProofOf(const crypto::Suite& suite, const v2::Protection& protection, const char* payload,
             ByteView message, ByteView mac) {
  const ByteView head = v2::HeadUpTo(message, mac);
  const v2::Covered covered(protection.type, protection.first, protection.second, head);
  return {{"payload", payload},
          {"auth_key", KeyOf(suite, protection, KeyConstant::kMikeyAuth, mac.size())},
          {"covers", ToHex(covered.parts()[0])},
          {"head", head.size()},
          {"mac", ToHex(mac)}};
}

// Decrypted is what a KEMAC has inside.
crypto::SecretBytes Decrypted(const crypto::Suite& suite, const v2::Protection& protection,
                              const KemacPayload& kemac) {
  crypto::SecretBytes plain(kemac.encr_data.size());
  const Result<size_t> size = v2::Decrypt(suite, protection, kemac.encr_data, plain);
  KEYMAST_CHECK(size.has_value());
  plain.resize(*size);
  return plain;
}

void AddEncryption(const crypto::Suite& suite, const v2::Protection& protection,
                   const KemacPayload& kemac, ByteView message, Json& json,
                   std::vector<Node>& tree) {
  const size_t size = protection.encr == EncrAlg::kAesCm128 ? 16 : 32;
  const crypto::SecretBytes plain = Decrypted(suite, protection, kemac);
  json["encryption"] = {{"encr_key", KeyOf(suite, protection, KeyConstant::kMikeyEncr, size)},
                        {"salt", KeyOf(suite, protection, KeyConstant::kMikeySalt, 14)},
                        {"t", protection.t},
                        {"plain", ToHex(plain)}};
  Status status;
  const auto at = static_cast<size_t>(kemac.encr_data.data() - message.data());
  PutInKemac(tree, KeyDataTree(plain, at, PayloadType::kKeyData, status, kVersion2));
  KEYMAST_CHECK(status.has_value());
  json["fields"] = JsonOfTree(tree, true);  // while what it points into lives
}

}  // namespace

Json JsonOfV2(const crypto::Suite& suite, const V2Sent& sent) {
  Message message;
  KEYMAST_CHECK(ParseMessage(sent.octets, message).has_value());
  Status status;
  std::vector<Node> tree = TreeOf(sent.octets, status);
  KEYMAST_CHECK(status.has_value());
  Json json{{"kind", NameOf(message.header.data_type)},
            {"from", sent.from},
            {"octets", ToHex(sent.octets)}};
  json["fields"] = JsonOfTree(tree, true);
  if (sent.inkey == nullptr) return json;
  const v2::Protection& protection = sent.protection;
  json["inkey"] = sent.inkey;
  json["context"] = ToHex(protection.context);
  const auto* kemac = message.Get<KemacPayload>();
  const auto* v = message.Get<VPayload>();
  json["proof"] = kemac != nullptr ? ProofOf(suite, protection, "KEMAC", sent.octets, kemac->mac)
                                   : ProofOf(suite, protection, "V", sent.octets, v->ver_data);
  if (kemac != nullptr && !kemac->encr_data.empty()) {
    AddEncryption(suite, protection, *kemac, sent.octets, json, tree);
  }
  return json;
}

}  // namespace keymast::tools
