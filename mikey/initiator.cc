// SPDX-License-Identifier: Apache-2.0
#include "mikey/initiator.h"

namespace keymast::mikey {
namespace {

DataType AnswerTo(const Exchange& exchange) {
  if (exchange.ByPsk()) return DataType::kPskVerification;
  switch (exchange.session.mode) {
    case Mode::kPsk:
      return DataType::kPskVerification;
    case Mode::kPk:
      return DataType::kPkVerification;
    case Mode::kDh:
      return DataType::kDhResp;
    case Mode::kDhhmac:
      return DataType::kDhhmacResp;
    case Mode::kRsar:
      return DataType::kRsarResp;
  }
  return DataType::kError;
}

// HasAnswer is false for a message that nobody will answer (V flag, RFC 3830 §6.1).
bool HasAnswer(const Exchange& exchange, const Offer& offer) {
  const Mode mode = exchange.session.mode;
  const bool optional = exchange.ByPsk() || mode == Mode::kPk;
  return !optional || offer.wants_answer;
}

bool UsesSharedKey(Mode mode) { return mode == Mode::kPsk || mode == Mode::kDhhmac; }

}  // namespace

Status Initiator::CheckOffer(Mode mode, const Offer& offer) const {
  if (!party_.policy.TakesMode(mode)) return Err(Error::kPolicyViolation);
  if (!party_.policy.Takes(party_.policy.algorithms)) return Err(Error::kPolicyViolation);
  const bool old_hash = party_.policy.signature_hash == SignatureHash::kSha1;
  if (old_hash && !party_.policy.take_sha1) return Err(Error::kPolicyViolation);
  if (party_.self.identity.data.size() > kMaxIdentity) return Err(Error::kInvalidArgument);
  if (offer.sessions.size() > kMaxSessions || offer.policies.size() > kMaxPolicies) {
    return Err(Error::kInvalidArgument);
  }
  return {};
}

// TakeOffer fills the session with what both sides will have when the run ends well.
Status Initiator::TakeOffer(const Offer& offer) {
  Csb& csb = exchange_.session.csb;
  if (!offer.keys.empty()) {
    if (Status taken = TakeKeys(offer.keys, csb); !taken) return Err(Error::kInvalidArgument);
  }
  if (!offer.sessions.empty()) csb.sessions.clear();
  for (const CsbSession& session : offer.sessions) csb.sessions.Add(session);
  for (const CsbPolicy& policy : offer.policies) {
    if (Status put = PutPolicy(policy, csb.policies); !put) return Err(Error::kInvalidArgument);
  }
  return {};
}

Result<size_t> Initiator::Start(Mode mode, const Identity& peer, const Offer& offer, Instant now,
                                crypto::Rng& rng, MutableBytes out) {
  state_ = State::kIdle;
  peer_error_.reset();
  if (Status checked = CheckOffer(mode, offer); !checked) return Err(checked.error());
  const bool nobody = peer.empty() && mode != Mode::kRsar && party_.policy.require_identities;
  if (nobody || peer.data.size() > kMaxIdentity) return Err(Error::kInvalidArgument);
  exchange_ = {};
  Session& session = exchange_.session;
  session.mode = mode;
  session.updates_from_us = mode != Mode::kRsar;
  session.peer = OwnedIdentity(peer);
  session.algorithms = party_.policy.algorithms;
  session.csb.csb_id = offer.csb_id;
  session.csb.prf = party_.policy.algorithms.prf;
  std::array<uint8_t, kRandSize> rand{};
  rng.Fill(rand);
  session.csb.rand = Octets<255>(rand);
  if (UsesSharedKey(mode)) {
    const auto* shared = party_.others.SharedWith(peer);
    if (shared == nullptr) return Err(Error::kUnknownIdentity);
    session.shared = *shared;
  }
  return Send(offer, now, rng, out);
}

Result<size_t> Initiator::Update(const Session& session, const Offer& offer, Instant now,
                                 crypto::Rng& rng, MutableBytes out) {
  state_ = State::kIdle;
  peer_error_.reset();
  if (Status checked = CheckOffer(session.mode, offer); !checked) return Err(checked.error());
  const Session bundle = session;  // it may be our own
  exchange_ = {};
  exchange_.session = bundle;
  exchange_.update = true;
  // RFC 4738 has no update of its own: only a cached envelope key can carry one.
  if (bundle.mode == Mode::kRsar && !bundle.UpdatesByPsk()) return Err(Error::kPolicyViolation);
  if (!bundle.updates_from_us) return Err(Error::kPolicyViolation);
  return Send(offer, now, rng, out);
}

Result<size_t> Initiator::Send(const Offer& offer, Instant now, crypto::Rng& rng,
                               MutableBytes out) {
  exchange_.idi = OwnedIdentity(party_.self.identity);
  exchange_.idr = exchange_.session.peer;
  exchange_.dh_group = party_.policy.dh_group;
  exchange_.t = offer.counter ? Timestamp::OfCounter(*offer.counter)
                              : stamper_.Next(party_.policy.timestamps, now);
  if (Status taken = TakeOffer(offer); !taken) return Err(taken.error());
  const Result<size_t> size = Write(offer, now, rng, out);
  if (!size) return size;
  answer_ = AnswerTo(exchange_);
  state_ = HasAnswer(exchange_, offer) ? State::kWaiting : State::kEstablished;
  return size;
}

Result<size_t> Initiator::Write(const Offer& offer, Instant now, crypto::Rng& rng,
                                MutableBytes out) {
  // RFC 3830 §4.5: with a cached envelope key an update is a PSK message under it.
  if (exchange_.ByPsk()) {
    if (offer.keys.empty() && !exchange_.update) return Err(Error::kInvalidArgument);
    return WritePsk(party_, exchange_, offer, out);
  }
  switch (exchange_.session.mode) {
    case Mode::kPsk:
      break;
    case Mode::kPk:
      if (offer.keys.empty() && !exchange_.update) return Err(Error::kInvalidArgument);
      return WritePk(party_, exchange_, offer, now, rng, out);
    case Mode::kDh:
    case Mode::kDhhmac:
      if (!party_.policy.Takes(exchange_.dh_group)) return Err(Error::kPolicyViolation);
      return WriteDhInit(party_, exchange_, offer, rng, out);
    case Mode::kRsar:
      return WriteRsarInit(party_, exchange_, offer, out);
  }
  return Err(Error::kInternal);
}

// CheckAnswer compares what can be compared before any cryptography.
Status Initiator::CheckAnswer(const Message& message) const {
  const DataType type = message.header.data_type;
  if (type != answer_ && type != DataType::kError) return Err(Error::kUnexpected);
  if (Status form = CheckGrammar(message, *FormOf(type)); !form) return form;
  if (message.header.csb_id != exchange_.session.csb.csb_id.value) return Err(Error::kWrongCsb);
  // RFC 3830 §5.2: the Responder repeats the Initiator's timestamp. This is what tells the answer
  // to this message from one to an earlier one.
  const TPayload& t = *message.Get<TPayload>();
  const bool ours = t.ts_type == exchange_.t.type && Equal(t.value, exchange_.t.view());
  if (!ours) return Err(Error::kUnexpected);
  if (type != DataType::kError && message.header.prf != exchange_.session.algorithms.prf) {
    return Err(Error::kUnsupportedAlgorithm);
  }
  return {};
}

// TakeIdentities compares the identities of an answer with those of the message answered: one
// identity is IDr, in the DH modes it is IDi, which alone must be there (RFC 3830 §3.3, RFC 4650
// §3). In mode kRsar an unknown Responder says who it is.
Status Initiator::TakeIdentities(const Message& message, Exchange& exchange) const {
  const bool dh = answer_ == DataType::kDhResp || answer_ == DataType::kDhhmacResp;
  const IdPayload* first = message.Get<IdPayload>(0);
  const IdPayload* second = message.Get<IdPayload>(1);
  const IdPayload* idr = dh && second == nullptr ? nullptr : first;
  const IdPayload* idi = dh ? (second != nullptr ? second : first) : nullptr;
  if (!dh && second != nullptr) return Err(Error::kPayloadUnexpected);
  if (idi != nullptr && !(Identity{idi->id_type, idi->data} == exchange.idi.view())) {
    return Err(Error::kUnknownIdentity);
  }
  if (dh && idi == nullptr && party_.policy.require_identities) {
    return Err(Error::kPayloadMissing);
  }
  if (idr == nullptr) {
    const bool unknown = exchange.idr.view().empty() && party_.policy.require_identities;
    return unknown ? Status{Err(Error::kPayloadMissing)} : Status{};
  }
  const Identity named{idr->id_type, idr->data};
  if (exchange.idr.view().empty()) exchange.idr = OwnedIdentity(named);
  return named == exchange.idr.view() ? Status{} : Status{Err(Error::kUnknownIdentity)};
}

Status Initiator::Read(const Received& received, Exchange& exchange) const {
  switch (answer_) {
    case DataType::kDhResp:
    case DataType::kDhhmacResp:
      return ReadDhResp(party_, received, exchange);
    case DataType::kRsarResp:
      return ReadRsarResp(party_, received, exchange);
    default:
      return ReadAnswer(party_, received, exchange);
  }
}

Status Initiator::TakeError(const Received& received) {
  const Result<PeerError> error = ReadError(party_, received, exchange_);
  if (!error) return Err(error.error());
  peer_error_ = *error;
  if (error->proven) state_ = State::kIdle;
  return {};
}

Status Initiator::Receive(ByteView datagram, Instant now) {
  if (state_ != State::kWaiting) return Err(Error::kUnexpected);
  Message message;
  if (Status parsed = ParseMessage(datagram, message); !parsed) return parsed;
  if (Status checked = CheckAnswer(message); !checked) return checked;
  const Received received{datagram, message, now};
  if (message.header.data_type == DataType::kError) return TakeError(received);
  // A discard must leave no trace: the run goes on in a copy.
  Exchange next = exchange_;
  if (Status taken = TakeIdentities(message, next); !taken) return taken;
  if (Status read = Read(received, next); !read) return read;
  next.session.peer = next.idr;
  exchange_ = next;
  state_ = State::kEstablished;
  return {};
}

}  // namespace keymast::mikey
