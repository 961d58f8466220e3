// SPDX-License-Identifier: Apache-2.0
#include "tools/derived_keys.h"

#include "mikey/extensions.h"

namespace keymast::tools {
namespace {

using namespace mikey;

constexpr size_t kLongest = 64;  // octets of a key that a policy may ask for

// Session is what a CS ID map says of one crypto session.
struct Session {
  uint8_t cs_id;
  std::optional<uint8_t> policy;
};

struct Lengths {
  size_t key = 16;
  size_t salt = 14;
};

std::vector<Session> SrtpSessions(const Header& header) {
  std::vector<Session> sessions;
  Reader reader(header.map);
  ReadIo io(reader);
  for (uint8_t cs = 1; !reader.empty() && io.ok(); ++cs) {
    SrtpIdEntry entry;
    SrtpIdEntry::Describe(io, entry);
    sessions.push_back({cs, entry.policy});
  }
  return sessions;
}

std::vector<Session> GenericSessions(const Header& header) {
  std::vector<Session> sessions;
  Reader reader(header.map);
  ReadIo io(reader);
  while (!reader.empty() && io.ok()) {
    GenericIdEntry entry;
    GenericIdEntry::Describe(io, entry);
    const auto policy = entry.policies.empty() ? std::nullopt : std::optional(entry.policies[0]);
    sessions.push_back({entry.cs_id, policy});
  }
  return sessions;
}

// RFC 4563 §5: the empty map says how many sessions there are, and nothing of them.
std::vector<Session> SessionsOf(const Header& header) {
  if (header.map_type == CsIdMapType::kSrtpId) return SrtpSessions(header);
  if (header.map_type == CsIdMapType::kGenericId) return GenericSessions(header);
  std::vector<Session> sessions;
  for (unsigned cs = 1; cs <= header.cs_count; ++cs) {
    sessions.push_back({static_cast<uint8_t>(cs), std::nullopt});
  }
  return sessions;
}

const SpPayload* FindPolicy(const Message& message, std::optional<uint8_t> policy) {
  for (size_t i = 0; const SpPayload* sp = message.Get<SpPayload>(i); ++i) {
    if (sp->policy == policy && sp->prot_type == ProtType::kSrtp) return sp;
  }
  return nullptr;
}

Lengths LengthsOf(const SpPayload* policy) {
  Lengths lengths;
  if (policy == nullptr) return lengths;
  size_t salt = 0;
  Reader reader(policy->params);
  while (const std::optional<Param> param = NextParam(reader)) {
    if (param->value.size() != 1) continue;
    const size_t value = param->value[0];
    const auto type = static_cast<SrtpParam>(param->type);
    const bool is_length = value > 0 && value <= kLongest;
    if (type == SrtpParam::kEncrKeyLength && is_length) lengths.key = value;
    if (type == SrtpParam::kSaltLength && is_length) salt = value;
    const bool is_gcm = type == SrtpParam::kEncrAlg && value == uint8_t(SrtpEncrAlg::kAesGcm);
    if (is_gcm) lengths.salt = 12;
  }
  if (salt != 0) lengths.salt = salt;
  return lengths;
}

}  // namespace

void AddTransportKeys(const crypto::Suite& suite, const Secret& secret, const Message& message,
                      MacAlg mac, DerivedKeys& out) {
  constexpr std::string_view kClause = "RFC 3830 §4.1.4";
  const KemacPayload* kemac = message.Get<KemacPayload>();
  const EncrAlg encr = kemac == nullptr ? EncrAlg::kNull : kemac->encr_alg;
  const bool encrypts = CanCrypt(encr);
  const TransportKeys keys = DeriveTransportKeys(suite, {message.header.prf, encr, mac}, secret.key,
                                                 secret.csb_id, secret.rand);
  const auto add = [&](const char* name, ByteView octets) {
    out.push_back({name, kClause, crypto::SecretBytes(octets.begin(), octets.end())});
  };
  if (encrypts && !kemac->encr_data.empty()) {
    add("encr_key", keys.encr.view());
    add("salt_key", keys.salt.view());
  }
  add("auth_key", keys.auth.view());
}

void AddTrafficKeys(const crypto::Suite& suite, ByteView rand, const Message& message,
                    const KeyDataPayload& key_data, DerivedKeys& out) {
  const CsbId csb_id = GroupCsbId(message).value_or(CsbId(message.header.csb_id));
  const auto add = [&](std::string name, KeyConstant constant, uint8_t cs_id, size_t length) {
    crypto::SecretBytes octets(length);
    Derive(suite, message.header.prf, key_data.key, constant, cs_id, csb_id, rand, octets);
    out.push_back({std::move(name), "RFC 3830 §4.1.3", std::move(octets)});
  };
  for (const Session& session : SessionsOf(message.header)) {
    const Lengths lengths = LengthsOf(FindPolicy(message, session.policy));
    const std::string cs = " of CS " + std::to_string(session.cs_id);
    add("TEK" + cs, KeyConstant::kTek, session.cs_id, lengths.key);
    if (HasSalt(key_data.type)) continue;
    add("salt" + cs, KeyConstant::kTgkSalt, session.cs_id, lengths.salt);
  }
}

std::optional<CsbId> GroupCsbId(const Message& message) {
  if (message.header.data_type != DataType::kRsarResp) return std::nullopt;
  for (size_t i = 0; const ExtPayload* ext = message.Get<ExtPayload>(i); ++i) {
    if (ext->ext_type != ExtType::kCsbId) continue;
    Reader reader(ext->data);
    ReadIo io(reader);
    CsbIdExtension extension;
    CsbIdExtension::Describe(io, extension);
    if (io.Finish()) return CsbId(extension.csb_id);
  }
  return std::nullopt;
}

}  // namespace keymast::tools
