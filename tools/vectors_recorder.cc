// SPDX-License-Identifier: Apache-2.0
#include "tools/vectors_recorder.h"

#include "tools/vectors_party.h"

namespace keymast::tools {
namespace {

using namespace mikey;

Bytes Copy(ByteView octets) { return {octets.begin(), octets.end()}; }

// RFC 3830 §5.2, RFC 4738 §3.6: what V and the Responder's signature cover behind their message.
Bytes BehindAnswerTo(const Bytes& first) {
  Message message;
  KEYMAST_CHECK(ParseMessage(first, message).has_value());
  Bytes behind;
  const ByteView t = message.Get<TPayload>()->value;
  for (const ByteView part : {IdentityOf(kAlice).data, IdentityOf(kBob).data, t}) {
    behind.insert(behind.end(), part.begin(), part.end());
  }
  return behind;
}

// RFC 3830 §3.3: a DH answer's signature covers the message alone.
bool SignsBehind(DataType type) { return type == DataType::kRsarResp || type == DataType::kError; }

Json AlgorithmsJson(const V1Policy& policy) {
  const bool is_sha1 = policy.signature_hash == SignatureHash::kSha1;
  return {{"prf_func", NameOf(policy.algorithms.prf)},
          {"encr_alg", NameOf(policy.algorithms.encr)},
          {"mac_alg", NameOf(policy.algorithms.mac)},
          {"signature", NameOf(policy.signature)},
          {"signature_hash", is_sha1 ? "SHA-1" : "SHA-256"},
          {"dh_group", NameOf(policy.dh_group)}};
}

}  // namespace

void Recorder::AddKey(const std::string& name, ByteView octets) {
  keys_.push_back({name, crypto::SecretBytes(octets.begin(), octets.end())});
}

std::string Recorder::NameOfKey(ByteView octets) const {
  for (const Key& key : keys_) {
    if (crypto::ConstantTimeEqual(key.octets, octets)) return key.name;
  }
  return {};
}

void Recorder::AddRound(const Session& session, const Bytes& first, const Bytes& answer,
                        Json round) {
  const ByteView shared = session.shared.view();
  if (!shared.empty() && NameOfKey(shared).empty()) {
    AddKey(keys_.empty() ? "env_key" : "env_key_" + std::to_string(keys_.size() + 1), shared);
  }
  const Bytes behind = BehindAnswerTo(first);
  const auto sent = [&](const char* from, const Bytes& octets) {
    return Sent{
        from, octets, behind, session.shared, Copy(session.csb.rand.view()), session.csb.csb_id};
  };
  rounds_.push_back({std::move(round), {sent(kAlice.name, first), sent(kBob.name, answer)}});
}

Json Recorder::ProofsOf(const Sent& sent, const Message& message) const {
  Json proofs = Json::array();
  const bool in_envelope = message.Get<PkePayload>() != nullptr;
  if (message.Get<KemacPayload>() != nullptr) {
    proofs.push_back({{"payload", "KEMAC"},
                      {"key", NameOfKey(sent.shared.view())},
                      {"covers", in_envelope ? "kemac" : "message"}});
  }
  if (message.Get<VPayload>() != nullptr) {
    proofs.push_back({{"payload", "V"},
                      {"key", NameOfKey(sent.shared.view())},
                      {"covers", "message"},
                      {"behind", ToHex(sent.behind)}});
  }
  if (message.Get<SignPayload>() != nullptr) {
    const bool more = SignsBehind(message.header.data_type);
    proofs.push_back({{"payload", "SIGN"},
                      {"signer", sent.from},
                      {"covers", "message"},
                      {"behind", more ? ToHex(sent.behind) : ""}});
  }
  return proofs;
}

Json Recorder::JsonOfMessage(const Sent& sent, Decoder& decoder) const {
  const Decoded decoded = decoder.Decode(sent.octets);
  Message message;
  KEYMAST_CHECK(ParseMessage(sent.octets, message).has_value());
  Json json{{"kind", decoded.kind}, {"from", sent.from}, {"octets", ToHex(sent.octets)}};
  json["proofs"] = ProofsOf(sent, message);
  const KemacPayload* kemac = message.Get<KemacPayload>();
  const VPayload* v = message.Get<VPayload>();
  if (!decoded.plain.empty()) json["key_data"] = ToHex(decoded.plain);
  if (kemac != nullptr || v != nullptr) {
    DerivedKeys derived;
    AddTransportKeys(crypto::DefaultSuite(), {sent.shared.view(), sent.rand, sent.csb_id}, message,
                     kemac != nullptr ? kemac->mac_alg : v->auth_alg, derived);
    json["derived_keys"] = JsonOfKeys(derived, true);
  }
  json["fields"] = JsonOfTree(decoded.tree, true);
  return json;
}

void Recorder::Finish(Json& vector) {
  vector["mode"] = [this] {
    constexpr const char* kNames[kModeCount] = {"PSK", "PK", "DH", "DHHMAC", "RSA-R"};
    return kNames[static_cast<size_t>(mode_)];
  }();
  vector["algorithms"] = AlgorithmsJson(policy_);
  Json& keys = vector["test_keys"] = Json::object();
  for (const Key& key : keys_) keys[key.name] = ToHex(key.octets);
  // With all keys of the vector: what a later round's key opens no earlier one does.
  Decoder decoder(crypto::DefaultSuite(), keys_, {});
  Json& rounds = vector["rounds"] = Json::array();
  for (Round& round : rounds_) {
    Json& messages = round.json["messages"] = Json::array();
    for (const Sent& sent : round.messages) messages.push_back(JsonOfMessage(sent, decoder));
    rounds.push_back(std::move(round.json));
  }
}

}  // namespace keymast::tools
