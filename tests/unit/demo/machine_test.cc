// SPDX-License-Identifier: Apache-2.0
#include "demo/machine.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sstream>

namespace keymast::demo {
namespace {

TEST(ListsUdpPort, ReadsTheLocalAddressOnly) {
  std::istringstream table(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
      " 1234: 0100007F:1B58 0100007F:1B5A 07 00000000:00000000 00:00000000 00000000\n"
      "broken line\n");
  EXPECT_TRUE(ListsUdpPort(table, 7000));
  table.clear();
  table.seekg(0);
  EXPECT_FALSE(ListsUdpPort(table, 7002));
}

TEST(UdpPortIsBound, KnowsAPortOfThisMachine) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(fd, generic, size), 0);
  ASSERT_EQ(getsockname(fd, generic, &size), 0);
  EXPECT_TRUE(UdpPortIsBound(ntohs(address.sin_port)));
  close(fd);
  EXPECT_FALSE(UdpPortIsBound(ntohs(address.sin_port)));
}

}  // namespace
}  // namespace keymast::demo
