// SPDX-License-Identifier: Apache-2.0
#include "headend/sockets.h"

#include <unistd.h>

#include <cstdlib>

#include "net/replay.h"
#include "shell/files.h"
#include "tests/unit/headend/listener.h"
#include "tests/unit/net/namespace.h"

namespace keymast::headend {
namespace {

constexpr Instant kNow{};

// Sends one packet; true if the kernel took it.
bool Sends(Sender& sender, Endpoint group) {
  group.port = 5004;
  const Bytes packet(20, 1);
  const net::Outgoing out{group, packet};
  const uint64_t before = sender.failed();
  sender.Send({&out, 1}, nullptr, kNow);
  return sender.failed() == before;
}

// The record is for a check of what was on air: a kill at any instant must not hide some of it.
TEST(Sender, WhatIsSentIsInTheRecordAlready) {
  std::string file = "/tmp/keymast-record-XXXXXX";
  close(mkstemp(file.data()));
  const auto recorder = net::Recorder::Open(file);
  ASSERT_TRUE(recorder);
  const ChannelDefinition definition = Definition();
  Sender sender(definition, "");
  Endpoint group = definition.group;
  group.port = 5004;
  const Bytes packet(20, 1);
  const net::Outgoing out{group, packet};
  sender.Send({&out, 1}, recorder->get(), kNow);
  const auto octets = shell::ReadFile(file, 1 << 20);
  unlink(file.c_str());
  ASSERT_TRUE(octets);
  net::RecordReader reader(AsBytes(*octets));
  const auto datagram = reader.Next();
  ASSERT_TRUE(datagram && *datagram);
  EXPECT_TRUE(Equal((*datagram)->octets, packet));
}

TEST(Sender, OpensAgainWhenItsInterfaceCameBack) {
  net::Namespace space;
  if (!space.entered()) GTEST_SKIP() << "needs CAP_SYS_ADMIN";
  ChannelDefinition definition = Definition();
  definition.interface_address = net::kVethIpv4;
  Sender sender(definition, "");
  EXPECT_EQ(sender.reason(), "no_interface");
  EXPECT_FALSE(Sends(sender, definition.group));
  sender.Check();
  EXPECT_EQ(sender.reason(), "no_interface");

  ASSERT_TRUE(space.AddVeth());
  sender.Check();
  EXPECT_EQ(sender.reason(), "");
  EXPECT_TRUE(Sends(sender, definition.group));

  ASSERT_TRUE(space.RemoveVeth());
  sender.Check();
  EXPECT_EQ(sender.reason(), "no_interface");
  EXPECT_FALSE(Sends(sender, definition.group));

  // Taken away and made again between two checks: the same address, another interface.
  ASSERT_TRUE(space.AddVeth());
  sender.Check();
  ASSERT_TRUE(space.RemoveVeth() && space.AddVeth());
  sender.Check();
  EXPECT_EQ(sender.reason(), "");
  EXPECT_TRUE(Sends(sender, definition.group));
}

// The channel's address is the server's; a headend on another machine has one of its own.
TEST(Sender, SendsFromAnAddressOfItsOwnThatIsASource) {
  ChannelDefinition definition = Definition();
  definition.interface_address = "192.0.2.10";
  EXPECT_EQ(Sender(definition, "").reason(), "no_interface");
  EXPECT_EQ(Sender(definition, "127.0.0.1").reason(), "");
  definition.sources = {*ParseAddress("192.0.2.10"), *ParseAddress("127.0.0.1")};
  Sender named(definition, "127.0.0.1");
  EXPECT_TRUE(Sends(named, definition.group));
  definition.sources.pop_back();
  Sender other(definition, "127.0.0.1");
  EXPECT_EQ(other.reason(), "wrong_source");
  EXPECT_FALSE(Sends(other, definition.group));
}

TEST(Inputs, ATakenRtcpPortIsNoFault) {
  const Endpoint any = *ParseAddress("127.0.0.1");
  auto first = net::UdpSocket::Open(any);
  ASSERT_TRUE(first);
  Endpoint below = *first->local();
  --below.port;
  const auto sockets = OpenInputs({{ChannelId(), "video", 0, below}}, "");
  if (!sockets) GTEST_SKIP() << "the port below is taken";
  EXPECT_EQ(sockets->size(), 1u);
}

TEST(Inputs, MayComeByMulticast) {
  Endpoint group = *ParseAddress("239.255.42.99");
  group.port = net::UdpSocket::Open(*ParseAddress("127.0.0.1"))->local()->port;
  const auto sockets = OpenInputs({{ChannelId(), "video", 0, group}}, "127.0.0.1");
  ASSERT_TRUE(sockets) << sockets.error().message;
  EXPECT_GE(sockets->size(), 1u);
}

}  // namespace
}  // namespace keymast::headend
