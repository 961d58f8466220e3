// SPDX-License-Identifier: Apache-2.0
// keymast-peer as it runs: a call with its sockets, files and clock.
#pragma once

#include "crypto/rng.h"
#include "net/udp.h"
#include "tools/peer_options.h"
#include "tools/peer_signalling.h"

namespace keymast::tools {

class PeerProgram {
 public:
  // Open binds the media port and those of the sources.
  static tl::expected<std::unique_ptr<PeerProgram>, Failure> Open(PeerPlan plan,
                                                                  const Clock& clock);

  // Run goes on until it is told to stop, the time is over or the call has failed, and prints a
  // report each second. The exit status: 0 when the call is up at the end.
  int Run(int stop_fd);

 private:
  enum class Step : uint8_t { kBegin, kWriteOffer, kAwaitAnswer, kAwaitOffer, kRing, kWriteAnswer };
  struct Source {
    Place place;
    std::optional<net::UdpSocket> socket;
    std::optional<Tone> tone;
    uint32_t timestamp = 0;
    Bytes input;  // of standard input, not yet a whole packet
  };

  PeerProgram(PeerPlan plan, const Clock& clock, net::UdpSocket media);
  tl::expected<void, Failure> OpenSources();
  tl::expected<void, Failure> Advance(Instant now);
  tl::expected<void, Failure> BeginRound(Instant now);
  tl::expected<void, Failure> Await(Instant now);
  tl::expected<void, Failure> WriteOut(Step next, Instant now);
  tl::expected<void, Failure> Reveal();
  void EndRound(Instant now);
  bool WaitsForFile() const;
  bool Wait(Instant until, int stop_fd);
  void DrainMedia(Instant now);
  void DrainSources(Instant now);
  void DrainInput(size_t stream, Source& source, Instant now);
  void SendTones(Instant now);
  void Send();
  void HandOn();
  void Print() const;

  PeerPlan plan_;
  const Clock& clock_;
  crypto::SystemRng rng_;
  net::UdpSocket media_;
  PeerCall call_;
  std::vector<Source> sources_;
  size_t round_ = 0;
  Step step_ = Step::kBegin;
  std::string text_;  // to be written
  std::unique_ptr<DescriptionSource> awaited_;
  Instant at_ = kNever;  // of what the step waits for
  Instant next_frame_ = kNever;
  bool is_revealed_ = false;
};

}  // namespace keymast::tools
