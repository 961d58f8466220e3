// SPDX-License-Identifier: Apache-2.0
#include "receiver/report.h"

#include "shell/json_line.h"
#include "tests/unit/receiver/broadcast.h"

namespace keymast::receiver {
namespace {

using shell::JsonLine;

ChannelSdp TwoStreams() {
  ChannelSdp channel;
  channel.channel = "one";
  channel.streams.resize(2);
  channel.streams[0].media = "video";
  channel.streams[0].ssrc = kVideo;
  channel.streams[1].media = "video";
  channel.streams[1].ssrc = kAudio;
  return channel;
}

bool Has(const std::string& line, std::string_view field) {
  return line.find(field) != std::string::npos;
}

TEST(JsonLine, FieldsInOrderAndEscaped) {
  JsonLine inner;
  inner.Number("n", 18446744073709551615u);
  JsonLine line;
  line.Text("a\"b", "x\\\n\x01y").Signed("s", -5).Null("none").Object("o", inner);
  EXPECT_EQ(line.str(),
            "{\"a\\\"b\":\"x\\\\\\n\\u0001y\",\"s\":-5,\"none\":null,"
            "\"o\":{\"n\":18446744073709551615}}");
  EXPECT_EQ(JsonLine().str(), "{}");
}

TEST(Report, BeforeAnyKey) {
  KeyServer server;
  const Core core = server.MakeCore();
  const std::string line = ReportLine(core, TwoStreams(), {3, 2}, At(0));
  for (const std::string_view field :
       {"\"time\":1800000000000000000", "\"mki\":null", "\"msk_id\":null", "\"mtk_id\":null",
        "\"opened\":0", "\"last_good_packet_ns\":null", "\"kernel_drops\":3,\"records_lost\":2",
        "\"discards\":{}", "\"keys_held\":0"}) {
    EXPECT_TRUE(Has(line, field)) << field << " in " << line;
  }
}

TEST(Report, OnAir) {
  KeyServer server;
  Core core = server.MakeCore();
  const Bytes msk = server.MskMessage(Msk(1));
  ASSERT_TRUE(GiveMsk(core, msk));
  EXPECT_TRUE(Has(ReportLine(core, TwoStreams(), {}, At(0)), "\"msk_id\":65537,\"mtk_id\":null"));
  ASSERT_TRUE(core.OnMtk(server.MtkMessage(Msk(1), 7), At(0)));
  Headend headend(server, kVideo, srtp::MakeIndex(Roc(0), 9));
  headend.SwitchTo(Msk(1), 7);
  const Bytes packet = headend.Send();
  ASSERT_TRUE(GiveMedia(core, packet, At(5)));
  static_cast<void>(GiveMedia(core, packet, At(6)));
  static_cast<void>(GiveMsk(core, msk));
  headend.SwitchTo(Msk(1), 8);
  static_cast<void>(GiveMedia(core, headend.Send(), At(7)));
  const std::string line = ReportLine(core, TwoStreams(), {}, At(1000));
  for (const std::string_view field :
       {"\"mki\":\"000100010007\"", "\"mtk_id\":7", "\"opened\":1", "\"unknown_mki\":1",
        "\"auth_failed\":0", "\"replayed\":1", "\"last_good_packet_ns\":1800000000005000000",
        "\"discards\":{\"replayed\":1}", "\"media_discards\":{\"unknown_key\":1,\"replayed\":1}",
        "\"video\":{\"ssrc\":2684354561,\"packets\":3,\"opened\":1", "\"video2\":{",
        "\"index\":9"}) {
    EXPECT_TRUE(Has(line, field)) << field << " in " << line;
  }
  EXPECT_TRUE(Has(line, "\"state_hash\":\"" + ToHex(core.keyring().StateHash()) + "\""));
}

TEST(Report, NoKeyMaterial) {
  KeyServer server;
  Core core = server.MakeCore();
  ASSERT_TRUE(GiveMsk(core, server.MskMessage(Msk(1))));
  ASSERT_TRUE(core.OnMtk(server.MtkMessage(Msk(1), 7), At(0)));
  const std::string line = ReportLine(core, TwoStreams(), {}, At(0));
  EXPECT_FALSE(Has(line, ToHex(server.TrafficKeyOf(Msk(1), 7).master_key.view())));
  EXPECT_FALSE(Has(line, ToHex(KeyServer::MskKey(Msk(1)).view())));
}

}  // namespace
}  // namespace keymast::receiver
