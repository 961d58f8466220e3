// SPDX-License-Identifier: Apache-2.0
// One receiver of the audience: keymast-receiver, a decoder behind it, and what they say.
#pragma once

#include "demo/stage.h"
#include "demo/summary.h"

namespace keymast::demo {

// ReceiverReport is the last JSON line of a keymast-receiver, as far as the demo reads it.
struct ReceiverReport {
  std::string mki;  // hexadecimal; empty: no key yet
  uint64_t opened = 0;
  uint64_t unknown_mki = 0;
  uint64_t refused_since_key = 0;
  uint64_t mtk_changes = 0;
  uint64_t msk_changes = 0;
  uint64_t kernel_drops = 0;
  std::optional<int64_t> last_good_packet_ns;
  std::optional<uint64_t> lowest_roc;  // of the streams; absent while one of them has no packet
};

// ParseReport is nothing for a line that is not one.
std::optional<ReceiverReport> ParseReport(const std::string& line);

// ReadFrameLine takes one line of keymast-demo-reader into the log; false for any other line.
bool ReadFrameLine(const std::string& line, FrameLog& log);

class Viewer {
 public:
  Viewer(std::string name, Role role, int seat);

  tl::expected<void, Failure> StartReceiver(const Stage& stage);
  // StartDecoder starts `ffmpeg | reader`. ffmpeg gives up after 10 s without packets, so a late
  // joiner's starts with its first key.
  tl::expected<void, Failure> StartDecoder(const Stage& stage);
  // Drain reads what both have said so far.
  void Drain();
  // Stop ends decoder and receiver and reads their last lines.
  void Stop();

  const std::string& name() const { return result_.name; }
  Role role() const { return result_.role; }
  int seat() const { return seat_; }
  bool HasKey() const { return !report_.mki.empty(); }
  bool is_receiving() const { return is_receiving_; }
  bool is_decoding() const { return is_decoding_; }
  const ReceiverReport& report() const { return report_; }
  const FrameLog& frames() const { return result_.frames; }
  // result has the kernel's drops of the last report.
  const ReceiverResult& result() const { return result_; }
  Process& receiver() { return receiver_; }
  Chain& decoder() { return decoder_; }

 private:
  int seat_;
  bool is_receiving_ = false;
  bool is_decoding_ = false;
  ReceiverResult result_;
  ReceiverReport report_;
  Process receiver_;
  Chain decoder_;
};

}  // namespace keymast::demo
