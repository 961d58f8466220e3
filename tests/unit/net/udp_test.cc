// SPDX-License-Identifier: Apache-2.0
#include "net/udp.h"

#include <sys/socket.h>

#include "tests/unit/net/sockets.h"

namespace keymast::net {
namespace {

class Unicast : public testing::TestWithParam<std::string> {
 protected:
  UdpSocket from_ = OpenAt(Address(GetParam()));
  UdpSocket to_ = OpenAt(Address(GetParam()));
};

INSTANTIATE_TEST_SUITE_P(Families, Unicast, testing::Values("127.0.0.1", "::1"));

TEST_P(Unicast, AThousandDatagramsArriveInOrder) {
  constexpr uint32_t kCount = 1000;
  to_.SetReceiveBuffer(4 << 20);
  std::vector<Bytes> payloads;
  std::vector<Outgoing> out;
  for (uint32_t i = 0; i < kCount; ++i) payloads.push_back(Numbered(i, 4 + i % 200));
  for (const Bytes& payload : payloads) out.push_back({*to_.local(), payload});
  Error error = Error::kInternal;
  ASSERT_EQ(from_.Send(out, error), kCount);
  const std::vector<Received> got = ReceiveAll(to_);
  ASSERT_EQ(got.size() + to_.kernel_drops(), kCount);
  ASSERT_EQ(to_.kernel_drops(), 0u);
  for (uint32_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(got[i].octets, payloads[i]);
    EXPECT_EQ(got[i].from, *from_.local());
  }
}

TEST_P(Unicast, AnEmptyDatagramIsADatagram) {
  SendOne(from_, *to_.local(), {});
  const std::vector<Received> got = ReceiveAll(to_);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_TRUE(got[0].octets.empty());
}

TEST_P(Unicast, ReceiveTakesAsManyAsAskedFor) {
  for (uint32_t i = 0; i < 3; ++i) SendOne(from_, *to_.local(), Numbered(i));
  std::array<Incoming, 2> two;
  EXPECT_EQ(to_.Receive(two), 2u);
  EXPECT_EQ(to_.Receive(two), 1u);
  EXPECT_EQ(NumberOf(two[0].octets), 2u);
  EXPECT_EQ(to_.Receive(two), 0u);
}

TEST_P(Unicast, TooLongDatagramsAreCountedAndNeverCut) {
  SendOne(from_, *to_.local(), Bytes(kMaxReceived, 1));
  SendOne(from_, *to_.local(), Bytes(kMaxReceived + 1, 2));
  SendOne(from_, *to_.local(), Bytes(10, 3));
  const std::vector<Received> got = ReceiveAll(to_);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].octets, Bytes(kMaxReceived, 1));
  EXPECT_EQ(got[1].octets, Bytes(10, 3));
  EXPECT_EQ(to_.too_long(), 1u);
}

TEST_P(Unicast, ThereIsRoomBehindEachDatagram) {
  SendOne(from_, *to_.local(), Bytes(kMaxReceived, 1));
  SendOne(from_, *to_.local(), Bytes(kMaxReceived, 2));
  std::array<Incoming, 2> two;
  ASSERT_EQ(to_.Receive(two), 2u);
  const MutableBytes room(two[0].octets.data(), two[0].octets.size() + kRoomBehind);
  std::fill(room.begin(), room.end(), uint8_t{9});
  EXPECT_EQ(Bytes(two[1].octets.begin(), two[1].octets.end()), Bytes(kMaxReceived, 2));
}

// Somebody who is not there answers with ICMP; that is no reason to drop what is for others.
TEST_P(Unicast, ADestinationThatIsNotThereHarmsNoOther) {
  const Endpoint nobody = *OpenAt(Address(GetParam())).local();
  std::vector<Bytes> payloads;
  std::vector<Outgoing> out;
  for (uint32_t i = 0; i < 200; ++i) payloads.push_back(Numbered(i));
  for (uint32_t i = 0; i < 200; ++i) {
    out.push_back({i % 2 == 0 ? nobody : *to_.local(), payloads[i]});
  }
  Error error = Error::kInternal;
  EXPECT_EQ(from_.Send(out, error), out.size());
  EXPECT_EQ(ReceiveAll(to_).size(), 100u);
  EXPECT_TRUE(ReceiveAll(from_).empty());
  SendOne(from_, *to_.local(), Numbered(1));
  EXPECT_EQ(ReceiveAll(to_).size(), 1u);
}

TEST_P(Unicast, SendStopsAtTheDatagramThatIsRefusedAndSaysWhy) {
  const Bytes fits(10);
  const Bytes never(70'000);
  const std::array<Outgoing, 3> out = {Outgoing{*to_.local(), fits}, Outgoing{*to_.local(), never},
                                       Outgoing{*to_.local(), fits}};
  Error error = Error::kInternal;
  EXPECT_EQ(from_.Send(out, error), 1u);
  EXPECT_EQ(error, Error::kSendFailed);
  EXPECT_EQ(from_.Send(std::span(out).subspan(2), error), 1u);
  EXPECT_EQ(ReceiveAll(to_).size(), 2u);
}

TEST_P(Unicast, WhatTheKernelDropsIsCounted) {
  const size_t room = to_.SetReceiveBuffer(4096);
  EXPECT_LT(room, 100u * 1000);
  for (uint32_t i = 0; i < 100; ++i) SendOne(from_, *to_.local(), Numbered(i, 1000));
  const uint64_t drops = to_.kernel_drops();
  EXPECT_GT(drops, 0u) << "also while nothing was received yet";
  EXPECT_EQ(ReceiveAll(to_).size() + drops, 100u);
  EXPECT_EQ(to_.kernel_drops(), drops);
}

TEST_P(Unicast, TheReceiveBufferIsReadBack) {
  constexpr size_t kWanted = 1 << 20;
  const size_t got = to_.SetReceiveBuffer(kWanted);
  int kernel = 0;
  socklen_t size = sizeof kernel;
  ASSERT_EQ(getsockopt(to_.fd(), SOL_SOCKET, SO_RCVBUF, &kernel, &size), 0);
  EXPECT_EQ(got, static_cast<size_t>(kernel) / 2);
  EXPECT_GT(got, 0u);
  EXPECT_LE(got, kWanted) << "less where net.core.rmem_max is less and may not be exceeded";
}

TEST_P(Unicast, APortHasOneOwner) {
  const auto second = UdpSocket::Open(*to_.local());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), Error::kInUse);
}

TEST_P(Unicast, MovingHandsTheSocketOn) {
  UdpSocket held = OpenAt(Address(GetParam()));
  const Endpoint before = *held.local();
  held = std::move(to_);
  SendOne(from_, *held.local(), Numbered(7));
  EXPECT_EQ(ReceiveAll(held).size(), 1u);
  EXPECT_TRUE(UdpSocket::Open(before)) << "what it held before is closed";
}

TEST(Udp, AnAddressOfAnotherMachineCannotBeBound) {
  const auto socket = UdpSocket::Open(Address("192.0.2.77"));
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error(), Error::kNoInterface);
}

TEST(Udp, ASocketOnAllAddressesTakesBothFamilies) {
  UdpSocket both = OpenAt(Address("::"));
  const uint16_t port = both.local()->port;
  UdpSocket ipv4 = OpenAt(Address("127.0.0.1"));
  UdpSocket ipv6 = OpenAt(Address("::1"));
  SendOne(ipv4, Address("127.0.0.1", port), Numbered(4));
  SendOne(ipv6, Address("::1", port), Numbered(6));
  const std::vector<Received> got = ReceiveAll(both);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].from, *ipv4.local());
  EXPECT_EQ(got[1].from, *ipv6.local());
  for (const Received& one : got) SendOne(both, one.from, one.octets);
  EXPECT_EQ(ReceiveAll(ipv4).size(), 1u);
  EXPECT_EQ(ReceiveAll(ipv6).size(), 1u);
}

TEST(Udp, ASocketOfOneFamilyRefusesTheOther) {
  UdpSocket ipv4 = OpenAt(Address("127.0.0.1"));
  const Bytes octets(10);
  const Outgoing out{Address("::1", 9), octets};
  Error error = Error::kInternal;
  EXPECT_EQ(ipv4.Send({&out, 1}, error), 0u);
  EXPECT_EQ(error, Error::kSendFailed);
}

}  // namespace
}  // namespace keymast::net
