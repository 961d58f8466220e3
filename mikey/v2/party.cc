// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/party.h"

namespace keymast::mikey::v2 {
namespace {

template <class List>
List ListOf(std::initializer_list<typename std::decay_t<decltype(List{}[0])>> items) {
  List list;
  for (const auto item : items) list.Add(item);
  return list;
}

Protection Of(const Exchange& exchange, DataType type) {
  Protection protection;
  protection.csb_id = exchange.csb_id;
  protection.type = type;
  protection.rand_i = exchange.rand_i.view();
  return protection;
}

void UseChoice(const Choice& choice, Protection& protection) {
  protection.prf = choice.prf;
  protection.encr = choice.encr;
  protection.mac = choice.mac;
}

}  // namespace

Policy Policy::Default() {
  Policy policy;
  policy.modes = ListOf<decltype(policy.modes)>({5, 6, 3, 4, 2, 1});
  policy.prfs = ListOf<decltype(policy.prfs)>({1});
  policy.encrs = ListOf<decltype(policy.encrs)>({3, 241, 1});
  policy.macs = ListOf<decltype(policy.macs)>({2});
  policy.groups = ListOf<decltype(policy.groups)>({242, 241});
  policy.signatures = ListOf<decltype(policy.signatures)>({15, 14, 1});
  policy.profiles = ListOf<decltype(policy.profiles)>({0x0008, 0x0007, 0x0001, 0x0002});
  return policy;
}

Policy Policy::OfGroup(const Profile3gpp& profile) {
  Policy policy = Default();
  policy.modes.clear();
  policy.prfs = ListOf<decltype(policy.prfs)>({static_cast<uint8_t>(profile.prf)});
  policy.encrs = ListOf<decltype(policy.encrs)>({static_cast<uint8_t>(profile.encr_alg)});
  policy.macs = ListOf<decltype(policy.macs)>({static_cast<uint8_t>(profile.mac_alg)});
  return policy;
}

std::optional<crypto::DhGroup> CryptoGroup(DhGroup group) {
  switch (group) {
    case DhGroup::kOakley5:
      return crypto::DhGroup::kModp1536;
    case DhGroup::kSecp256r1:
      return crypto::DhGroup::kSecp256r1;
    case DhGroup::kX25519:
      return crypto::DhGroup::kX25519;
    case DhGroup::kOakley1:
    case DhGroup::kOakley2:
      break;
  }
  return std::nullopt;
}

bool MixSecret(const crypto::Suite& suite, ByteView peer_value, Exchange& exchange) {
  crypto::DhSecret z;
  if (!exchange.dh.Agree(*suite.pk, peer_value, z)) return false;
  exchange.secret = IsPskType(exchange.choice.mode)
                        ? MixedSecret(suite, exchange.psk_v2.view(), z.view(), exchange.th)
                        : ExchangeSecret(z.view());
  if (!exchange.is_join()) exchange.tgk = exchange.secret;
  return true;
}

Resumption ResumptionOf(const crypto::Suite& suite, const Exchange& exchange, Instant expiry) {
  Resumption left;
  left.secret = ResumptionSecret(suite, exchange.secret.view(), exchange.th, exchange.ah);
  left.offerer = exchange.offerer;
  left.answerer = exchange.answerer;
  left.standing = exchange.standing;
  left.expiry = std::min(expiry, exchange.standing.until);  // MIKEYv2 §11
  left.is_dh = HasDh(exchange.choice.mode) || exchange.was_dh;
  // A controller seals its tickets, peers keep theirs.
  left.is_sealed = exchange.is_join();
  return left;
}

Protection OfCap(const Exchange& exchange) {
  Protection protection = Of(exchange, DataType::kCap);
  protection.inkey = exchange.psk_v2.view();
  return protection;
}

Protection OfAnswer(const Exchange& exchange) {
  Protection protection = Of(exchange, AnswerType(exchange.choice.mode));
  UseChoice(exchange.choice, protection);
  // DHHMAC_RESP comes before both know Z.
  const bool by_psk = exchange.choice.mode == Mode::kDhhmac;
  protection.inkey = by_psk ? exchange.psk_v2.view() : exchange.secret.view();
  protection.rand_r = exchange.rand_r.view();
  protection.context = exchange.th;
  protection.first = exchange.th;
  return protection;
}

Protection OfFinish(const crypto::Suite& suite, const Exchange& exchange) {
  Protection protection = Of(exchange, FinishType(exchange.choice.mode));
  UseChoice(exchange.choice, protection);
  protection.inkey = exchange.secret.view();
  protection.rand_r = exchange.rand_r.view();
  protection.context = exchange.F(suite);
  protection.first = exchange.th;
  protection.second = exchange.ah;
  return protection;
}

Protection OfKeys(const crypto::Suite& suite, const Exchange& exchange, ByteView rand_r) {
  Protection protection = OfFinish(suite, exchange);
  protection.type = DataType::kKeys;
  protection.rand_r = rand_r;
  return protection;
}

Protection OfErrorInsteadOfAnswer(const Exchange& exchange, ByteView rand_r) {
  Protection protection = Of(exchange, DataType::kError);
  protection.inkey = exchange.psk_v2.view();
  protection.rand_r = rand_r;
  protection.context = exchange.th;
  protection.first = exchange.th;
  return protection;
}

void UnicastSession::TrafficKeys(const crypto::Suite& suite, uint8_t cs_id, MutableBytes key,
                                 MutableBytes salt) const {
  const Label label{csb_id, 0, rand_i.view(), rand_r.view(), f};
  DeriveTraffic(suite, prf, tgk.view(), cs_id, label, key, salt);
}

UnicastSession SessionOf(const crypto::Suite& suite, const Exchange& exchange,
                         const Streams& streams) {
  UnicastSession session;
  session.csb_id = exchange.csb_id;
  session.prf = exchange.choice.prf;
  session.tgk = exchange.tgk;
  session.rand_i = exchange.rand_i;
  session.rand_r = exchange.rand_r;
  session.f = exchange.F(suite);
  session.sessions = streams.sessions;
  session.policies = streams.policies;
  return session;
}

Status TakeStreams(const Message& message, Streams& streams) {
  auto& [sessions, policies] = streams;
  if (Status taken = TakeSessions(message.header, sessions); !taken) return taken;
  if (Status taken = TakePolicies(message, policies); !taken) return taken;
  for (const CsbSession& session : sessions) {
    const bool has_policy = std::ranges::any_of(
        policies, [&](const CsbPolicy& policy) { return policy.number == session.policy; });
    if (!has_policy) return Err(Error::kMalformed);
  }
  return sessions.empty() && !policies.empty() ? Err(Error::kMalformed) : Status();
}

bool IsComplete(const Streams& streams, const Capabilities& offer) {
  size_t next = 0;
  for (size_t i = 0; i < offer.StreamCount(); ++i) {
    const StreamOffer stream = offer.Stream(i);
    for (const bool from_offerer : {true, false}) {
      if (!(from_offerer ? stream.from_offerer : stream.from_answerer)) continue;
      if (next == streams.sessions.size()) return false;
      const CsbSession& session = streams.sessions[next++];
      const bool is_named = from_offerer && stream.ssrc != 0;
      if (session.cs_id != CsIdOf(i, from_offerer)) return false;
      if (is_named && session.ssrc.value != stream.ssrc) return false;
    }
  }
  if (next != streams.sessions.size()) return false;
  // Two senders never share a keystream, but they never share an SSRC either.
  for (size_t i = 0; i < next; ++i) {
    for (size_t j = i + 1; j < next; ++j) {
      if (streams.sessions[i].ssrc == streams.sessions[j].ssrc) return false;
    }
  }
  return true;
}

}  // namespace keymast::mikey::v2
