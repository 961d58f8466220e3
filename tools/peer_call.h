// SPDX-License-Identifier: Apache-2.0
// One side of a session of two: descriptions, MIKEYv2 and SRTP on one port, without I/O. Whoever
// owns it carries descriptions and datagrams, and calls Tick at its deadline.
#pragma once

#include <memory>

#include "mikey/port_traffic.h"
#include "mikey/v2/offerer.h"
#include "sdp/offer_answer.h"
#include "tools/peer_choice.h"
#include "tools/peer_control.h"
#include "tools/peer_directory.h"

namespace keymast::tools {

// CallSetup is what a side is told.
struct CallSetup {
  mikey::OwnedIdentity self;
  mikey::OwnedIdentity peer;
  // One of the two: a pre-shared key, or a key of ours with its certificate, whose fingerprint is
  // then in our descriptions, and the other side's must be in its.
  crypto::SecretKey<mikey::kMaxSharedKey> psk;
  std::shared_ptr<const mikey::v2::Credentials> credentials;
  mikey::v2::Policy policy;  // modes of the one that there is
  Endpoint media;            // where our side receives
  bool key_mgmt = false;     // our offers carry CAP (RFC 4567)
};

// Datagram goes out.
struct Datagram {
  Endpoint to;
  Bytes octets;
};

class PeerCall {
 public:
  enum class State : uint8_t {
    kIdle,
    kOffered,  // a description, or keys, are awaited
    kEarly,    // the Offerer has keys and not yet the answering description: provisional
    kUp,       // keys are there, and bound to the descriptions
    kFailed,
  };
  using Done = tl::expected<void, Failure>;

  // Borrowed: suite and randomness.
  PeerCall(const crypto::Suite& suite, CallSetup setup, crypto::Rng& rng);
  PeerCall(const PeerCall&) = delete;
  PeerCall& operator=(const PeerCall&) = delete;

  State state() const { return state_; }
  // Why it failed or, of one that is up, why the last round brought no keys; nothing else.
  const Failure& failure() const { return failure_; }
  CallMedia& media() { return media_; }
  const CallMedia& media() const { return media_; }
  const CallRtcp& rtcp() const { return rtcp_; }

  // Each round is an offer with its answer; either side may begin one when the last one is over.
  // What is refused ends the call: a description that cannot be read or taken, or is not what came
  // in a datagram. A later round whose CAP nobody answers ends alone: the call goes on under the
  // keys that it has, and the next offer shows another ticket, or none (MIKEYv2 §11).

  // Offer describes the streams of media(), as many as there are.
  tl::expected<std::string, Failure> Offer(Instant now);
  // OpenEarly sends CAP before there is an answer, to an address that is known otherwise. An answer
  // to it is provisional (MIKEYv2 §12); with a certificate it is anybody's who comes first, until
  // the description says whose it should be. kFailedPrecondition where CAP is in SDP and, with a
  // certificate, when the call is up.
  Done OpenEarly(const Endpoint& to, Instant now);
  Done TakeAnswer(std::string_view text, Instant now);

  // TakeOffer takes the other side's: from then on its CAP is awaited. Streams beyond those of
  // media() are refused.
  Done TakeOffer(std::string_view text, Instant now);
  tl::expected<std::string, Failure> Answer(Instant now);

  // OnDatagram takes what came to the media port, in place.
  void OnDatagram(const Endpoint& from, MutableBytes octets, Instant now);
  Instant deadline() const;
  // Likewise of the exchange alone: kNever when it waits for nothing.
  Instant exchange_deadline() const;
  void Tick(Instant now);

  // SendRtp protects a plain packet of one of our streams and sends it.
  Status SendRtp(size_t stream, ByteView packet, Instant now);
  // Leave says BYE; nothing is sent on our streams from then on.
  void Leave(Instant now);

  // MakeAhead makes one value for Diffie-Hellman of an exchange to come, for a loop that has
  // nothing else to do: false when there are enough, as HasRoomAhead says. MadeAhead: how many of a
  // group.
  bool MakeAhead();
  bool HasRoomAhead() const;
  size_t MadeAhead(crypto::DhGroup group) const { return pool_.size(group); }

  // TakeOut gives what is to be sent.
  std::vector<Datagram> TakeOut() { return std::exchange(out_, {}); }

  uint64_t traffic(mikey::PortTraffic kind) const { return traffic_[static_cast<size_t>(kind)]; }
  uint64_t refused_messages() const { return refused_; }  // of MIKEYv2
  size_t rounds() const { return rounds_; }
  // Whether a ticket of an exchange before opened the last one: without public-key work, and
  // without the pre-shared key.
  bool is_resumed() const { return is_resumed_; }
  mikey::v2::Mode mode() const { return mode_; }
  // Of the last exchange; for who was asked to reveal them.
  const std::vector<StreamKey>& keys() const { return keys_; }

 private:
  static Failure Named(Error error, const std::string& what);
  tl::unexpected<Failure> Fail(Failure failure);
  tl::unexpected<Failure> Fail(Error error, const std::string& what);
  Done Check(const Status& status, const std::string& what);
  Done Begin(bool we_offer);
  void Push(const Endpoint& to, ByteView octets);
  // PushAll of the datagrams that stand at the front of `out`.
  void PushAll(const Endpoint& to, ByteView out, size_t first,
               const mikey::v2::MoreDatagrams& more);
  // Whole is the message that these datagrams are.
  Result<Bytes> Whole(ByteView out, size_t first, const mikey::v2::MoreDatagrams& more) const;

  // Descriptions.
  // Described is a stream as we offer it; refused where we want none.
  sdp::Stream Described(size_t index) const;
  Done TakeTheirs(std::string_view text);
  void UseDirections();
  std::vector<sdp::Ability> Abilities() const;
  std::optional<sdp::Fingerprint> OurFingerprint() const;

  // Tickets that exchanges left (MIKEYv2 §11).
  mikey::v2::Policy PolicyOf(bool is_resumed, bool is_in_sdp) const;
  void KeepTicket();
  Done CheckSameParty();

  // We offer.
  // OpenExchange leaves CAP in `out` and returns the length of its first datagram.
  Result<size_t> OpenExchange(bool takes_fragments, Instant now, Bytes& out);
  void BundleOffer();
  size_t TheirFragments() const;
  Done SendCap(Instant now);
  void SetHeld(bool held);
  Done BindAnswer(Instant now);
  Done CheckOwnAnswer() const;
  bool MayBeAnybodys() const;
  void DropProvisional();
  void OnOffererSide(ByteView octets, Instant now);
  void OnAnswer(ByteView octets, ByteView finish, Instant now);
  void TickExchange(Instant now);
  void EndRound(const std::string& what);
  Done TakeAnswerInSdp(Instant now);

  // We answer.
  Done CheckStreams(const mikey::v2::Capabilities& told);
  Done ExpectCap(const mikey::v2::Capabilities& told);
  void OnAnswererSide(const Endpoint& from, ByteView octets, Instant now);
  Result<Bytes> AnswerCapInSdp(Instant now);

  // TakeKeys of an exchange: those before it failed may be there.
  Done TakeKeys(const mikey::v2::UnicastSession& session, const mikey::v2::Choice& choice,
                Instant now);
  void ForgetKeys();
  void PushReports(const std::vector<CallRtcp::Packet>& packets);

  const crypto::Suite& suite_;
  CallSetup setup_;
  crypto::Rng& rng_;
  CallMedia media_;
  CallRtcp rtcp_;
  State state_ = State::kIdle;
  Failure failure_;
  size_t rounds_ = 0;
  bool we_offer_ = false;

  sdp::Session ours_;                   // our last description
  std::optional<sdp::Session> theirs_;  // theirs of this round
  std::optional<sdp::Session> before_;  // theirs of the last one
  std::vector<size_t> keyed_;           // m= line of each stream that the exchange keys

  mikey::v2::DhPool pool_;  // of both roles
  bool is_left_ = false;
  mikey::v2::PeerTickets tickets_;
  bool is_resumed_ = false;

  mikey::v2::Policy offered_;
  std::optional<mikey::v2::Resumption> resume_;  // what our open offer shows
  std::optional<mikey::v2::TicketId> shown_;     // it, until it has its answer
  std::unique_ptr<mikey::v2::Offerer> offerer_;
  bool is_sent_ = false;   // CAP is on its way
  bool is_early_ = false;  // since before the description came that answers ours
  Endpoint remote_;        // where messages of our exchange go
  Bytes answer_;           // that the Offerer took

  Decided decided_;
  PeerDirectory directory_;
  mikey::v2::Answerer answerer_;

  mikey::v2::Mode mode_ = mikey::v2::Mode::kPsk;
  std::vector<StreamKey> keys_;
  std::vector<Datagram> out_;
  std::array<uint64_t, mikey::kPortTrafficKinds> traffic_{};
  uint64_t refused_ = 0;
};

std::string_view StateName(PeerCall::State state);

}  // namespace keymast::tools
