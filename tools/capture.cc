// SPDX-License-Identifier: Apache-2.0
// The only file of this room that reads captures through libpcap.
#include <pcap/pcap.h>

#include <cstdio>
#include <memory>

#include "mikey/message.h"
#include "tools/input.h"
#include "tools/packets.h"

namespace keymast::tools {
namespace {

using Capture = std::unique_ptr<pcap_t, decltype(&pcap_close)>;

// Open reads the octets in place; libpcap closes the stream with the capture.
Capture Open(ByteView octets, std::string& problem) {
  std::array<char, PCAP_ERRBUF_SIZE> reason{};
  // fmemopen only reads in this mode, and takes no const.
  FILE* stream = fmemopen(const_cast<uint8_t*>(octets.data()), octets.size(), "rb");
  pcap_t* capture = stream == nullptr ? nullptr : pcap_fopen_offline(stream, reason.data());
  if (capture == nullptr && stream != nullptr) std::fclose(stream);
  if (capture == nullptr) problem = reason.data();
  return {capture, &pcap_close};
}

bool IsMessage(ByteView payload) {
  if (payload.empty() || payload[0] != mikey::kVersion1) return false;
  mikey::Message message;
  return mikey::ParseMessage(payload, message).has_value();
}

bool IsTaken(const UdpDatagram& datagram, const CaptureFilter& filter) {
  if (filter.any_port) return IsMessage(datagram.payload);
  return !datagram.payload.empty() &&
         (datagram.from.port == filter.port || datagram.to.port == filter.port);
}

// Passed counts what was passed over.
struct Passed {
  size_t fragments = 0;
  size_t cut = 0;
};

void Tell(size_t count, const char* what, std::vector<std::string>& remarks) {
  if (count > 0) remarks.push_back(std::to_string(count) + what);
}

void TakeFrame(int link_type, ByteView frame, size_t number, const CaptureFilter& filter,
               Input& input, Passed& passed) {
  const auto datagram = UdpOf(link_type, frame);
  if (!datagram) {
    if (datagram.error() == NoDatagram::kFragment) ++passed.fragments;
    if (datagram.error() == NoDatagram::kCut) ++passed.cut;
  } else if (IsTaken(*datagram, filter)) {
    const ByteView payload = datagram->payload;
    input.messages.push_back(
        {Bytes(payload.begin(), payload.end()), number, datagram->from, datagram->to});
  }
}

tl::unexpected<Failure> NothingFound(const CaptureFilter& filter,
                                     const std::vector<std::string>& remarks) {
  std::string message = filter.any_port
                            ? "no MIKEY message in the capture"
                            : "no datagram of port " + std::to_string(filter.port) +
                                  " in the capture (--port N or --any-port take others)";
  for (const std::string& remark : remarks) message += "; " + remark;
  return Fail(Error::kNotFound, message);
}

}  // namespace

bool IsCapture(ByteView octets) {
  constexpr std::array<uint8_t, 4> kMagics[] = {
      {0x0a, 0x0d, 0x0d, 0x0a},                            // pcapng
      {0xa1, 0xb2, 0xc3, 0xd4}, {0xd4, 0xc3, 0xb2, 0xa1},  // pcap, in either byte order
      {0xa1, 0xb2, 0x3c, 0x4d}, {0x4d, 0x3c, 0xb2, 0xa1},  // with nanoseconds
      {0xa1, 0xb2, 0xcd, 0x34}, {0x34, 0xcd, 0xb2, 0xa1},  // Kuznetzov's
  };
  for (const auto& magic : kMagics) {
    if (octets.size() >= magic.size() && Equal(octets.first(magic.size()), magic)) return true;
  }
  return false;
}

tl::expected<Input, Failure> ReadCapture(ByteView octets, const CaptureFilter& filter) {
  std::string problem;
  const Capture capture = Open(octets, problem);
  if (capture == nullptr) return Fail(Error::kMalformed, "no capture: " + problem);
  const int link_type = pcap_datalink(capture.get());
  if (!IsKnownLinkType(link_type)) {
    const char* name = pcap_datalink_val_to_name(link_type);
    return Fail(Error::kUnimplemented, "link type " + std::string(name == nullptr ? "?" : name) +
                                           ": Ethernet, Linux cooked, raw IP, loopback are read");
  }
  Input input;
  Passed passed;
  pcap_pkthdr* header = nullptr;
  const uint8_t* frame = nullptr;
  int status = 0;
  for (size_t number = 1; (status = pcap_next_ex(capture.get(), &header, &frame)) == 1; ++number) {
    TakeFrame(link_type, {frame, header->caplen}, number, filter, input, passed);
  }
  if (status == PCAP_ERROR) {
    input.remarks.push_back(std::string("the capture breaks off: ") + pcap_geterr(capture.get()));
  }
  Tell(passed.fragments, " fragments of UDP datagrams were left out: they are not put together",
       input.remarks);
  Tell(passed.cut, " UDP datagrams were left out: not all of them was captured", input.remarks);
  if (input.messages.empty()) return NothingFound(filter, input.remarks);
  return input;
}

}  // namespace keymast::tools
