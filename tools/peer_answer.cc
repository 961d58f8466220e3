// SPDX-License-Identifier: Apache-2.0
// The answering side of a call.
#include "sdp/binding.h"
#include "tools/peer_call.h"

namespace keymast::tools {

using mikey::v2::Answerer;
using mikey::v2::Capabilities;
using mikey::v2::StreamOffer;

namespace {

// MkiOf a round: streams that run already need one, and a new one (MIKEYv2 §9).
Bytes MkiOf(size_t round) {
  if (round < 2) return {};
  Bytes mki(4);
  Writer(mki).U32(round);
  return mki;
}

}  // namespace

std::vector<sdp::Ability> PeerCall::Abilities() const {
  std::vector<sdp::Ability> abilities;
  for (size_t i = 0; i < media_.streams().size(); ++i) {
    const sdp::Stream ours = Described(i);
    abilities.push_back({ours.at, ours.direction, ours.formats, ours.ssrc, ours.cname, ours.media});
  }
  return abilities;
}

PeerCall::Done PeerCall::TakeOffer(std::string_view text, Instant now) {
  if (theirs_) answerer_.EndOffer(theirs_->keying.session.view(), now);
  if (Done begun = Begin(false); !begun) return begun;
  if (Done taken = TakeTheirs(text); !taken) return taken;
  const Bytes& message = theirs_->keying.message;
  const Result<Bytes> tlvs =
      message.empty() ? Result<Bytes>(theirs_->keying.capabilities) : sdp::BoundTlvs(message);
  if (!tlvs) return Fail(tlvs.error(), "a=key-mgmt:mikey");
  if (tlvs->empty()) return Fail(Error::kPayloadMissing, "a=mikeyv2-cap");
  const Result<Capabilities> told = mikey::v2::ReadCapabilities({mikey::v2::kCapVersion, *tlvs});
  if (!told) return Fail(told.error(), "a=mikeyv2-cap");
  if (Done checked = CheckStreams(*told); !checked) return checked;
  // What an answer will say; media may flow before it is given.
  sdp::Session answer = sdp::MakeAnswer(*theirs_, Abilities());
  answer.origin = ours_.origin;
  for (size_t i = 0; i < answer.streams.size() && i < media_.streams().size(); ++i) {
    const sdp::Stream& stream = answer.streams[i];
    if (!stream.is_refused()) media_.streams()[i].payload_type = stream.formats[0].payload_type;
  }
  ours_ = std::move(answer);
  UseDirections();
  return ExpectCap(*told);
}

// CheckStreams: stream k of CAP is the k-th m= line of the offer that is keyed (MIKEYv2 §12).
PeerCall::Done PeerCall::CheckStreams(const Capabilities& told) {
  for (size_t i = 0; i < theirs_->streams.size(); ++i) {
    if (theirs_->streams[i].is_keyed()) keyed_.push_back(i);
  }
  bool agrees = told.StreamCount() == keyed_.size();
  for (size_t k = 0; agrees && k < keyed_.size(); ++k) {
    const sdp::Stream& stream = theirs_->streams[keyed_[k]];
    const StreamOffer offered = told.Stream(k);
    agrees = offered.from_offerer == sdp::Sends(stream.direction) &&
             offered.from_answerer == sdp::Receives(stream.direction) &&
             (!stream.ssrc || stream.ssrc->value == offered.ssrc);
  }
  return Check(agrees ? Status() : Err(Error::kPolicyViolation), "streams and capabilities");
}

PeerCall::Done PeerCall::ExpectCap(const Capabilities& told) {
  is_resumed_ = !told.ticket_id.empty();
  if (Done same = CheckSameParty(); !same) return same;
  const bool is_in_sdp = !theirs_->keying.message.empty();
  const Result<Decided> decided =
      Decide(told, PolicyOf(is_resumed_, is_in_sdp), setup_.credentials.get());
  if (!decided) return Fail(decided.error(), "a=mikeyv2-cap");
  decided_ = *decided;
  PeerDirectory::Expected expected;
  expected.told = theirs_->keying;
  expected.profile = decided_.policy.profiles[0];
  expected.mki = MkiOf(rounds_);
  while (media_.streams().size() < theirs_->streams.size()) {
    // A stream that we know nothing of is refused; the exchange keys it all the same.
    media_.Add(sdp::Direction::kInactive, ToneCodecs()[0]);
  }
  for (size_t k = 0; k < keyed_.size(); ++k) {
    const CallStream& stream = media_.streams()[keyed_[k]];
    PeerDirectory::Source source;
    // MIKEYv2 §3.3: the Offerer may leave it to us.
    const StreamOffer offered = told.Stream(k);
    const bool is_ours_to_draw = offered.from_offerer && offered.ssrc == 0;
    source.theirs = is_ours_to_draw ? media_.DrawSsrc() : Ssrc(offered.ssrc);
    source.ours = stream.sender.ssrc();
    expected.sources.push_back(source);
  }
  expected.positions = [this, lines = keyed_](size_t k) {
    const CallStream& stream = media_.streams()[lines[k]];
    PeerDirectory::Positions at;
    at.ours = stream.sender.at();
    if (stream.receiver) at.theirs = stream.receiver->at();
    return at;
  };
  directory_.Expect(std::move(expected));
  return {};
}

tl::expected<std::string, Failure> PeerCall::Answer(Instant now) {
  const bool is_awaited =
      !we_offer_ && theirs_.has_value() && (state_ == State::kOffered || state_ == State::kUp);
  if (!is_awaited) return keymast::Fail(Error::kFailedPrecondition, "there is no offer to answer");
  ours_.keying = {};
  ours_.keying.session = theirs_->keying.session;
  ours_.keying.fingerprint = OurFingerprint();
  if (theirs_->keying.message.empty()) {
    ours_.keying.capabilities = AnswerTlvs(decided_, ours_.keying.session.view());
    return sdp::WriteSession(ours_);
  }
  Result<Bytes> answer = AnswerCapInSdp(now);
  if (!answer) return Fail(answer.error(), "a=key-mgmt:mikey");
  ours_.keying.message = std::move(*answer);
  ours_.keying.protocols = "mikey";
  return sdp::WriteSession(ours_);
}

Result<Bytes> PeerCall::AnswerCapInSdp(Instant now) {
  const ByteView cap = theirs_->keying.message;
  Bytes out(RoomOf(decided_.policy));
  directory_.set_listed(sdp::CheckProtocols(theirs_->keying, cap));
  answerer_.set_in_signalling(true);
  const std::string from = ToString(theirs_->streams[0].at);
  const Answerer::Outcome outcome = answerer_.Receive(cap, AsBytes(from), now, rng_, out);
  answerer_.set_in_signalling(false);
  directory_.set_listed({});
  if (!outcome.status) return Err(outcome.status.error());
  return Whole(out, outcome.reply, outcome.more);
}

void PeerCall::OnAnswererSide(const Endpoint& from, ByteView octets, Instant now) {
  // A CAP that belongs in SDP has no business here.
  const bool is_cap = !mikey::v2::IsFinish(static_cast<mikey::DataType>(octets[1]));
  const bool is_elsewhere = is_cap && theirs_ && !theirs_->keying.message.empty();
  if (is_elsewhere) {
    ++refused_;
    return;
  }
  Bytes out(RoomOf(decided_.policy));
  const std::string address = ToString(from);
  const Answerer::Outcome outcome = answerer_.Receive(octets, AsBytes(address), now, rng_, out);
  PushAll(from, out, outcome.reply, outcome.more);
  if (!outcome.status) ++refused_;
  const bool is_fatal = is_cap && !outcome.status &&
                        outcome.status.error() == Error::kPolicyViolation && outcome.reply != 0;
  if (is_fatal) {
    static_cast<void>(
        Fail(Error::kPolicyViolation, "a proven CAP is not what its description told"));
    return;
  }
  if (outcome.event != Answerer::Event::kVerified || we_offer_) return;
  const Done taken =
      TakeKeys(answerer_.SessionOf(*outcome.entry), outcome.entry->exchange.choice, now);
  if (!taken) {
    static_cast<void>(Fail(taken.error()));
    return;
  }
  state_ = State::kUp;
}

}  // namespace keymast::tools
