// SPDX-License-Identifier: Apache-2.0
#include "headend/sockets.h"

#include <algorithm>

#include "net/interfaces.h"
#include "shell/log.h"

namespace keymast::headend {
namespace {

using shell::Log;
using shell::LogLevel;

constexpr size_t kReceiveBuffer = size_t{4} << 20;  // a picture of high rate comes in one burst

Result<net::UdpSocket> OpenInput(const Endpoint& listen, const std::string& interface_address) {
  Result<net::UdpSocket> socket =
      listen.IsMulticast() ? net::UdpSocket::OpenMulticastReceiver(listen, interface_address)
                           : net::UdpSocket::Open(listen);
  if (socket) socket->SetReceiveBuffer(kReceiveBuffer);
  return socket;
}

std::string Reason(Error error) {
  switch (error) {
    case Error::kInUse:
      return "another program has this port; see `ss -ulpn`";
    case Error::kNoInterface:
      return "no interface that is up has this address; see `ip address`";
    default:
      return std::string(ErrorName(error));
  }
}

}  // namespace

tl::expected<std::vector<InputSocket>, Failure> OpenInputs(const std::vector<Input>& inputs,
                                                           const std::string& interface_address) {
  std::vector<InputSocket> sockets;
  for (size_t i = 0; i < inputs.size(); ++i) {
    Result<net::UdpSocket> socket = OpenInput(inputs[i].listen, interface_address);
    if (!socket) {
      return Fail(socket.error(), "cannot take " + inputs[i].media + " on " +
                                      ToString(inputs[i].listen) + ": " + Reason(socket.error()));
    }
    sockets.push_back({i, std::move(*socket)});
  }
  // RTCP is a help to receivers, no more: where its port is taken it can still come with RTP.
  for (size_t i = 0; i < inputs.size(); ++i) {
    Endpoint rtcp = inputs[i].listen;
    if (rtcp.port == 65535) continue;
    ++rtcp.port;
    Result<net::UdpSocket> socket = OpenInput(rtcp, interface_address);
    if (socket) {
      sockets.push_back({i, std::move(*socket)});
    } else {
      Log(LogLevel::kWarning, "no_rtcp_port",
          {{"endpoint", ToString(rtcp)}, {"reason", std::string(ErrorName(socket.error()))}});
    }
  }
  return sockets;
}

Sender::Sender(const ChannelDefinition& channel, const std::string& output_interface)
    : channel_(channel),
      address_(output_interface.empty() ? channel.interface_address : output_interface) {
  Open();
}

bool Sender::IsSource() const {
  const Result<Endpoint> own = ParseAddress(address_);
  const std::vector<Endpoint>& sources = channel_.sources;
  return sources.empty() ||
         (own && std::find(sources.begin(), sources.end(), *own) != sources.end());
}

void Sender::Open() {
  if (!IsSource()) return Close(Error::kWrongSource);
  Result<net::UdpSocket> socket = net::UdpSocket::OpenMulticastSender(
      channel_.group.family, {address_, channel_.ttl, channel_.dscp});
  if (!socket) return Close(socket.error());
  interface_ = address_.empty() ? 0 : net::FindInterface(address_).value_or(0);
  from_ = socket->local().value_or(Endpoint());
  // The record names the address that the packets carry.
  if (const Result<Endpoint> own = ParseAddress(address_); own && own->family == from_.family) {
    from_.address = own->address;
  }
  socket_ = std::move(*socket);
  if (told_) Log(LogLevel::kInfo, "sending_again", {{"channel", channel_.id.value}});
  told_ = false;
}

void Sender::Close(Error error) {
  socket_.reset();
  closed_by_ = error;
  if (told_) return;
  told_ = true;
  Log(LogLevel::kError, "cannot_send",
      {{"channel", channel_.id.value},
       {"interface", address_},
       {"reason", std::string(ErrorName(error))}});
}

void Sender::Check() {
  if (!socket_) return Open();
  // An interface that was made again has another index: the socket still means the old one.
  if (address_.empty()) return;
  const Result<uint32_t> now = net::FindInterface(address_);
  if (!now) return Close(now.error());
  if (*now == interface_) return;
  Close(Error::kNoInterface);
  Open();
}

void Sender::Send(std::span<const net::Outgoing> packets, net::Recorder* recorder, Instant now) {
  if (!socket_) {
    failed_ += packets.size();
    return;
  }
  if (recorder != nullptr) {
    for (const net::Outgoing& packet : packets) {
      recorder->Write(net::Recorder::Direction::kSent, from_, packet.to, packet.octets, now);
    }
    // A kill behind the send must not leave packets on air that are in no record.
    recorder->Flush();
  }
  while (!packets.empty()) {
    Error error = Error::kSendFailed;
    const size_t sent = socket_->Send(packets, error);
    packets = packets.subspan(sent);
    if (packets.empty()) return;
    ++failed_;
    packets = packets.subspan(1);
    if (error != Error::kNoInterface) continue;
    failed_ += packets.size();
    return Close(error);
  }
}

std::string_view Sender::reason() const { return socket_ ? "" : ErrorName(closed_by_); }

}  // namespace keymast::headend
