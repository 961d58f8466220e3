// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/cap_check.h"

#include "mikey/v2/signing.h"

namespace keymast::mikey::v2 {
namespace {

Identity IdentityOf(const IdrPayload* idr) {
  return idr == nullptr ? Identity{} : Identity{idr->id_type, idr->data};
}

// FirstOf is the first number that was offered and is ours.
template <class E, size_t N>
bool FirstOf(ByteView offered, const FixedList<uint8_t, N>& ours, E& choice) {
  for (const uint8_t number : offered) {
    if (!Contains(ours.view(), number)) continue;
    choice = static_cast<E>(number);
    return true;
  }
  return false;
}

bool OffersAny(const Capabilities& offer, bool (*is_of)(Mode)) {
  return std::ranges::any_of(offer.modes,
                             [is_of](uint8_t number) { return is_of(static_cast<Mode>(number)); });
}
bool NeedsPsk(Mode mode) { return IsPskType(mode); }
// A number that is no mode needs nothing.
bool NeedsCertificate(Mode mode) { return mode <= Mode::kEarlyDhhmac && IsSigned(mode); }

bool ShowsTicket(const Capabilities& offer) {
  return !offer.ticket.empty() || !offer.ticket_id.empty();
}

// PskOf the two, or that of a ticket; of who is not known, and of a ticket that does not serve, one
// that nobody has: it takes as long. False for these.
bool PskOf(const Answering& answering, FirstMessage& cap, Judged& judged) {
  Exchange& exchange = cap.exchange;
  const Identity offerer = exchange.offerer.view();
  const Identity answerer = exchange.answerer.view();
  if (ShowsTicket(cap.offer)) {
    if (answering.tickets != nullptr) {
      judged.resumed = answering.tickets->Find(cap.offer.ticket, cap.offer.ticket_id, cap.now);
    }
    const bool by_id = cap.offer.ticket.empty();
    if (judged.resumed && !IsFor(*judged.resumed, offerer, answerer, by_id, cap.now)) {
      judged.resumed.reset();
    }
    const ByteView secret = judged.resumed ? judged.resumed->secret.view() : answering.nobodys_key;
    // A ticket that was ever sent counts as sealed (MIKEYv2 §11).
    if (judged.resumed && !by_id) judged.resumed->is_sealed = true;
    exchange.psk_v2 = ResumedPsk(answering.suite, secret, offerer, answerer);
    exchange.was_dh = judged.resumed && judged.resumed->is_dh;
    return judged.resumed.has_value();
  }
  const auto* shared = answering.others.SharedWith(cap.asked());
  if (shared == nullptr && cap.parts.v == nullptr) {
    // MIKEYv2 §7: without V an unknown identity gets a decoy, the same for the same CAP.
    const std::array<ByteView, 1> fields{exchange.th};
    exchange.psk_v2 = Kdf(answering.suite, answering.nobodys_key, "decoy", fields);
    return true;
  }
  const ByteView psk = shared != nullptr ? shared->view() : answering.nobodys_key;
  exchange.psk_v2 = PskV2(answering.suite, psk, offerer, answerer);
  return shared != nullptr;
}

void JudgeV(const Answering& answering, FirstMessage& cap, Judged& judged) {
  if (!OffersAny(cap.offer, NeedsPsk)) return;
  const bool is_known = PskOf(answering, cap, judged);
  const VPayload* v = cap.parts.v;
  if (v == nullptr) {
    judged.strikes_psk = answering.policy.uses_v || ShowsTicket(cap.offer);
    return;
  }
  const ByteView head = HeadUpTo(cap.datagram, v->ver_data);
  const Status checked =
      CheckMac(answering.suite, OfCap(cap.exchange), head, v->auth_alg, v->ver_data);
  judged.v_good = checked.has_value() && is_known;
  judged.strikes_psk = !judged.v_good;
}

Status CheckSignOf(const Answering& answering, const FirstMessage& cap,
                   const crypto::PublicKey& key) {
  const SignPayload& sign = *cap.parts.sign;
  const ByteView head = HeadUpTo(cap.datagram, sign.signature);
  return CheckSign(answering.suite, OfCap(cap.exchange), key, head, sign);
}

bool CouldSign(ByteView spki, const SignPayload& sign) {
  const std::optional<crypto::KeyForm> form = crypto::PublicKey::FormIn(spki);
  return form && TypeOf(form->kind) == sign.s_type && form->signature_size == sign.signature.size();
}

// ProvenKnown is the certificate that CAP's hash or identity stands for, where SIGN is of its key;
// null for all else, which costs the same: one key that could have made SIGN is read, and one
// signature verified.
// MIKEYv2 §6 rule 4: whose certificate we have is told to nobody but its owner. So what is believed
// of it is asked behind SIGN alone.
const CertificateChain* ProvenKnown(const Answering& answering, const FirstMessage& cap) {
  const SignPayload* sign = cap.parts.sign;
  const bool can_sign = !answering.credentials->own.empty();
  if (sign == nullptr || !can_sign) return nullptr;
  const Asked asked = cap.asked();
  const CertificateChain* kept = answering.others.CertificatesOf(asked);
  const CertificateChain* known =
      answering.credentials->trust.KnownOf(cap.parts, asked.offerer, kept);
  const CertificateChain& decoy = answering.credentials->own.front().chain;
  // CHASH is compared with what is kept.
  if (kept == nullptr && cap.parts.chash != nullptr) crypto::Sha256(decoy.front());
  const Result<ByteView> spki =
      crypto::Certificate::SpkiIn((known != nullptr ? *known : decoy).front());
  const bool is_its = known != nullptr && spki && CouldSign(*spki, *sign);
  const ByteView of = is_its ? *spki : answering.decoys.For(*sign);
  if (of.empty()) return nullptr;
  const Result<crypto::PublicKey> key = answering.suite.pk->read_key(of);
  if (!key) return nullptr;
  const Status checked = CheckSignOf(answering, cap, *key);
  return checked && is_its ? known : nullptr;
}

// JudgeShown is of the certificate that CAP shows whole, and SIGN where it is there.
Result<Proved> JudgeShown(const Answering& answering, const FirstMessage& cap, const Claim& claim) {
  Result<Proved> proved = answering.credentials->trust.Judge(cap.parts, claim, cap.now);
  if (!proved || cap.parts.sign == nullptr) return proved;
  const Status checked = CheckSignOf(answering, cap, proved->key);
  return checked ? std::move(proved) : Err(checked.error());
}

Result<Proved> JudgeKnown(const Answering& answering, const FirstMessage& cap, const Claim& claim) {
  const CertificateChain* known = ProvenKnown(answering, cap);
  if (known == nullptr) return Err(Error::kUnknownIdentity);
  return answering.credentials->trust.JudgeKnown(*known, claim, cap.now);
}

// JudgeSign checks the Offerer's certificate, and SIGN where it is there.
void JudgeSign(const Answering& answering, FirstMessage& cap, Judged& judged) {
  const Asked asked = cap.asked();
  const auto fingerprint = answering.others.FingerprintOf(asked);
  judged.fingerprint = fingerprint;
  const bool can_do = answering.credentials != nullptr && answering.suite.pk != nullptr;
  if (!can_do || !OffersAny(cap.offer, NeedsCertificate)) return;
  const Claim claim{asked.offerer, false, fingerprint};
  const bool is_shown = !cap.parts.certificates.empty();
  Result<Proved> proved =
      is_shown ? JudgeShown(answering, cap, claim) : JudgeKnown(answering, cap, claim);
  if (!proved) {
    (is_shown ? judged.strikes_pk : judged.lacks_certificate) = true;
    return;
  }
  judged.sign_good = cap.parts.sign != nullptr;
  judged.may_encrypt = proved->may_encrypt;
  judged.certificate = {true, proved->until, proved->fingerprint};
  judged.signer = answering.credentials->SignerFor(cap.offer.signatures);
  cap.exchange.peer_key = std::move(proved->key);
}

// CanSign: what a mode by certificate needs of both sides is there.
bool CanSign(const Answering& answering, Mode mode, const Judged& judged, FirstMessage& cap) {
  const Exchange& exchange = cap.exchange;
  if (!exchange.peer_key || judged.signer.credential == nullptr) return false;
  cap.exchange.choice.signature = judged.signer.type();
  const SignatureType theirs = TypeOf(exchange.peer_key->kind());
  const bool is_taken = Contains(answering.policy.signatures.view(), theirs);
  return is_taken && (mode != Mode::kRsa || judged.may_encrypt);
}

// CanDo: what a mode needs of CAP and of ours is there.
bool CanDo(const Answering& answering, Mode mode, const Judged& judged, FirstMessage& cap) {
  if (!Contains(answering.policy.modes.view(), mode)) return false;
  if (IsPskType(mode)) {
    // MIKEYv2 §4.3: the identities are in the key.
    const bool has_key = cap.parts.id_r != nullptr && !judged.strikes_psk;
    if (!has_key) return false;
    // MIKEYv2 §12: with a fingerprint by a ticket alone, and of that certificate.
    const bool is_others = judged.fingerprint &&
                           !(judged.resumed && IsBy(judged.resumed->standing, *judged.fingerprint));
    if (is_others) return false;
    if (judged.resumed && !MayResume(*judged.resumed, mode)) return false;
  } else if (!CanSign(answering, mode, judged, cap)) {
    return false;
  }
  if (!HasDh(mode)) return true;
  DhGroup& group = cap.exchange.choice.group;
  const bool can_agree = answering.suite.pk != nullptr &&
                         FirstOf(cap.offer.groups, answering.policy.groups, group) &&
                         CryptoGroup(group).has_value();
  // MIKEYv2 §3.3: an early mode is eligible with the group of CAP's value only.
  return can_agree && (!IsEarly(mode) || cap.parts.dh->group == group);
}

// ChooseMode takes the Offerer's first that can be done. Without good FRESH mode 5 is mode 3, which
// it implies, and never one further down (MIKEYv2 §8).
Status ChooseMode(const Answering& answering, const Judged& judged, FirstMessage& cap) {
  const bool is_fresh = answering.fresh.IsGood(cap.offer.fresh, cap.now, judged.Tail(cap)) &&
                        answering.fresh.HasRoom(IdentityOf(cap.parts.id_i), cap.now);
  for (const uint8_t number : cap.offer.modes) {
    Mode mode = static_cast<Mode>(number);
    if (!CanDo(answering, mode, judged, cap)) continue;
    if (mode != Mode::kEarlyDh && judged.ComesBack(mode) && !is_fresh) {
      return Err(Error::kReplayed);
    }
    if (mode == Mode::kEarlyDh && !is_fresh) {
      mode = Mode::kDh;
      if (!CanDo(answering, mode, judged, cap)) return Err(Error::kReplayed);
    }
    cap.exchange.choice.mode = mode;
    if (IsSigned(mode)) {
      cap.exchange.standing = judged.certificate;
    } else if (judged.resumed) {
      cap.exchange.standing = judged.resumed->standing;
    }
    return {};
  }
  if (judged.strikes_psk || judged.strikes_pk) return Err(Error::kAuthenticationFailed);
  return Err(judged.lacks_certificate ? Error::kUnknownKey : Error::kUnsupportedPolicy);
}

}  // namespace

Asked FirstMessage::asked() const {
  return {IdentityOf(parts.id_i), IdentityOf(parts.id_r), join, offer,
          parts.cap->tlvs,        exchange.standing};
}

Fresh::Tail Judged::Tail(const FirstMessage& cap) const {
  const bool is_told = leaves && (v_good || sign_good);
  return is_told ? Fresh::MemberTail(IdentityOf(cap.parts.id_i), *leaves) : Fresh::Tail();
}

Judged Judge(const Answering& answering, FirstMessage& cap) {
  Judged judged;
  JudgeV(answering, cap, judged);
  JudgeSign(answering, cap, judged);
  judged.leaves = answering.others.LeavesOf(cap.asked());
  return judged;
}

Status Choose(const Answering& answering, const Judged& judged, FirstMessage& cap) {
  if (Status chosen = ChooseMode(answering, judged, cap); !chosen) return chosen;
  const Capabilities& offer = cap.offer;
  const Policy& policy = answering.policy;
  Choice& choice = cap.exchange.choice;
  const bool is_common = FirstOf(offer.prf, policy.prfs, choice.prf) &&
                         FirstOf(offer.encr, policy.encrs, choice.encr) &&
                         FirstOf(offer.mac, policy.macs, choice.mac);
  if (!is_common) return Err(Error::kUnsupportedPolicy);
  const Result<Terms> terms = answering.others.TermsFor(cap.asked());
  if (!terms) return Err(terms.error());
  choice.profiles = terms->profiles;
  choice.features = terms->features & offer.Features();
  for (const uint16_t profile : terms->profiles) {
    if (!offer.OffersProfile(profile)) return Err(Error::kUnsupportedPolicy);
  }
  return {};
}

}  // namespace keymast::mikey::v2
