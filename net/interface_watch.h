// SPDX-License-Identifier: Apache-2.0
// Tells when interfaces and their addresses come and go (rtnetlink(7)).
#pragma once

#include "net/interfaces.h"

namespace keymast::net {

// InterfaceWatch is move-only; it closes its descriptor. No privilege is needed.
class InterfaceWatch {
 public:
  // kIo: the kernel does not tell, as in some sandboxes.
  static Result<InterfaceWatch> Open();
  InterfaceWatch(InterfaceWatch&& other) noexcept;
  InterfaceWatch& operator=(InterfaceWatch&& other) noexcept;
  ~InterfaceWatch();

  // The descriptor is readable, and stays so until Take, when something may have changed.
  int fd() const { return fd_; }

  struct Change {
    std::vector<InterfaceAddress> came;
    std::vector<InterfaceAddress> gone;
    bool empty() const { return came.empty() && gone.empty(); }
  };
  // Take says what is different since the last Take, or since Open. It does not block. Notices that
  // change no address of an interface that is up, as renewed leases are, make an empty change.
  Change Take();

 private:
  explicit InterfaceWatch(int fd) : fd_(fd) {}
  bool Drain() const;

  int fd_;
  std::vector<InterfaceAddress> known_;
};

// ToString gives `eth0 192.0.2.1, eth1 2001:db8::1`.
std::string ToString(const std::vector<InterfaceAddress>& addresses);

}  // namespace keymast::net
