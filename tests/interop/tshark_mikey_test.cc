// SPDX-License-Identifier: Apache-2.0
// Wireshark's dissector reads what we write: every field that it names equals ours, it names none
// that we do not, and it finds nothing malformed. What version 4.0 cannot do is written down in
// wireshark_names.cc, and just that is expected of it.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/cursor.h"
#include "tests/interop/mikey_messages.h"
#include "tests/interop/wireshark_names.h"
#include "tests/unit/mikey/sample.h"

namespace keymast::mikey {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kIpAndUdp = 28;

// InIp puts a datagram into IPv4 and UDP from port 2269 to port 2269.
Bytes InIp(const Bytes& datagram) {
  Bytes packet(kIpAndUdp + datagram.size());
  Writer writer(packet);
  writer.U16(0x4500);
  writer.U16(packet.size());
  writer.U32(0);
  writer.U32(0x01110000);  // TTL 1, UDP, checksum left out
  writer.U32(0x7f000001);
  writer.U32(0x7f000001);
  writer.U16(2269);
  writer.U16(2269);
  writer.U16(8 + datagram.size());
  writer.U16(0);
  writer.Put(datagram);
  return packet;
}

void AppendLittle(Bytes& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<uint8_t>(value >> shift));
}

// SavePcap writes a capture of raw IP packets (LINKTYPE_RAW).
void SavePcap(const std::string& path, const std::vector<SampleMessage>& messages) {
  Bytes out;
  for (const uint32_t word : {0xa1b2c3d4u, 0x00040002u, 0u, 0u, 65535u, 101u}) {
    AppendLittle(out, word);
  }
  for (const SampleMessage& message : messages) {
    const Bytes packet = InIp(message.octets);
    const auto size = static_cast<uint32_t>(packet.size());
    for (const uint32_t word : {0u, 0u, size, size}) AppendLittle(out, word);
    out.insert(out.end(), packet.begin(), packet.end());
  }
  std::ofstream(path, std::ios::binary) << AsText(out);
}

std::string OutputOf(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string output;
  std::array<char, 4096> buffer{};
  for (size_t size; (size = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    output.append(buffer.data(), size);
  }
  return pclose(pipe) == 0 ? output : std::string();
}

bool EndsWith(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// Named is one value and where its octets begin.
struct Named {
  std::string name;
  size_t offset;
  std::string value;
};

// Seen is what Wireshark names in a message, and what it complains of.
struct Seen {
  std::vector<Named> named;
  std::vector<std::string> complaints;
};

// OffsetOf the `index`th value of a name: "NAME_raw" is [octets, offset, ...], or a list of these.
size_t OffsetOf(const Json& node, const std::string& name, size_t index) {
  const auto raw = node.find(name + "_raw");
  if (raw == node.end()) return 0;
  const Json& one = (*raw)[0].is_array() ? (*raw)[index] : *raw;
  return one[1].get<size_t>();
}

// Collect gathers the named values of a dissection. What MIKEY's dissector leaves to others, as the
// inside of a certificate, and empty octets are not compared.
void Collect(const Json& node, Seen& seen) {
  for (const auto& [name, value] : node.items()) {
    if (name.rfind("_ws.", 0) == 0) seen.complaints.push_back(name);
    if (EndsWith(name, "_raw")) continue;
    const bool is_named = name.rfind("mikey.", 0) == 0 && !EndsWith(name, "_tree");
    size_t index = 0;
    for (const Json& one : value.is_array() ? value : Json::array({value})) {
      const std::string text = one.is_string() ? one.get<std::string>() : "";
      const size_t offset = OffsetOf(node, name, index++);
      if (is_named && text.empty() != one.is_string()) seen.named.push_back({name, offset, text});
      if (one.is_object()) Collect(one, seen);
    }
  }
}

// InOrder gives the values of each name in the order of the message; JSON groups them otherwise.
NamedFields InOrder(std::vector<Named> named) {
  std::stable_sort(named.begin(), named.end(),
                   [](const Named& a, const Named& b) { return a.offset < b.offset; });
  NamedFields fields;
  for (Named& one : named) fields[one.name].push_back(std::move(one.value));
  return fields;
}

// ReadBy runs tshark over the messages.
std::string ReadBy(const std::string& options, const std::vector<SampleMessage>& messages) {
  const std::string path = testing::TempDir() + "mikey" + std::to_string(getpid()) + ".pcap";
  SavePcap(path, messages);
  const std::string text = OutputOf("tshark -n -r '" + path + "' " + options + " 2>/dev/null");
  std::remove(path.c_str());
  return text;
}

// Dissected is tshark's reading of each message.
std::vector<Json> Dissected(const std::vector<SampleMessage>& messages) {
  const Json packets =
      Json::parse(ReadBy("-T json --no-duplicate-keys -x", messages), nullptr, false);
  std::vector<Json> layers;
  if (!packets.is_array()) return layers;
  for (const Json& packet : packets) layers.push_back(packet["_source"]["layers"]);
  return layers;
}

// RawOf is the octets of a payload: what tshark leaves unnamed lies in them.
std::string RawOf(const Json& mikey, const std::string& payload) {
  return mikey[payload + "_raw"][0].get<std::string>();
}

class Tshark : public testing::Test {
 protected:
  void SetUp() override {
    if (OutputOf("tshark --version 2>/dev/null").empty()) {
      ASSERT_EQ(std::getenv("CI"), nullptr) << "no tshark, and CI is set";
      GTEST_SKIP() << "LEFT OUT: no tshark";
    }
  }
};

Seen SeenIn(const Json& layers) {
  Seen seen;
  if (layers.contains("mikey")) Collect(layers["mikey"], seen);
  if (layers.contains("_ws.malformed")) seen.complaints.emplace_back("_ws.malformed");
  return seen;
}

WiresharkNames OursOf(const Bytes& octets) {
  WiresharkNames ours;
  EXPECT_TRUE(Dump(octets, ours));
  return ours;
}

TEST_F(Tshark, NamesEveryFieldAsWeDo) {
  const std::vector<SampleMessage> messages = SampleMessages();
  const std::vector<Json> dissected = Dissected(messages);
  ASSERT_EQ(dissected.size(), messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    SCOPED_TRACE(messages[i].name + ": " + ToHex(messages[i].octets));
    const WiresharkNames ours = OursOf(messages[i].octets);
    const Seen seen = SeenIn(dissected[i]);
    EXPECT_EQ(ours.unlisted(), std::set<std::string>());
    if (ours.reading() == Reading::kAstray) continue;
    EXPECT_EQ(InOrder(seen.named), ours.fields());
    EXPECT_EQ(seen.complaints.empty(), ours.reading() != Reading::kMalformed);
  }
}

// The names that we miss in Wireshark's dissector are names that it does not have.
TEST_F(Tshark, HasNoNameThatWeDoNotCompare) {
  std::set<std::string> compared;
  for (const SampleMessage& message : SampleMessages()) {
    const WiresharkNames ours = OursOf(message.octets);
    for (const auto& [name, values] : ours.fields()) compared.insert(name);
  }
  EXPECT_EQ(compared, NamesOfWireshark()) << "a row of the table that no message has";
  std::istringstream fields(OutputOf("tshark -G fields 2>/dev/null"));
  std::set<std::string> theirs;
  for (std::string line; std::getline(fields, line);) {
    const size_t at = line.find("\tmikey.");
    if (at == std::string::npos) continue;
    const std::string name = line.substr(at + 1, line.find('\t', at + 1) - at - 1);
    // SAKKE (RFC 6509) is not spoken; mikey.payload is registered, but never shown.
    if (name.rfind("mikey.sakke", 0) != 0 && name != "mikey.payload") theirs.insert(name);
  }
  EXPECT_EQ(compared, theirs);
}

// Wireshark takes the map for payloads when it is a GENERIC-ID map, and the salt of GTGK+SALT for
// the key's validity; what comes before has our values.
TEST_F(Tshark, GoesAstrayWhereWeKnowThatItDoes) {
  std::vector<SampleMessage> messages = SampleMessages();
  std::erase_if(messages, [](const SampleMessage& message) {
    return OursOf(message.octets).reading() != Reading::kAstray;
  });
  EXPECT_EQ(messages.size(), 1u + 2u);
  const std::vector<Json> dissected = Dissected(messages);
  ASSERT_EQ(dissected.size(), messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    SCOPED_TRACE(messages[i].name);
    NamedFields fields = InOrder(SeenIn(dissected[i]).named);
    const NamedFields ours = OursOf(messages[i].octets).fields();
    EXPECT_NE(fields, ours);
    for (const auto& [name, values] : ours) {
      fields[name].resize(std::min(fields[name].size(), values.size()));
      EXPECT_EQ(fields[name], values) << name;
    }
  }
}

// A comparison that always held would say nothing.
TEST_F(Tshark, NamesADifferenceOfOneBit) {
  SampleMessage other = SampleMessages()[0];
  const WiresharkNames ours = OursOf(other.octets);
  other.octets[14] ^= 1;  // the first SSRC
  const NamedFields fields = InOrder(SeenIn(Dissected({other})[0]).named);
  EXPECT_NE(fields, ours.fields());
  EXPECT_EQ(fields, OursOf(other.octets).fields());
}

// Numbers for which Wireshark 4.0 has no name: all of them later than RFC 3830.
TEST_F(Tshark, KnowsTheOtherNumbers) {
  std::vector<SampleMessage> messages = SampleMessages();
  std::erase_if(messages, [](const SampleMessage& message) {
    return OursOf(message.octets).reading() == Reading::kAstray;
  });
  std::istringstream text(ReadBy("-O mikey", messages));
  std::set<std::string> unknown;
  for (std::string line; std::getline(text, line);) {
    if (line.find(": Unknown (") == std::string::npos) continue;
    const size_t bits = line.find("= ");  // `.... = ` before a field of some bits
    unknown.insert(line.substr(bits == std::string::npos ? line.find_first_not_of(' ') : bits + 2));
  }
  EXPECT_EQ(unknown, (std::set<std::string>{"Auth alg: Unknown (2)",
                                            "Authentication algorithm: Unknown (2)",
                                            "Authentication algorithm: Unknown (3)",
                                            "Authentication algorithm: Unknown (4)",
                                            "CS ID map type: Unknown (1)",
                                            "Data Type: Unknown (11)",
                                            "Encr alg: Unknown (3)",
                                            "Encryption algorithm: Unknown (3)",
                                            "Encryption algorithm: Unknown (4)",
                                            "Encryption algorithm: Unknown (5)",
                                            "Encryption algorithm: Unknown (6)",
                                            "Encryption algorithm: Unknown (7)",
                                            "Encryption algorithm: Unknown (8)",
                                            "Error no.: Unknown (13)",
                                            "Error no.: Unknown (14)",
                                            "Error no.: Unknown (15)",
                                            "Extension type: Unknown (2)",
                                            "Extension type: Unknown (3)",
                                            "Extension type: Unknown (4)",
                                            "Extension type: Unknown (5)",
                                            "Mac alg: Unknown (2)",
                                            "Next Payload: Unknown (13)",
                                            "Next Payload: Unknown (15)",
                                            "Next Payload: Unknown (17)",
                                            "PRF func: Unknown (1)",
                                            "Protocol type: Unknown (1)",
                                            "SRTP Pseudo Random Function: Unknown (1)",
                                            "SRTP Pseudo Random Function: Unknown (2)",
                                            "TS type: Unknown (3)",
                                            "Type: Unknown (4)",
                                            "Type: Unknown (5)",
                                            "Type: Unknown (6)",
                                            "Type: Unknown (7)"}));
}

TEST_F(Tshark, LeavesUnnamedOctetsAsWeWroteThem) {
  const std::vector<Json> dissected =
      Dissected({{"", MskOctets()}, {"", MtkOctets()}, {"", VerificationOctets()}});
  ASSERT_EQ(dissected.size(), 3u);
  const Json& msk = dissected[0]["mikey"];
  EXPECT_EQ(RawOf(msk, "mikey.t"), "0b0200000009");  // COUNTER 9
  EXPECT_EQ(RawOf(msk, "mikey.ext"),
            "0503000b"
            "0003262f01"
            "010400010001");
  const Json& mtk = dissected[1]["mikey"];
  EXPECT_EQ(RawOf(mtk, "mikey.t"), "010200000007");  // COUNTER 7
  EXPECT_EQ(RawOf(mtk, "mikey.ext"),
            "0503000f"
            "0003262f01"
            "010400010001"
            "02020005");
  EXPECT_EQ(RawOf(mtk, "mikey.hdr"), "01001500000000000001");  // #CS 0, empty map
  EXPECT_EQ(RawOf(dissected[2]["mikey"], "mikey.t"), "060200000009");
}

// Most messages are read to their end: what we know of Wireshark's limits hides no more than this.
TEST_F(Tshark, ReadsMostMessagesToTheirEnd) {
  std::map<Reading, size_t> count;
  for (const SampleMessage& message : SampleMessages()) ++count[OursOf(message.octets).reading()];
  RecordProperty("to_the_end", static_cast<int>(count[Reading::kToItsEnd]));
  RecordProperty("stopped", static_cast<int>(count[Reading::kStopped]));
  EXPECT_EQ(count[Reading::kMalformed], 1u);
  EXPECT_GT(count[Reading::kToItsEnd], 2 * count[Reading::kStopped]);
}

}  // namespace
}  // namespace keymast::mikey
