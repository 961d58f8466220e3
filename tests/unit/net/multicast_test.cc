// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/unit/net/namespace.h"
#include "tests/unit/net/sockets.h"

namespace keymast::net {
namespace {

struct Case {
  std::string name;
  std::string interface_address;
  std::string group;
  std::string other_group;
  bool on_loopback;  // which carries IPv6 multicast only where a route says so
};

class Multicast : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!GetParam().on_loopback) {
      if (!namespace_.emplace().entered()) GTEST_SKIP() << "may not make a network namespace";
      if (!namespace_->AddVeth()) GTEST_SKIP() << "no virtual interfaces here";
    }
    port_ = FreePort();
    group_ = Address(GetParam().group, port_);
  }

  UdpSocket OpenSender(uint8_t dscp = 0) {
    auto sender =
        UdpSocket::OpenMulticastSender(group_.family, {GetParam().interface_address, 0, dscp});
    EXPECT_TRUE(sender.has_value()) << ErrorName(sender.error());
    return std::move(*sender);
  }
  UdpSocket Join(const Endpoint& group) {
    auto receiver = UdpSocket::OpenMulticastReceiver(group, GetParam().interface_address);
    EXPECT_TRUE(receiver.has_value()) << ErrorName(receiver.error());
    return std::move(*receiver);
  }
  int Option(const UdpSocket& socket, int level, int option) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(getsockopt(socket.fd(), level, option, &value, &size), 0);
    return value;
  }
  bool ipv4() const { return group_.family == Endpoint::Family::kIpv4; }

  std::optional<Namespace> namespace_;
  uint16_t port_ = 0;
  Endpoint group_;
};

const Case kByTheirAddress[] = {
    {"Ipv4Loopback", "127.0.0.1", "239.255.42.78", "239.255.42.79", true},
    {"Ipv4", kVethIpv4, "239.255.42.78", "239.255.42.79", false},
    {"Ipv6", kVethIpv6, "ff15::4278", "ff15::4279", false},
    {"Ipv6LinkLocal", kVethIpv6, "ff12::4278", "ff12::4279", false}};
const auto kNameOf = [](const auto& one) { return one.param.name; };
INSTANTIATE_TEST_SUITE_P(Families, Multicast, testing::ValuesIn(kByTheirAddress), kNameOf);
INSTANTIATE_TEST_SUITE_P(Mixed, Multicast,
                         testing::Values(Case{"Ipv6ByIpv4Address", kVethIpv4, "ff15::4278",
                                              "ff15::4279", false}),
                         kNameOf);

// Sends from the address that it is opened with.
class FromAnAddress : public Multicast {};
INSTANTIATE_TEST_SUITE_P(Families, FromAnAddress, testing::ValuesIn(kByTheirAddress), kNameOf);

TEST_P(Multicast, EveryReceiverGetsEveryDatagram) {
  std::vector<UdpSocket> receivers;
  for (int i = 0; i < 4; ++i) receivers.push_back(Join(group_));
  UdpSocket sender = OpenSender();
  for (uint32_t i = 0; i < 20; ++i) SendOne(sender, group_, Numbered(i));
  for (UdpSocket& receiver : receivers) {
    const std::vector<Received> got = ReceiveAll(receiver);
    ASSERT_EQ(got.size(), 20u);
    for (uint32_t i = 0; i < 20; ++i) EXPECT_EQ(NumberOf(got[i].octets), i);
    EXPECT_EQ(got[0].from.port, sender.local()->port);
  }
}

// Two channels may share a port: each socket gets the datagrams of its own group.
TEST_P(Multicast, AGroupOnTheSamePortIsNotHeard) {
  const Endpoint other = Address(GetParam().other_group, port_);
  UdpSocket first = Join(group_);
  UdpSocket second = Join(other);
  UdpSocket sender = OpenSender();
  SendOne(sender, group_, Numbered(1));
  SendOne(sender, other, Numbered(2));
  const std::vector<Received> at_first = ReceiveAll(first);
  const std::vector<Received> at_second = ReceiveAll(second);
  ASSERT_EQ(at_first.size(), 1u);
  ASSERT_EQ(at_second.size(), 1u);
  EXPECT_EQ(NumberOf(at_first[0].octets), 1u);
  EXPECT_EQ(NumberOf(at_second[0].octets), 2u);
}

// All of 127.0.0.0/8 is this machine's: one address more to send from.
TEST(MulticastSources, OnlyWhatComesFromThemIsReceived) {
  const Endpoint group = Address("232.255.42.78", FreePort());
  const std::vector<Endpoint> sources{Address("127.0.0.2"), Address("127.0.0.3")};
  auto receiver = UdpSocket::OpenMulticastReceiver(group, "127.0.0.1", sources);
  ASSERT_TRUE(receiver) << ErrorName(receiver.error());
  for (uint32_t i = 1; i <= 4; ++i) {
    // Through loopback, from an address of its own.
    UdpSocket sender = OpenAt(Address("127.0.0." + std::to_string(i)));
    const in_addr loopback{htonl(INADDR_LOOPBACK)};
    ASSERT_EQ(setsockopt(sender.fd(), IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof loopback), 0);
    SendOne(sender, group, Numbered(i));
  }
  const std::vector<Received> got = ReceiveAll(*receiver);
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(NumberOf(got[0].octets), 2U);
  EXPECT_EQ(NumberOf(got[1].octets), 3U);
}

TEST_P(FromAnAddress, SourcesOfEitherFamilyAreJoined) {
  Endpoint own = Address(GetParam().interface_address);
  Endpoint other = own;
  other.address[ipv4() ? 3 : 15] ^= 0x40;
  auto of_own = UdpSocket::OpenMulticastReceiver(group_, GetParam().interface_address, {&own, 1});
  auto of_other =
      UdpSocket::OpenMulticastReceiver(group_, GetParam().interface_address, {&other, 1});
  ASSERT_TRUE(of_own && of_other);
  UdpSocket sender = OpenSender();
  SendOne(sender, group_, Numbered(7));
  EXPECT_EQ(ReceiveAll(*of_own).size(), 1U);
  EXPECT_EQ(ReceiveAll(*of_other).size(), 0U);
}

TEST_P(Multicast, TheSenderHasTheOptionsThatItWasGiven) {
  constexpr uint8_t kExpedited = 46;
  const auto sender =
      UdpSocket::OpenMulticastSender(group_.family, {GetParam().interface_address, 3, kExpedited});
  ASSERT_TRUE(sender);
  const int level = ipv4() ? IPPROTO_IP : IPPROTO_IPV6;
  EXPECT_EQ(Option(*sender, level, ipv4() ? IP_MULTICAST_TTL : IPV6_MULTICAST_HOPS), 3);
  EXPECT_EQ(Option(*sender, level, ipv4() ? IP_TOS : IPV6_TCLASS), kExpedited << 2);
}

TEST_P(Multicast, WithoutItsInterfaceNothingIsOpened) {
  const auto sender = UdpSocket::OpenMulticastSender(group_.family, {"192.0.2.77", 0, 0});
  ASSERT_FALSE(sender);
  EXPECT_EQ(sender.error(), Error::kNoInterface);
  const auto receiver = UdpSocket::OpenMulticastReceiver(group_, "192.0.2.77");
  ASSERT_FALSE(receiver);
  EXPECT_EQ(receiver.error(), Error::kNoInterface);
}

TEST_P(Multicast, APortThatSomebodyHoldsAloneIsInUse) {
  Endpoint all = Address(ipv4() ? "0.0.0.0" : "::", port_);
  const UdpSocket alone = OpenAt(all);
  const auto receiver = UdpSocket::OpenMulticastReceiver(group_, GetParam().interface_address);
  ASSERT_FALSE(receiver);
  EXPECT_EQ(receiver.error(), Error::kInUse);
}

}  // namespace
}  // namespace keymast::net
