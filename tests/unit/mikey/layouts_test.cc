// SPDX-License-Identifier: Apache-2.0
// One literal per figure of the RFCs, typed from the figure: no description of ours has a part in
// what is expected, so that a field in the wrong place or of the wrong width is seen.
#include <sstream>

#include "mikey/dump.h"
#include "mikey/extensions.h"
#include "mikey/key_data.h"
#include "tests/unit/mikey/sample.h"

namespace keymast::mikey {
namespace {

// Lines spells groups and fields: "T{next_payload=0 ts_type=2 ts_value=00000007}".
class Lines : public FieldSink {
 public:
  void Open(std::string_view name, std::string_view, size_t) override { text_ << name << '{'; }
  void Close(size_t) override {
    std::string text = text_.str();
    if (text.back() == ' ') text.pop_back();
    text_.str(text + "} ");
    text_.seekp(0, std::ios::end);
  }
  void Add(const Field& field) override {
    if (field.kind == Field::Kind::kLength || field.name == "meaning") return;
    text_ << field.name << '=';
    if (field.kind == Field::Kind::kOctets) {
      text_ << ToHex(field.octets);
    } else {
      text_ << field.number;
    }
    text_ << ' ';
  }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
};

// Of a payload of `type` in a message of `data_type`: what stands behind the header.
std::string Shown(uint8_t type, std::string_view payload, uint8_t data_type = 0) {
  Bytes octets = {1, data_type, type, 0, 0, 0, 0, 7, 0, 1};
  const Bytes body = Hex(payload);
  octets.insert(octets.end(), body.begin(), body.end());
  Lines lines;
  EXPECT_TRUE(Dump(octets, lines)) << payload;
  const std::string text = lines.text();
  return text.substr(text.find("} ") + 2);
}

TEST(Layouts, OfRfc3830) {
  EXPECT_EQ(Shown(5,
                  "00"
                  "02"
                  "00000007"),
            "T{next_payload=0 ts_type=2 ts_value=00000007} ");
  EXPECT_EQ(Shown(8,
                  "00"
                  "01"
                  "000102030405060708090a0b0c0d0e0f"),
            "CHASH{next_payload=0 hash_func=1 hash=000102030405060708090a0b0c0d0e0f} ");
  EXPECT_EQ(Shown(12,
                  "00"
                  "0a"
                  "0000"),
            "ERR{next_payload=0 error_no=10 reserved=0} ");
  EXPECT_EQ(Shown(7,
                  "00"
                  "02"
                  "0003"
                  "308000"),
            "CERT{next_payload=0 cert_type=2 certificate=308000} ");
  EXPECT_EQ(Shown(2,
                  "00"
                  "8003"
                  "aabbcc"),
            "PKE{next_payload=0 cache=2 data=aabbcc} ");
  EXPECT_EQ(Shown(4,
                  "1002"
                  "aabb"),
            "SIGN{s_type=1 signature=aabb} ");
  EXPECT_EQ(Shown(9,
                  "00"
                  "00"),
            "V{next_payload=0 auth_alg=0} ");
}

TEST(Layouts, OfDhWithEveryValidity) {  // RFC 3830 §6.4, §6.14
  const std::string value(2 * 96, '5');
  const std::string head = "DH{next_payload=0 dh_group=1 dh_value=" + value;
  EXPECT_EQ(Shown(3, "0001" + value + "00"), head + " reserved=0 kv=0} ");
  EXPECT_EQ(Shown(3, "0001" + value +
                         "a1"
                         "04"
                         "00000001"),
            head + " reserved=10 kv=1 spi=00000001} ");
  EXPECT_EQ(Shown(3, "0001" + value +
                         "02"
                         "02"
                         "0004"
                         "03"
                         "0003e8"),
            head + " reserved=0 kv=2 valid_from=0004 valid_to=0003e8} ");
}

TEST(Layouts, OfRfc6043) {
  EXPECT_EQ(Shown(13,
                  "00"
                  "03"
                  "02"
                  "00000007"),
            "TR{next_payload=0 ts_role=3 ts_type=2 ts_value=00000007} ");
  EXPECT_EQ(Shown(14,
                  "00"
                  "02"
                  "01"
                  "0003"
                  "616263"),
            "IDR{next_payload=0 id_role=2 id_type=1 id=616263} ");
  EXPECT_EQ(Shown(15,
                  "00"
                  "01"
                  "02"
                  "aabb"),
            "RANDR{next_payload=0 rand_role=1 rand=aabb} ");
}

TEST(Layouts, OfTheMaps) {  // RFC 3830 §6.1.1, RFC 6043 §6.1.1
  Lines srtp;
  EXPECT_TRUE(Dump(Hex("01000000"
                       "00000007"
                       "01"
                       "00"
                       "05deadbeef00000003"),
                   srtp));
  EXPECT_NE(srtp.text().find("SRTP-ID{policy_no=5 ssrc=3735928559 roc=3}"), std::string::npos);
  Lines generic;
  EXPECT_TRUE(Dump(Hex("01000000"
                       "00000007"
                       "01"
                       "02"
                       "07"
                       "00"
                       "82"
                       "0304"
                       "000a"
                       "deadbeef"
                       "00000003"
                       "04d2"
                       "02"
                       "aabb"),
                   generic));
  EXPECT_NE(generic.text().find("GENERIC-ID{cs_id=7 prot_type=0 s=1 policies=2 policy_no=0304 "
                                "session_data=deadbeef0000000304d2 spi=aabb "
                                "SRTP session data{ssrc=3735928559 roc=3 seq=1234}}"),
            std::string::npos)
      << generic.text();
}

TEST(Layouts, OfKeyData) {  // RFC 3830 §6.13: type in the high nibble, KV in the low
  const auto shown = [](std::string_view plain) {
    Lines lines;
    EXPECT_TRUE(DumpKeyData(Hex(plain), 0, lines));
    return lines.text();
  };
  EXPECT_EQ(shown("00"
                  "51"
                  "0002"
                  "abcd"
                  "0001"
                  "ee"
                  "02"
                  "0102"),
            "Key data{next_payload=0 type=5 kv=1 key=abcd salt=ee spi=0102} ");
  EXPECT_EQ(shown("00"
                  "42"
                  "0001"
                  "ab"
                  "01"
                  "01"
                  "01"
                  "09"),
            "Key data{next_payload=0 type=4 kv=2 key=ab valid_from=01 valid_to=09} ");
}

TEST(Layouts, OfExtensions) {  // RFC 4563 §4, RFC 4738 §3.9.3, RFC 5410 §3
  EXPECT_EQ(Shown(21,
                  "00"
                  "03"
                  "0005"
                  "00"
                  "03"
                  "26f010"),
            "General Ext{next_payload=0 ext_type=3 data=000326f010 Key ID{key_id_type=0 "
            "key_id=26f010}} ");
  EXPECT_EQ(Shown(21,
                  "00"
                  "04"
                  "0004"
                  "00000009"),
            "General Ext{next_payload=0 ext_type=4 data=00000009 csb_id=9} ");
  EXPECT_EQ(Shown(21,
                  "00"
                  "05"
                  "0003"
                  "02"
                  "aabb"),
            "General Ext{next_payload=0 ext_type=5 data=02aabb subtype=2 subtype_data=aabb} ");
}

TEST(Layouts, AnEnvelopedKemacHasTheSenderInFront) {  // RFC 3830 §3.2, §6.2
  EXPECT_EQ(Shown(1,
                  "00"
                  "00"
                  "000b"
                  "14"
                  "00"
                  "0001"
                  "61"
                  "00"
                  "00"
                  "0002"
                  "abcd"
                  "00",
                  2),
            "KEMAC{next_payload=0 encr_alg=0 encr_data=140000016100000002abcd mac_alg=0 "
            "ID{next_payload=20 id_type=0 id=61} Key data{next_payload=0 type=0 kv=0 key=abcd}} ");
}

// Depth counts groups in groups, and the octets that a sink is told of.
class Depth : public FieldSink {
 public:
  void Open(std::string_view, std::string_view, size_t) override {
    deepest_ = std::max(deepest_, ++depth_);
  }
  void Add(const Field& field) override { told_ += field.octets.size(); }
  void Close(size_t) override { --depth_; }
  int deepest() const { return deepest_; }
  size_t told() const { return told_; }

 private:
  int depth_ = 0;
  int deepest_ = 0;
  size_t told_ = 0;
};

TEST(Dump, NestsNoDeeperThanAMessageDoes) {
  // KEMAC in key data in KEMAC, as often as 65,507 octets allow.
  Bytes inside;
  while (inside.size() < 60000) {
    Bytes outer = {0x01,
                   0x00,
                   0x00,
                   0x00,
                   0x00,
                   0x00,
                   static_cast<uint8_t>(inside.size() >> 8),
                   static_cast<uint8_t>(inside.size())};
    outer.insert(outer.end(), inside.begin(), inside.end());
    outer.push_back(0);
    inside = outer;
  }
  Bytes octets = {1,
                  0,
                  1,
                  0,
                  0,
                  0,
                  0,
                  7,
                  0,
                  1,
                  0,
                  0,
                  static_cast<uint8_t>(inside.size() >> 8),
                  static_cast<uint8_t>(inside.size())};
  octets.insert(octets.end(), inside.begin(), inside.end());
  octets.push_back(0);
  Depth depth;
  EXPECT_TRUE(Dump(octets, depth));
  EXPECT_LE(depth.deepest(), 3);
  EXPECT_LE(depth.told(), 4 * octets.size());
}

}  // namespace
}  // namespace keymast::mikey
