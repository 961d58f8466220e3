// SPDX-License-Identifier: Apache-2.0
#include "mikey/responder.h"

namespace keymast::mikey {
namespace {

// ModeOf an Initiator's message; nothing for other messages.
std::optional<Mode> ModeOf(DataType type) {
  switch (type) {
    case DataType::kPskInit:
      return Mode::kPsk;
    case DataType::kPkInit:
      return Mode::kPk;
    case DataType::kDhInit:
      return Mode::kDh;
    case DataType::kDhhmacInit:
      return Mode::kDhhmac;
    case DataType::kRsarInit:
      return Mode::kRsar;
    default:
      return std::nullopt;
  }
}

Identity IdentityOf(const IdPayload* id) {
  return id == nullptr ? Identity{} : Identity{id->id_type, id->data};
}

bool HasIdBehindCertificate(const Message& message) {
  bool certificate = false;
  for (const Payload& payload : message.chain()) {
    certificate = certificate || std::holds_alternative<CertPayload>(payload);
    if (certificate && std::holds_alternative<IdPayload>(payload)) return true;
  }
  return false;
}

}  // namespace

Responder::Outcome Responder::Receive(ByteView datagram, Instant now, crypto::Rng& rng,
                                      Session& fresh, MutableBytes out) {
  Message message;
  if (Status parsed = ParseMessage(datagram, message); !parsed) return {parsed};
  const Received received{datagram, message, now};
  Exchange exchange;
  stranger_ = false;
  if (Status prepared = Prepare(received, exchange); !prepared) {
    return Refuse(prepared.error(), message, exchange, out);
  }
  const Status read = Read(received, rng, exchange);
  if (exchange.authenticated) Remember(received, exchange);
  if (!read) return Refuse(read.error(), message, exchange, out);
  if (Status taken = TakeContents(message, exchange); !taken) {
    return Refuse(taken.error(), message, exchange, out);
  }
  const Result<size_t> reply = Reply(received, rng, exchange, out);
  if (!reply) return Refuse(reply.error(), message, exchange, out);
  Session* known = exchange.update
                       ? party_.others.Find(CsbId(message.header.csb_id), exchange.idi.view())
                       : nullptr;
  (known != nullptr ? *known : fresh) = exchange.session;
  return {{}, *reply, known};
}

// Prepare does all that costs no cryptography.
Status Responder::Prepare(const Received& received, Exchange& exchange) {
  const Message& message = received.message;
  Session& session = exchange.session;
  session.csb.csb_id = CsbId(message.header.csb_id);
  session.algorithms.prf = message.header.prf;
  // An error message repeats the timestamp: without one there is nothing to say.
  const auto* t = message.Get<TPayload>();
  exchange.has_time = t != nullptr && Timestamp::From(*t, exchange.t);
  const Result<Form> form = FormOf(message.header.data_type);
  if (!form) return Err(form.error());
  const std::optional<Mode> mode = ModeOf(message.header.data_type);
  if (!mode) return Err(Error::kUnexpected);
  if (!party_.policy.TakesMode(*mode)) return Err(Error::kUnknownDataType);
  if (Status grammar = CheckGrammar(message, *form); !grammar) return grammar;
  session.mode = *mode;
  if (Status identities = TakeIdentities(message, exchange); !identities) return identities;
  if (Status time = CheckTime(received, exchange); !time) return time;
  return TakeBundle(message, exchange);
}

// TakeIdentities reads [IDi|CERTi], [IDr]. Where there is one, RFC 3830 does not say whose it is:
// we take it for the sender's, but behind the sender's certificate, and in DHHMAC, where IDr alone
// must be there (RFC 4650 §3).
Status Responder::TakeIdentities(const Message& message, Exchange& exchange) const {
  const bool dhhmac = exchange.session.mode == Mode::kDhhmac;
  const bool after_certificate = HasIdBehindCertificate(message);
  const IdPayload* first = message.Get<IdPayload>(0);
  const IdPayload* second = message.Get<IdPayload>(1);
  const bool only_idr = second == nullptr && (dhhmac || after_certificate);
  const Identity idi = IdentityOf(only_idr ? nullptr : first);
  const Identity idr = IdentityOf(only_idr ? first : second);
  if (dhhmac && idr.empty() && party_.policy.require_identities) {
    return Err(Error::kPayloadMissing);
  }
  if (!idr.empty() && !(idr == party_.self.identity)) return Err(Error::kUnknownIdentity);
  exchange.idi = OwnedIdentity(idi);
  exchange.idr = OwnedIdentity(party_.self.identity);
  const bool update = message.Get<RandPayload>() == nullptr;
  if (!party_.policy.require_identities || update) return {};
  // RFC 4738 §3.4: whoever answers may be fine.
  const bool needs_idr = exchange.session.mode != Mode::kRsar;
  const bool missing = idi.empty() || (needs_idr && idr.empty());
  return missing ? Status{Err(Error::kPayloadMissing)} : Status{};
}

// CheckTime: RFC 3830 §5.4 for times. For counters the RFC has no rule; they count upwards for each
// peer with whom a key is shared.
Status Responder::CheckTime(const Received& received, const Exchange& exchange) const {
  if (!exchange.has_time) return Err(Error::kUnsupportedAlgorithm);
  if (exchange.t.IsCounter()) {
    const Mode mode = exchange.session.mode;
    if (mode != Mode::kPsk && mode != Mode::kDhhmac) return Err(Error::kUnsupportedAlgorithm);
    const bool is_new = party_.others.CounterIsNew(exchange.idi.view(), exchange.t.Counter());
    return is_new ? Status{} : Status{Err(Error::kReplayed)};
  }
  const auto digest = ReplayCache::DigestOf(party_.suite, received.datagram);
  return cache_.Check(exchange.t.Time(), digest, received.now);
}

// TakeBundle finds what an update is about, or begins a bundle.
Status Responder::TakeBundle(const Message& message, Exchange& exchange) {
  const Mode mode = exchange.session.mode;
  const auto* rand = message.Get<RandPayload>();
  const CsbId csb_id = CsbId(message.header.csb_id);
  Session* known = party_.others.Find(csb_id, exchange.idi.view());
  if (rand != nullptr || mode == Mode::kRsar) {
    if (known != nullptr) return Err(Error::kAlreadyExists);
    exchange.asked_with_rand = rand != nullptr;
    if (rand != nullptr && rand->rand.size() < kMinRand) return Err(Error::kMalformed);
    if (rand != nullptr) exchange.session.csb.rand = Octets<255>(rand->rand);
    exchange.session.csb.prf = message.header.prf;
    exchange.session.peer = exchange.idi;
    return TakeSharedKey(exchange);
  }
  // RFC 3830 §4.5: an update has the CSB ID and no RAND.
  if (known == nullptr) return Err(Error::kWrongCsb);
  exchange.session = *known;
  exchange.update = true;
  if (exchange.idi.data.empty()) exchange.idi = known->peer;
  // With a cached envelope key it must be a PSK message, and is one only then (§4.5).
  const Mode needed = known->UpdatesByPsk() ? Mode::kPsk : known->mode;
  return mode == needed ? Status{} : Status{Err(Error::kUnexpected)};
}

// TakeSharedKey: for a stranger the work is the same as for a wrong key, so that nobody learns from
// the time it takes who is known.
Status Responder::TakeSharedKey(Exchange& exchange) {
  const Mode mode = exchange.session.mode;
  if (mode != Mode::kPsk && mode != Mode::kDhhmac) return {};
  const auto* shared = party_.others.SharedWith(exchange.idi.view());
  stranger_ = shared == nullptr;
  exchange.session.shared =
      stranger_ ? crypto::SecretKey<kMaxSharedKey>::OfSize(kMinSharedKey) : *shared;
  return {};
}

Status Responder::Read(const Received& received, crypto::Rng& rng, Exchange& exchange) {
  Algorithms algorithms = party_.policy.algorithms;
  algorithms.prf = received.message.header.prf;
  if (!party_.policy.Takes(algorithms)) return Err(Error::kUnsupportedAlgorithm);
  Status read = Err(Error::kInternal);
  if (exchange.ByPsk()) {
    read = ReadPsk(party_, received, exchange);
  } else if (exchange.session.mode == Mode::kPk) {
    read = ReadPk(party_, received, exchange);
  } else if (exchange.session.mode == Mode::kRsar) {
    read = ReadRsarInit(party_, received, exchange);
  } else {
    read = ReadDhInit(party_, received, rng, exchange);
  }
  // No MAC is good under a key that nobody has.
  if (stranger_) {
    exchange.authenticated = false;
    return Err(Error::kUnknownIdentity);
  }
  return read;
}

void Responder::Remember(const Received& received, const Exchange& exchange) {
  if (exchange.t.IsCounter()) {
    party_.others.TakeCounter(exchange.idi.view(), exchange.t.Counter());
    return;
  }
  cache_.Add(exchange.t.Time(), ReplayCache::DigestOf(party_.suite, received.datagram),
             received.now);
}

// TakeContents takes what an authenticated message has beside its keys.
Status Responder::TakeContents(const Message& message, Exchange& exchange) const {
  Csb& csb = exchange.session.csb;
  if (Status taken = TakePolicies(message, csb); !taken) return taken;
  for (size_t i = 0; const auto* sp = message.Get<SpPayload>(i); ++i) {
    const CsbPolicy policy{sp->policy, sp->prot_type, Octets<255>(sp->params)};
    if (!party_.others.Takes(policy)) return Err(Error::kUnsupportedPolicy);
  }
  if (Status taken = TakeSessions(message.header, csb); !taken) return taken;
  ByteView sdp_ids;
  for (size_t i = 0; const auto* ext = message.Get<ExtPayload>(i); ++i) {
    if (ext->ext_type == ExtType::kSdpIds) sdp_ids = ext->data;
  }
  return party_.others.TakesSdpIds(sdp_ids) ? Status{} : Status{Err(Error::kPolicyViolation)};
}

Result<size_t> Responder::Reply(const Received& received, crypto::Rng& rng, Exchange& exchange,
                                MutableBytes out) {
  if (exchange.ByPsk() || exchange.session.mode == Mode::kPk) {
    if (!received.message.header.v_flag) return 0;
    return WriteAnswer(party_, exchange, out);
  }
  if (exchange.session.mode == Mode::kRsar) return GiveKeys(received, rng, exchange, out);
  return WriteDhResp(party_, exchange, out);
}

// GiveKeys answers a request of mode kRsar.
Result<size_t> Responder::GiveKeys(const Received& received, crypto::Rng& rng, Exchange& exchange,
                                   MutableBytes out) {
  Csb& csb = exchange.session.csb;
  const Identity peer = exchange.idi.view();
  const Result<Grant> grant = party_.others.GrantTo(peer, csb);
  if (!grant) return Err(grant.error());
  const Result<Chains> chains = ChainsOf(received.message);
  if (!chains) return Err(chains.error());
  const Result<crypto::PublicKey> key =
      party_.others.EnvelopeKeyOf(peer, chains->envelope.view(), received.now);
  if (!key) return Err(key.error());
  // RFC 4738 §3.2: a member of a group says nothing of policies; the group's RAND is the group's.
  if (grant->group && !csb.policies.empty()) return Err(Error::kPayloadUnexpected);
  if (grant->group) {
    csb.rand = Octets<255>(grant->rand);
  } else if (!exchange.asked_with_rand) {
    std::array<uint8_t, kRandSize> rand{};
    rng.Fill(rand);
    csb.rand = Octets<255>(rand);
  }
  csb.policies.clear();
  for (const CsbPolicy& policy : grant->policies) csb.policies.Add(policy);
  if (!grant->sessions.empty()) csb.sessions.clear();
  for (const CsbSession& session : grant->sessions) csb.sessions.Add(session);
  if (Status taken = TakeKeys(grant->keys, csb); !taken) return Err(taken.error());
  exchange.session.algorithms = party_.policy.algorithms;
  exchange.session.algorithms.prf = received.message.header.prf;
  return WriteRsarResp(party_, exchange, *grant, *key, rng, out);
}

Responder::Outcome Responder::Refuse(Error error, const Message& message, const Exchange& exchange,
                                     MutableBytes out) {
  Outcome outcome{Err(error)};
  const auto number = ErrorNumberOf(error, party_.policy, message);
  if (!number || !exchange.has_time) return outcome;
  if (!exchange.authenticated && !party_.policy.send_errors) return outcome;
  const Result<size_t> size = exchange.authenticated
                                  ? WriteProvenError(party_, exchange, *number, out)
                                  : WriteError(exchange, *number, out);
  outcome.reply = size.value_or(0);
  return outcome;
}

}  // namespace keymast::mikey
