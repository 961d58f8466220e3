// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_directory.h"

#include "sdp/binding.h"
#include "srtp/policy.h"

namespace keymast::tools {
namespace {

using mikey::CsbSession;
using mikey::v2::Asked;

constexpr uint8_t kPolicy = 1;  // of all streams

// MIKEYv2 §9: a stream that runs says where it is.
void PutPosition(const std::optional<PacketIndex>& at, CsbSession& session) {
  session.has_seq = at.has_value();
  if (!at) return;
  session.roc = srtp::RocOf(*at);
  session.seq = srtp::SequenceOf(*at);
}

}  // namespace

bool PeerDirectory::IsOwn(const mikey::Identity& identity) const {
  return identity == self_.view();
}

bool PeerDirectory::Serves(const Asked& asked) const {
  return expected_ && !asked.join && asked.answerer == self_.view() &&
         asked.offerer == peer_.view() &&
         Equal(asked.offer.session, expected_->told.session.view()) &&
         asked.offer.StreamCount() == expected_->sources.size();
}

const crypto::SecretKey<mikey::kMaxSharedKey>* PeerDirectory::SharedWith(const Asked& asked) const {
  return asked.offerer == peer_.view() && !psk_.empty() ? &psk_ : nullptr;
}

Result<mikey::v2::Terms> PeerDirectory::TermsFor(const Asked&) const {
  if (!expected_) return Err(Error::kUnsupportedPolicy);
  mikey::v2::Terms terms;
  terms.profiles.Add(expected_->profile);
  return terms;
}

Result<mikey::v2::Grant> PeerDirectory::GrantTo(const Asked& asked, const mikey::v2::Choice&) {
  if (!expected_) return Err(Error::kNotEntitled);
  if (!listed_) return Err(listed_.error());
  const Status bound = sdp::CheckTold(expected_->told, asked.tlvs);
  if (!bound) return Err(bound.error());
  const Result<SrtpProfile> profile = srtp::ProfileFromNumber(expected_->profile);
  if (!profile) return Err(profile.error());
  mikey::v2::Grant grant;
  grant.streams.policies.Add(
      {kPolicy, mikey::ProtType::kSrtp, Octets<255>(PolicyParams(*profile))});
  for (size_t i = 0; i < expected_->sources.size(); ++i) {
    const mikey::v2::StreamOffer stream = asked.offer.Stream(i);
    const Source& source = expected_->sources[i];
    const Positions at = expected_->positions(i);
    for (const bool from_offerer : {true, false}) {
      if (!(from_offerer ? stream.from_offerer : stream.from_answerer)) continue;
      if (grant.streams.sessions.full()) return Err(Error::kTooLong);
      CsbSession session;
      session.cs_id = mikey::v2::CsIdOf(i, from_offerer);
      session.policy = kPolicy;
      session.ssrc = from_offerer ? source.theirs : source.ours;
      PutPosition(from_offerer ? at.theirs : at.ours, session);
      session.spi = Octets<mikey::kMaxSpi>(expected_->mki);
      grant.streams.sessions.Add(session);
    }
  }
  return grant;
}

}  // namespace keymast::tools
