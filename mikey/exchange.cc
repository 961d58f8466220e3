// SPDX-License-Identifier: Apache-2.0
#include "mikey/exchange.h"

namespace keymast::mikey {

Result<Chains> ChainsOf(const Message& message) {
  Chains chains;
  for (size_t i = 0; const auto* cert = message.Get<CertPayload>(i); ++i) {
    switch (cert->cert_type) {
      case CertType::kX509:
      case CertType::kX509Sign:
        chains.signing.Add(cert->data);
        continue;
      case CertType::kX509Encr:
        chains.envelope.Add(cert->data);
        continue;
      case CertType::kX509Url:
        break;
    }
    return Err(Error::kUnsupportedPolicy);
  }
  if (chains.envelope.empty()) chains.envelope = chains.signing;
  return chains;
}

Header HeaderOf(const Exchange& exchange, DataType data_type) {
  Header header;
  header.data_type = data_type;
  header.prf = exchange.session.algorithms.prf;
  header.csb_id = exchange.session.csb.csb_id.value;
  header.map_type = CsIdMapType::kSrtpId;
  return header;
}

void AddOpening(const Party& party, const Exchange& exchange, const Offer& offer,
                const Parts& parts, ChainWriter& chain) {
  chain.Add(exchange.t.Payload());
  if (parts.rand) chain.Add(RandPayload{exchange.session.csb.rand.view()});
  AddId(exchange.idi, chain);
  if (parts.certificates) AddChain(party.self, chain);
  AddId(exchange.idr, chain);
  for (const CsbPolicy& policy : offer.policies) chain.Add(policy.Payload());
  if (offer.sdp_ids) chain.Add(ExtPayload{ExtType::kSdpIds, *offer.sdp_ids});
}

void AddId(const OwnedIdentity& identity, ChainWriter& chain) {
  if (!identity.data.empty()) chain.Add(identity.view().Payload());
}

void AddChain(const Self& self, ChainWriter& chain) {
  for (const ByteView der : self.chain) chain.Add(CertPayload{CertType::kX509, der});
}

}  // namespace keymast::mikey
