// SPDX-License-Identifier: Apache-2.0
// Wireshark's dissector reads what we write: every field that it names equals ours, it names none
// that we do not, and it finds nothing malformed. It names neither Key IDs nor the COUNTER nor the
// empty map, and stops at MAC algorithm 2: those are compared as octets.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/cursor.h"
#include "tests/unit/mikey/sample.h"

namespace keymast::mikey {
namespace {

using Json = nlohmann::ordered_json;
using Fields = std::map<std::string, std::vector<std::string>>;

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
void SavePcap(const std::string& path, const std::vector<Bytes>& datagrams) {
  Bytes out;
  for (const uint32_t word : {0xa1b2c3d4u, 0x00040002u, 0u, 0u, 65535u, 101u}) {
    AppendLittle(out, word);
  }
  for (const Bytes& datagram : datagrams) {
    const Bytes packet = InIp(datagram);
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

// Collect gathers the named values of a dissection, in the order of the message.
void Collect(const Json& node, Fields& named, std::vector<std::string>& complaints) {
  for (const auto& [name, value] : node.items()) {
    if (name.rfind("_ws.", 0) == 0) complaints.push_back(name);
    if (EndsWith(name, "_raw")) continue;
    const Json values = value.is_array() ? value : Json::array({value});
    for (const Json& one : values) {
      if (one.is_object()) {
        Collect(one, named, complaints);
      } else {
        named[name].push_back(one.get<std::string>());
      }
    }
  }
}

std::string Colons(ByteView octets) {
  const std::string hex = ToHex(octets);
  std::string text;
  for (size_t i = 0; i < hex.size(); i += 2) text += (i == 0 ? "" : ":") + hex.substr(i, 2);
  return text;
}

std::string Hex32(uint32_t value) {
  std::array<uint8_t, 4> octets{};
  Writer(octets).U32(value);
  return "0x" + ToHex(octets);
}

// Ours spells a parsed message in Wireshark's names.
class Ours {
 public:
  explicit Ours(const Message& message) {
    SpellHeader(message);
    for (size_t i = 0; i < message.chain().size(); ++i) {
      const bool last = i + 1 == message.chain().size();
      Put("next_payload", last ? PayloadType::kLast : TypeOf(message.chain()[i + 1]));
      std::visit([this](const auto& p) { Spell(p); }, message.chain()[i]);
    }
  }
  const Fields& fields() const { return fields_; }

 private:
  template <class T>
  void Put(const std::string& name, T value) {
    fields_["mikey." + name].push_back(std::to_string(static_cast<unsigned>(value)));
  }
  void PutText(const std::string& name, std::string text) {
    fields_["mikey." + name].push_back(std::move(text));
  }

  void SpellHeader(const Message& message) {
    const Header& header = message.header;
    Put("version", kVersion1);
    Put("type", header.data_type);
    Put("next_payload", TypeOf(message.chain().front()));
    Put("v.set", header.v_flag);
    Put("prf_func", header.prf);
    PutText("csb_id", Hex32(header.csb_id));
    Put("cs_count", header.cs_count);
    Put("cs_id_map_type", header.map_type);
    Reader map(header.map);
    while (!map.empty()) {
      Put("srtp_id.policy_no", map.U8());
      PutText("srtp_id.ssrc", Hex32(map.U32()));
      PutText("srtp_id.roc", Hex32(map.U32()));
    }
  }

  void Spell(const TPayload& t) { Put("t.ts_type", t.ts_type); }
  void Spell(const RandPayload& rand) {
    Put("rand.len", rand.rand.size());
    PutText("rand.data", Colons(rand.rand));
  }
  void Spell(const IdPayload& id) {
    Put("id.type", id.id_type);
    Put("id.len", id.data.size());
    PutText("id.data", std::string(AsText(id.data)));
  }
  void Spell(const SpPayload& sp) {
    static constexpr const char* kParamNames[] = {
        "encr_alg",  "encr_len",     "auth_alg",   "auth_key_len", "salt_len",
        "prf",       "kd_rate",      "srtp_encr",  "srtcp_encr",   "fec",
        "srtp_auth", "auth_tag_len", "srtp_prefix"};
    Put("sp.no", sp.policy);
    Put("sp.proto_type", sp.prot_type);
    Put("sp.param_len", sp.params.size());
    Reader params(sp.params);
    while (!params.empty()) {
      const uint8_t type = params.U8();
      const ByteView value = params.Take(params.U8());
      Put(std::string("sp.") + kParamNames[type], value[0]);
      Put("sp.param.type", type);
      Put("sp.param.len", value.size());
      PutText("sp.patam.value", Colons(value));  // spelled so in Wireshark
    }
  }
  void Spell(const KemacPayload& kemac) {
    Put("kemac.encr_alg", kemac.encr_alg);
    Put("kemac.key_data_len", kemac.encr_data.size());
    PutText("kemac.key_data", Colons(kemac.encr_data));
    Put("kemac.mac_alg", kemac.mac_alg);
    if (kemac.mac_alg == MacAlg::kHmacSha1_160) PutText("kemac.mac", Colons(kemac.mac));
  }
  void Spell(const VPayload& v) {
    Put("v.auth_alg", v.auth_alg);
    if (v.auth_alg == MacAlg::kHmacSha1_160) PutText("v.ver_data", Colons(v.ver_data));
  }
  void Spell(const ExtPayload& ext) {
    Put("ext.type", ext.ext_type);
    Put("ext.len", ext.data.size());
    PutText("ext.data", Colons(ext.data));
  }

  // Payloads that the messages below do not have.
  template <class P>
  void Spell(const P&) {
    ADD_FAILURE() << "no names for a payload of type " << static_cast<int>(P::kInfo.type);
  }
  void Spell(const OpaquePayload&) { ADD_FAILURE() << "a payload that we do not understand"; }

  Fields fields_;
};

std::vector<Bytes> Messages() {
  std::vector<SpParam> all_params;
  for (uint8_t type = 0; type <= 12; ++type) all_params.push_back({type, uint8_t{1}});
  MskMessage every_param = SampleMsk();
  every_param.policy = all_params;
  MskMessage download = SampleMsk();
  download.streams = {};
  download.policy = {};
  Profile3gpp turned;
  turned.csb_id = CsbId(0x12345678);
  turned.idi_type = IdType::kUri;
  turned.idr_type = IdType::kUri;
  turned.interval_width = 6;
  turned.mtk_map = CsIdMapType::kSrtpId;
  turned.key_id_before_t = false;
  turned.want_verification = false;
  return {MskOctets(),
          MtkOctets(),
          VerificationOctets(),
          MskOctets({}, every_param),
          MskOctets({}, download),
          MskOctets(turned),
          MtkOctets(turned),
          VerificationOctets(turned)};
}

// Dissected is tshark's reading of each datagram.
std::vector<Json> Dissected(const std::vector<Bytes>& datagrams, const std::string& name) {
  const std::string path = testing::TempDir() + name + std::to_string(getpid()) + ".pcap";
  SavePcap(path, datagrams);
  const std::string text =
      OutputOf("tshark -n -r '" + path + "' -T json --no-duplicate-keys -x 2>/dev/null");
  std::remove(path.c_str());
  const Json packets = Json::parse(text, nullptr, false);
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

TEST_F(Tshark, NamesEveryFieldAsWeDo) {
  const std::vector<Bytes> messages = Messages();
  const std::vector<Json> dissected = Dissected(messages, "fields");
  ASSERT_EQ(dissected.size(), messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    SCOPED_TRACE(ToHex(messages[i]));
    Message message;
    ASSERT_TRUE(ParseMessage(messages[i], message));
    ASSERT_TRUE(dissected[i].contains("mikey"));
    Fields named;
    std::vector<std::string> complaints;
    Collect(dissected[i]["mikey"], named, complaints);
    EXPECT_EQ(named, Ours(message).fields());
    EXPECT_TRUE(complaints.empty()) << complaints[0];
    EXPECT_FALSE(dissected[i].contains("_ws.malformed"));
  }
}

TEST_F(Tshark, LeavesUnnamedOctetsAsWeWroteThem) {
  const std::vector<Bytes> messages = {MskOctets(), MtkOctets(), VerificationOctets()};
  const std::vector<Json> dissected = Dissected(messages, "octets");
  ASSERT_EQ(dissected.size(), messages.size());
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

TEST_F(Tshark, StopsAtMacAlgorithm2WithoutComplaint) {
  Profile3gpp profile;
  profile.prf = PrfFunc::kHmacSha256;
  profile.encr_alg = EncrAlg::kAesCm256;
  profile.mac_alg = MacAlg::kHmacSha256_256;
  const std::vector<Bytes> messages = {MskOctets(profile), MtkOctets(profile)};
  const std::vector<Json> dissected = Dissected(messages, "mac2");
  ASSERT_EQ(dissected.size(), messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    Fields named;
    std::vector<std::string> complaints;
    Collect(dissected[i]["mikey"], named, complaints);
    Message message;
    ASSERT_TRUE(ParseMessage(messages[i], message));
    EXPECT_EQ(named, Ours(message).fields());
    EXPECT_TRUE(complaints.empty());
    EXPECT_EQ(dissected[i]["frame_raw"][0].get<std::string>().substr(2 * kIpAndUdp),
              ToHex(messages[i]));
  }
}

}  // namespace
}  // namespace keymast::mikey
