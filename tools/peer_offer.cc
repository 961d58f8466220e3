// SPDX-License-Identifier: Apache-2.0
// The offering side of a call.
#include "sdp/binding.h"
#include "tools/peer_call.h"

namespace keymast::tools {

using mikey::v2::Offerer;
using mikey::v2::StreamOffer;

namespace {

constexpr std::string_view kMikey = "mikey";  // of a=key-mgmt (RFC 4567)

}  // namespace

// OpenExchange makes CAP of the open offer, with CSB ID and RANDi of its own each time.
Result<size_t> PeerCall::OpenExchange(bool takes_fragments, Instant now, Bytes& out) {
  std::vector<StreamOffer> streams;
  for (const size_t index : keyed_) {
    const CallStream& stream = media_.streams()[index];
    const bool sends = sdp::Sends(stream.wanted);
    streams.push_back(
        {sends, sdp::Receives(stream.wanted), sends ? stream.sender.ssrc().value : 0});
  }
  mikey::v2::Wish wish;
  wish.self = setup_.self.view();
  wish.peer = setup_.peer.view();
  wish.psk = setup_.psk.view();
  wish.streams = streams;
  wish.session = ours_.keying.session.view();
  if (setup_.key_mgmt) wish.sdp_ids = AsBytes(kMikey);
  wish.takes_fragments = takes_fragments;
  if (resume_) {
    wish.resume = &*resume_;
  } else if (theirs_ && theirs_->keying.fingerprint) {
    wish.fingerprint = *theirs_->keying.fingerprint;
  } else {
    // MIKEYv2 §12: until it is told. An answer in SDP comes with it.
    wish.takes_provisional = setup_.credentials != nullptr && !setup_.key_mgmt;
  }
  offerer_.reset();
  offered_ = PolicyOf(resume_.has_value(), setup_.key_mgmt);
  offerer_ = std::make_unique<Offerer>(suite_, offered_, setup_.credentials.get());
  offerer_->use_pool(&pool_);
  out.resize(RoomOf(offered_));
  return offerer_->Open(wish, now, rng_, out);
}

// TheirFragments are those of a message that their description says they take; 0: none.
size_t PeerCall::TheirFragments() const {
  if (!theirs_) return 0;
  const auto told =
      mikey::v2::ReadCapabilities({mikey::v2::kCapVersion, theirs_->keying.capabilities});
  return told ? told->Fragments() : 0;
}

// BundleOffer: all streams share one port. In the first offer the others have none of their own
// (RFC 9143 §7.2), later that of the bundle.
void PeerCall::BundleOffer() {
  for (const size_t index : keyed_) {
    sdp::Stream& stream = ours_.streams[index];
    stream.rtcp_mux_only = true;  // RFC 8858 §4.2
    stream.bundle_only = !before_ && !ours_.bundle.empty();
    ours_.bundle.push_back(stream.mid);
  }
}

tl::expected<std::string, Failure> PeerCall::Offer(Instant now) {
  if (Done begun = Begin(true); !begun) return tl::unexpected<Failure>(begun.error());
  ours_.streams.clear();
  ours_.bundle.clear();
  ours_.keying = {};
  for (size_t i = 0; i < media_.streams().size(); ++i) {
    ours_.streams.push_back(Described(i));
    if (!ours_.streams[i].is_refused()) {
      keyed_.push_back(i);
    } else if (before_ && i < before_->streams.size()) {
      ours_.streams[i] = before_->streams[i];  // RFC 3264 §8: a line keeps what it was
      ours_.streams[i].at.port = 0;
    }
  }
  BundleOffer();
  // One ticket opens one exchange; without one it is as the first time.
  resume_ = tickets_.Take(setup_.self.view(), setup_.peer.view(), now,
                          before_ ? before_->keying.fingerprint : std::nullopt);
  is_resumed_ = resume_.has_value();
  if (resume_) shown_ = resume_->id;
  std::array<uint8_t, sdp::kMaxSessionId> session{};
  rng_.Fill(session);
  ours_.keying.session = Octets<sdp::kMaxSessionId>(session);
  ours_.keying.fingerprint = OurFingerprint();
  // The exchange that is opened here goes on only in SDP itself; in the media path it tells what a
  // CAP will say, whose own is made when it is sent: its timers begin then.
  Bytes out;
  const Result<size_t> size = OpenExchange(true, now, out);
  if (!size) return Fail(size.error(), "an offer of these streams");
  const Result<Bytes> cap = Whole(out, *size, offerer_->more());
  if (!cap) return Fail(cap.error(), "an offer of these streams");
  if (setup_.key_mgmt) {
    resume_.reset();
    ours_.keying.message = *cap;
    ours_.keying.protocols = kMikey;
  } else {
    ours_.keying.capabilities = sdp::BoundTlvs(*cap).value_or(Bytes());
  }
  return sdp::WriteSession(ours_);
}

PeerCall::Done PeerCall::SendCap(Instant now) {
  Bytes out;
  const size_t fragments = TheirFragments();
  const Result<size_t> size = OpenExchange(fragments != 0, now, out);
  if (!size) return Fail(size.error(), "CAP, and what the other side takes");
  // MIKEYv2 §2: a CAP in FRAGMENTs goes to who says that it takes them.
  const bool fits = offerer_->more().empty() || offerer_->more().size() < fragments;
  if (!fits) return Fail(Error::kTooLong, "CAP, and what the other side takes");
  resume_.reset();
  is_sent_ = true;
  is_early_ = false;
  PushAll(remote_, out, *size, offerer_->more());
  return {};
}

PeerCall::Done PeerCall::OpenEarly(const Endpoint& to, Instant now) {
  // Who is not known yet comes into no call that is up.
  const bool may_come = setup_.credentials == nullptr || keys_.empty();
  const bool may_open =
      state_ == State::kOffered && we_offer_ && !is_sent_ && !setup_.key_mgmt && may_come;
  if (!may_open) return keymast::Fail(Error::kFailedPrecondition, "nothing to open early");
  remote_ = to;
  UseDirections();
  return SendCap(now);
}

PeerCall::Done PeerCall::TakeAnswer(std::string_view text, Instant now) {
  const bool is_awaited = (state_ == State::kOffered || state_ == State::kEarly) && we_offer_;
  if (!is_awaited || theirs_) return keymast::Fail(Error::kFailedPrecondition, "no answer awaited");
  if (Done taken = TakeTheirs(text); !taken) return taken;
  // MIKEYv2 §12: an answer repeats the id of its offer. One that does not may be left over from
  // another call: nothing goes to where it points.
  const bool is_ours = theirs_->keying.session == ours_.keying.session;
  Done checked = Check(is_ours ? sdp::CheckAnswer(ours_, *theirs_) : Err(Error::kPolicyViolation),
                       "an answer to another offer");
  if (!checked) return checked;
  if (Done same = CheckSameParty(); !same) return same;
  remote_ = {};
  for (const sdp::Stream& stream : theirs_->streams) {
    if (remote_.IsUnset() && !stream.is_refused()) remote_ = stream.at;
  }
  if (remote_.IsUnset()) return Fail(Error::kUnsupportedPolicy, "all streams are refused");
  UseDirections();
  if (setup_.key_mgmt) return TakeAnswerInSdp(now);
  if (!is_sent_) return SendCap(now);
  if (state_ == State::kEarly) return BindAnswer(now);
  // What answers from now on is of the certificate that is told.
  if (theirs_->keying.fingerprint) offerer_->Expect(*theirs_->keying.fingerprint);
  is_early_ = true;
  return {};
}

// MIKEYv2 §12: what came in SDP is the answer; the finish goes in the media path.
PeerCall::Done PeerCall::TakeAnswerInSdp(Instant now) {
  const Bytes message = theirs_->keying.message;
  if (message.empty()) return Fail(Error::kPayloadMissing, "a=key-mgmt:mikey of the answer");
  is_sent_ = true;
  // Whose certificate proves the answer is told beside it.
  if (theirs_->keying.fingerprint) offerer_->Expect(*theirs_->keying.fingerprint);
  OnOffererSide(message, now);
  if (state_ == State::kFailed) return tl::unexpected<Failure>(failure_);
  if (state_ != State::kUp) return Fail(Error::kAuthenticationFailed, "a=key-mgmt:mikey");
  return {};
}

void PeerCall::SetHeld(bool held) {
  media_.set_held(held);
  rtcp_.set_held(held);
}

// BindAnswer: the answer that was provisional is that of the description, or the exchange begins
// anew, now that it is known whose answer is taken (MIKEYv2 §12).
PeerCall::Done PeerCall::BindAnswer(Instant now) {
  if (CheckOwnAnswer()) {
    state_ = State::kUp;
    SetHeld(false);
    if (offerer_->state() == Offerer::State::kDone) KeepTicket();
    return {};
  }
  DropProvisional();
  return SendCap(now);
}

// DropProvisional forgets an exchange whose answer is not, or may not be, the other side's: CAP
// goes out again when it is known whose answer is taken.
void PeerCall::DropProvisional() {
  ForgetKeys();
  SetHeld(false);
  answer_.clear();
  offerer_.reset();
  is_sent_ = false;
  state_ = State::kOffered;
}

PeerCall::Done PeerCall::CheckOwnAnswer() const {
  Status bound = sdp::CheckBound(theirs_->keying, answer_);
  // MIKEYv2 §12: by that certificate, or by a ticket of an exchange that was.
  if (bound) bound = sdp::CheckFingerprint(theirs_->keying, offerer_->proved_by());
  if (!bound) {
    return keymast::Fail(bound.error(), "the answer is not what its description told");
  }
  return {};
}

void PeerCall::OnOffererSide(ByteView octets, Instant now) {
  if (!offerer_ || !is_sent_) {
    ++refused_;
    return;
  }
  const Offerer::State before = offerer_->state();
  Bytes out(RoomOf(offered_));
  const Offerer::Outcome outcome = offerer_->Receive(octets, now, rng_, out);
  if (!outcome.status) ++refused_;
  // What is provisional leaves no ticket (MIKEYv2 §12).
  const bool is_done = before != offerer_->state() && offerer_->state() == Offerer::State::kDone;
  if (is_done && state_ != State::kEarly) KeepTicket();
  const ByteView reply = ByteView(out).first(outcome.send);
  if (offerer_->state() == Offerer::State::kFailed && before != Offerer::State::kFailed) {
    if (MayBeAnybodys()) return DropProvisional();
    const auto number = offerer_->peer_error();
    const std::string name = number ? std::to_string(static_cast<unsigned>(*number)) : "?";
    static_cast<void>(Fail(Error::kPolicyViolation, "the other side says error " + name));
    return;
  }
  const bool is_answered =
      before == Offerer::State::kOffered && offerer_->state() == Offerer::State::kAnswered;
  if (is_answered) {
    if (shown_) tickets_.Wipe(*std::exchange(shown_, std::nullopt));
    OnAnswer(outcome.whole.empty() ? octets : outcome.whole, reply, now);
  } else {
    PushAll(remote_, out, outcome.send, offerer_->more());
  }
}

// MayBeAnybodys is true of a provisional exchange that no key of ours has proved: how it ends says
// nothing of the other side (MIKEYv2 §12).
bool PeerCall::MayBeAnybodys() const {
  return state_ == State::kEarly && offerer_->takes_provisional();
}

void PeerCall::KeepTicket() {
  if (offerer_->resumption()) tickets_.Keep(*offerer_->resumption());
  offerer_->Wipe();  // its keys were taken with the answer
}

// OnAnswer takes a verified answer; its finish is sent only when the answer is that of the
// description, where that has come.
void PeerCall::OnAnswer(ByteView octets, ByteView finish, Instant now) {
  answer_.assign(octets.begin(), octets.end());
  if (theirs_) {
    if (const Done bound = CheckOwnAnswer(); !bound) {
      static_cast<void>(Fail(bound.error().error, bound.error().message));
      return;
    }
  }
  state_ = theirs_ ? State::kUp : State::kEarly;
  const Done taken = TakeKeys(offerer_->session(), offerer_->exchange().choice, now);
  if (!taken) {
    if (MayBeAnybodys()) return DropProvisional();
    static_cast<void>(Fail(taken.error()));
    return;
  }
  SetHeld(state_ == State::kEarly);
  Push(remote_, finish);
}

Instant PeerCall::exchange_deadline() const {
  return offerer_ && is_sent_ ? offerer_->deadline() : kNever;
}

void PeerCall::TickExchange(Instant now) {
  if (!offerer_ || !is_sent_) return;
  const Offerer::State before = offerer_->state();
  Bytes out(RoomOf(offered_));
  const Offerer::Outcome outcome = offerer_->Tick(now, rng_, out);
  PushAll(remote_, out, outcome.send, offerer_->more());
  if (offerer_->state() != Offerer::State::kFailed || before == Offerer::State::kFailed) return;
  // MIKEYv2 §7: without KEYS the exchange is done where the other side's media has authenticated
  // under its keys: that the other side still talks under those before says nothing.
  const bool has_answer = before == Offerer::State::kAnswered;
  if (has_answer && media_.has_authenticated()) return;
  if (MayBeAnybodys()) return DropProvisional();
  // Who was called early need not have read our offer yet: CAP goes out again once there is an
  // answering description.
  if (!has_answer && !theirs_) {
    is_sent_ = false;
    return;
  }
  if (!has_answer && is_early_) {
    static_cast<void>(SendCap(now));
    return;
  }
  if (!has_answer && !keys_.empty()) return EndRound("no answer");
  static_cast<void>(Fail(Error::kUnavailable, has_answer ? "unconfirmed" : "no answer"));
}

// EndRound of an offer that brought no keys: those of the round before are in use. The other side
// may lack the ticket that was shown.
void PeerCall::EndRound(const std::string& what) {
  if (shown_) tickets_.Wipe(*std::exchange(shown_, std::nullopt));
  offerer_.reset();
  is_sent_ = false;
  is_resumed_ = false;
  failure_ = Named(Error::kUnavailable, what);
  state_ = State::kUp;
}

}  // namespace keymast::tools
