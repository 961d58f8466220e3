// SPDX-License-Identifier: Apache-2.0
// Diffie-Hellman, signed (RFC 3830 §3.3) or authenticated by a pre-shared key (RFC 4650 §3). The
// secret of the two values is the TGK.
#include "mikey/envelope.h"

namespace keymast::mikey {
namespace {

bool IsSigned(const Exchange& exchange) { return exchange.session.mode == Mode::kDh; }

crypto::DhGroup GroupOf(DhGroup group) {
  switch (group) {
    case DhGroup::kOakley1:
      return crypto::DhGroup::kModp768;
    case DhGroup::kOakley2:
      return crypto::DhGroup::kModp1024;
    case DhGroup::kOakley5:
    case DhGroup::kSecp256r1:  // of version 2: V1Policy takes neither
    case DhGroup::kX25519:
      break;
  }
  return crypto::DhGroup::kModp1536;
}

// MakeValue draws the side's exponent and returns its public value.
Octets<kMaxTgk> MakeValue(const Party& party, crypto::Rng& rng, Exchange& exchange) {
  const crypto::DhGroup group = GroupOf(exchange.dh_group);
  std::array<uint8_t, kMaxTgk> value{};
  const MutableBytes out = MutableBytes(value).first(crypto::DhPublicSize(group));
  exchange.dh_private = crypto::SecretKey<crypto::kDhPrivateSize>::OfSize(crypto::kDhPrivateSize);
  party.suite.pk->dh_generate(group, rng, exchange.dh_private.mutable_view(), out);
  return Octets<kMaxTgk>(out);
}

// Agree makes the TGK of our exponent and the peer's value (RFC 3830 §3.3): left-padded to the
// group's length, on which §4.1.3 is silent.
Status Agree(const Party& party, ByteView peer_value, const KeyValidity& kv, Exchange& exchange) {
  const crypto::DhGroup group = GroupOf(exchange.dh_group);
  auto secret = crypto::SecretKey<kMaxTgk>::OfSize(crypto::DhSharedSize(group));
  if (!party.suite.pk->dh_agree(group, exchange.dh_private.view(), peer_value,
                                secret.mutable_view())) {
    return Err(Error::kMalformed);
  }
  exchange.dh_private = {};
  const KeyDataPayload tgk{KeyDataType::kTgk, secret.view(), {}, kv};
  return TakeKeys({&tgk, 1}, exchange.session.csb);
}

Result<size_t> Close(const Party& party, const Exchange& exchange, ChainWriter& chain) {
  return IsSigned(exchange) ? CloseWithSignature(party, chain)
                            : CloseWithMac(party.suite, exchange.Context(), chain);
}

Status CheckProof(const Party& party, const Received& received, const Identity& sender,
                  Exchange& exchange) {
  if (IsSigned(exchange)) return CheckSigned(party, received, sender);
  const KemacPayload* kemac = received.Get<KemacPayload>();
  Algorithms& algorithms = exchange.session.algorithms;
  algorithms.prf = received.message.header.prf;
  algorithms.mac = kemac->mac_alg;
  if (!party.policy.Takes(algorithms)) return Err(Error::kUnsupportedAlgorithm);
  return CheckMac(party.suite, exchange.Context(), received.datagram, received.message);
}

}  // namespace

Result<size_t> WriteDhInit(const Party& party, Exchange& exchange, const Offer& offer,
                           crypto::Rng& rng, MutableBytes out) {
  if (party.suite.pk == nullptr) return Err(Error::kFailedPrecondition);
  const SessionMap map(offer.sessions);
  const bool is_signed = IsSigned(exchange);
  Header header = HeaderOf(exchange, is_signed ? DataType::kDhInit : DataType::kDhhmacInit);
  header.v_flag = true;  // an answer is mandatory, whatever V says (RFC 3830 §6.1)
  map.Describe(header);
  ChainWriter chain(out, header);
  AddOpening(party, exchange, offer, {!exchange.update, is_signed}, chain);
  exchange.fresh_dh = !exchange.update || offer.fresh_dh;
  if (exchange.fresh_dh) {
    exchange.dh_initiator = MakeValue(party, rng, exchange);
    chain.Add(DhPayload{exchange.dh_group, exchange.dh_initiator.view(), 0, offer.dh_validity});
  }
  return Close(party, exchange, chain);
}

Status ReadDhInit(const Party& party, const Received& received, crypto::Rng& rng,
                  Exchange& exchange) {
  if (party.suite.pk == nullptr) return Err(Error::kFailedPrecondition);
  const DhPayload* dh = received.Get<DhPayload>();
  if (dh == nullptr && !exchange.update) return Err(Error::kPayloadMissing);
  if (Status proof = CheckProof(party, received, exchange.idi.view(), exchange); !proof) {
    return proof;
  }
  exchange.authenticated = exchange.can_prove = true;
  exchange.fresh_dh = dh != nullptr;
  if (dh == nullptr) return {};  // an update of other things than keys (RFC 3830 §4.5)
  if (!party.policy.Takes(dh->group)) return Err(Error::kUnsupportedAlgorithm);
  exchange.dh_group = dh->group;
  exchange.dh_initiator = Octets<kMaxTgk>(dh->value);
  exchange.dh_responder = MakeValue(party, rng, exchange);
  return Agree(party, dh->value, dh->kv, exchange);
}

Result<size_t> WriteDhResp(const Party& party, const Exchange& exchange, MutableBytes out) {
  const SessionMap map(exchange.session.csb.sessions.view());
  const bool is_signed = IsSigned(exchange);
  Header header = HeaderOf(exchange, is_signed ? DataType::kDhResp : DataType::kDhhmacResp);
  map.Describe(header);
  ChainWriter chain(out, header);
  chain.Add(exchange.t.Payload());
  AddId(exchange.idr, chain);
  if (is_signed) AddChain(party.self, chain);
  AddId(exchange.idi, chain);
  if (exchange.fresh_dh) {
    const KeyDataPayload tgk = PayloadOf(exchange.session.csb.keys[0]);
    chain.Add(DhPayload{exchange.dh_group, exchange.dh_responder.view(), 0, tgk.kv});
    chain.Add(DhPayload{exchange.dh_group, exchange.dh_initiator.view(), 0, tgk.kv});
  }
  return Close(party, exchange, chain);
}

Status ReadDhResp(const Party& party, const Received& received, Exchange& exchange) {
  const DhPayload* theirs = received.Get<DhPayload>(0);
  const DhPayload* ours = received.Get<DhPayload>(1);
  const bool has_dh = theirs != nullptr || ours != nullptr;
  // RFC 3830 §4.5: DHr and DHi answer a DHi, and nothing else.
  if (has_dh != exchange.fresh_dh) return Err(Error::kPayloadUnexpected);
  if (Status proof = CheckProof(party, received, exchange.idr.view(), exchange); !proof) {
    return proof;
  }
  if (Status taken = TakeSessions(received.message.header, exchange.session.csb.sessions); !taken) {
    return taken;
  }
  if (!has_dh) return {};
  const bool echoed = theirs != nullptr && ours != nullptr && ours->group == exchange.dh_group &&
                      theirs->group == exchange.dh_group &&
                      Equal(ours->value, exchange.dh_initiator.view());
  if (!echoed) return Err(Error::kUnexpected);
  return Agree(party, theirs->value, ours->kv, exchange);
}

}  // namespace keymast::mikey
