// SPDX-License-Identifier: Apache-2.0
// The transmitter over real sockets, and what becomes of it when its interface goes.
#include "server/transmitter.h"

#include <unistd.h>

#include <cstdlib>

#include "net/replay.h"
#include "shell/files.h"
#include "shell/process.h"
#include "tests/unit/net/namespace.h"
#include "tests/unit/net/sockets.h"

namespace keymast::server {
namespace {

using net::Numbered;

const ChannelId kNews{"news"};

constexpr size_t kNoInterface = static_cast<size_t>(Error::kNoInterface);

class TransmitterTest : public testing::Test {
 protected:
  TransmitterTest() : transmitter_(MakeTransmitter()) { way_.interface_address = "127.0.0.1"; }
  Transmitter MakeTransmitter(std::unique_ptr<net::Recorder> recorder = nullptr) {
    net::UdpSocket unicast = net::OpenAt(net::Address("127.0.0.1"));
    const Endpoint local = *unicast.local();
    return Transmitter(clock_, std::move(unicast), local, std::move(recorder));
  }
  const Endpoint& group() { return group_; }
  net::UdpSocket Join() {
    auto socket = net::UdpSocket::OpenMulticastReceiver(group(), way_.interface_address);
    EXPECT_TRUE(socket.has_value());
    return std::move(*socket);
  }
  void SendTo(std::initializer_list<Endpoint> targets) {
    std::vector<controller::Datagram> datagrams;
    for (const Endpoint& to : targets) datagrams.push_back({to, kNews, Numbered(1), {}, way_});
    transmitter_.Send(datagrams);
  }
  uint64_t sent() const { return transmitter_.counters().sent; }
  uint64_t no_interface() const { return transmitter_.counters().send_errors[kNoInterface]; }

  shell::SystemClock clock_;
  const Endpoint group_ = net::Address("239.255.42.81", net::FreePort());
  controller::Way way_;
  Transmitter transmitter_;
};

TEST_F(TransmitterTest, UnicastAndMulticastEachGoTheirWay) {
  net::UdpSocket member = net::OpenAt(net::Address("127.0.0.1"));
  net::UdpSocket joined = Join();
  SendTo({*member.local(), group(), *member.local(), group()});
  EXPECT_EQ(net::ReceiveAll(member).size(), 2u);
  EXPECT_EQ(net::ReceiveAll(joined).size(), 2u);
  EXPECT_EQ(sent(), 4u);
}

TEST_F(TransmitterTest, EachDatagramTakesItsOwnWay) {
  net::UdpSocket joined = Join();
  controller::Datagram datagram{group(), kNews, Numbered(1), {}, way_};
  std::vector<controller::Datagram> datagrams(3, datagram);
  datagrams[1].way.interface_address = "192.0.2.1";  // of no interface here
  transmitter_.Send(datagrams);
  EXPECT_EQ(net::ReceiveAll(joined).size(), 2u);
  EXPECT_EQ(sent(), 2u);
  EXPECT_EQ(no_interface(), 1u);
}

TEST_F(TransmitterTest, OneRefusedDatagramDoesNotKeepTheOthers) {
  net::UdpSocket member = net::OpenAt(net::Address("127.0.0.1"));
  SendTo({*member.local(), *ParseEndpoint("[2001:db8::1]:9"), *member.local()});
  EXPECT_EQ(net::ReceiveAll(member).size(), 2u);
  EXPECT_EQ(sent(), 2u);
  EXPECT_EQ(transmitter_.counters().send_errors[static_cast<size_t>(Error::kSendFailed)], 1u);
}

TEST_F(TransmitterTest, WhatARefusalTakesAlongIsCounted) {
  net::UdpSocket joined = Join();
  controller::Datagram datagram{group(), kNews, Numbered(1), {}, way_};
  std::vector<controller::Datagram> datagrams(4, datagram);
  datagrams[1].octets.resize(1 << 16);  // more than UDP takes
  transmitter_.Send(datagrams);
  EXPECT_EQ(net::ReceiveAll(joined).size(), 1u);
  EXPECT_EQ(sent(), 1u);
  EXPECT_EQ(transmitter_.counters().send_errors[static_cast<size_t>(Error::kSendFailed)], 3u);
}

// The record is for a check of what was on air: a kill at any instant must not hide some of it.
TEST_F(TransmitterTest, WhatIsSentIsInTheRecordAlready) {
  std::string file = "/tmp/keymast-record-XXXXXX";
  close(mkstemp(file.data()));
  Transmitter recording = MakeTransmitter(std::move(*net::Recorder::Open(file)));
  recording.Send({3, controller::Datagram{group(), kNews, Numbered(1), {}, way_}});
  const auto octets = shell::ReadFile(file, 1 << 20);
  unlink(file.c_str());
  ASSERT_TRUE(octets);
  net::RecordReader reader(AsBytes(*octets));
  for (int i = 0; i < 3; ++i) {
    const auto datagram = reader.Next();
    ASSERT_TRUE(datagram && *datagram) << i;
    EXPECT_EQ((*datagram)->to, group());
  }
}

TEST_F(TransmitterTest, WhatComesIsHandedOn) {
  net::UdpSocket member = net::OpenAt(net::Address("127.0.0.1"));
  Endpoint server;
  {
    net::UdpSocket probe = net::OpenAt(net::Address("127.0.0.1"));
    SendTo({*probe.local()});
    server = net::ReceiveAll(probe).at(0).from;
  }
  for (uint32_t i = 0; i < 100; ++i) net::SendOne(member, server, Numbered(i));
  std::vector<uint32_t> got;
  transmitter_.Receive(1000, [&](const Endpoint& from, ByteView octets) {
    EXPECT_EQ(from, *member.local());
    got.push_back(net::NumberOf(octets));
  });
  EXPECT_EQ(got.size(), 100u);
  EXPECT_TRUE(std::is_sorted(got.begin(), got.end()));
}

class OwnInterface : public TransmitterTest {
 protected:
  void SetUp() override {
    if (!namespace_.entered()) GTEST_SKIP() << "may not make a network namespace";
    if (!namespace_.AddVeth()) GTEST_SKIP() << "no virtual interfaces here";
    way_.interface_address = net::kVethIpv4;
  }
  net::Namespace namespace_;
};

TEST_F(OwnInterface, MissingAtTheStartIsCountedUntilItComes) {
  ASSERT_TRUE(namespace_.RemoveVeth());
  SendTo({group(), group()});
  EXPECT_EQ(no_interface(), 2u);
  ASSERT_TRUE(namespace_.AddVeth());
  net::UdpSocket joined = Join();
  transmitter_.Reopen();
  SendTo({group()});
  EXPECT_EQ(net::ReceiveAll(joined).size(), 1u);
}

TEST_F(OwnInterface, RemovedAndMadeAgainItIsSentOnAgain) {
  SendTo({group()});
  EXPECT_EQ(sent(), 1u);
  ASSERT_TRUE(namespace_.RemoveVeth());
  SendTo({group()});
  EXPECT_EQ(no_interface(), 1u);
  ASSERT_TRUE(namespace_.AddVeth());
  net::UdpSocket joined = Join();
  transmitter_.Reopen();
  SendTo({group()});
  EXPECT_EQ(net::ReceiveAll(joined).size(), 1u);
}

// The old socket still sends, on the interface that the address was on: only Reopen tells.
TEST_F(OwnInterface, AnAddressThatMovedIsFollowed) {
  ASSERT_TRUE(namespace_.Ip("link add other0 type veth peer name other1"));
  ASSERT_TRUE(namespace_.Ip("link set other0 up") && namespace_.Ip("link set other1 up"));
  SendTo({group()});
  const std::string address = std::string(net::kVethIpv4) + "/24 dev ";
  ASSERT_TRUE(namespace_.Ip("address delete " + address + "veth0"));
  ASSERT_TRUE(namespace_.Ip("address add " + address + "other0"));
  net::UdpSocket joined = Join();
  transmitter_.Reopen();
  SendTo({group()});
  EXPECT_EQ(net::ReceiveAll(joined).size(), 1u);
}

}  // namespace
}  // namespace keymast::server
