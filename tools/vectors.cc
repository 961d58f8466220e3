// SPDX-License-Identifier: Apache-2.0
#include "tools/vectors.h"

#include "tools/builder.h"
#include "tools/vectors_run.h"

namespace keymast::tools {
namespace {

// Whoever publishes a vector that cannot be made has broken it: these abort.
std::vector<Bytes> MessagesOf(const std::vector<Json>& descriptions, const Keys& keys) {
  auto messages = BuildMessages(descriptions, keys, crypto::DefaultSuite());
  KEYMAST_CHECK(messages.has_value());
  return std::move(*messages);
}

Json JsonOfKeyFile(const Keys& keys) {
  Json json = Json::object();
  for (const Key& key : keys) json[key.name] = ToHex(key.octets);
  return json;
}

Json JsonOfMessage(const Json& description, const Decoded& decoded) {
  Json json{{"kind", decoded.kind}, {"octets", ToHex(decoded.octets)}};
  json["outcome"] = NameOf(decoded.outcome);
  json["reason"] = decoded.reason;
  if (!decoded.key.empty()) json["key"] = decoded.key;
  if (!decoded.plain.empty()) json["key_data"] = ToHex(decoded.plain);
  json["derived_keys"] = JsonOfKeys(decoded.derived, true);
  json["description"] = description;
  json["fields"] = JsonOfTree(decoded.tree, true);
  return json;
}

std::vector<Json> DescriptionsOf(const VectorCase& vector) {
  std::vector<Json> descriptions;
  for (const char* text : vector.messages) {
    if (text == nullptr) break;
    const auto parsed = ParseDescriptions(text);
    KEYMAST_CHECK(parsed.has_value() && parsed->size() == 1);
    descriptions.push_back(parsed->front());
  }
  return descriptions;
}

Json VectorOf(const VectorCase& vector) {
  const auto keys = ReadKeys(AsBytes(vector.keys));
  KEYMAST_CHECK(keys.has_value());
  const std::vector<Json> descriptions = DescriptionsOf(vector);
  const std::vector<Bytes> octets = MessagesOf(descriptions, *keys);
  Decoder decoder(crypto::DefaultSuite(), *keys, {});
  Json json{{"name", vector.name}, {"about", vector.about}, {"test_keys", JsonOfKeyFile(*keys)}};
  Json& messages = json["messages"] = Json::array();
  for (size_t i = 0; i < octets.size(); ++i) {
    messages.push_back(JsonOfMessage(descriptions[i], decoder.Decode(octets[i])));
  }
  return json;
}

template <std::span<const VectorCase> (*kCases)()>
Json MessageVectors() {
  Json vectors = Json::array();
  for (const VectorCase& vector : kCases()) vectors.push_back(VectorOf(vector));
  return vectors;
}

constexpr VectorKind kKinds[] = {
    {"psk.json", "Pre-shared key mode (RFC 3830 §3.1)", MessageVectors<PskCases>},
    {"msk.json", "MSK messages (TS 33.246 §6.4.5.1)", MessageVectors<MskCases>},
    {"mtk.json", "MTK messages (TS 33.246 §6.4.5.3)", MessageVectors<MtkCases>},
    {"verification.json", "Verification messages (RFC 3830 §5.2, TS 33.246 §6.4.5.2)",
     MessageVectors<VerificationCases>},
    {"key_derivation.json", "Key derivation (RFC 3830 §4.1, RFC 6043 §6.1)", KeyDerivationVectors},
    {"psk_mode.json", "Runs of the pre-shared key mode (RFC 3830 §3.1)", PskModeVectors,
     TestParties},
    {"pk.json", "Runs of the public-key mode (RFC 3830 §3.2)", PkVectors, TestParties},
    {"dh.json", "Runs of the Diffie-Hellman mode (RFC 3830 §3.3)", DhVectors, TestParties},
    {"dhhmac.json", "Runs of the DHHMAC mode (RFC 4650)", DhhmacVectors, TestParties},
    {"rsar.json", "Runs of the RSA-R mode (RFC 4738)", RsarVectors, TestParties},
    {"error.json", "Error messages (RFC 3830 §5.1.2, RFC 4738 §3.9.2)", ErrorVectors, TestParties},
    {"mikeyv2.json", "Exchanges of version 2 (docs/mikeyv2.md)", Version2Vectors},
};

}  // namespace

std::span<const VectorKind> VectorKinds() { return kKinds; }

std::string VectorText(const VectorKind& kind) {
  Json json{{"about", kind.about}};
  json["source"] = "keymast-mikey vectors";
  json["warning"] = "Keys and RANDs are published with their messages: for tests alone.";
  if (kind.parties != nullptr) json["test_parties"] = kind.parties();
  json["vectors"] = kind.make();
  return json.dump(1) + "\n";
}

}  // namespace keymast::tools
