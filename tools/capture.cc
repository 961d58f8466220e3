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
  const bool is_ours =
      !payload.empty() && (payload[0] == mikey::kVersion1 || payload[0] == mikey::kVersion2);
  if (!is_ours) return false;
  mikey::Message message;
  return mikey::ParseMessage(payload, message).has_value();
}

bool IsTaken(const UdpDatagram& datagram, const CaptureFilter& filter) {
  if (filter.any_port) return IsMessage(datagram.payload);
  return !datagram.payload.empty() &&
         (datagram.from.port == filter.port || datagram.to.port == filter.port);
}

// Taking is what was found so far, and what was passed over.
struct Taking {
  const CaptureFilter& filter;
  Input input = {};
  size_t frames = 0;
  size_t fragments = 0;
  size_t cut = 0;
};

void Tell(size_t count, const char* what, std::vector<std::string>& remarks) {
  if (count > 0) remarks.push_back(std::to_string(count) + what);
}

void TakeFrame(int link_type, ByteView frame, Taking& taking) {
  ++taking.frames;
  const auto datagram = UdpOf(link_type, frame);
  if (!datagram) {
    if (datagram.error() == NoDatagram::kFragment) ++taking.fragments;
    if (datagram.error() == NoDatagram::kCut) ++taking.cut;
  } else if (IsTaken(*datagram, taking.filter)) {
    const ByteView payload = datagram->payload;
    taking.input.messages.push_back(
        {Bytes(payload.begin(), payload.end()), taking.frames, datagram->from, datagram->to});
  }
}

// TakeSection reads one capture to its end; the text says why it could not.
std::string TakeSection(ByteView octets, Taking& taking) {
  std::string problem;
  const Capture capture = Open(octets, problem);
  if (capture == nullptr) return problem;
  const int link_type = pcap_datalink(capture.get());
  if (!IsKnownLinkType(link_type)) {
    const char* name = pcap_datalink_val_to_name(link_type);
    return "link type " + std::string(name == nullptr ? "?" : name) +
           ": Ethernet, Linux cooked, raw IP and loopback are read";
  }
  pcap_pkthdr* header = nullptr;
  const uint8_t* frame = nullptr;
  int status = 0;
  while ((status = pcap_next_ex(capture.get(), &header, &frame)) == 1) {
    TakeFrame(link_type, {frame, header->caplen}, taking);
  }
  return status == PCAP_ERROR ? pcap_geterr(capture.get()) : "";
}

uint32_t U32At(ByteView octets, size_t at, bool is_little_endian) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    value = value << 8 | octets[at + (is_little_endian ? 3 - i : i)];
  }
  return value;
}

// SectionsOf splits a pcapng file at its section headers (draft-ietf-opsawg-pcapng §4.1): --record
// begins one at each start, and libpcap takes no second section of raw IP.
std::vector<ByteView> SectionsOf(ByteView octets) {
  constexpr uint32_t kSectionHeader = 0x0a0d0d0a;  // reads the same in both byte orders
  constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
  std::vector<ByteView> sections;
  size_t begin = 0;
  bool is_little_endian = true;
  for (size_t at = 0; octets.size() - at >= 12;) {
    if (U32At(octets, at, true) == kSectionHeader) {
      is_little_endian = U32At(octets, at + 8, true) == kByteOrderMagic;
      if (at > begin) sections.push_back(octets.subspan(begin, at - begin));
      begin = at;
    } else if (at == 0) {
      break;  // pcap
    }
    const size_t length = U32At(octets, at + 4, is_little_endian);
    if (length < 12 || length > octets.size() - at) break;
    at += length;
  }
  sections.push_back(octets.subspan(begin));
  return sections;
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
  Taking taking{filter};
  for (const ByteView section : SectionsOf(octets)) {
    if (std::string problem = TakeSection(section, taking); !problem.empty()) {
      // What came before a section that cannot be read is shown all the same.
      if (taking.input.messages.empty()) return Fail(Error::kMalformed, problem);
      taking.input.remarks.push_back("the capture breaks off: " + problem);
    }
  }
  Input& input = taking.input;
  Tell(taking.fragments, " fragments of UDP datagrams were left out: they are not put together",
       input.remarks);
  Tell(taking.cut, " UDP datagrams were left out: not all of them was captured", input.remarks);
  if (input.messages.empty()) return NothingFound(filter, input.remarks);
  return std::move(input);
}

}  // namespace keymast::tools
