// SPDX-License-Identifier: Apache-2.0
#include "mikey/csb.h"

namespace keymast::mikey {
namespace {

bool Fits(const KeyDataPayload& key) {
  return key.key.size() >= kMinSharedKey && key.key.size() <= kMaxTgk &&
         key.salt.size() <= kMaxSaltOctets && key.kv.spi.size() <= kMaxSpi &&
         key.kv.from.size() <= 8 && key.kv.to.size() <= 8;
}

CsbKey Owned(const KeyDataPayload& key) {
  CsbKey owned;
  owned.type = key.type;
  owned.key = crypto::SecretKey<kMaxTgk>(key.key);
  owned.salt = crypto::SecretKey<kMaxSaltOctets>(key.salt);
  owned.kv = key.kv.type;
  owned.spi = Octets<kMaxSpi>(key.kv.spi);
  owned.valid_from = Octets<8>(key.kv.from);
  owned.valid_to = Octets<8>(key.kv.to);
  return owned;
}

bool HasPolicyTwice(const Message& message, const SpPayload& sp) {
  size_t count = 0;
  for (size_t i = 0; const auto* other = message.Get<SpPayload>(i); ++i) {
    if (other->policy == sp.policy) ++count;
  }
  return count > 1;
}

CsbPolicy* FindPolicy(CsbPolicies& policies, uint8_t number) {
  for (CsbPolicy& policy : policies.mutable_view()) {
    if (policy.number == number) return &policy;
  }
  return nullptr;
}

// RFC 3830 §4.1.4 marks MIKEY's own keys by 0xff in the place of the CS ID; 0 is no session.
bool IsCsId(uint8_t cs_id) { return cs_id != 0 && cs_id != kMikeyOwnKeys; }

bool ReadSrtpId(ReadIo& io, uint8_t number, CsbSession& session) {
  SrtpIdEntry entry;
  SrtpIdEntry::Describe(io, entry);
  session.cs_id = number;  // RFC 3830 §6.1.1: counted from 1
  session.policy = entry.policy;
  session.ssrc = Ssrc(entry.ssrc);
  session.roc = Roc(entry.roc);
  return io.ok();
}

bool ReadGenericId(ReadIo& io, CsbSession& session) {
  GenericIdEntry entry;
  GenericIdEntry::Describe(io, entry);
  if (!io.ok() || entry.prot_type != ProtType::kSrtp || entry.spi.size() > kMaxSpi) return false;
  session.cs_id = entry.cs_id;
  session.policy = entry.policies.empty() ? uint8_t{0} : entry.policies[0];
  session.spi = Octets<kMaxSpi>(entry.spi);
  if (entry.session_data.empty()) return true;  // RFC 6043 §6.1.1: an initial message may omit it
  Reader reader(entry.session_data);
  ReadIo data_io(reader);
  SrtpSessionData data;
  data.has_position = entry.s_flag;
  SrtpSessionData::Describe(data_io, data);
  session.ssrc = Ssrc(data.ssrc);
  session.roc = Roc(data.roc);
  session.has_seq = data.has_position;
  session.seq = data.seq;
  return data_io.Finish().has_value();
}

bool FitSrtpId(std::span<const CsbSession> sessions) {
  for (size_t i = 0; i < sessions.size(); ++i) {
    const CsbSession& session = sessions[i];
    if (session.cs_id != i + 1 || session.has_seq || !session.spi.empty()) return false;
  }
  return true;
}

void PutSrtpId(WriteIo& io, const CsbSession& session) {
  const SrtpIdEntry entry{session.policy, session.ssrc.value, session.roc.value};
  SrtpIdEntry::Describe(io, entry);
}

void PutGenericId(WriteIo& io, const CsbSession& session) {
  std::array<uint8_t, 10> octets{};
  Writer writer(octets);
  WriteIo data_io(writer);
  const SrtpSessionData data{session.ssrc.value, session.roc.value, session.seq, session.has_seq};
  SrtpSessionData::Describe(data_io, data);
  GenericIdEntry entry;
  entry.cs_id = session.cs_id;
  entry.s_flag = session.has_seq;
  entry.policy_count = 1;  // RFC 6043 §6.1.1: just one in a response
  entry.policies = {&session.policy, 1};
  entry.session_data = writer.written();
  entry.spi = session.spi.view();
  GenericIdEntry::Describe(io, entry);
}

bool HasSession(const CsbSessions& sessions, uint8_t cs_id) {
  return std::ranges::any_of(sessions.view(),
                             [cs_id](const CsbSession& session) { return session.cs_id == cs_id; });
}

}  // namespace

Status TakeKeys(std::span<const KeyDataPayload> keys, Csb& csb) {
  if (keys.size() > kMaxKeys) return Err(Error::kUnsupportedPolicy);
  for (const KeyDataPayload& key : keys) {
    if (!Fits(key)) return Err(Error::kUnsupportedPolicy);
  }
  csb.keys.clear();
  for (const KeyDataPayload& key : keys) csb.keys.Add(Owned(key));
  return {};
}

Status PutPolicy(const CsbPolicy& policy, CsbPolicies& policies) {
  if (CsbPolicy* known = FindPolicy(policies, policy.number)) {
    *known = policy;
    return {};
  }
  if (policies.full()) return Err(Error::kUnsupportedPolicy);
  policies.Add(policy);
  return {};
}

Status TakePolicies(const Message& message, CsbPolicies& policies) {
  for (size_t i = 0; const auto* sp = message.Get<SpPayload>(i); ++i) {
    if (HasPolicyTwice(message, *sp)) return Err(Error::kMalformed);
    using Params = decltype(CsbPolicy::params);
    if (!Params::Fits(sp->params)) return Err(Error::kUnsupportedPolicy);
    const CsbPolicy policy{sp->policy, sp->prot_type, Params(sp->params)};
    if (Status put = PutPolicy(policy, policies); !put) return put;
  }
  return {};
}

Status TakeSessions(const Header& header, CsbSessions& sessions) {
  if (header.map_type == CsIdMapType::kEmpty || header.cs_count == 0) return {};
  if (header.cs_count > kMaxSessions) return Err(Error::kUnsupportedPolicy);
  sessions.clear();
  Reader reader(header.map);
  ReadIo io(reader);
  for (uint8_t number = 1; number <= header.cs_count; ++number) {
    CsbSession session;
    const bool read = header.map_type == CsIdMapType::kSrtpId ? ReadSrtpId(io, number, session)
                                                              : ReadGenericId(io, session);
    if (!read || !IsCsId(session.cs_id) || HasSession(sessions, session.cs_id)) {
      return Err(Error::kMalformed);
    }
    sessions.Add(session);
  }
  return {};
}

SessionMap::SessionMap(std::span<const CsbSession> sessions)
    : SessionMap(sessions, FitSrtpId(sessions) ? CsIdMapType::kSrtpId : CsIdMapType::kGenericId) {}

SessionMap::SessionMap(std::span<const CsbSession> sessions, CsIdMapType type)
    : count_(static_cast<uint8_t>(sessions.size())), type_(type) {
  KEYMAST_CHECK(sessions.size() <= kMaxSessions);
  Writer writer(octets_);
  WriteIo io(writer);
  for (const CsbSession& session : sessions) {
    type_ == CsIdMapType::kSrtpId ? PutSrtpId(io, session) : PutGenericId(io, session);
  }
  KEYMAST_CHECK(writer.ok());
  size_ = writer.size();
}

void SessionMap::Describe(Header& header) const {
  header.cs_count = count_;
  header.map_type = type_;
  header.map = ByteView(octets_).first(size_);
}

KeyDataPayload PayloadOf(const CsbKey& key) {
  return {key.type,
          key.key.view(),
          HasSalt(key.type) ? key.salt.view() : ByteView{},
          {key.kv, key.spi.view(), key.valid_from.view(), key.valid_to.view()}};
}

bool DeriveTek(const crypto::Suite& suite, const Csb& csb, const CsbKey& key, uint8_t cs_id,
               MutableBytes tek) {
  if (!key.IsTgk()) {
    if (key.key.size() != tek.size()) return false;
    std::copy(key.key.view().begin(), key.key.view().end(), tek.begin());
    return true;
  }
  Derive(suite, csb.prf, key.key.view(), KeyConstant::kTek, cs_id, csb.csb_id, csb.rand.view(),
         tek);
  return true;
}

bool DeriveSalt(const crypto::Suite& suite, const Csb& csb, const CsbKey& key, uint8_t cs_id,
                MutableBytes salt) {
  if (!key.salt.empty()) {
    if (key.salt.size() != salt.size()) return false;
    std::copy(key.salt.view().begin(), key.salt.view().end(), salt.begin());
    return true;
  }
  if (!key.IsTgk()) return false;
  Derive(suite, csb.prf, key.key.view(), KeyConstant::kTgkSalt, cs_id, csb.csb_id, csb.rand.view(),
         salt);
  return true;
}

}  // namespace keymast::mikey
