// SPDX-License-Identifier: Apache-2.0
// RSA in reverse (RFC 4738): the Initiator asks, the Responder sends the keys, to one peer or the
// keys of a group.
#include "mikey/envelope.h"
#include "mikey/extensions.h"

namespace keymast::mikey {
namespace {

// GroupCsbId is the CSB ID that a Responder gives a group; its presence makes the answer a group's.
Result<std::optional<CsbId>> GroupCsbId(const Message& message) {
  std::optional<CsbId> found;
  for (size_t i = 0; const auto* ext = message.Get<ExtPayload>(i); ++i) {
    if (ext->ext_type != ExtType::kCsbId) continue;
    Reader reader(ext->data);
    ReadIo io(reader);
    CsbIdExtension extension;
    CsbIdExtension::Describe(io, extension);
    if (found || !io.Finish()) return Err(Error::kMalformed);
    found = CsbId(extension.csb_id);
  }
  return found;
}

// RFC 4738 §3.7: the Responder sends a RAND just when the Initiator sent none; to a group always.
bool HasTheRightRand(const RandPayload* rand, bool asked_with_rand, bool group) {
  return (rand != nullptr) == (group || !asked_with_rand);
}

// RFC 4738 §3.7: to one peer only a policy that it proposed; a group's is the Responder's.
bool IsAmong(const SpPayload& sp, const FixedList<CsbPolicy, kMaxPolicies>& offered) {
  return std::any_of(offered.begin(), offered.end(), [&sp](const CsbPolicy& policy) {
    return policy.prot_type == sp.prot_type && Equal(policy.params.view(), sp.params);
  });
}

Status CheckPolicies(const Message& message, const Csb& asked, bool group) {
  if (group) {
    const bool right = asked.policies.empty() && message.Get<SpPayload>() != nullptr;
    return right ? Status{} : Status{Err(Error::kPayloadUnexpected)};
  }
  if (asked.policies.empty()) return {};
  const SpPayload* sp = message.Get<SpPayload>();
  if (sp == nullptr) return Err(Error::kPayloadMissing);
  for (size_t i = 0; (sp = message.Get<SpPayload>(i)) != nullptr; ++i) {
    if (!IsAmong(*sp, asked.policies)) return Err(Error::kUnsupportedPolicy);
  }
  return {};
}

// ChoosePolicies: a group's are the Responder's, and its members propose none (RFC 4738 §3.2); of
// one peer's proposals the granted ones, or the first (§3.6).
Status ChoosePolicies(const Grant& grant, Csb& csb) {
  if (grant.group && !csb.policies.empty()) return Err(Error::kPayloadUnexpected);
  if (grant.group && grant.policies.empty()) return Err(Error::kInvalidArgument);
  FixedList<CsbPolicy, kMaxPolicies> chosen;
  for (const CsbPolicy& policy : grant.policies) {
    const bool proposed =
        grant.group || csb.policies.empty() || IsAmong(policy.Payload(), csb.policies);
    if (!proposed) return Err(Error::kUnsupportedPolicy);
    chosen.Add(policy);
  }
  if (chosen.empty() && !csb.policies.empty()) chosen.Add(csb.policies[0]);
  csb.policies = chosen;
  return {};
}

// A group's RAND is the group's; to one peer we make one where it sent none (RFC 4738 §3.6).
Status ChooseRand(const Grant& grant, crypto::Rng& rng, Exchange& exchange) {
  Octets<255>& rand = exchange.session.csb.rand;
  if (grant.group) {
    if (grant.rand.size() < kMinRand || grant.rand.size() > 255) {
      return Err(Error::kInvalidArgument);
    }
    rand = Octets<255>(grant.rand);
  } else if (!exchange.asked_with_rand) {
    std::array<uint8_t, kRandSize> fresh{};
    rng.Fill(fresh);
    rand = Octets<255>(fresh);
  }
  return {};
}

// TakeAnswer puts what a Responder decides in place of what was asked.
Status TakeAnswer(const Received& received, std::optional<CsbId> group, Csb& csb) {
  if (group) csb.csb_id = *group;
  if (const auto* rand = received.Get<RandPayload>()) {
    if (rand->rand.size() < kMinRand) return Err(Error::kMalformed);
    csb.rand = Octets<255>(rand->rand);
  }
  if (received.Get<SpPayload>() != nullptr) csb.policies.clear();
  if (Status taken = TakePolicies(received.message, csb.policies); !taken) return taken;
  return TakeSessions(received.message.header, csb.sessions);
}

}  // namespace

Result<size_t> WriteRsarInit(const Party& party, Exchange& exchange, const Offer& offer,
                             MutableBytes out) {
  const SessionMap map(offer.sessions);
  Header header = HeaderOf(exchange, DataType::kRsarInit);
  header.v_flag = true;  // RFC 4738 §3.4: set, and ignored
  map.Describe(header);
  ChainWriter chain(out, header);
  exchange.asked_with_rand = offer.send_rand;
  AddOpening(party, exchange, offer, {offer.send_rand, true}, chain);
  return CloseWithSignature(party, chain);
}

Status TakeGrant(const Grant& grant, crypto::Rng& rng, Exchange& exchange) {
  Csb& csb = exchange.session.csb;
  const bool fits = grant.policies.size() <= kMaxPolicies &&
                    grant.sessions.size() <= kMaxSessions && !grant.keys.empty() &&
                    TakeKeys(grant.keys, csb).has_value();
  if (!fits) return Err(Error::kInvalidArgument);
  if (Status policies = ChoosePolicies(grant, csb); !policies) return policies;
  if (!grant.sessions.empty()) csb.sessions.clear();
  for (const CsbSession& session : grant.sessions) csb.sessions.Add(session);
  return ChooseRand(grant, rng, exchange);
}

Status ReadRsarInit(const Party& party, const Received& received, Exchange& exchange) {
  const Status sign = CheckSigned(party, received, exchange.idi.view());
  exchange.authenticated = exchange.can_prove = sign.has_value();
  return sign;
}

Result<size_t> WriteRsarResp(const Party& party, Exchange& exchange, const Grant& grant,
                             const crypto::PublicKey& envelope_key, crypto::Rng& rng,
                             MutableBytes out) {
  Session& session = exchange.session;
  const SessionMap map(session.csb.sessions.view());
  Header header = HeaderOf(exchange, DataType::kRsarResp);
  map.Describe(header);
  ChainWriter chain(out, header);
  std::array<uint8_t, 4> csb_id{};
  if (grant.group) {
    // RFC 4738 §3.6: the header repeats the request's CSB ID, the group's own goes beside it.
    Writer(csb_id).U32(grant.csb_id.value);
    chain.Add(ExtPayload{ExtType::kCsbId, csb_id});
    session.csb.csb_id = grant.csb_id;
  }
  chain.Add(exchange.t.Payload());
  if (grant.group || !exchange.asked_with_rand) chain.Add(RandPayload{session.csb.rand.view()});
  AddId(exchange.idr, chain);
  AddChain(party.self, chain);
  for (const CsbPolicy& policy : session.csb.policies) chain.Add(policy.Payload());
  session.cache = grant.cache;
  MakeEnvelopeKey(rng, session);
  if (Status added = AddEnvelopedKemac(party.suite, exchange.Context(), chain, exchange.t.Payload(),
                                       exchange.idr.view().Payload(), grant.keys);
      !added) {
    return Err(added.error());
  }
  if (Status added = AddPke(party, exchange, envelope_key, rng, chain); !added) {
    return Err(added.error());
  }
  const Answered behind = exchange.Transcript();
  return CloseWithSignature(party, chain, {behind.idi, behind.idr, behind.timestamp});
}

Status ReadRsarResp(const Party& party, const Received& received, Exchange& exchange) {
  const Result<std::optional<CsbId>> group = GroupCsbId(received.message);
  if (!group) return Err(group.error());
  const bool is_group = group->has_value();
  if (!HasTheRightRand(received.Get<RandPayload>(), exchange.asked_with_rand, is_group)) {
    return Err(Error::kPayloadUnexpected);
  }
  const Answered behind = exchange.Transcript();
  if (Status sign = CheckSigned(party, received, exchange.idr.view(),
                                {behind.idi, behind.idr, behind.timestamp});
      !sign) {
    return sign;
  }
  if (Status fit = CheckPolicies(received.message, exchange.session.csb, is_group); !fit) {
    return fit;
  }
  if (Status taken = TakeAnswer(received, *group, exchange.session.csb); !taken) return taken;
  return ReadEnvelope(party, received, exchange.idr, exchange);
}

}  // namespace keymast::mikey
