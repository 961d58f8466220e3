// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_call.h"

#include "sdp/binding.h"
#include "sdp/bundle.h"

namespace keymast::tools {

using mikey::PortTraffic;
using mikey::v2::Offerer;

namespace {

constexpr size_t kExchanges = 16;  // that an answering side remembers
constexpr size_t kTickets = 4;
// Of a group: an offer in the media path takes one for its description, and one for CAP.
constexpr size_t kMadeAhead = 2;

}  // namespace

std::string_view StateName(PeerCall::State state) {
  constexpr std::string_view kNames[] = {"idle", "offered", "early", "up", "failed"};
  return kNames[static_cast<size_t>(state)];
}

PeerCall::PeerCall(const crypto::Suite& suite, CallSetup setup, crypto::Rng& rng)
    : suite_(suite),
      setup_(std::move(setup)),
      rng_(rng),
      media_(rng),
      rtcp_(media_, rng),
      pool_(*suite.pk, kMadeAhead),
      tickets_(suite, kTickets),
      directory_(setup_.self.view(), setup_.peer.view(), setup_.psk.view()),
      answerer_(suite, decided_.policy, directory_, kExchanges, rng, setup_.credentials.get()) {
  answerer_.use_tickets(&tickets_);
  answerer_.use_pool(&pool_);
  std::array<uint8_t, 8> id{};
  rng_.Fill(id);
  ours_.origin = {"-", Reader(id).U64() >> 2, 0, setup_.media};  // RFC 3264 §5: a signed number
}

Failure PeerCall::Named(Error error, const std::string& what) {
  return {error, what + ": " + std::string(ErrorName(error)), {}, {}, 0};
}

tl::unexpected<Failure> PeerCall::Fail(Error error, const std::string& what) {
  return Fail(Named(error, what));
}

tl::unexpected<Failure> PeerCall::Fail(Failure failure) {
  state_ = State::kFailed;
  ForgetKeys();
  pool_.Wipe();
  offerer_.reset();
  directory_.ExpectNothing();
  failure_ = std::move(failure);
  return tl::unexpected<Failure>(failure_);
}

PeerCall::Done PeerCall::Check(const Status& status, const std::string& what) {
  if (!status) return Fail(status.error(), what);
  return {};
}

PeerCall::Done PeerCall::Begin(bool we_offer) {
  // Who offers again has given up an exchange for which this side waits still.
  const bool was_given_up = !we_offer && !we_offer_ && state_ == State::kOffered && !keys_.empty();
  if (state_ != State::kIdle && state_ != State::kUp && !was_given_up) {
    return keymast::Fail(Error::kFailedPrecondition, "a round is open");
  }
  // The other side has no keys before the finish of this one has arrived.
  if (offerer_ && offerer_->state() == Offerer::State::kAnswered) {
    return keymast::Fail(Error::kFailedPrecondition, "the last exchange is not confirmed");
  }
  if (we_offer) directory_.ExpectNothing();
  we_offer_ = we_offer;
  ++rounds_;
  ++ours_.origin.version;
  if (theirs_) before_ = std::exchange(theirs_, std::nullopt);
  answer_.clear();
  keyed_.clear();
  is_sent_ = false;
  is_resumed_ = false;
  state_ = State::kOffered;
  return {};
}

// PolicyOf an exchange. Both sides keep tickets in memory alone, so mode PSK serves, and no key is
// agreed on again (MIKEYv2 §11). Early DH needs FRESH, which RETRY would bring: there is none in
// SDP (MIKEYv2 §12).
mikey::v2::Policy PeerCall::PolicyOf(bool is_resumed, bool is_in_sdp) const {
  using mikey::v2::Mode;
  mikey::v2::Policy policy = setup_.policy;
  policy.modes.clear();
  if (is_resumed) policy.modes.Add(static_cast<uint8_t>(Mode::kPsk));
  for (const uint8_t mode : setup_.policy.modes) {
    const bool is_left_out = is_in_sdp && static_cast<Mode>(mode) == Mode::kEarlyDh;
    if (!is_resumed && !is_left_out) policy.modes.Add(mode);
  }
  return policy;
}

void PeerCall::Push(const Endpoint& to, ByteView octets) {
  if (!octets.empty() && !to.IsUnset()) out_.push_back({to, Bytes(octets.begin(), octets.end())});
}

void PeerCall::PushAll(const Endpoint& to, ByteView out, size_t first,
                       const mikey::v2::MoreDatagrams& more) {
  Push(to, out.first(first));
  for (size_t at = first, i = 0; i < more.size(); at += more[i++]) {
    Push(to, out.subspan(at, more[i]));
  }
}

// SDP has no FRAGMENTs (MIKEYv2 §3.6): what the machines cut for datagrams is one there.
Result<Bytes> PeerCall::Whole(ByteView out, size_t first,
                              const mikey::v2::MoreDatagrams& more) const {
  Bytes whole;
  if (more.empty()) whole.assign(out.begin(), out.begin() + static_cast<ptrdiff_t>(first));
  for (size_t at = 0, i = 0; !more.empty() && i <= more.size(); ++i) {
    const ByteView datagram = out.subspan(at, i == 0 ? first : more[i - 1]);
    at += datagram.size();
    mikey::Message message;
    if (Status parsed = mikey::ParseMessage(datagram, message); !parsed) return Err(parsed.error());
    const auto* fragment = message.Get<mikey::FragmentPayload>();
    if (fragment == nullptr) return Err(Error::kInternal);
    whole.insert(whole.end(), fragment->data.begin(), fragment->data.end());
  }
  return whole;
}

sdp::Stream PeerCall::Described(size_t index) const {
  const CallStream& stream = media_.streams()[index];
  sdp::Stream described;
  described.media = "audio";
  described.direction = stream.wanted;
  if (stream.wanted != sdp::Direction::kInactive) described.at = setup_.media;
  described.formats = {{stream.payload_type, std::string(stream.codec->rtpmap), {}}};
  described.mid = std::to_string(index + 1);
  // Keying, RTP and RTCP share one port, of all streams.
  described.rtcp_mux = true;
  if (sdp::Sends(stream.wanted)) described.ssrc = stream.sender.ssrc();
  described.cname = rtcp_.cname();  // RFC 5576 §6.1: that of its RTCP
  return described;
}

// TakeTheirs reads a description and asks of it what both kinds have in common.
PeerCall::Done PeerCall::TakeTheirs(std::string_view text) {
  auto read = sdp::ReadSession(text);
  if (!read) return Fail(read.error().error, read.error().message);
  theirs_ = std::move(*read);
  if (before_) {
    Done next = Check(sdp::CheckNext(*before_, *theirs_), "a description that does not follow");
    if (!next) return next;
  }
  if (theirs_->keying.session.empty()) return Fail(Error::kPayloadMissing, "a=mikeyv2-id");
  // With a certificate the exchange itself asks whether it is that of the fingerprint.
  const auto& told = theirs_->keying.fingerprint;
  if (setup_.credentials == nullptr) {
    return Check(sdp::CheckFingerprint(theirs_->keying, std::nullopt), "a=fingerprint");
  }
  return Check(told ? Status() : Err(Error::kPayloadMissing), "a=fingerprint");
}

// CheckSameParty: a ticket stands for the certificate that proved the exchange which gave it, and
// for no other (MIKEYv2 §12).
PeerCall::Done PeerCall::CheckSameParty() {
  const bool is_same =
      !is_resumed_ || !before_ || before_->keying.fingerprint == theirs_->keying.fingerprint;
  return Check(is_same ? Status() : Err(Error::kCertificateUntrusted), "a=fingerprint");
}

std::optional<sdp::Fingerprint> PeerCall::OurFingerprint() const {
  if (setup_.credentials == nullptr) return std::nullopt;
  const mikey::v2::Digest hash =
      mikey::v2::HashOf(suite_, setup_.credentials->own.front().chain.front());
  return hash;
}

// UseDirections: a stream goes where both descriptions say so; an offer alone is believed until its
// answer comes.
void PeerCall::UseDirections() {
  for (size_t i = 0; i < media_.streams().size(); ++i) {
    CallStream& stream = media_.streams()[i];
    const bool is_described = i < ours_.streams.size() && !ours_.streams[i].is_refused();
    const sdp::Direction ours =
        is_described ? ours_.streams[i].direction : sdp::Direction::kInactive;
    sdp::Direction both = ours;
    stream.to = remote_;
    if (theirs_) {
      const sdp::Stream* other = i < theirs_->streams.size() ? &theirs_->streams[i] : nullptr;
      const bool is_there = other != nullptr && !other->is_refused();
      both =
          is_there ? sdp::Common(ours, sdp::Reversed(other->direction)) : sdp::Direction::kInactive;
      if (is_there) stream.to = sdp::AddressOf(*theirs_, i, we_offer_ ? *theirs_ : ours_);
    }
    stream.sends = sdp::Sends(both);
    stream.receives = sdp::Receives(both);
  }
}

void PeerCall::ForgetKeys() {
  media_.ForgetKeys();
  rtcp_.Forget();
  keys_.clear();
}

PeerCall::Done PeerCall::TakeKeys(const mikey::v2::UnicastSession& session,
                                  const mikey::v2::Choice& choice, Instant now) {
  Result<std::vector<StreamKey>> keys = KeysOf(suite_, session, choice.profiles);
  const auto refused = [](Error error, const std::string& what) {
    return tl::unexpected<Failure>(Named(error, what));
  };
  if (!keys) return refused(keys.error(), "the policies of the exchange");
  media_.BeginExchange();
  for (const StreamKey& key : *keys) {
    const size_t stream = (key.cs_id - 1u) / 2;  // MIKEYv2 §9
    const bool is_offerers = key.cs_id % 2 == 1;
    if (stream >= keyed_.size()) return refused(Error::kMalformed, "the map of the exchange");
    const Status used = media_.UseKey(keyed_[stream], is_offerers == we_offer_, key);
    if (!used) return refused(used.error(), "the keys of the exchange");
  }
  keys_ = std::move(*keys);
  failure_ = {};
  mode_ = choice.mode;
  rtcp_.Arm(now);
  return {};
}

void PeerCall::OnDatagram(const Endpoint& from, MutableBytes octets, Instant now) {
  const PortTraffic kind = mikey::TrafficOf(octets);
  ++traffic_[static_cast<size_t>(kind)];
  if (state_ == State::kIdle || state_ == State::kFailed) return;
  switch (kind) {
    // A packet that no key opens is counted by the media.
    case PortTraffic::kRtp:
      static_cast<void>(media_.OnRtp(octets, now));
      return;
    case PortTraffic::kRtcp:
      static_cast<void>(rtcp_.OnPacket(octets, now));
      return;
    case PortTraffic::kMikey:
      break;
    case PortTraffic::kDtls:
    case PortTraffic::kStun:
    case PortTraffic::kOther:
      return;  // nobody here speaks them
  }
  const auto type =
      octets.size() > 1 ? static_cast<mikey::DataType>(octets[1]) : mikey::DataType::kPskInit;
  const bool is_fragment = type == mikey::DataType::kFragment;
  const bool is_to_answerer =
      type == mikey::DataType::kCap || mikey::v2::IsFinish(type) || (is_fragment && !we_offer_);
  // MIKEYv2 §3.6: an Offerer takes FRAGMENTs from where it wrote to.
  if (is_fragment && we_offer_ && from != remote_) {
    ++refused_;
    return;
  }
  is_to_answerer ? OnAnswererSide(from, octets, now) : OnOffererSide(octets, now);
}

void PeerCall::Tick(Instant now) {
  TickExchange(now);
  PushReports(rtcp_.Tick(now));
}

Instant PeerCall::deadline() const { return std::min(exchange_deadline(), rtcp_.deadline()); }

void PeerCall::Leave(Instant now) {
  is_left_ = true;
  pool_.Wipe();
  PushReports(rtcp_.Leave(now));
}

bool PeerCall::MakeAhead() { return HasRoomAhead() && pool_.MakeAny(setup_.policy, rng_); }

bool PeerCall::HasRoomAhead() const {
  return !is_left_ && state_ != State::kFailed && pool_.HasRoom(setup_.policy);
}

void PeerCall::PushReports(const std::vector<CallRtcp::Packet>& packets) {
  for (const CallRtcp::Packet& packet : packets) {
    Push(media_.streams()[packet.stream].to, packet.octets);
  }
}

Status PeerCall::SendRtp(size_t stream, ByteView packet, Instant now) {
  const Result<Bytes> octets = media_.Protect(stream, packet, now);
  if (!octets) return Err(octets.error());
  Push(media_.streams()[stream].to, *octets);
  return {};
}

}  // namespace keymast::tools
