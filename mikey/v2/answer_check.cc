// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/answer_check.h"

#include "mikey/v2/signing.h"

namespace keymast::mikey::v2 {
namespace {

// One value of a TLV that the answer must have, taken from the list that was offered.
template <class E>
bool TakeChoice(ByteView chosen, ByteView offered, E& choice) {
  if (chosen.size() != 1) return false;
  choice = static_cast<E>(chosen[0]);
  return Contains(offered, choice);
}

// MIKEYv2 §8: mode 5 implies mode 3.
bool TakeMode(ByteView chosen, const Capabilities& offer, Mode& mode) {
  if (TakeChoice(chosen, offer.modes, mode)) return true;
  return chosen.size() == 1 && mode == Mode::kDh && offer.Offers(Mode::kEarlyDh);
}

bool TakeProfiles(ByteView chosen, const Capabilities& offer, Profiles& profiles) {
  profiles.clear();
  Reader reader(chosen);
  while (!reader.empty()) {
    const uint16_t profile = reader.U16();
    if (!offer.OffersProfile(profile) || profiles.full()) return false;
    profiles.Add(profile);
  }
  return !profiles.empty();
}

// The group is one that was offered, and the value is of it; of an early mode it is CAP's.
bool TakeGroup(const Capabilities& chosen, const Capabilities& offer, const Parts& parts,
               Choice& choice) {
  if (!HasDh(choice.mode)) return chosen.groups.empty();
  const bool is_offered = TakeChoice(chosen.groups, offer.groups, choice.group) &&
                          parts.dh->group == choice.group && CryptoGroup(choice.group).has_value();
  const bool is_caps = is_offered && static_cast<DhGroup>(offer.groups[0]) == choice.group;
  return is_offered && (is_caps || !IsEarly(choice.mode));
}

bool TakeSignature(const Capabilities& chosen, const Capabilities& offer, const Parts& parts,
                   Choice& choice) {
  if (!IsSigned(choice.mode)) return chosen.signatures.empty();
  return TakeChoice(chosen.signatures, offer.signatures, choice.signature) &&
         parts.sign->s_type == choice.signature;
}

// MIKEYv2 §3.3: what no answer has.
bool HasNoOthers(const Capabilities& chosen) {
  return chosen.cookie.empty() && chosen.fresh.empty() && chosen.ticket.empty() &&
         chosen.ticket_id.empty() && chosen.streams.empty();
}

// JudgeAnswerer finds the key of who may answer (MIKEYv2 §6 rules 2 to 4).
Result<Proved> JudgeAnswerer(const Awaited& awaited, const Parts& parts, Instant now,
                             const Exchange& exchange, bool is_provisional) {
  if (awaited.trust == nullptr) return Err(Error::kUnknownIdentity);
  const Claim claim{exchange.answerer.view(), exchange.is_join(), awaited.fingerprint,
                    is_provisional};
  return awaited.trust->Judge(parts, claim, now);
}

template <class P>
void Stand(const P& proved, Standing& standing) {
  standing = {true, proved.until, proved.fingerprint};
}
[[maybe_unused]] void Stand(const Proved& proved, BriefStanding& standing) {
  standing.until = proved.until;
}
[[maybe_unused]] void Stand(const Proved&, NoStanding&) {}

// MIKEYv2 §6 rules 3 and 5.
Status TakeIdentity(const Parts& parts, Exchange& answered) {
  if (parts.id_r == nullptr) return {};
  const Identity named{parts.id_r->id_type, parts.id_r->data};
  if (answered.answerer.data.empty()) answered.answerer = OwnedIdentity(named);
  const bool is_awaited = named == answered.answerer.view() && !(named == answered.offerer.view());
  return is_awaited ? Status() : Err(Error::kUnknownIdentity);
}

// SignedUnder finds the TH that SIGN is under, and leaves it in the exchange.
Status SignedUnder(const Awaited& awaited, const Received& received, const Parts& parts,
                   Exchange& answered) {
  const ByteView head = HeadUpTo(received.datagram, parts.sign->signature);
  Status verified = Err(Error::kAuthenticationFailed);
  for (const Digest& th : awaited.hashes) {
    answered.th = th;
    verified = CheckSign(awaited.suite, OfAnswer(answered), *answered.peer_key, head, *parts.sign);
    if (verified) break;
  }
  return verified;
}

Status CheckKemac(const Awaited& awaited, const Received& received, const KemacPayload& kemac,
                  const Exchange& answered) {
  const ByteView head = HeadUpTo(received.datagram, kemac.mac);
  return CheckMac(awaited.suite, OfAnswer(answered), head, kemac.mac_alg, kemac.mac);
}

// Agree makes X of the Answerer's value and ours, which may be that of CAP: it serves this exchange
// alone.
Status Agree(const Awaited& awaited, ByteView value, Exchange& answered) {
  const auto group = CryptoGroup(answered.choice.group);
  if (answered.dh.empty() || answered.dh.group() != *group) {
    answered.dh = TakeDh(*awaited.suite.pk, awaited.pool, *group, awaited.rng);
  }
  return MixSecret(awaited.suite, value, answered) ? Status() : Err(Error::kMalformed);
}

// What SIGN has covered gives X, and the MAC shows that it is the Answerer's too.
Status ProveSigned(const Awaited& awaited, const Received& received, const Parts& parts,
                   Exchange& answered) {
  Result<Proved> proved =
      JudgeAnswerer(awaited, parts, received.now, answered, awaited.takes_provisional);
  if (!proved) return Err(proved.error());
  Stand(*proved, answered.standing);
  answered.peer_key = std::move(proved->key);
  if (Status signed_ = SignedUnder(awaited, received, parts, answered); !signed_) return signed_;
  if (answered.choice.mode == Mode::kRsa) {
    // MIKEYv2 §5: wrong padding gives a wrong key, and the MAC alone tells.
    const auto envelope =
        OpenEnvelope(awaited.suite, awaited.signer.credential->key, parts.pke->data);
    answered.secret = ExchangeSecret(envelope.view());
  } else if (Status agreed = Agree(awaited, parts.dh->value, answered); !agreed) {
    return agreed;
  }
  if (parts.kemac == nullptr) return {};
  return CheckKemac(awaited, received, *parts.kemac, answered);
}

// The MAC is under the hash of the CAP that was answered (MIKEYv2 §2, RETRY).
Status ProveByKey(const Awaited& awaited, const Received& received, const Parts& parts,
                  Exchange& answered) {
  const Mode mode = answered.choice.mode;
  if (mode == Mode::kPsk) answered.secret = ExchangeSecret(answered.psk_v2.view());
  Status verified = Err(Error::kAuthenticationFailed);
  for (const Digest& th : awaited.hashes) {
    answered.th = th;
    const bool is_early = IsEarly(mode);
    if (is_early && !MixSecret(awaited.suite, parts.dh->value, answered)) {
      return Err(Error::kMalformed);
    }
    verified = CheckKemac(awaited, received, *parts.kemac, answered);
    if (verified) break;
  }
  if (!verified || !IsLate(mode)) return verified;
  if (!parts.kemac->encr_data.empty()) return Err(Error::kMalformed);
  return Agree(awaited, parts.dh->value, answered);
}

[[maybe_unused]] Status ProveErrorBySign(const Awaited& awaited, const Received& received,
                                         const Parts& parts, const Exchange& exchange) {
  Exchange refused = exchange;
  if (Status named = TakeIdentity(parts, refused); !named) return named;
  // MIKEYv2 §12: who is not known yet ends nothing.
  if (awaited.takes_provisional) return Err(Error::kUnknownIdentity);
  Result<Proved> judged = JudgeAnswerer(awaited, parts, received.now, refused, false);
  if (!judged) return Err(judged.error());
  refused.peer_key = std::move(judged->key);
  Status proved = Err(Error::kAuthenticationFailed);
  for (const Digest& th : awaited.hashes) {
    refused.th = th;
    proved = CheckSign(awaited.suite, OfErrorInsteadOfAnswer(refused, parts.rand_r->rand),
                       *refused.peer_key, HeadUpTo(received.datagram, parts.sign->signature),
                       *parts.sign);
    if (proved) break;
  }
  return proved;
}

}  // namespace

Result<Form> FormOf(const Message& message) {
  const auto* cap = message.Get<CapPayload>();
  if (cap == nullptr) return Err(Error::kPayloadMissing);
  const Result<Capabilities> chosen = ReadCapabilities(*cap);
  if (!chosen) return Err(chosen.error());
  if (chosen->modes.size() != 1) return Err(Error::kPolicyViolation);
  return AnswerForm(static_cast<Mode>(chosen->modes[0]));
}

Status CheckChoice(const Awaited& awaited, const Received& received, const Parts& parts,
                   Exchange& answered) {
  const Result<Capabilities> chosen = ReadCapabilities(*parts.cap);
  if (!chosen) return Err(chosen.error());
  const Capabilities& offer = awaited.offer;
  Choice& choice = answered.choice;
  const bool is_offered = TakeMode(chosen->modes, offer, choice.mode) &&
                          TakeChoice(chosen->prf, offer.prf, choice.prf) &&
                          TakeChoice(chosen->encr, offer.encr, choice.encr) &&
                          TakeChoice(chosen->mac, offer.mac, choice.mac) &&
                          TakeProfiles(chosen->profiles, offer, choice.profiles) &&
                          TakeGroup(*chosen, offer, parts, choice) &&
                          TakeSignature(*chosen, offer, parts, choice) && HasNoOthers(*chosen);
  if (!is_offered || !Equal(chosen->session, offer.session)) return Err(Error::kPolicyViolation);
  // MIKEYv2 §3.3: features are for groups.
  if (!answered.is_join() && !chosen->features.empty()) return Err(Error::kPolicyViolation);
  choice.features = chosen->Features();
  const Header& header = received.message.header;
  const KemacPayload* kemac = parts.kemac;
  const bool agrees =
      AnswerType(choice.mode) == header.data_type && choice.prf == header.prf &&
      (choice.features & ~offer.Features()) == 0 &&
      (kemac == nullptr || (choice.encr == kemac->encr_alg && choice.mac == kemac->mac_alg));
  return agrees ? Status() : Err(Error::kPolicyViolation);
}

Status ProveAnswer(const Awaited& awaited, const Received& received, const Parts& parts,
                   Exchange& answered) {
  if (Status named = TakeIdentity(parts, answered); !named) return named;
  answered.rand_r = Octets<kMaxRand>(parts.rand_r->rand);
  if (kHasCertificates && IsSigned(answered.choice.mode))
    return ProveSigned(awaited, received, parts, answered);
  return ProveByKey(awaited, received, parts, answered);
}

Status ProveError(const Awaited& awaited, const Received& received, const Parts& parts,
                  const Exchange& exchange) {
  if (received.message.header.prf != PrfFunc::kHmacSha256) {
    return Err(Error::kUnsupportedAlgorithm);
  }
  if constexpr (kHasCertificates) {
    if (parts.sign != nullptr) return ProveErrorBySign(awaited, received, parts, exchange);
  }
  if (exchange.psk_v2.empty() || parts.v == nullptr) return Err(Error::kAuthenticationFailed);
  Exchange refused = exchange;
  Status proved = Err(Error::kAuthenticationFailed);
  for (const Digest& th : awaited.hashes) {
    refused.th = th;
    proved = CheckMac(awaited.suite, OfErrorInsteadOfAnswer(refused, parts.rand_r->rand),
                      HeadUpTo(received.datagram, parts.v->ver_data), parts.v->auth_alg,
                      parts.v->ver_data);
    if (proved) break;
  }
  return proved;
}

}  // namespace keymast::mikey::v2
