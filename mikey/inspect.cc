// SPDX-License-Identifier: Apache-2.0
// What can be known of a datagram without a key: enough to find the key and to discard cheaply.
#include "mikey/grammar.h"
#include "mikey/key_ids.h"

namespace keymast::mikey {
namespace {

Status InspectCounter(const Message& message, Unverified& out) {
  const TPayload* t = message.Get<TPayload>();
  if (t == nullptr) return Err(Error::kPayloadMissing);
  // TS 33.246 §6.4.5: the messages are numbered, not dated.
  if (t->ts_type != TsType::kCounter) return Err(Error::kUnsupportedAlgorithm);
  out.counter = Reader(t->value).U32();
  return {};
}

Status InspectVerification(const Message& message, Unverified& out) {
  out.kind = MessageKind::kVerification;
  if (Status form = CheckGrammar(message, Form::kVerification); !form) return form;
  out.idr = message.Get<IdPayload>()->data;
  return InspectCounter(message, out);
}

Status InspectIdentities(const Message& message, Unverified& out) {
  out.rand = message.Get<RandPayload>()->rand;
  out.idi = message.Get<IdPayload>(0)->data;
  out.idr = message.Get<IdPayload>(1)->data;
  if (out.rand.size() < kMinRand) return Err(Error::kMalformed);
  return {};
}

// An EXT with MTK ID announces an MTK, one without it an MSK (TS 33.246 §6.4.6).
Status InspectDelivery(const Message& message, Unverified& out) {
  const Result<KeyIds> ids = FindKeyIds(message);
  if (!ids) return Err(ids.error());
  out.ids = *ids;
  out.kind = ids->mtk ? MessageKind::kMtk : MessageKind::kMsk;
  const bool is_msk = out.kind == MessageKind::kMsk;
  if (Status form = CheckGrammar(message, is_msk ? Form::kMsk : Form::kMtk); !form) return form;
  if (Status counter = InspectCounter(message, out); !counter) return counter;
  return is_msk ? InspectIdentities(message, out) : Status{};
}

}  // namespace

Result<Unverified> Inspect(ByteView datagram) {
  Message message;
  if (Status parsed = ParseMessage(datagram, message); !parsed) return Err(parsed.error());
  if (message.header.data_type > DataType::kPskVerification) return Err(Error::kUnknownDataType);
  Unverified out;
  out.datagram = datagram;
  out.csb_id = CsbId(message.header.csb_id);
  out.prf = message.header.prf;
  out.wants_verification = message.header.v_flag;
  const Status inspected = message.header.data_type == DataType::kPskVerification
                               ? InspectVerification(message, out)
                               : InspectDelivery(message, out);
  if (!inspected) return Err(inspected.error());
  return out;
}

}  // namespace keymast::mikey
