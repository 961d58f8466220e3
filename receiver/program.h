// SPDX-License-Identifier: Apache-2.0
// `keymast-receiver run`: sockets around the core, in one thread.
#pragma once

#include <memory>
#include <optional>

#include "crypto/rng.h"
#include "net/interface_watch.h"
#include "net/record.h"
#include "receiver/counter_file.h"
#include "receiver/make_core.h"
#include "receiver/member_state.h"
#include "receiver/sockets.h"

namespace keymast::receiver {

// Program opens everything at once, so that a start that cannot work fails before it runs.
class Program {
 public:
  // `clock` outlives the program.
  static tl::expected<std::unique_ptr<Program>, Failure> Open(Setup setup, const Clock& clock);

  // Poll waits up to `milliseconds` for datagrams, or for one of the descriptors to become
  // readable, and works through them: MSK messages, then MTK messages, then media, so that keys are
  // there before the packets that need them. It returns whether `stop_fd` is readable. A descriptor
  // of -1 is none.
  bool Poll(int milliseconds, int stop_fd, int report_fd = -1, int reload_fd = -1);

  // UseCredentials is Joiner's.
  void UseCredentials(std::shared_ptr<const mikey::v2::Credentials> credentials);

  // Tick is due once a second: old keys go; what failed when an interface came is tried again.
  void Tick();

  // Leave begins to leave the channel; Poll goes on until has_left; is_left: it was answered.
  void Leave();
  bool is_left() const { return joiner_ != nullptr && joiner_->is_left(); }
  bool has_left() const { return joiner_ == nullptr || joiner_->has_left(); }

  std::string Report() const;
  void PrintReport() const;
  const Core& core() const { return core_; }
  const Setup& setup() const { return setup_; }
  const MulticastSockets& multicast() const { return multicast_; }

 private:
  struct Parts {
    net::UdpSocket msk;
    net::UdpSocket forward;
    uint32_t interface_index;
    MulticastSockets multicast;
    std::unique_ptr<net::Recorder> recorder;
    std::optional<CounterFile> counters;
  };
  Program(Setup setup, const Clock& clock, Parts parts);
  void DrainMsk();
  void DrainMtk();
  void DrainMedia();
  void TakeMsk(const net::Incoming& datagram);
  void TakeJoin(const net::Incoming& datagram);
  void DriveJoin();
  void AfterJoinStep(const Joiner::Outcome& step, ByteView out);
  void AfterKeys(const Joiner::Outcome& step);
  void TellHeld();
  void SendKeying(const Endpoint& to, ByteView octets);
  void TakeMtk(const Endpoint& group, const net::Incoming& datagram);
  void TellMissing(ByteView packet, Instant now);
  void ForwardTo(const MediaPacket& packet, ByteView octets, std::vector<net::Outgoing>& out);
  void Record(net::Recorder::Direction direction, const Endpoint& from, const Endpoint& to,
              ByteView octets, Instant at);
  void FollowInterface();

  Setup setup_;
  const Clock& clock_;
  Core core_;
  net::UdpSocket msk_;
  net::UdpSocket forward_;
  MulticastSockets multicast_;
  uint64_t drops_before_ = 0;  // of sockets that were closed
  std::optional<net::InterfaceWatch> interfaces_;
  uint32_t joined_on_ = 0;  // index of the interface; 0 while it is away
  std::array<Endpoint, mikey::kMaxStreams> targets_{};  // by stream; unset: not handed on
  std::unique_ptr<net::Recorder> recorder_;
  std::optional<CounterFile> counter_file_;
  crypto::SystemRng rng_;
  std::optional<MemberState> member_;  // of who joins
  std::unique_ptr<Joiner> joiner_;     // null: MSK messages come by themselves
};

}  // namespace keymast::receiver
