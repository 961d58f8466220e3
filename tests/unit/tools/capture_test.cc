// SPDX-License-Identifier: Apache-2.0
// Captures of every link type that is read, written here octet for octet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/cursor.h"
#include "net/packet.h"
#include "net/record.h"
#include "tests/unit/tools/messages.h"
#include "tools/input.h"

namespace keymast::tools {
namespace {

using mikey::Hex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// Link types as files have them (LINKTYPE_*).
constexpr uint32_t kNull = 0;
constexpr uint32_t kEthernet = 1;
constexpr uint32_t kRaw = 101;
constexpr uint32_t kLoop = 108;
constexpr uint32_t kCooked = 113;
constexpr uint32_t kIpv4 = 228;
constexpr uint32_t kIpv6 = 229;
constexpr uint32_t kCooked2 = 276;

Endpoint At(const char* text) { return *ParseEndpoint(text); }
const Endpoint kFrom = At("192.0.2.1:40000");
const Endpoint kTo = At("192.0.2.2:2269");
const Endpoint kFrom6 = At("[2001:db8::1]:2269");
const Endpoint kTo6 = At("[2001:db8::2]:40000");

Bytes Packet(const Endpoint& from, const Endpoint& to, ByteView payload) {
  Bytes packet(net::kMaxPacketHeaders);
  packet.resize(net::WritePacketHeaders(from, to, payload, packet));
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

Bytes Joined(const Bytes& first, const Bytes& second) {
  Bytes both = first;
  both.insert(both.end(), second.begin(), second.end());
  return both;
}

// A capture in the order of most significant octet first.
Bytes Pcap(uint32_t link_type, const std::vector<Bytes>& frames, size_t cut = 0) {
  Bytes file(24 + 65536);
  Writer writer(file);
  for (const uint32_t word : {0xa1b2c3d4u, 0x00020004u, 0u, 0u, 65535u, link_type}) {
    writer.U32(word);
  }
  for (const Bytes& frame : frames) {
    for (const size_t word : {size_t{0}, size_t{0}, frame.size() - cut, frame.size()}) {
      writer.U32(word);
    }
    writer.Put(ByteView(frame).first(frame.size() - cut));
  }
  file.resize(writer.size());
  return file;
}

Input Read(const Bytes& file, const CaptureFilter& filter = {}) {
  auto input = ReadInput(file, filter);
  EXPECT_TRUE(input) << (input ? "" : input.error().message);
  return input.value_or(Input());
}

std::string WhyNot(const Bytes& file, const CaptureFilter& filter = {}) {
  const auto input = ReadInput(file, filter);
  return input ? "" : input.error().message;
}

TEST(Capture, EveryLinkTypeGivesTheDatagram) {
  const Bytes v4 = Packet(kFrom, kTo, kPskInit);
  const Bytes v6 = Packet(kFrom6, kTo6, kPskInit);
  const std::vector<std::pair<uint32_t, Bytes>> frames = {
      {kRaw, v4},
      {kRaw, v6},
      {kIpv4, v4},
      {kIpv6, v6},
      {kNull, Joined(Hex("02000000"), v4)},
      {kLoop, Joined(Hex("0000000a"), v6)},
      {kEthernet, Joined(Hex("0102030405060708090a0b0c0800"), v4)},
      {kEthernet, Joined(Hex("0102030405060708090a0b0c86dd"), v6)},
      {kEthernet, Joined(Hex("0102030405060708090a0b0c88a80001810000020800"), v4)},
      {kCooked, Joined(Hex("000000010006010203040506000086dd"), v6)},
      {kCooked2, Joined(Hex("0800000000000001000100060102030405060000"), v4)},
  };
  for (const auto& [link_type, frame] : frames) {
    const Input input = Read(Pcap(link_type, {frame}));
    ASSERT_THAT(input.messages, SizeIs(1)) << link_type;
    EXPECT_EQ(input.messages[0].octets, kPskInit) << link_type;
    EXPECT_EQ(input.messages[0].frame, 1u);
    EXPECT_THAT(input.remarks, IsEmpty());
  }
}

TEST(Capture, EndpointsAndFrameNumbersAreKept) {
  const Input input = Read(Pcap(
      kRaw, {Packet(kFrom, At("192.0.2.2:5004"), Hex("80")), Packet(kFrom6, kTo6, Hex("0101"))}));
  ASSERT_THAT(input.messages, SizeIs(1));
  EXPECT_EQ(input.messages[0].frame, 2u);
  EXPECT_EQ(ToString(*input.messages[0].from), "[2001:db8::1]:2269");
  EXPECT_EQ(ToString(*input.messages[0].to), "[2001:db8::2]:40000");
}

TEST(Capture, PaddingOfALinkLayerIsNotRead) {
  const Bytes frame = Joined(Packet(kFrom, kTo, Hex("0100")), Bytes(20));
  EXPECT_EQ(Read(Pcap(kRaw, {frame})).messages[0].octets, Hex("0100"));
}

TEST(Capture, Ipv6ExtensionsArePassedOver) {
  Bytes packet = Packet(kFrom6, kTo6, kPskInit);
  packet[6] = 0;  // hop by hop
  const Bytes options =
      Hex("3c00000000000000"
          "1101000000000000"
          "0000000000000000");
  packet.insert(packet.begin() + 40, options.begin(), options.end());
  EXPECT_EQ(Read(Pcap(kRaw, {packet})).messages[0].octets, kPskInit);
}

TEST(Capture, PortsAreChosen) {
  const Endpoint elsewhere = At("192.0.2.2:5555");
  const Bytes file =
      Pcap(kRaw, {Packet(kFrom, elsewhere, kPskInit), Packet(kFrom, elsewhere, Hex("0102")),
                  Packet(kFrom, elsewhere, Hex("800102"))});
  EXPECT_THAT(WhyNot(file), HasSubstr("2269"));
  EXPECT_THAT(Read(file, {5555, false}).messages, SizeIs(3));
  EXPECT_THAT(Read(file, {2269, true}).messages, SizeIs(1));
}

TEST(Capture, FragmentsAndCutDatagramsAreTold) {
  Bytes fragment = Packet(kFrom, kTo, kPskInit);
  fragment[6] = 0x20;  // more fragments
  Bytes fragment6 = Packet(kFrom6, kTo6, kPskInit);
  fragment6[6] = 44;
  const Bytes header = Hex("1100000100000001");
  fragment6.insert(fragment6.begin() + 40, header.begin(), header.end());
  const Bytes whole = Packet(kFrom, kTo, Hex("01"));
  const Input input = Read(Pcap(kRaw, {fragment, fragment6, whole}));
  EXPECT_THAT(input.messages, SizeIs(1));
  EXPECT_THAT(input.remarks, ElementsAre(HasSubstr("2 fragments")));
  EXPECT_THAT(WhyNot(Pcap(kRaw, {Packet(kFrom, kTo, kPskInit)}, 10)), HasSubstr("1 UDP datagrams"));
}

TEST(Capture, OneThatBreaksOffGivesWhatCameBefore) {
  const Bytes file = Pcap(kRaw, {Packet(kFrom, kTo, kPskInit), Packet(kFrom, kTo, kPskAnswer)});
  const Input input = Read(Bytes(file.begin(), file.end() - 5));
  EXPECT_THAT(input.messages, SizeIs(1));
  EXPECT_THAT(input.remarks, ElementsAre(HasSubstr("breaks off")));
}

// A file that two runs of a program recorded to, the second one killed while it wrote.
TEST(Capture, RecordingsOfOursAreRead) {
  const std::string path = testing::TempDir() + "keymast-recorded-" + std::to_string(getpid());
  for (const Bytes& octets : {kPskInit, kPskAnswer, Hex("0100")}) {
    auto recorder = net::Recorder::Open(path);
    ASSERT_TRUE(recorder);
    (*recorder)->Write(net::Recorder::Direction::kSent, kFrom, kTo, octets, Instant());
    (*recorder)->Write(net::Recorder::Direction::kSent, kFrom6, kTo6, octets, Instant());
  }
  std::ifstream stream(path, std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(stream), {}};
  std::filesystem::remove(path);
  const ByteView octets = AsBytes(file);
  const Input whole = Read(Bytes(octets.begin(), octets.end()));
  ASSERT_THAT(whole.messages, SizeIs(6));
  EXPECT_EQ(whole.messages[5].frame, 6u);
  EXPECT_EQ(whole.messages[2].octets, kPskAnswer);
  const Input cut = Read(Bytes(octets.begin(), octets.end() - 1));
  EXPECT_THAT(cut.messages, SizeIs(5));
  EXPECT_THAT(cut.remarks, ElementsAre(HasSubstr("breaks off")));
}

TEST(Capture, OthersAreRefusedInWords) {
  EXPECT_THAT(WhyNot(Pcap(105, {})), HasSubstr("link type"));
  EXPECT_THAT(WhyNot(Hex("0a0d0d0a")), Not(IsEmpty()));
  EXPECT_THAT(WhyNot(Hex("a1b2c3d4ff")), Not(IsEmpty()));
}

TEST(Capture, EveryPrefixAndEveryFlippedOctetIsReadOrRefused) {
  const Bytes file =
      Pcap(kEthernet,
           {Joined(Hex("0102030405060708090a0b0c86dd"), Packet(kFrom6, kTo6, Hex("01020304")))});
  for (size_t size = 0; size < file.size(); ++size) {
    (void)ReadInput(ByteView(file).first(size), {});
    Bytes flipped = file;
    flipped[size] ^= 0xff;
    (void)ReadInput(flipped, {2269, true});
  }
}

TEST(Input, TheFormIsToldByTheContent) {
  EXPECT_EQ(Read(kPskInit).messages[0].octets, kPskInit);
  const std::string text = ToHex(kPskInit) + "\n\n" + ToHex(kPskAnswer) + "\n";
  const ByteView octets = AsBytes(text);
  const Input input = Read(Bytes(octets.begin(), octets.end()));
  ASSERT_THAT(input.messages, SizeIs(2));
  EXPECT_EQ(input.messages[1].octets, kPskAnswer);
  EXPECT_THAT(WhyNot({}), HasSubstr("empty"));
}

}  // namespace
}  // namespace keymast::tools
