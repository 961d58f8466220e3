// SPDX-License-Identifier: Apache-2.0
// One stream of a channel: the encoder's packets in, ours out, protected in place. No clock, socket
// or file, and nothing is allocated for a packet.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "headend/index_range.h"
#include "headend/key_slots.h"
#include "headend/rtcp.h"
#include "headend/sequencer.h"

namespace keymast::headend {

// StreamDefinition is a stream as the server defines it.
struct StreamDefinition {
  std::string media;
  uint16_t port = 0;  // RTP; RTCP goes to the next one
  Ssrc ssrc;
  uint8_t payload_type = 0;
  uint32_t clock_rate = 90000;  // Hz, of the RTP timestamps
  std::optional<uint16_t> initial_sequence;
  friend bool operator==(const StreamDefinition&, const StreamDefinition&) = default;
};

// Longest SRTP packet that goes out: the channel's limit for its datagrams.
struct StreamLimits {
  size_t max_datagram = 1400;
  size_t trailer = 16;  // what SRTP adds under the channel's profile: MKI and tag
};

struct StreamCounters {
  uint64_t packets_in = 0;  // RTP for this stream, whatever became of it
  uint64_t packets_out = 0;
  uint64_t octets_out = 0;  // payload without padding
  uint64_t rtcp_in = 0;
  uint64_t rtcp_out = 0;
};

class Stream {
 public:
  // `first` was never used. `cname` names us in sender reports.
  Stream(StreamDefinition definition, const StreamLimits& limits, std::string cname,
         PacketIndex first);

  // OnRtp rewrites and protects the packet in the first `length` octets of `buffer`, which has room
  // for srtpio::kMaxTrailer behind it, and returns its new length. Errors: those of ReadRtp;
  // kUnexpected, another payload type than the channel's; kTooLong, it would not fit the channel's
  // datagrams; those of Sequencer::Place (kUnavailable: no reserved index is left).
  Result<size_t> OnRtp(MutableBytes buffer, size_t length, srtpio::Session& session, Instant now);

  // OnRtcp puts our sender report in the place of the encoder's. `buffer` has room for
  // kMaxSenderReport + srtpio::kMaxTrailer. Errors: those of ReadSenderReport; kWrongSource, it is
  // not about the packets that are on air; kTooLong.
  Result<size_t> OnRtcp(MutableBytes buffer, size_t length, srtpio::Session& session);

  // SetMaxDatagram changes the limit for packets to come.
  void SetMaxDatagram(size_t octets) { limits_.max_datagram = octets; }

  // Refused counts a packet that did not get as far as OnRtp or OnRtcp.
  void Refused(bool rtcp) { ++(rtcp ? counters_.rtcp_in : counters_.packets_in); }

  const StreamDefinition& definition() const { return definition_; }
  const StreamCounters& counters() const { return counters_; }
  const Sequencer& sequencer() const { return sequencer_; }
  IndexRange& range() { return range_; }
  const IndexRange& range() const { return range_; }
  std::optional<PacketIndex> Wanted() const { return range_.Wanted(sequencer_.next()); }

 private:
  StreamDefinition definition_;
  StreamLimits limits_;
  std::string cname_;
  Sequencer sequencer_;
  IndexRange range_;
  StreamCounters counters_;
};

}  // namespace keymast::headend
