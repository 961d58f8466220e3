// SPDX-License-Identifier: Apache-2.0
// Every datagram that keymastd sends or receives passes here: one unicast socket, and one multicast
// sender for each way in which channels send.
#pragma once

#include <map>
#include <memory>

#include "net/record.h"
#include "net/udp.h"
#include "server/datagram_port.h"

namespace keymast::server {

class Transmitter final : public DatagramPort {
 public:
  // `recorder` may be null.
  Transmitter(const Clock& clock, net::UdpSocket unicast, Endpoint local,
              std::unique_ptr<net::Recorder> recorder);

  void Send(const std::vector<controller::Datagram>& datagrams) override;
  void Receive(size_t limit, const Take& take) override;
  // Reopen makes the next datagram of each way open its multicast sender anew: after a change of
  // the interfaces.
  void Reopen();
  void Flush() override {
    if (recorder_) recorder_->Flush();
  }
  Counters counters() const override;

  int unicast_fd() const { return unicast_.socket->fd(); }

 private:
  struct Sender {
    std::optional<net::UdpSocket> socket;
    Endpoint local;
    Instant retry_at{};   // while there is no socket
    bool faulty = false;  // and said so
  };
  size_t ReceiveSome();
  Sender& SenderOf(const controller::Datagram& datagram);
  void Open(const controller::Datagram& datagram, Sender& sender);
  void Record(const Sender& sender, std::span<const controller::Datagram> run);
  void SendRun(Sender& sender, std::span<const controller::Datagram> run);
  void Fault(Sender& sender, Error error, const Endpoint& to, uint64_t datagrams);

  static constexpr size_t kBatch = 64;
  const Clock& clock_;
  Sender unicast_;
  std::unique_ptr<net::Recorder> recorder_;
  std::map<std::pair<Endpoint::Family, controller::Way>, Sender> senders_;
  std::array<net::Incoming, kBatch> incoming_{};
  std::vector<net::Outgoing> outgoing_;
  Counters counters_;
};

}  // namespace keymast::server
