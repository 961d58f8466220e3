// SPDX-License-Identifier: Apache-2.0
// A network namespace of the calling thread, with interfaces to make and to take away.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/check.h"

namespace keymast::net {

// kVeth* are the addresses of `veth0`, whose other end is in the same namespace.
inline constexpr const char* kVethIpv4 = "10.9.0.1";
inline constexpr const char* kVethIpv6 = "fd09::1";

class Namespace {
 public:
  // Check `entered` first: it needs CAP_SYS_ADMIN.
  Namespace()
      : before_(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)),
        entered_(before_ >= 0 && unshare(CLONE_NEWNET) == 0) {
    if (entered_) Ip("link set lo up");
  }
  ~Namespace() {
    if (entered_) KEYMAST_CHECK(setns(before_, CLONE_NEWNET) == 0);
    if (before_ >= 0) close(before_);
  }
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  bool entered() const { return entered_; }

  // Ip runs one command of ip(8); children live in the namespace of the thread that made them.
  bool Ip(const std::string& arguments) { return std::system(("ip " + arguments).c_str()) == 0; }

  bool AddVeth() {
    return Ip("link add veth0 type veth peer name veth1") && Ip("link set veth1 up") &&
           Ip("address add " + std::string(kVethIpv4) + "/24 dev veth0") &&
           Ip("address add " + std::string(kVethIpv6) + "/64 dev veth0 nodad") &&
           Ip("link set veth0 up") && HasIpv6MulticastRoute();
  }
  bool RemoveVeth() { return Ip("link delete veth0"); }

 private:
  // The kernel adds this route once it noticed the carrier, which is after `ip` has returned.
  bool HasIpv6MulticastRoute() {
    for (int i = 0; i < 1000; ++i) {
      if (Ip("-6 route get ff15::1 oif veth0 >/dev/null 2>&1")) return true;
    }
    return false;
  }

  int before_;
  bool entered_;
};

}  // namespace keymast::net
