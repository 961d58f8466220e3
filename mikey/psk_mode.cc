// SPDX-License-Identifier: Apache-2.0
// Pre-shared key (RFC 3830 §3.1), and the verification message that it shares with the public-key
// mode.
#include "mikey/exchange.h"

namespace keymast::mikey {

Result<size_t> WritePsk(const Party& party, Exchange& exchange, const Offer& offer,
                        MutableBytes out) {
  const SessionMap map(offer.sessions);
  Header header = HeaderOf(exchange, DataType::kPskInit);
  header.v_flag = offer.wants_answer;
  map.Describe(header);
  ChainWriter chain(out, header);
  AddOpening(party, exchange, offer, {!exchange.update, false}, chain);
  return CloseWithKemac(party.suite, exchange.Context(), chain, exchange.t.Payload(), offer.keys);
}

Status ReadPsk(const Party& party, const Received& received, Exchange& exchange) {
  Session& session = exchange.session;
  session.algorithms = AlgorithmsOf(received.message.header, *received.Get<KemacPayload>());
  if (!party.policy.Takes(session.algorithms)) return Err(Error::kUnsupportedAlgorithm);
  OpenedKeys opened;
  const Status status =
      OpenKemac(party.suite, exchange.Context(), received.datagram, received.message, opened);
  // What decrypts to no keys came from who has the key, all the same.
  exchange.authenticated = status || status.error() == Error::kDecryptionFailed;
  exchange.can_prove = exchange.authenticated;
  if (!status) return status;
  // An update may leave the keys as they are (RFC 3830 §4.5), a new bundle needs some.
  if (opened.keys().empty()) return exchange.update ? Status{} : Err(Error::kPayloadMissing);
  return TakeKeys(opened.keys(), session.csb);
}

Result<size_t> WriteAnswer(const Party& party, const Exchange& exchange, MutableBytes out) {
  const Session& session = exchange.session;
  const SessionMap map(session.csb.sessions.view());
  Header header =
      HeaderOf(exchange, exchange.ByPsk() ? DataType::kPskVerification : DataType::kPkVerification);
  map.Describe(header);
  ChainWriter chain(out, header);
  chain.Add(exchange.t.Payload());  // the Initiator's: the Responder makes none (RFC 3830 §5.2)
  AddId(exchange.idr, chain);
  return CloseWithV(party.suite, exchange.Context(), chain, exchange.Transcript());
}

Status ReadAnswer(const Party& party, const Received& received, Exchange& exchange) {
  const Status status = CheckV(party.suite, exchange.Context(), received.datagram, received.message,
                               exchange.Transcript());
  if (!status) return status;
  return TakeSessions(received.message.header, exchange.session.csb.sessions);
}

}  // namespace keymast::mikey
