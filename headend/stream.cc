// SPDX-License-Identifier: Apache-2.0
#include "headend/stream.h"

#include <utility>

namespace keymast::headend {

Stream::Stream(StreamDefinition definition, const StreamLimits& limits, std::string cname,
               PacketIndex first)
    : definition_(std::move(definition)),
      limits_(limits),
      cname_(std::move(cname)),
      sequencer_(first, definition_.clock_rate),
      range_(first) {}

Result<size_t> Stream::OnRtp(MutableBytes buffer, size_t length, srtpio::Session& session,
                             Instant now) {
  ++counters_.packets_in;
  const Result<RtpHeader> header = ReadRtp(buffer.first(length));
  if (!header) return Err(header.error());
  // Receivers know no other payload type than that of their session description.
  if (header->payload_type != definition_.payload_type) return Err(Error::kUnexpected);
  if (length + limits_.trailer > limits_.max_datagram) return Err(Error::kTooLong);
  const Result<Placement> placed = sequencer_.Place(*header, range_.end(), now);
  if (!placed) return Err(placed.error());
  WriteRtp(buffer, srtp::SequenceOf(placed->index), placed->timestamp, definition_.ssrc);
  session.SetRoc(srtp::RocOf(placed->index));
  const Result<size_t> protected_length = session.Protect(buffer, length);
  if (!protected_length) return protected_length;
  ++counters_.packets_out;
  counters_.octets_out += header->payload;
  return protected_length;
}

Result<size_t> Stream::OnRtcp(MutableBytes buffer, size_t length, srtpio::Session& session) {
  ++counters_.rtcp_in;
  Result<SenderReport> report = ReadSenderReport(buffer.first(length));
  if (!report) return Err(report.error());
  const std::optional<uint32_t> timestamp = sequencer_.TimestampOf(report->ssrc, report->timestamp);
  if (!timestamp) return Err(Error::kWrongSource);
  if (buffer.size() < kMaxSenderReport + srtpio::kMaxTrailer) return Err(Error::kTooLong);
  report->ssrc = definition_.ssrc;
  report->timestamp = *timestamp;
  const size_t plain =
      WriteSenderReport(buffer, *report, {counters_.packets_out, counters_.octets_out}, cname_);
  const Result<size_t> protected_length = session.ProtectRtcp(buffer, plain);
  if (protected_length) ++counters_.rtcp_out;
  return protected_length;
}

}  // namespace keymast::headend
