// SPDX-License-Identifier: Apache-2.0
#include "net/interface_watch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <utility>

namespace keymast::net {
namespace {

std::vector<InterfaceAddress> In(const std::vector<InterfaceAddress>& all,
                                 const std::vector<InterfaceAddress>& but_not_in) {
  std::vector<InterfaceAddress> rest;
  std::set_difference(all.begin(), all.end(), but_not_in.begin(), but_not_in.end(),
                      std::back_inserter(rest));
  return rest;
}

}  // namespace

Result<InterfaceWatch> InterfaceWatch::Open() {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return Err(Error::kIo);
  InterfaceWatch watch(fd);
  sockaddr_nl groups{};
  groups.nl_family = AF_NETLINK;
  groups.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&groups), sizeof groups) != 0) {
    return Err(Error::kIo);
  }
  // Read after the watch began: nothing falls between.
  watch.known_ = UpAddresses();
  return watch;
}

InterfaceWatch::InterfaceWatch(InterfaceWatch&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), known_(std::move(other.known_)) {}

InterfaceWatch& InterfaceWatch::operator=(InterfaceWatch&& other) noexcept {
  InterfaceWatch taken(std::move(other));
  std::swap(fd_, taken.fd_);
  std::swap(known_, taken.known_);
  return *this;
}

InterfaceWatch::~InterfaceWatch() {
  if (fd_ >= 0) close(fd_);
}

// Notices are signs to look, and are not read: when there are too many of them the kernel drops
// some (ENOBUFS), and what it reported may be over by now.
bool InterfaceWatch::Drain() const {
  std::array<uint8_t, 64> ignored;
  bool any = false;
  for (;;) {
    if (recv(fd_, ignored.data(), ignored.size(), 0) < 0 && errno != ENOBUFS && errno != EINTR) {
      return any;
    }
    any = true;
  }
}

InterfaceWatch::Change InterfaceWatch::Take() {
  if (!Drain()) return {};
  std::vector<InterfaceAddress> now = UpAddresses();
  Change change{In(now, known_), In(known_, now)};
  known_ = std::move(now);
  return change;
}

std::string ToString(const std::vector<InterfaceAddress>& addresses) {
  std::string text;
  for (const InterfaceAddress& entry : addresses) {
    if (!text.empty()) text += ", ";
    text += entry.name + " " + AddressToString(entry.address);
  }
  return text;
}

}  // namespace keymast::net
