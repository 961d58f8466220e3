// SPDX-License-Identifier: Apache-2.0
// Interfaces that come and go. What needs interfaces of its own is skipped without the right to
// make a network namespace.
#include "net/interfaces.h"

#include <algorithm>

#include "net/interface_watch.h"
#include "tests/unit/net/namespace.h"
#include "tests/unit/net/sockets.h"

namespace keymast::net {
namespace {

bool Has(const std::vector<InterfaceAddress>& addresses, std::string_view address) {
  return std::any_of(addresses.begin(), addresses.end(), [&](const InterfaceAddress& entry) {
    return AddressToString(entry.address) == address;
  });
}

// Waits for notices until one is about `address`. Others come between: IPv6 gives each interface an
// address of its own when it sees the carrier.
InterfaceWatch::Change Await(InterfaceWatch& watch, std::string_view address) {
  for (;;) {
    pollfd ready{watch.fd(), POLLIN, 0};
    if (poll(&ready, 1, 10'000) <= 0) return {};
    const InterfaceWatch::Change change = watch.Take();
    if (Has(change.came, address) || Has(change.gone, address)) return change;
  }
}

TEST(Interfaces, LoopbackIsThereAndADocumentationAddressIsNot) {
  EXPECT_GT(FindInterface("127.0.0.1").value_or(0), 0u);
  for (const char* nowhere : {"192.0.2.77", "2001:db8::77", "lo", ""}) {
    const auto found = FindInterface(nowhere);
    ASSERT_FALSE(found) << nowhere;
    EXPECT_EQ(found.error(), Error::kNoInterface);
  }
}

TEST(Interfaces, AddressesHaveAText) {
  EXPECT_EQ(ToString({{1, "lo", Address("127.0.0.1")}, {2, "eth0", Address("2001:db8::1")}}),
            "lo 127.0.0.1, eth0 2001:db8::1");
  EXPECT_EQ(ToString(std::vector<InterfaceAddress>{}), "");
}

TEST(Interfaces, NothingChangedUntilSomethingDoes) {
  auto watch = InterfaceWatch::Open();
  ASSERT_TRUE(watch);
  EXPECT_TRUE(watch->Take().empty());
}

class OwnInterfaces : public testing::Test {
 protected:
  void SetUp() override {
    if (!namespace_.entered()) GTEST_SKIP() << "may not make a network namespace";
    if (!namespace_.AddVeth()) GTEST_SKIP() << "no virtual interfaces here";
  }

  Namespace namespace_;
};

TEST_F(OwnInterfaces, TheWatchTellsWhatCameAndWhatWent) {
  auto watch = InterfaceWatch::Open();
  ASSERT_TRUE(watch);
  ASSERT_TRUE(namespace_.Ip("address add 10.9.1.1/24 dev veth0"));
  InterfaceWatch::Change change = Await(*watch, "10.9.1.1");
  EXPECT_TRUE(Has(change.came, "10.9.1.1"));
  EXPECT_FALSE(Has(change.gone, "10.9.1.1"));

  ASSERT_TRUE(namespace_.Ip("address delete 10.9.1.1/24 dev veth0"));
  change = Await(*watch, "10.9.1.1");
  EXPECT_TRUE(Has(change.gone, "10.9.1.1"));
  EXPECT_FALSE(Has(change.came, "10.9.1.1"));

  ASSERT_TRUE(namespace_.Ip("link set veth0 down"));
  EXPECT_TRUE(Has(Await(*watch, kVethIpv4).gone, kVethIpv4)) << "down counts as away";
  EXPECT_FALSE(FindInterface(kVethIpv4));
  ASSERT_TRUE(namespace_.Ip("link set veth0 up"));
  EXPECT_TRUE(Has(Await(*watch, kVethIpv4).came, kVethIpv4));
}

TEST_F(OwnInterfaces, MadeAgainBetweenTwoLooksIsAChange) {
  auto watch = InterfaceWatch::Open();
  ASSERT_TRUE(watch);
  const uint32_t before = FindInterface(kVethIpv4).value_or(0);
  ASSERT_TRUE(namespace_.RemoveVeth() && namespace_.AddVeth());
  EXPECT_NE(FindInterface(kVethIpv4).value_or(0), before);
  const InterfaceWatch::Change change = watch->Take();
  EXPECT_TRUE(Has(change.came, kVethIpv4));
  EXPECT_TRUE(Has(change.gone, kVethIpv4));
}

TEST_F(OwnInterfaces, SendingFailsWithoutTheInterfaceAndGoesOnWhenItIsBack) {
  const Endpoint group = *ParseEndpoint("239.255.42.80:5004");
  const MulticastOptions options{kVethIpv4, 1, 0};
  auto receiver = UdpSocket::OpenMulticastReceiver(group, kVethIpv4);
  auto sender = UdpSocket::OpenMulticastSender(group.family, options);
  ASSERT_TRUE(receiver && sender);
  SendOne(*sender, group, Numbered(1));
  EXPECT_EQ(ReceiveAll(*receiver).size(), 1u);

  ASSERT_TRUE(namespace_.RemoveVeth());
  const Bytes octets(10);
  const Outgoing out{group, octets};
  Error error = Error::kInternal;
  EXPECT_EQ(sender->Send({&out, 1}, error), 0u);
  EXPECT_EQ(error, Error::kNoInterface);
  EXPECT_EQ(UdpSocket::OpenMulticastSender(group.family, options).error(), Error::kNoInterface);

  ASSERT_TRUE(namespace_.AddVeth());
  sender = UdpSocket::OpenMulticastSender(group.family, options);
  ASSERT_TRUE(sender);
  SendOne(*sender, group, Numbered(2));
  EXPECT_TRUE(ReceiveAll(*receiver).empty()) << "membership went with the interface";
  receiver = UdpSocket::OpenMulticastReceiver(group, kVethIpv4);
  ASSERT_TRUE(receiver);
  SendOne(*sender, group, Numbered(3));
  EXPECT_EQ(ReceiveAll(*receiver).size(), 1u);
}

}  // namespace
}  // namespace keymast::net
