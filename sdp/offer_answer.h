// SPDX-License-Identifier: Apache-2.0
// The offer/answer model (RFC 3264): what may answer an offer, and what may follow it.
#pragma once

#include "sdp/session.h"

namespace keymast::sdp {

// Ability is what a side can do with a stream that is offered.
struct Ability {
  Endpoint at;  // where it receives; port 0: it wants none of this
  Direction direction = Direction::kSendRecv;
  std::vector<Format> formats;  // by rtpmap; payload types are the offer's
  std::optional<Ssrc> ssrc;
  std::string cname = "-";
  std::string media = "audio";
};

// MakeAnswer answers each stream by the ability at its place: one that is refused in the offer, has
// no ability, is of another media type or transport than RTP/SAVP, or has no format in common is
// refused (RFC 3264 §6). So is one without a=rtcp-mux, since an ability has one port for RTP and
// RTCP (RFC 5761 §5.1.1), and one at the address of another without a bundle. Payload types that
// RTCP's would be taken for do not count (RFC 5761 §4). The caller adds origin and keying.
Session MakeAnswer(const Session& offer, const std::vector<Ability>& abilities);

// CheckAnswer: kMalformed for an answer that has not the offer's m= lines in their order,
// kPolicyViolation for one that takes what was not offered: a stream that is refused, a direction,
// formats, a bundle; or that leaves out a=rtcp-mux, or has it without the offer's. One of its
// formats at least must be of the offer (RFC 3264 §6.1).
Status CheckAnswer(const Session& offer, const Session& answer);

// CheckNext is asked of an offer when there was a description of the same side before it (RFC 3264
// §8): its origin is the same but for a version that is one higher, and no m= line was taken away.
// What a line is of may change (§8.3.3). kMalformed.
Status CheckNext(const Session& before, const Session& next);

}  // namespace keymast::sdp
