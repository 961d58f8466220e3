// SPDX-License-Identifier: Apache-2.0
#include "bench/storm_link.h"

#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "bench/population.h"
#include "bench/processes.h"
#include "mikey/code_points.h"

namespace keymast::bench {
namespace {

constexpr size_t kRoom = 2048;  // no datagram of MIKEYv2 is longer
constexpr int kReceiveBuffer = 64 << 20;

uint64_t Mixed(uint64_t z) {  // SplitMix64 (Steele, Lea, Flood 2014)
  z += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

bool IsRetry(ByteView octets) {
  return octets.size() > 1 && octets[1] == static_cast<uint8_t>(mikey::DataType::kRetry);
}

struct alignas(cmsghdr) Control {
  std::array<uint8_t, CMSG_SPACE(sizeof(in_pktinfo))> octets{};
};

in_addr_t AddressOf(size_t party) {
  in_addr_t address = 0;
  std::memcpy(&address, LoopbackAddress(party, 0).address.data(), sizeof address);
  return address;
}

size_t PartyOf(in_addr_t address) {
  Endpoint endpoint;
  std::memcpy(endpoint.address.data(), &address, sizeof address);
  return LoopbackIndex(endpoint);
}

}  // namespace

double StormDice::Throw(size_t party) {
  const uint64_t word = Mixed(Mixed(seed_ ^ Mixed(party)) ^ thrown_[party]++);
  return static_cast<double>(word >> 11) * 0x1p-53;
}

// The datagrams of one system call.
struct StormLink::Buffers {
  struct Set {
    Set() {
      for (size_t i = 0; i < kBatch; ++i) {
        parts[i] = {octets[i].data(), kRoom};
        msghdr& header = messages[i].msg_hdr;
        header.msg_iov = &parts[i];
        header.msg_iovlen = 1;
        header.msg_name = &addresses[i];
        header.msg_namelen = sizeof addresses[i];
        header.msg_control = controls[i].octets.data();
        header.msg_controllen = controls[i].octets.size();
      }
    }
    std::array<std::array<uint8_t, kRoom>, kBatch> octets;
    std::array<iovec, kBatch> parts{};
    std::array<sockaddr_in, kBatch> addresses{};
    std::array<Control, kBatch> controls{};
    std::array<mmsghdr, kBatch> messages{};
  };
  Set out;
  Set in;
};

StormLink::StormLink(uint16_t port, uint16_t server_port, uint64_t seed, size_t parties)
    : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
      port_(port),
      server_port_(server_port),
      there_(seed, parties),
      back_(~seed, parties),
      buffers_(std::make_unique<Buffers>()) {
  const int yes = 1;
  setsockopt(fd_, IPPROTO_IP, IP_PKTINFO, &yes, sizeof yes);
  setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  Demand(fd_ >= 0 && bind(fd_, generic, sizeof address) == 0, "the loader has no socket");
}

StormLink::~StormLink() { close(fd_); }

template <class Pass>
void StormLink::Fate(StormDice& dice, bool is_outgoing, size_t party, ByteView octets, Instant now,
                     Pass pass) {
  if (dice.Throw(party) < conditions_.loss) return;
  const int copies = dice.Throw(party) < conditions_.duplication ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    if (dice.Throw(party) >= conditions_.reordering) {
      pass(party, octets);
      continue;
    }
    const auto delay = static_cast<double>(conditions_.held_back.count()) * dice.Throw(party);
    held_.emplace(now + Duration(static_cast<int64_t>(delay)),
                  Held{is_outgoing, party, Bytes(octets.begin(), octets.end())});
  }
}

void StormLink::Send(size_t party, ByteView octets, Instant now) {
  Fate(there_, true, party, octets, now, [this](size_t who, ByteView what) { Queue(who, what); });
}

void StormLink::Queue(size_t party, ByteView octets) {
  Demand(octets.size() <= kRoom, "a datagram is too long");
  Buffers::Set& out = buffers_->out;
  std::copy(octets.begin(), octets.end(), out.octets[waiting_].begin());
  out.parts[waiting_].iov_len = octets.size();
  sockaddr_in& to = out.addresses[waiting_];
  to.sin_family = AF_INET;
  to.sin_port = htons(server_port_);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  cmsghdr* control = CMSG_FIRSTHDR(&out.messages[waiting_].msg_hdr);
  control->cmsg_level = IPPROTO_IP;
  control->cmsg_type = IP_PKTINFO;
  control->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
  in_pktinfo from{};
  from.ipi_spec_dst.s_addr = AddressOf(party);
  std::memcpy(CMSG_DATA(control), &from, sizeof from);
  if (++waiting_ == kBatch) Flush();
}

void StormLink::Flush() {
  for (size_t at = 0; at < waiting_;) {
    const int sent =
        sendmmsg(fd_, &buffers_->out.messages[at], static_cast<unsigned>(waiting_ - at), 0);
    Demand(sent > 0, "the loader cannot send");
    at += static_cast<size_t>(sent);
  }
  counters_.sent += waiting_;
  waiting_ = 0;
}

bool StormLink::Turn(Instant now, const Take& take) {
  while (!held_.empty() && held_.begin()->first <= now) {
    const auto next = held_.extract(held_.begin());
    const Held& held = next.mapped();
    if (held.is_outgoing) Queue(held.party, held.octets);
    if (!held.is_outgoing) take(held.party, held.octets, now);
  }
  size_t got = kBatch;
  for (size_t all = 0; got == kBatch && all < 16 * kBatch; all += got) got = TakeSome(now, take);
  Flush();
  return got == kBatch;
}

size_t StormLink::TakeSome(Instant now, const Take& take) {
  Buffers::Set& in = buffers_->in;
  for (size_t i = 0; i < kBatch; ++i) {
    in.messages[i].msg_hdr.msg_controllen = in.controls[i].octets.size();
    in.messages[i].msg_hdr.msg_namelen = sizeof in.addresses[i];
  }
  const int got = recvmmsg(fd_, in.messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < got; ++i) {
    const auto at = static_cast<size_t>(i);
    const ByteView octets = ByteView(in.octets[at]).first(in.messages[at].msg_len);
    const cmsghdr* control = CMSG_FIRSTHDR(&in.messages[at].msg_hdr);
    Demand(control != nullptr, "a datagram came to no address");
    in_pktinfo to{};
    std::memcpy(&to, CMSG_DATA(control), sizeof to);
    ++counters_.received;
    if (IsRetry(octets)) ++counters_.retries;
    Fate(back_, false, PartyOf(to.ipi_addr.s_addr), octets, now,
         [&](size_t who, ByteView what) { take(who, what, now); });
  }
  return static_cast<size_t>(std::max(got, 0));
}

uint64_t StormLink::Dropped() const {
  std::array<uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof memory;
  const int read = getsockopt(fd_, SOL_SOCKET, SO_MEMINFO, memory.data(), &size);
  return read == 0 ? memory[SK_MEMINFO_DROPS] : 0;
}

}  // namespace keymast::bench
