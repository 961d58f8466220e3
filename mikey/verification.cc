// SPDX-License-Identifier: Apache-2.0
// Verification message (TS 33.246 §6.4.5.2): HDR, T, IDr, V under the user key.
#include "mikey/form3gpp.h"
#include "mikey/srtp_fields.h"

namespace keymast::mikey {
namespace {

// RFC 3830 §5.2 appends both identities; the profile can leave them out at both ends.
Answered AnsweredOf(const Profile3gpp& profile, ByteView idi, ByteView idr, ByteView counter) {
  if (!profile.ids_in_verification) return {{}, {}, counter};
  return {idi, idr, counter};
}

}  // namespace

Result<size_t> WriteVerification(const crypto::Suite& suite, const Profile3gpp& profile,
                                 const Verification& message, ByteView user_key, MutableBytes out) {
  const PskContext context{AlgorithmsOf(profile), user_key, message.csb_id, message.rand};
  const StreamMap map(message.streams);
  Header header;
  header.data_type = DataType::kPskVerification;
  header.prf = profile.prf;
  header.csb_id = message.csb_id.value;
  map.Describe(header);
  ChainWriter chain(out, header);
  const auto counter = CounterOctets(message.counter);
  chain.Add(TPayload{TsType::kCounter, counter});  // of the MSK message: the Responder makes none
  chain.Add(IdPayload{profile.idr_type, message.idr});
  return CloseWithV(suite, context, chain, AnsweredOf(profile, message.idi, message.idr, counter));
}

Status CheckVerification(const crypto::Suite& suite, const Profile3gpp& profile,
                         const Unverified& message, ByteView idi, ByteView rand,
                         ByteView user_key) {
  KEYMAST_CHECK(message.kind == MessageKind::kVerification);
  Message parsed;
  if (Status status = ParseMessage(message.datagram, parsed); !status) return status;
  if (parsed.Get<IdPayload>()->id_type != profile.idr_type) return Err(Error::kUnsupportedPolicy);
  const PskContext context{AlgorithmsOf(profile), user_key, message.csb_id, rand};
  // The answer copies T (TS 33.246 §6.4.5.2), so its own is the one of the message answered.
  return CheckV(suite, context, message.datagram, parsed,
                AnsweredOf(profile, idi, message.idr, parsed.Get<TPayload>()->value));
}

}  // namespace keymast::mikey
