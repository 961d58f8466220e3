// SPDX-License-Identifier: Apache-2.0
#include <pcap/pcap.h>

#include <cstdio>
#include <memory>

#include "net/packet.h"
#include "tools/builder.h"
#include "tools/commands.h"
#include "tools/input.h"

namespace keymast::tools {
namespace {

using File = std::unique_ptr<FILE, decltype(&std::fclose)>;

bool WriteHex(const std::vector<Bytes>& messages, FILE* out) {
  bool is_first = true;
  for (const Bytes& octets : messages) {
    if (!is_first) std::fputc('\n', out);
    is_first = false;
    std::fprintf(out, "%s\n", ToHex(octets).c_str());
  }
  return std::ferror(out) == 0;
}

bool WriteBinary(const Bytes& octets, FILE* out) {
  return std::fwrite(octets.data(), 1, octets.size(), out) == octets.size();
}

// Raw IP from 127.0.0.1:2269 to itself; no time is told, so that equal descriptions give equal
// files.
bool WritePcap(const std::vector<Bytes>& messages, FILE* out) {
  pcap_t* capture = pcap_open_dead(DLT_RAW, 1 << 18);
  pcap_dumper_t* dumper = pcap_dump_fopen(capture, out);
  if (dumper == nullptr) {
    pcap_close(capture);
    return false;
  }
  const Endpoint here{Endpoint::Family::kIpv4, {127, 0, 0, 1}, kMikeyPort};
  for (const Bytes& octets : messages) {
    Bytes packet(net::kMaxPacketHeaders);
    packet.resize(net::WritePacketHeaders(here, here, octets, packet));
    packet.insert(packet.end(), octets.begin(), octets.end());
    pcap_pkthdr header{};
    header.caplen = header.len = static_cast<uint32_t>(packet.size());
    pcap_dump(reinterpret_cast<u_char*>(dumper), &header, packet.data());
  }
  const bool written = pcap_dump_flush(dumper) == 0;
  // The stream is the caller's: only the capture is closed here.
  pcap_close(capture);
  return written;
}

bool Write(const BuildOptions& options, const std::vector<Bytes>& messages, FILE* out) {
  if (options.pcap) return WritePcap(messages, out);
  if (options.binary) return WriteBinary(messages.front(), out);
  return WriteHex(messages, out);
}

tl::expected<std::vector<Bytes>, Failure> MessagesOf(const BuildOptions& options) {
  tl::expected<Keys, Failure> keys = Keys();
  if (!options.key_file.empty()) keys = LoadKeys(options.key_file);
  if (!keys) return tl::unexpected<Failure>(keys.error());
  const auto text = LoadInput(options.input);
  if (!text) return tl::unexpected<Failure>(text.error());
  const auto descriptions = ParseDescriptions(*text);
  if (!descriptions) return tl::unexpected<Failure>(descriptions.error());
  return BuildMessages(*descriptions, *keys, crypto::DefaultSuite());
}

bool AllFitDatagrams(const std::vector<Bytes>& messages) {
  for (const Bytes& octets : messages) {
    if (octets.size() > net::kMaxPacketPayload) return false;
  }
  return true;
}

}  // namespace

int Build(const BuildOptions& options) {
  if (options.input == "-" && options.key_file == "-") {
    return Refuse("build: standard input cannot be both description and keys");
  }
  const auto messages = MessagesOf(options);
  if (!messages) return Refuse("build: " + messages.error().message);
  if (options.binary && messages->size() != 1) return Refuse("build: --binary takes one message");
  if (options.pcap && !AllFitDatagrams(*messages)) {
    return Refuse("build: a message is longer than a datagram");
  }
  if (options.output.empty()) {
    const bool written = Write(options, *messages, stdout) && std::fflush(stdout) == 0;
    return written ? 0 : Refuse("standard output cannot be written");
  }
  File file(std::fopen(options.output.c_str(), "wb"), &std::fclose);
  const bool written =
      file != nullptr && Write(options, *messages, file.get()) && std::fclose(file.release()) == 0;
  return written ? 0 : Refuse(options.output + ": cannot be written");
}

}  // namespace keymast::tools
