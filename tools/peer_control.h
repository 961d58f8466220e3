// SPDX-License-Identifier: Apache-2.0
// RTCP of a session of two: each SSRC of ours that has a key reports, protected as SRTCP, on the
// port of its media (RFC 3550 §6, RFC 5761). Who only receives has no key, and says nothing.
#pragma once

#include <deque>
#include <map>

#include "tools/peer_media.h"
#include "tools/peer_rtcp_timer.h"

namespace keymast::tools {

class CallRtcp {
 public:
  // Counts of a stream, and what the other side says.
  struct Source {
    uint64_t sent = 0;                   // compound packets
    uint64_t received = 0;               // that authenticated and could be read
    std::optional<ReportBlock> told;     // the last one about our packets
    std::optional<Duration> round_trip;  // by it
    std::string cname;                   // of the other side
    bool has_left = false;               // by its BYE
  };
  // Packet goes to where its stream goes.
  struct Packet {
    size_t stream = 0;
    Bytes octets;
  };

  // Borrowed: media and randomness. The CNAME is drawn for this session alone (RFC 7022 §4.2).
  CallRtcp(CallMedia& media, crypto::Rng& rng);

  // Source of a stream; all zero before anything is known of it.
  Source source(size_t stream) const;
  const std::string& cname() const { return cname_; }
  uint64_t refused() const { return refused_; }  // packets that authenticated and cannot be read

  // Arm begins the reports of streams that have begun to send.
  void Arm(Instant now);
  // While held, what comes is opened and kept, and says nothing yet (MIKEYv2 §12, provisional);
  // release takes it as of when it came.
  void set_held(bool held);
  // Forget what was said under keys that are thrown away.
  void Forget();
  Instant deadline() const;
  // Tick gives the reports that are due.
  std::vector<Packet> Tick(Instant now);
  // Leave gives the last ones, each with BYE; our streams send nothing from then on. A session of
  // two has fewer members than those from which a BYE waits (§6.3.7).
  std::vector<Packet> Leave(Instant now);

  // OnPacket opens what came, in place; errors as CallMedia::OpenRtcp and ReadCompound.
  Status OnPacket(MutableBytes packet, Instant now);

 private:
  // Ours is one of our SSRCs as it reports.
  struct Ours {
    std::optional<RtcpTimer> timer;
    std::optional<Instant> last;                    // report
    std::optional<Instant> before;                  // the one before
    std::map<uint32_t, RtpReception::Prior> prior;  // by SSRC
  };
  // Theirs is an SSRC of the other side's.
  struct Theirs {
    Ssrc ssrc;
    std::optional<Instant> heard;  // its RTCP
    uint32_t last_report = 0;
  };
  struct State {
    Source shown;
    Ours ours;
    Theirs theirs;
    Instant last_report_at;
  };

  void Grow();
  bool Reports(size_t stream) const;
  bool HasSent(size_t stream) const;
  bool IsThere(size_t stream, Duration within, bool by_media, Instant now) const;
  RtcpLoad Load(Instant now) const;
  double Bandwidth() const;
  void Count(size_t octets);
  std::vector<ReportBlock> Blocks(Ours& ours, Instant now);
  srtp::SenderInfo SenderOf(const CallStream& stream, Instant now) const;
  void Send(size_t stream, bool is_bye, Instant now, std::vector<Packet>& out);
  struct Held {
    size_t stream = 0;
    Compound compound;
    Instant at;
  };
  void Take(size_t stream, const Compound& compound, Instant now);
  void TakeBlock(const ReportBlock& block, Instant now);

  CallMedia& media_;
  crypto::Rng& rng_;
  std::string cname_;
  std::vector<State> states_;  // one a stream
  bool is_held_ = false;
  std::deque<Held> held_;
  double average_size_;
  uint64_t refused_ = 0;
};

}  // namespace keymast::tools
