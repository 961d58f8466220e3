// SPDX-License-Identifier: Apache-2.0
// Public-key encryption (RFC 3830 §3.2).
#include "mikey/envelope.h"

namespace keymast::mikey {
namespace {

// CHASH names the certificate whose key opens the envelope (RFC 3830 §6.8).
Status CheckChash(const Party& party, const ChashPayload* chash) {
  if (chash == nullptr) return {};
  if (!party.policy.Takes(chash->hash_func)) return Err(Error::kUnsupportedAlgorithm);
  const Self& self = party.self;
  ByteView ours;
  if (chash->hash_func == HashFunc::kSha1 && self.envelope_certificate_sha1) {
    ours = *self.envelope_certificate_sha1;
  }
  if (chash->hash_func == HashFunc::kSha256 && self.envelope_certificate) {
    ours = *self.envelope_certificate;
  }
  const bool is_ours = !ours.empty() && Equal(ours, chash->hash);
  return is_ours ? Status{} : Status{Err(Error::kCertificateUntrusted)};
}

}  // namespace

Result<size_t> WritePk(const Party& party, Exchange& exchange, const Offer& offer, Instant now,
                       crypto::Rng& rng, MutableBytes out) {
  if (party.suite.pk == nullptr) return Err(Error::kFailedPrecondition);
  Session& session = exchange.session;
  const Result<crypto::PublicKey> key = party.others.EnvelopeKeyOf(exchange.idr.view(), {}, now);
  if (!key) return Err(key.error());
  session.cache = offer.cache;
  MakeEnvelopeKey(rng, session);
  const SessionMap map(offer.sessions);
  Header header = HeaderOf(exchange, DataType::kPkInit);
  header.v_flag = offer.wants_answer;
  map.Describe(header);
  ChainWriter chain(out, header);
  AddOpening(party, exchange, offer, {!exchange.update, true}, chain);
  const IdPayload sender = exchange.idi.view().Payload();
  if (Status added = AddEnvelopedKemac(party.suite, exchange.Context(), chain, exchange.t.Payload(),
                                       sender, offer.keys);
      !added) {
    return Err(added.error());
  }
  if (offer.chash) chain.Add(ChashPayload{HashFunc::kSha256, *offer.chash});
  if (Status added = AddPke(party, exchange, *key, rng, chain); !added) return Err(added.error());
  return CloseWithSignature(party, chain);
}

Status ReadPk(const Party& party, const Received& received, Exchange& exchange) {
  if (Status sign = CheckSigned(party, received, exchange.idi.view()); !sign) return sign;
  exchange.authenticated = true;
  if (Status chash = CheckChash(party, received.Get<ChashPayload>()); !chash) return chash;
  const Status read = ReadEnvelope(party, received, exchange.idi, exchange);
  exchange.session.peer = exchange.idi;
  return read;
}

}  // namespace keymast::mikey
