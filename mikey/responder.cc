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

bool UsesSharedKey(Mode mode) { return mode == Mode::kPsk || mode == Mode::kDhhmac; }

// Mode kRsar has no update of its own and may begin without RAND (RFC 4738 §3.4).
bool IsUpdate(const Message& message, Mode mode) {
  return mode != Mode::kRsar && message.Get<RandPayload>() == nullptr;
}

ByteView SdpIdsOf(const Message& message) {
  for (size_t i = 0; const auto* ext = message.Get<ExtPayload>(i); ++i) {
    if (ext->ext_type == ExtType::kSdpIds) return ext->data;
  }
  return {};
}

}  // namespace

Responder::Outcome Responder::Receive(ByteView datagram, Instant now, crypto::Rng& rng,
                                      Session& fresh, MutableBytes out) {
  Message message;
  if (Status parsed = ParseMessage(datagram, message); !parsed) return {parsed};
  const Received received{datagram, message, now};
  Run run{received, rng, {}};
  if (Status prepared = Prepare(run); !prepared) return Refuse(prepared.error(), run, out);
  const Status read = Read(run);
  if (run.exchange.authenticated) Remember(run);
  if (!read) return Refuse(read.error(), run, out);
  if (Status taken = TakeContents(run); !taken) return Refuse(taken.error(), run, out);
  const Result<size_t> reply = Reply(run, out);
  if (!reply) return Refuse(reply.error(), run, out);
  Session* updated = run.exchange.update ? run.known : nullptr;
  (updated != nullptr ? *updated : fresh) = run.exchange.session;
  return {{}, *reply, updated};
}

// Prepare does all that costs no public-key operation and no MAC over the message.
Status Responder::Prepare(Run& run) {
  const Message& message = run.received.message;
  Exchange& exchange = run.exchange;
  exchange.session.csb.csb_id = CsbId(message.header.csb_id);
  exchange.session.algorithms.prf = message.header.prf;
  // An error message repeats the timestamp: without one there is nothing to say.
  const auto* t = message.Get<TPayload>();
  exchange.has_time = t != nullptr && Timestamp::From(*t, exchange.t);
  const Result<Form> form = FormOf(message.header.data_type);
  if (!form) return Err(form.error());
  const std::optional<Mode> mode = ModeOf(message.header.data_type);
  if (!mode) return Err(Error::kUnexpected);
  if (Status grammar = CheckGrammar(message, *form); !grammar) return grammar;
  exchange.session.mode = *mode;
  if (Status identities = TakeIdentities(run); !identities) return identities;
  if (Status bundle = TakeBundle(run); !bundle) return bundle;
  // Of an update the mode is the bundle's, also where it comes as a PSK message.
  if (!party_.policy.TakesMode(exchange.session.mode)) return Err(Error::kUnknownDataType);
  return CheckTime(run);
}

// TakeIdentities reads [IDi|CERTi], [IDr]. Where there is one, RFC 3830 does not say whose it is:
// we take it for the sender's, unless it is our own, stands behind the sender's certificate, or in
// DHHMAC, where IDr alone must be there (RFC 4650 §3).
Status Responder::TakeIdentities(Run& run) const {
  const Message& message = run.received.message;
  const Mode mode = run.exchange.session.mode;
  const bool dhhmac = mode == Mode::kDhhmac;
  const IdPayload* first = message.Get<IdPayload>(0);
  const IdPayload* second = message.Get<IdPayload>(1);
  const bool ours = IdentityOf(first) == party_.self.identity;
  const bool only_idr = second == nullptr && (dhhmac || ours || HasIdBehindCertificate(message));
  const Identity idi = IdentityOf(only_idr ? nullptr : first);
  const Identity idr = IdentityOf(only_idr ? first : second);
  if (!idr.empty() && !(idr == party_.self.identity)) return Err(Error::kUnknownIdentity);
  run.exchange.idi = OwnedIdentity(idi);
  run.exchange.idr = OwnedIdentity(party_.self.identity);
  if (!party_.policy.require_identities) return {};
  const bool update = IsUpdate(message, mode);
  // RFC 4738 §3.4: whoever answers may be fine.
  const bool needs_idr = dhhmac || (!update && mode != Mode::kRsar);
  const bool missing = (!update && idi.empty()) || (needs_idr && idr.empty());
  return missing ? Status{Err(Error::kPayloadMissing)} : Status{};
}

Status Responder::TakeBundle(Run& run) {
  const Message& message = run.received.message;
  run.known = party_.others.Find(CsbId(message.header.csb_id), run.exchange.idi.view());
  return IsUpdate(message, run.exchange.session.mode) ? TakeUpdate(run) : TakeNew(run);
}

// RFC 3830 §4.5: an update has the CSB ID and no RAND.
Status Responder::TakeUpdate(Run& run) const {
  if (run.known == nullptr) return Err(Error::kWrongCsb);
  const Session& known = *run.known;
  Exchange& exchange = run.exchange;
  // Nobody updates what is another's, also if the directory has found it.
  const bool named = !exchange.idi.data.empty();
  if (named && !(exchange.idi.view() == known.peer.view())) return Err(Error::kUnknownIdentity);
  if (known.updates_from_us) return Err(Error::kUnexpected);
  // With a cached envelope key it must be a PSK message, and is one only then (§4.5).
  const Mode needed = known.UpdatesByPsk() ? Mode::kPsk : known.mode;
  if (exchange.session.mode != needed) return Err(Error::kUnexpected);
  exchange.session = known;
  exchange.update = true;
  exchange.idi = known.peer;
  return {};
}

Status Responder::TakeNew(Run& run) const {
  Exchange& exchange = run.exchange;
  Session& session = exchange.session;
  const auto* rand = run.received.Get<RandPayload>();
  exchange.asked_with_rand = rand != nullptr;
  if (rand != nullptr && rand->rand.size() < kMinRand) return Err(Error::kMalformed);
  if (rand != nullptr) session.csb.rand = Octets<255>(rand->rand);
  session.csb.prf = run.received.message.header.prf;
  session.peer = exchange.idi;
  session.updates_from_us = session.mode == Mode::kRsar;
  if (!UsesSharedKey(session.mode)) return {};
  // A stranger costs what a wrong key costs, so that the time tells nobody who is known; nobody has
  // the key that it is tried with.
  const auto* shared = party_.others.SharedWith(exchange.idi.view());
  run.stranger = shared == nullptr;
  session.shared = crypto::SecretKey<kMaxSharedKey>::OfSize(kMinSharedKey);
  run.rng.Fill(session.shared.mutable_view());
  if (shared != nullptr) session.shared = *shared;
  return {};
}

// CheckTime: RFC 3830 §5.4 for times. For counters the RFC has no rule; they count upwards for each
// peer with whom a key is shared.
Status Responder::CheckTime(Run& run) const {
  const Exchange& exchange = run.exchange;
  if (!exchange.has_time) return Err(Error::kUnsupportedAlgorithm);
  const Identity peer = exchange.idi.view();
  if (exchange.t.IsCounter()) {
    if (!exchange.ByPsk() && !UsesSharedKey(exchange.session.mode)) {
      return Err(Error::kUnsupportedAlgorithm);
    }
    const bool is_new = party_.others.CounterIsNew(peer, exchange.t.Counter());
    return is_new ? Status{} : Status{Err(Error::kReplayed)};
  }
  const NtpTime time = exchange.t.Time();
  if (Status in = cache_.CheckTime(peer.data, time, run.received.now); !in) return in;
  run.digest = ReplayCache::DigestOf(party_.suite, run.received.datagram);
  const bool taken = cache_.Has(peer.data, time, run.digest);
  return taken ? Status{Err(Error::kReplayed)} : Status{};
}

Status Responder::Read(Run& run) const {
  Exchange& exchange = run.exchange;
  Algorithms algorithms = party_.policy.algorithms;
  algorithms.prf = run.received.message.header.prf;
  if (!party_.policy.Takes(algorithms)) return Err(Error::kUnsupportedAlgorithm);
  Status read = Err(Error::kInternal);
  if (exchange.ByPsk()) {
    read = ReadPsk(party_, run.received, exchange);
  } else if (exchange.session.mode == Mode::kPk) {
    read = ReadPk(party_, run.received, exchange);
  } else if (exchange.session.mode == Mode::kRsar) {
    read = ReadRsarInit(party_, run.received, exchange);
  } else {
    read = ReadDhInit(party_, run.received, run.rng, exchange);
  }
  if (run.stranger && !read) return Err(Error::kUnknownIdentity);
  const bool taken = read && !exchange.update && run.known != nullptr;
  return taken ? Status{Err(Error::kAlreadyExists)} : read;
}

void Responder::Remember(const Run& run) {
  const Exchange& exchange = run.exchange;
  const Identity peer = exchange.idi.view();
  if (exchange.t.IsCounter()) {
    party_.others.TakeCounter(peer, exchange.t.Counter());
  } else {
    cache_.Add(peer.data, exchange.t.Time(), run.digest, run.received.now);
  }
}

// TakeContents takes what an authenticated message has beside its keys.
Status Responder::TakeContents(Run& run) const {
  const Message& message = run.received.message;
  Csb& csb = run.exchange.session.csb;
  if (Status taken = TakePolicies(message, csb.policies); !taken) return taken;
  if (Status taken = TakeProposals(run); !taken) return taken;
  if (Status taken = TakeSessions(message.header, csb.sessions); !taken) return taken;
  party_.others.CompleteSessions(run.exchange.idi.view(), csb.sessions.mutable_view());
  const bool ids = party_.others.TakesSdpIds(SdpIdsOf(message));
  return ids ? Status{} : Status{Err(Error::kPolicyViolation)};
}

// TakeProposals: what an Initiator sends it wants (RFC 3830 §5.1.1), but in mode kRsar, where it
// lists what it could do and we choose (RFC 4738 §3.5): there one is enough.
Status Responder::TakeProposals(Run& run) const {
  Csb& csb = run.exchange.session.csb;
  FixedList<CsbPolicy, kMaxPolicies> taken;
  for (const CsbPolicy& policy : csb.policies) {
    if (party_.others.Takes(policy)) taken.Add(policy);
  }
  const bool choice = run.exchange.session.mode == Mode::kRsar && !run.exchange.update;
  const bool enough = taken.size() == csb.policies.size() || (choice && !taken.empty());
  if (!enough) return Err(Error::kUnsupportedPolicy);
  csb.policies = taken;
  return {};
}

Result<size_t> Responder::Reply(Run& run, MutableBytes out) {
  const Exchange& exchange = run.exchange;
  if (exchange.ByPsk() || exchange.session.mode == Mode::kPk) {
    if (!run.received.message.header.v_flag) return 0;
    return WriteAnswer(party_, exchange, out);
  }
  if (exchange.session.mode == Mode::kRsar) return GiveKeys(run, out);
  return WriteDhResp(party_, exchange, out);
}

// GiveKeys answers a request of mode kRsar.
Result<size_t> Responder::GiveKeys(Run& run, MutableBytes out) {
  const Identity peer = run.exchange.idi.view();
  const Result<Grant> grant = party_.others.GrantTo(peer, run.exchange.session.csb);
  if (!grant) return Err(grant.error());
  const Result<Chains> chains = ChainsOf(run.received.message);
  if (!chains) return Err(chains.error());
  const Result<crypto::PublicKey> key =
      party_.others.EnvelopeKeyOf(peer, chains->envelope.view(), run.received.now);
  if (!key) return Err(key.error());
  Exchange granted = run.exchange;
  granted.session.algorithms = party_.policy.algorithms;
  granted.session.algorithms.prf = run.received.message.header.prf;
  if (Status taken = TakeGrant(*grant, run.rng, granted); !taken) return Err(taken.error());
  const Result<size_t> size = WriteRsarResp(party_, granted, *grant, *key, run.rng, out);
  if (size) run.exchange = granted;
  return size;
}

Responder::Outcome Responder::Refuse(Error error, const Run& run, MutableBytes out) const {
  Outcome outcome{Err(error)};
  const Exchange& exchange = run.exchange;
  const auto number = ErrorNumberOf(error, party_.policy, run.received.message);
  if (!number || !exchange.has_time) return outcome;
  if (!exchange.can_prove && !party_.policy.send_errors) return outcome;
  const Result<size_t> size = exchange.can_prove ? WriteProvenError(party_, exchange, *number, out)
                                                 : WriteError(exchange, *number, out);
  outcome.reply = size.value_or(0);
  return outcome;
}

}  // namespace keymast::mikey
