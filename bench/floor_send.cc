// SPDX-License-Identifier: Apache-2.0
#include "bench/floor_send.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "bench/harness.h"
#include "bench/processes.h"

namespace keymast::bench {
namespace {

constexpr size_t kBatch = 64;
constexpr size_t kOctets = 200;

struct Datagrams {
  Datagrams() {
    for (size_t i = 0; i < kBatch; ++i) {
      parts[i] = {octets.data(), octets.size()};
      msghdr& header = messages[i].msg_hdr;
      header.msg_name = &addresses[i];
      header.msg_namelen = sizeof addresses[i];
      header.msg_iov = &parts[i];
      header.msg_iovlen = 1;
    }
  }
  std::array<uint8_t, kOctets> octets{};
  std::array<sockaddr_in, kBatch> addresses{};
  std::array<iovec, kBatch> parts{};
  std::array<mmsghdr, kBatch> messages{};
};

in_addr_t AddressOf(size_t index) {
  const auto number = static_cast<in_addr_t>(index);
  return htonl(0x7f010000 + ((number / 250) << 8 | (number % 250 + 1)));
}

}  // namespace

double SendRate(size_t count, uint16_t port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  Demand(fd >= 0, "no socket");
  Datagrams datagrams;
  const double begin = ThreadCpuSeconds();
  for (size_t done = 0; done < count;) {
    const size_t batch = std::min(kBatch, count - done);
    for (size_t i = 0; i < batch; ++i) {
      sockaddr_in& to = datagrams.addresses[i];
      to.sin_family = AF_INET;
      to.sin_port = htons(port);
      to.sin_addr.s_addr = AddressOf(done + i);
    }
    const int sent = sendmmsg(fd, datagrams.messages.data(), static_cast<unsigned>(batch), 0);
    Demand(sent > 0, "the floor cannot send");
    done += static_cast<size_t>(sent);
  }
  const double taken = ThreadCpuSeconds() - begin;
  close(fd);
  return static_cast<double>(count) / taken;
}

}  // namespace keymast::bench
