// SPDX-License-Identifier: Apache-2.0
#include "headend/report.h"

#include "tests/unit/headend/key_source.h"

namespace keymast::headend {
namespace {

constexpr Instant kNow{std::chrono::seconds(1'700'000'000)};

bool Has(const std::string& line, std::string_view field) {
  return line.find(field) != std::string::npos;
}

struct Report : testing::Test {
  void Take(const v1::HeadendDirective& directive) {
    ASSERT_TRUE(headend.OnDirective(directive, kNow));
  }
  void OnAir() {
    headend.Hello();
    Take(source.Challenge());
    Take(source.Define(definition));
    Take(source.Box(definition, Mtk(definition.profile, 1, 1, kNow)));
    headend.OnSaved(*headend.StateToSave());
  }
  std::string Line() { return ReportLine(headend, outside, kNow); }

  crypto::SeededRng rng{5};
  crypto::KeyPair keys = crypto::MakeKeyPair(rng);
  KeySource source{HeadendId("studio"), keys.public_key};
  ChannelDefinition definition = Definition();
  Headend headend{{HeadendId("studio"), keys, {{ChannelId(), "video", 0, {}}}}, State(), rng};
  Outside outside;
};

TEST_F(Report, BeforeAnythingItSaysSo) {
  outside.link_error = "nobody \"there\"";
  const std::string line = Line();
  EXPECT_TRUE(Has(line, R"("connected":false,"link_error":"nobody \"there\"")")) << line;
  EXPECT_TRUE(Has(line, R"("channel":null,"mki":null,"msk_id":null,"mtk_id":null)")) << line;
  EXPECT_TRUE(Has(line, R"("silent":"no_channel")"));
}

TEST_F(Report, OnAirItNamesKeyAndPositions) {
  OnAir();
  Take(source.Box(definition, Mtk(definition.profile, 1, 2, kNow + std::chrono::seconds(2))));
  Bytes datagram = Rtp(1);
  const size_t length = datagram.size();
  datagram.resize(length + 100);
  ASSERT_TRUE(headend.OnDatagram(0, datagram, length, kNow));
  const std::string line = Line();
  EXPECT_TRUE(Has(line, R"("connected":true,"link_error":null)")) << line;
  EXPECT_TRUE(Has(line, R"("channel":"one","mki":"000100010001","msk_id":65537,"mtk_id":1)"));
  EXPECT_TRUE(Has(line, R"("keys_announced":1,"next_switch_ns":1700000002000000000)")) << line;
  EXPECT_TRUE(Has(line, R"("lead_ms":2000,"silent":null)")) << line;
  EXPECT_TRUE(Has(line, R"("packets_in":1,"packets_out":1,"octets_out":40)")) << line;
  EXPECT_TRUE(Has(line, R"("index":65000,"roc":0,"next_index":65001)")) << line;
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST_F(Report, SilenceAndDiscardsHaveTheirReasons) {
  OnAir();
  outside.channels[ChannelId("one")] = {"no_interface", 3};
  Bytes datagram(200, 0);
  static_cast<void>(headend.OnDatagram(0, datagram, 20, kNow));
  const std::string line = Line();
  EXPECT_TRUE(Has(line, R"("silent":"no_interface","send_failed":3)")) << line;
  EXPECT_TRUE(Has(line, R"("discards":{"unknown_version":1})")) << line;
  EXPECT_TRUE(Has(line, R"("last_error":null)"));
}

TEST(StreamNames, CountStreamsOfOneMedia) {
  ChannelDefinition definition = Definition();
  definition.streams.push_back(definition.streams[0]);
  EXPECT_EQ(StreamNames(definition), (std::vector<std::string>{"video", "audio", "video2"}));
}

}  // namespace
}  // namespace keymast::headend
