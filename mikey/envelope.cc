// SPDX-License-Identifier: Apache-2.0
#include "mikey/envelope.h"

namespace keymast::mikey {
namespace {

// The encrypted identity is there against a message redirected under another sender's name: it must
// be the expected one (RFC 3830 §3.2). Where only a certificate was sent it must be one that the
// certificate is for.
Status CheckSender(const Party& party, const Received& received, const OpenedKeys& opened,
                   OwnedIdentity& expected) {
  const Identity sender{opened.sender().id_type, opened.sender().data};
  if (expected.data.empty()) {
    const Result<Chains> chains = ChainsOf(received.message);
    if (sender.empty() || !chains || chains->signing.empty()) return Err(Error::kUnknownIdentity);
    const auto key = party.others.SigningKeyOf(sender, chains->signing.view(), received.now);
    if (!key) return Err(key.error());
    expected = OwnedIdentity(sender);
  }
  return sender == expected.view() ? Status{} : Status{Err(Error::kUnknownIdentity)};
}

}  // namespace

void MakeEnvelopeKey(crypto::Rng& rng, Session& session) {
  session.shared = crypto::SecretKey<kMaxSharedKey>::OfSize(kEnvelopeKeySize);
  rng.Fill(session.shared.mutable_view());
}

Status AddPke(const Party& party, const Exchange& exchange, const crypto::PublicKey& key,
              crypto::Rng& rng, ChainWriter& chain) {
  std::array<uint8_t, crypto::kMaxModulusSize> wrapped;
  const Result<size_t> size =
      party.suite.pk->wrap(key, exchange.session.shared.view(), rng, wrapped);
  if (!size) return Err(size.error());
  chain.Add(PkePayload{exchange.session.cache, ByteView(wrapped).first(*size)});
  return {};
}

Status CheckSigned(const Party& party, const Received& received, const Identity& signer,
                   const Appended& appended) {
  const Result<Chains> chains = ChainsOf(received.message);
  if (!chains) return Err(chains.error());
  const Result<crypto::PublicKey> key =
      party.others.SigningKeyOf(signer, chains->signing.view(), received.now);
  if (!key) return Err(key.error());
  return CheckSignature(party, *key, received.datagram, received.message, appended);
}

Status ReadEnvelope(const Party& party, const Received& received, OwnedIdentity& sender,
                    Exchange& exchange) {
  const crypto::PrivateKey* key = party.self.envelope_key;
  if (key == nullptr || key->kind() != crypto::KeyKind::kRsa)
    return Err(Error::kFailedPrecondition);
  Session& session = exchange.session;
  const PkePayload* pke = received.Get<PkePayload>();
  if (pke->cache > Cache::kForCsb) return Err(Error::kMalformed);
  session.cache = pke->cache;
  // Wrong padding gives a key too, a wrong one: only the MAC below tells, and it tells no more.
  session.shared = party.suite.pk->unwrap(*key, pke->data);
  const KemacPayload* kemac = received.Get<KemacPayload>();
  session.algorithms = AlgorithmsOf(received.message.header, *kemac);
  if (!party.policy.Takes(session.algorithms)) return Err(Error::kUnsupportedAlgorithm);
  OpenedKeys opened;
  const Status open = OpenEnvelopedKemac(party.suite, exchange.Context(), received.datagram,
                                         received.message, opened);
  // Only now it is sure that the envelope key is the sender's too.
  exchange.can_prove = open || open.error() == Error::kDecryptionFailed;
  if (!open) return open;
  if (Status status = CheckSender(party, received, opened, sender); !status) return status;
  if (opened.keys().empty()) return exchange.update ? Status{} : Err(Error::kPayloadMissing);
  return TakeKeys(opened.keys(), session.csb);
}

}  // namespace keymast::mikey
