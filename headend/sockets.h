// SPDX-License-Identifier: Apache-2.0
// The sockets of keymast-headend: encoders' packets come in, channels' packets go out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headend/headend.h"
#include "net/record.h"
#include "net/udp.h"

namespace keymast::headend {

// InputSocket is one port that an encoder sends to.
struct InputSocket {
  size_t input = 0;  // of Settings::inputs
  net::UdpSocket socket;
};

// OpenInputs binds every input's port, and the next one for RTCP where that is free. The message of
// a failure names the input.
tl::expected<std::vector<InputSocket>, Failure> OpenInputs(const std::vector<Input>& inputs,
                                                           const std::string& interface_address);

// Sender sends the packets of one channel from its interface, and opens that again when it went
// away and came back.
class Sender {
 public:
  // `output_interface` is the address to send from; empty: what the channel says, which is meant
  // for the server's machine. kWrongSource is a reason of its own: receivers would drop what it
  // sends.
  Sender(const ChannelDefinition& channel, const std::string& output_interface);

  // Send gives up a packet that the kernel refuses: it is live. kSendFailed and the like are
  // counted in `failed`.
  void Send(std::span<const net::Outgoing> packets, net::Recorder* recorder, Instant now);
  // Check opens the socket where there is none, and notices an interface that went away. Due each
  // second.
  void Check();

  // reason is why nothing can be sent; empty while something can.
  std::string_view reason() const;
  uint64_t failed() const { return failed_; }
  const ChannelDefinition& channel() const { return channel_; }

 private:
  bool IsSource() const;
  void Open();
  void Close(Error error);

  ChannelDefinition channel_;
  const std::string address_;  // to send from; empty: the system's choice
  std::optional<net::UdpSocket> socket_;
  Endpoint from_;
  uint32_t interface_ = 0;  // index; 0: the system's choice
  Error closed_by_ = Error::kNoInterface;
  bool told_ = false;  // that it is closed
  uint64_t failed_ = 0;
};

}  // namespace keymast::headend
