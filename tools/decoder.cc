// SPDX-License-Identifier: Apache-2.0
#include "tools/decoder.h"

#include <algorithm>

#include "mikey/grammar.h"
#include "mikey/v2/grammar.h"

namespace keymast::tools {
namespace {

using namespace mikey;

// So much is kept of earlier messages, so that a long capture is not searched over and over.
constexpr size_t kMaxSeen = 64;
constexpr size_t kMaxLearned = 64;
constexpr size_t kMaxKeyData = 64;

void Set(Decoded& out, Outcome outcome, std::string reason) {
  out.outcome = outcome;
  out.reason = std::move(reason);
}

// KindOf names a message as the standards do; the octets parse.
std::string KindOf(ByteView octets, const Message& message) {
  if (const Result<Unverified> seen = Inspect(octets)) {
    constexpr const char* kNames[] = {"MSK message", "MTK message", "verification message"};
    return kNames[static_cast<size_t>(seen->kind)];
  }
  const std::string_view name = NameOf(message.header.data_type);
  if (!name.empty()) return std::string(name);
  return "data type " + std::to_string(static_cast<unsigned>(message.header.data_type));
}

bool IsMskMessage(ByteView octets) {
  const Result<Unverified> seen = Inspect(octets);
  return seen && seen->kind == MessageKind::kMsk;
}

// The public-key modes: KEMAC's MAC tells who knows the envelope key, the signature who sent it.
bool HasEnvelopeKey(DataType type) {
  return type == DataType::kPkInit || type == DataType::kRsarResp;
}

// RFC 3830 §3.2, RFC 4738 §3.6: there the encrypted part begins with an identity.
PayloadType FirstInside(DataType type) {
  return HasEnvelopeKey(type) ? PayloadType::kId : PayloadType::kKeyData;
}

Coverage CoverageOf(DataType type) {
  return HasEnvelopeKey(type) ? Coverage::kKemac : Coverage::kMessage;
}

// Why an outcome falls short of verified though the MAC holds; empty when it does not.
std::string Shortfall(const Message& message, const Secret& secret) {
  const KemacPayload* kemac = message.Get<KemacPayload>();
  const bool in_clear =
      kemac != nullptr && kemac->encr_alg == EncrAlg::kNull && !kemac->encr_data.empty();
  if (in_clear) return "NULL encryption: the MAC holds, the keys are open to everybody";
  if (secret.rand.size() < kMinRand) return "the MAC holds, RAND has fewer than 16 octets";
  if (HasEnvelopeKey(message.header.data_type)) {
    return "the MAC holds under the envelope key; the signature was not checked";
  }
  return {};
}

// What a good V does not do as RFC 3830 has it.
const char* RemarkOf(bool lacks_ids, bool has_own_t) {
  if (lacks_ids && has_own_t) {
    return "T is not that of the message answered (RFC 3830 §3.1), and V leaves the identities out "
           "(§5.2)";
  }
  if (has_own_t) return "T is not that of the message answered (RFC 3830 §3.1)";
  return lacks_ids ? "V leaves the identities out (RFC 3830 §5.2)" : "";
}

std::string UnknownPrf(PrfFunc prf) {
  return "PRF function " + std::to_string(static_cast<unsigned>(prf)) + " is not known";
}

}  // namespace

Decoder::Decoder(const crypto::Suite& suite, Keys keys, std::vector<Bytes> rands)
    : suite_(suite), given_(keys.size()), rands_(std::move(rands)) {
  for (Key& key : keys) keys_.push_back(std::move(key));
  for (size_t i = 0; i < keys_.size(); ++i) {
    std::string& name = keys_[i].name;
    if (name.empty()) name = "key " + std::to_string(i + 1);
  }
}

Decoded Decoder::Decode(ByteView octets) {
  ++number_;
  Decoded out;
  out.octets = octets;
  out.tree = TreeOf(octets, out.parsed);
  Message message;
  if (!out.parsed || !ParseMessage(octets, message)) {
    out.kind = "no MIKEY message";
    Set(out, Outcome::kMalformed, std::string(ErrorName(out.parsed.error())));
    return out;
  }
  out.kind = KindOf(octets, message);
  Judge(message, out);
  if (const RandPayload* rand = message.Get<RandPayload>()) Remember(message, rand->rand);
  return out;
}

void Decoder::Judge(const Message& message, Decoded& out) {
  if (message.header.version == kVersion2) return JudgeVersion2(message, out);
  const Result<Form> form = FormOf(message.header.data_type);
  if (!form) return Set(out, Outcome::kUnverified, "a data type that is not of RFC 3830");
  if (Status grammar = CheckGrammar(message, *form); !grammar) {
    // What is not understood may be right; what is missing or too much is wrong.
    const bool is_opaque = message.Get<OpaquePayload>() != nullptr;
    return Set(out, is_opaque ? Outcome::kUnverified : Outcome::kMalformed,
               std::string(ErrorName(grammar.error())));
  }
  if (message.Get<KemacPayload>() != nullptr) return JudgeKemac(message, out);
  if (message.Get<VPayload>() != nullptr) return JudgeV(message, out);
  const bool is_hint = *form == Form::kError && message.Get<SignPayload>() == nullptr;
  if (is_hint) return Set(out, Outcome::kUnverified, "an error without proof is a hint");
  Set(out, Outcome::kUnverified, "the signature was not checked");
}

// Of version 2 the form is checked alone: its proofs hang on the messages before.
void Decoder::JudgeVersion2(const Message& message, Decoded& out) {
  Error error = Error::kUnknownDataType;
  for (size_t i = 0; i < v2::kFormCount; ++i) {
    const auto form = static_cast<v2::Form>(i);
    if (!v2::IsFormOf(form, message.header.data_type)) continue;
    const Result<v2::Parts> parts = v2::ReadParts(message, form);
    if (parts) return Set(out, Outcome::kUnverified, "the proofs of version 2 are not checked");
    error = parts.error();
  }
  const bool is_opaque = message.Get<OpaquePayload>() != nullptr;
  Set(out, is_opaque ? Outcome::kUnverified : Outcome::kMalformed, std::string(ErrorName(error)));
}

void Decoder::JudgeKemac(const Message& message, Decoded& out) {
  const KemacPayload& kemac = *message.Get<KemacPayload>();
  if (kemac.mac_alg == MacAlg::kNull) return JudgeNullMac(message, out);
  if (!IsKnownPrf(message.header.prf)) {
    return Set(out, Outcome::kUnverified, UnknownPrf(message.header.prf));
  }
  if (!HasUsableKey())
    return Set(out, Outcome::kUnverified, "no key of 16 octets or more was given");
  const std::vector<ByteView> rands = RandsFor(message);
  if (rands.empty()) {
    return Set(out, Outcome::kUnverified,
               "it has no RAND: put the message that has it before, or give --rand");
  }
  const std::optional<Proof> proof = TryKemac(message, out.octets, rands);
  if (!proof) return Set(out, Outcome::kFailed, "the MAC holds under none of the keys");
  Open(message, *proof, out);
  // An update that somebody answers, which an MTK message is not.
  const bool has_rand = message.Get<RandPayload>() != nullptr;
  if (!has_rand && message.header.v_flag) Remember(message, proof->secret.rand);
}

// Without a MAC a key is known by what it decrypts to.
void Decoder::JudgeNullMac(const Message& message, Decoded& out) {
  Set(out, Outcome::kUnverified, "NULL MAC: nothing is authenticated");
  const KemacPayload& kemac = *message.Get<KemacPayload>();
  if (kemac.encr_alg == EncrAlg::kNull || kemac.encr_data.empty() || !CanDecrypt(message)) return;
  for (const ByteView rand : RandsFor(message)) {
    const auto opens = [&](const Secret& secret) {
      Status status;
      const crypto::SecretBytes plain = Decrypt(suite_, secret, message);
      KeyDataTree(plain, 0, FirstInside(message.header.data_type), status);
      return status.has_value();
    };
    const auto proof = TryKeys(rand, CsbId(message.header.csb_id), opens);
    if (!proof) continue;
    out.plain = Decrypt(suite_, proof->secret, message);
    TakeKeys(message, *proof, out);
    Set(out, Outcome::kUnverified,
        "NULL MAC: what " + proof->key->name + " decrypts reads as keys");
    return;
  }
}

void Decoder::JudgeV(const Message& message, Decoded& out) {
  const VPayload& v = *message.Get<VPayload>();
  if (v.auth_alg == MacAlg::kNull) {
    return Set(out, Outcome::kUnverified, "NULL V: nothing is confirmed");
  }
  if (!IsKnownPrf(message.header.prf)) {
    return Set(out, Outcome::kUnverified, UnknownPrf(message.header.prf));
  }
  if (!HasUsableKey())
    return Set(out, Outcome::kUnverified, "no key of 16 octets or more was given");
  const std::vector<Seen> asked = AskedBy(message);
  if (asked.empty()) {
    return Set(out, Outcome::kUnverified, "the message that it answers is not before it");
  }
  const std::optional<Proof> proof = TryV(message, out.octets, asked);
  if (!proof) return Set(out, Outcome::kFailed, "V holds under none of the keys");
  out.key = proof->key->name;
  out.fingerprint = Fingerprint(proof->secret.key);
  AddTransportKeys(suite_, proof->secret, message, v.auth_alg, out.derived);
  const std::string shortfall = Shortfall(message, proof->secret);
  Set(out, shortfall.empty() ? Outcome::kVerified : Outcome::kUnverified,
      shortfall.empty() ? proof->remark : shortfall);
}

std::optional<Decoder::Proof> Decoder::TryKeys(ByteView rand, CsbId csb_id,
                                               const Attempt& holds) const {
  for (const Key& key : keys_) {
    const Secret secret{key.octets, rand, csb_id};
    if (IsUsableKey(secret.key) && holds(secret)) return Proof{&key, secret};
  }
  return std::nullopt;
}

std::optional<Decoder::Proof> Decoder::TryKemac(const Message& message, ByteView datagram,
                                                std::span<const ByteView> rands) const {
  const Coverage coverage = CoverageOf(message.header.data_type);
  const auto holds = [&](const Secret& secret) {
    return KemacHolds(suite_, secret, datagram, message, coverage);
  };
  // RFC 4738 §3.6 does not say which CSB ID a group answer's own keys are made with.
  std::vector<CsbId> csb_ids{CsbId(message.header.csb_id)};
  if (const std::optional<CsbId> group = GroupCsbId(message)) csb_ids.push_back(*group);
  for (const CsbId csb_id : csb_ids) {
    for (const ByteView rand : rands) {
      if (const auto proof = TryKeys(rand, csb_id, holds)) return proof;
    }
  }
  return std::nullopt;
}

// The T of the message answered is covered, whatever T the answer has; a profile may leave the
// identities out (mikey/profile3gpp.h).
std::optional<Decoder::Proof> Decoder::TryV(const Message& message, ByteView datagram,
                                            std::span<const Seen> asked) const {
  const IdPayload* own = message.Get<IdPayload>();
  for (const bool with_ids : {true, false}) {
    for (const Seen& question : asked) {
      const ByteView idi = question.idi;
      const ByteView idr = question.idr.empty() && own != nullptr ? own->data : question.idr;
      const Answered answered{with_ids ? idi : ByteView(), with_ids ? idr : ByteView(),
                              question.timestamp};
      auto proof = TryKeys(question.rand, CsbId(message.header.csb_id), [&](const Secret& secret) {
        return VHolds(suite_, secret, datagram, message, answered);
      });
      if (!proof) continue;
      const bool lacks_ids = !with_ids && !(idi.empty() && idr.empty());
      const bool has_own_t = !Equal(message.Get<TPayload>()->value, question.timestamp);
      proof->remark = RemarkOf(lacks_ids, has_own_t);
      return proof;
    }
  }
  return std::nullopt;
}

void Decoder::Open(const Message& message, const Proof& proof, Decoded& out) {
  const KemacPayload& kemac = *message.Get<KemacPayload>();
  out.key = proof.key->name;
  out.fingerprint = Fingerprint(proof.secret.key);
  const std::string shortfall = Shortfall(message, proof.secret);
  Set(out, shortfall.empty() ? Outcome::kVerified : Outcome::kUnverified, shortfall);
  AddTransportKeys(suite_, proof.secret, message, kemac.mac_alg, out.derived);
  if (kemac.encr_data.empty()) return;
  if (!CanDecrypt(message)) {
    return Set(out, Outcome::kUnverified, "the MAC holds; its encryption is not spoken");
  }
  out.plain = Decrypt(suite_, proof.secret, message);
  TakeKeys(message, proof, out);
}

void Decoder::TakeKeys(const Message& message, const Proof& proof, Decoded& out) {
  const KemacPayload& kemac = *message.Get<KemacPayload>();
  const PayloadType first = FirstInside(message.header.data_type);
  const bool with_id = first == PayloadType::kId;
  Status status;
  const auto offset = static_cast<size_t>(kemac.encr_data.data() - out.octets.data());
  Node group = KeyDataTree(out.plain, offset, first, status);
  std::array<KeyDataPayload, kMaxKeyData> keys;
  IdPayload id;
  const Result<size_t> count =
      with_id ? ParseIdAndKeyData(out.plain, id, keys) : ParseKeyData(out.plain, keys);
  if (!count || !status) {
    group.remark = "no chain of key data";
    Set(out, Outcome::kMalformed, "the MAC holds, what was encrypted is no key data");
  }
  // NULL encryption was shown with the message.
  if (kemac.encr_alg != EncrAlg::kNull) PutInKemac(out.tree, std::move(group));
  const bool is_msk = IsMskMessage(out.octets);
  for (const KeyDataPayload& key_data : std::span(keys).first(count.value_or(0))) {
    const bool is_tgk =
        key_data.type != KeyDataType::kTek && key_data.type != KeyDataType::kTekSalt;
    // An MSK is the key of MTK messages: no TEK follows from it (TS 33.246 §6.4.5.1).
    if (is_msk && out.outcome == Outcome::kVerified) Learn(key_data);
    if (!is_msk && is_tgk && !key_data.key.empty()) {
      AddTrafficKeys(suite_, proof.secret.rand, message, key_data, out.derived);
    }
  }
}

void Decoder::Learn(const KeyDataPayload& key_data) {
  const auto is_same = [&](const Key& key) {
    return crypto::ConstantTimeEqual(key.octets, key_data.key);
  };
  const bool is_full = keys_.size() >= given_ + kMaxLearned;
  if (!IsUsableKey(key_data.key) || is_full) return;
  if (std::any_of(keys_.begin(), keys_.end(), is_same)) return;
  keys_.push_back({"MSK of message " + std::to_string(number_),
                   crypto::SecretBytes(key_data.key.begin(), key_data.key.end())});
}

void Decoder::Remember(const Message& message, ByteView rand) {
  const TPayload* t = message.Get<TPayload>();
  const IdPayload* first = message.Get<IdPayload>(0);
  const IdPayload* second = message.Get<IdPayload>(1);
  if (t == nullptr) return;
  std::deque<Seen>& seen = seen_[message.header.csb_id];
  const auto copy = [](ByteView octets) { return Bytes(octets.begin(), octets.end()); };
  Seen one{message.header.data_type, copy(rand), first == nullptr ? Bytes() : copy(first->data),
           second == nullptr ? Bytes() : copy(second->data), copy(t->value)};
  const auto bundle = std::find_if(seen.begin(), seen.end(),
                                   [&](const Seen& other) { return Equal(other.rand, rand); });
  // An update need not repeat whose bundle it is (RFC 3830 §4.5).
  if (first == nullptr && bundle != seen.end()) {
    one.idi = bundle->idi;
    one.idr = bundle->idr;
  }
  seen.push_front(std::move(one));
  if (seen.size() > kMaxSeen) seen.pop_back();
}

std::vector<ByteView> Decoder::RandsFor(const Message& message) const {
  if (const RandPayload* own = message.Get<RandPayload>()) return {own->rand};
  std::vector<ByteView> rands(rands_.begin(), rands_.end());
  const auto seen = seen_.find(message.header.csb_id);
  if (seen == seen_.end()) return rands;
  for (const Seen& one : seen->second) {
    const bool is_new = std::none_of(rands.begin(), rands.end(),
                                     [&](ByteView rand) { return Equal(rand, one.rand); });
    if (is_new) rands.push_back(one.rand);
  }
  return rands;
}

// A verification message is of the mode of what it answers, an error of any; the one with its T is
// tried first.
std::vector<Decoder::Seen> Decoder::AskedBy(const Message& message) const {
  const DataType type = message.header.data_type;
  const DataType asked = type == DataType::kPkVerification ? DataType::kPkInit : DataType::kPskInit;
  std::vector<Seen> found;
  const auto seen = seen_.find(message.header.csb_id);
  if (seen == seen_.end()) return found;
  std::copy_if(seen->second.begin(), seen->second.end(), std::back_inserter(found),
               [&](const Seen& one) { return type == DataType::kError || one.type == asked; });
  const ByteView t = message.Get<TPayload>()->value;
  std::stable_partition(found.begin(), found.end(),
                        [&](const Seen& one) { return Equal(one.timestamp, t); });
  return found;
}

bool Decoder::HasUsableKey() const {
  return std::any_of(keys_.begin(), keys_.end(),
                     [](const Key& key) { return IsUsableKey(key.octets); });
}

}  // namespace keymast::tools
