// SPDX-License-Identifier: Apache-2.0
#include "server/transmitter.h"

#include "shell/log.h"

namespace keymast::server {
namespace {

constexpr Duration kRetry = std::chrono::seconds(1);

bool IsGone(Error error) { return error != Error::kNoBufferSpace; }

// GoTogether says whether one sender takes both.
bool GoTogether(const controller::Datagram& a, const controller::Datagram& b) {
  if (!a.to.IsMulticast() || !b.to.IsMulticast()) {
    return a.to.IsMulticast() == b.to.IsMulticast();
  }
  return a.to.family == b.to.family && a.way == b.way;
}

}  // namespace

Transmitter::Transmitter(const Clock& clock, net::UdpSocket unicast, Endpoint local,
                         std::unique_ptr<net::Recorder> recorder)
    : clock_(clock), recorder_(std::move(recorder)) {
  unicast_.socket = std::move(unicast);
  unicast_.local = local;
}

void Transmitter::Receive(size_t limit, const Take& take) {
  size_t got = kBatch;
  for (size_t taken = 0; got > 0 && taken < limit; taken += got) {
    got = ReceiveSome();
    for (size_t i = 0; i < got; ++i) take(incoming_[i].from, incoming_[i].octets);
  }
}

size_t Transmitter::ReceiveSome() {
  const size_t got = unicast_.socket->Receive(incoming_);
  counters_.received += got;
  if (!recorder_) return got;
  for (size_t i = 0; i < got; ++i) {
    recorder_->Write(net::Recorder::Direction::kReceived, incoming_[i].from, unicast_.local,
                     incoming_[i].octets, clock_.Now());
  }
  return got;
}

void Transmitter::Open(const controller::Datagram& datagram, Sender& sender) {
  const Instant now = clock_.Now();
  if (now < sender.retry_at) return;
  sender.retry_at = now + kRetry;
  const controller::Way& way = datagram.way;
  auto socket = net::UdpSocket::OpenMulticastSender(datagram.to.family,
                                                    {way.interface_address, way.ttl, way.dscp});
  if (!socket) return Fault(sender, socket.error(), datagram.to, 0);
  sender.local = socket->local().value_or(Endpoint{});
  sender.socket = std::move(*socket);
}

void Transmitter::Reopen() {
  for (auto& [way, sender] : senders_) {
    sender.socket.reset();
    sender.retry_at = {};
  }
}

Transmitter::Sender& Transmitter::SenderOf(const controller::Datagram& datagram) {
  if (!datagram.to.IsMulticast()) return unicast_;
  Sender& sender = senders_[{datagram.to.family, datagram.way}];
  if (!sender.socket) Open(datagram, sender);
  return sender;
}

void Transmitter::Send(const std::vector<controller::Datagram>& datagrams) {
  for (size_t begin = 0; begin < datagrams.size();) {
    size_t end = begin + 1;
    while (end < datagrams.size() && end - begin < kBatch &&
           GoTogether(datagrams[begin], datagrams[end])) {
      ++end;
    }
    SendRun(SenderOf(datagrams[begin]), std::span(datagrams).subspan(begin, end - begin));
    begin = end;
  }
}

// Record has the kernel hold what is about to be sent: a kill in between leaves too much in the
// record, where the other order would leave datagrams on air that no check of it sees.
void Transmitter::Record(const Sender& sender, std::span<const controller::Datagram> run) {
  if (!recorder_) return;
  const Instant now = clock_.Now();
  for (const controller::Datagram& datagram : run) {
    recorder_->Write(net::Recorder::Direction::kSent, sender.local, datagram.to, datagram.octets,
                     now);
  }
  recorder_->Flush();
}

void Transmitter::SendRun(Sender& sender, std::span<const controller::Datagram> run) {
  if (!sender.socket) return Fault(sender, Error::kNoInterface, run.front().to, run.size());
  outgoing_.clear();
  for (const controller::Datagram& datagram : run) {
    outgoing_.push_back({datagram.to, datagram.octets});
  }
  Record(sender, run);
  Error error = Error::kSendFailed;
  size_t sent = 0;
  // One datagram that the kernel refuses does not keep those behind it.
  for (size_t at = 0; at < run.size(); ++at) {
    const size_t taken = sender.socket->Send(std::span(outgoing_).subspan(at), error);
    const Instant now = clock_.Now();
    for (size_t i = at; i < at + taken; ++i) {
      if (run[i].due != Instant{}) {
        const Duration late = std::max(Duration(0), now - run[i].due);
        counters_.lateness.Observe(std::chrono::duration<double>(late).count());
      }
    }
    sent += taken;
    at += taken;
    if (at < run.size()) Fault(sender, error, run[at].to, 1);
    if (sender.socket) continue;
    if (at + 1 < run.size()) Fault(sender, error, run[at + 1].to, run.size() - at - 1);
    break;
  }
  counters_.sent += sent;
  if (sent == run.size() && sender.faulty) {
    sender.faulty = false;
    shell::Log(shell::LogLevel::kInfo, "sending_again", {{"to", ToString(run.back().to)}});
  }
}

DatagramPort::Counters Transmitter::counters() const {
  Counters counters = counters_;
  counters.dropped = unicast_.socket->kernel_drops();
  return counters;
}

void Transmitter::Fault(Sender& sender, Error error, const Endpoint& to, uint64_t datagrams) {
  counters_.send_errors[static_cast<size_t>(error)] += datagrams;
  if (!sender.faulty) {
    shell::Log(shell::LogLevel::kWarning, "send_failed",
               {{"reason", std::string(ErrorName(error))}, {"to", ToString(to)}});
  }
  sender.faulty = true;
  // Of unicast one unreachable address says nothing about the others.
  if (&sender != &unicast_ && IsGone(error)) sender.socket.reset();
}

}  // namespace keymast::server
