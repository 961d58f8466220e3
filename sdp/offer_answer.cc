// SPDX-License-Identifier: Apache-2.0
#include "sdp/offer_answer.h"

#include <algorithm>

#include "sdp/bundle.h"

namespace keymast::sdp {
namespace {

const Format* FindSame(const std::vector<Format>& formats, const Format& format) {
  const auto found =
      std::ranges::find_if(formats, [&](const Format& other) { return IsSame(other, format); });
  return found == formats.end() ? nullptr : &*found;
}

// RFC 5761 §4: with marker bit these look like packet types of RTCP.
bool LooksLikeRtcp(const Format& format) {
  return format.payload_type >= 64 && format.payload_type <= 95;
}

// RFC 3264 §6: a stream that is refused keeps its line, with port 0.
Stream Refused(const Stream& offered) {
  Stream refused = offered;
  refused.at = {};
  refused.ssrc.reset();
  refused.rtcp_mux_only = false;
  refused.bundle_only = false;
  return refused;
}

Stream AnswerTo(const Stream& offered, const Ability& ability) {
  Stream answer = Refused(offered);
  answer.formats.clear();
  for (const Format& format : offered.formats) {
    const bool is_usable = !format.rtpmap.empty() && !LooksLikeRtcp(format);
    if (is_usable && FindSame(ability.formats, format) != nullptr) {
      answer.formats.push_back(format);
    }
  }
  const bool is_taken = !offered.is_refused() && ability.at.port != 0 && offered.rtcp_mux &&
                        offered.media == ability.media && offered.transport == "RTP/SAVP" &&
                        !answer.formats.empty();
  if (!is_taken) return Refused(offered);
  answer.at = ability.at;
  answer.direction = Common(Reversed(offered.direction), ability.direction);
  if (Sends(answer.direction)) answer.ssrc = ability.ssrc;
  answer.cname = ability.cname;
  return answer;
}

Status CheckStream(const Stream& offered, const Stream& answered) {
  if (offered.media != answered.media || offered.transport != answered.transport) {
    return Err(Error::kMalformed);
  }
  if (answered.is_refused()) return {};
  const Direction allowed = Reversed(offered.direction);
  const bool is_within = Common(allowed, answered.direction) == answered.direction;
  const bool has_format = std::ranges::any_of(answered.formats, [&](const Format& format) {
    return std::ranges::any_of(offered.formats, [&](const Format& other) {
      return other.payload_type == format.payload_type && IsSame(other, format);
    });
  });
  // Ours are a=rtcp-mux-only (RFC 8858 §4.3).
  const bool is_muxed_alike = offered.rtcp_mux == answered.rtcp_mux && !answered.rtcp_mux_only;
  const bool is_allowed = !offered.is_refused() && is_within && has_format && is_muxed_alike;
  return is_allowed ? Status() : Err(Error::kPolicyViolation);
}

}  // namespace

Session MakeAnswer(const Session& offer, const std::vector<Ability>& abilities) {
  Session answer;
  answer.name = offer.name;
  answer.time = offer.time;  // RFC 3264 §6: the offer's
  for (size_t i = 0; i < offer.streams.size(); ++i) {
    const Ability ability = i < abilities.size() ? abilities[i] : Ability();
    answer.streams.push_back(AnswerTo(offer.streams[i], ability));
  }
  Bundle(offer, answer);
  return answer;
}

Status CheckAnswer(const Session& offer, const Session& answer) {
  if (offer.streams.size() != answer.streams.size()) return Err(Error::kMalformed);
  for (size_t i = 0; i < offer.streams.size(); ++i) {
    if (Status checked = CheckStream(offer.streams[i], answer.streams[i]); !checked) {
      return checked;
    }
  }
  return CheckBundle(offer, answer);
}

Status CheckNext(const Session& before, const Session& next) {
  const bool is_same = next.origin.user == before.origin.user &&
                       next.origin.id == before.origin.id &&
                       next.origin.version == before.origin.version + 1;
  const bool follows = is_same && next.streams.size() >= before.streams.size();
  return follows ? Status() : Err(Error::kMalformed);
}

}  // namespace keymast::sdp
