// SPDX-License-Identifier: Apache-2.0
#include <fstream>

#include "cli/channels.h"
#include "fake_session.h"
#include "tests/unit/cli/temp_path.h"

namespace keymast::cli {
namespace {

constexpr const char* kChannel = R"({
  "name": "channels/one", "displayName": "First", "etag": "7",
  "multicast": {"group": "239.255.42.1", "mtkPort": 2269, "interfaceAddress": "127.0.0.1"},
  "streams": [{"media": "video", "port": 5004, "ssrc": 2684354561, "payloadType": 96,
               "rtpmap": "H264/90000"}],
  "keyDomain": "262f01", "keyGroup": 1, "srtpProfile": "AES_CM_128_HMAC_SHA1_80",
  "policy": {"mtkPeriod": "10s", "mtkLead": "2s", "mtkRepetition": "0.500s", "mskPeriod": "3600s",
             "mskLead": "60s", "mskGiveUp": "8s", "exclusionLead": "0.200s",
             "leavePolicy": "IMMEDIATE"},
  "keyState": {"active": {"mskId": "00010001", "mtkId": 7},
               "prepared": {"mskId": "00010001", "mtkId": 8,
                            "switchTime": "2026-01-31T12:00:10Z"},
               "nextMskChangeTime": "2026-01-31T13:00:00Z"},
  "memberCount": "3", "joinedCount": "2", "confirmedCount": "1",
  "createTime": "2026-01-31T12:00:00Z", "sdp": "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n"})";

constexpr const char* kChannelText =
    "name              channels/one\n"
    "display name      First\n"
    "group             239.255.42.1\n"
    "MTK port          2269\n"
    "interface         127.0.0.1\n"
    "TTL               0\n"
    "stream            video port 5004, SSRC 0xa0000001, 96 H264/90000\n"
    "key domain        262f01\n"
    "key group         1\n"
    "profile           AES_CM_128_HMAC_SHA1_80\n"
    "MTK               every 10s, lead 2s, repeated each 0.500s\n"
    "MSK               every 3600s, lead 60s, give up after 8s\n"
    "exclusion lead    0.200s\n"
    "on leave          IMMEDIATE\n"
    "active MSK/MTK    00010001/7\n"
    "prepared MSK/MTK  00010001/8\n"
    "prepared switch   2026-01-31T12:00:10Z\n"
    "next MSK change   2026-01-31T13:00:00Z\n"
    "members           3 members, 2 joined, 1 confirmed\n"
    "created           2026-01-31T12:00:00Z\n"
    "etag              7\n";

TEST(Channels, GetShowsEverythingThatMatters) {
  FakeServer server;
  server.Answer("Channels.GetChannel", kChannel);
  const auto done = server.Run({"channels", "get", "one"});
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_EQ(done.out, kChannelText);
  EXPECT_EQ(server.asked()[0].request, R"({"name":"channels/one"})");
}

TEST(Channels, GetShowsThePolicyWhole) {
  FakeServer server;
  server.Answer("Channels.GetChannel", R"({"name": "channels/one", "policy": {
      "leavePolicy": "BATCHED", "batchWindow": "5s", "mtkIdsPerMsk": 65535, "maxDatagram": 1400,
      "mskPacingRate": 50000, "mskLongestLife": "7200s"}})");
  const std::string text = server.Run({"channels", "get", "one"}).out;
  for (const char* line : {"\nlongest MSK      7200s\n", "\nMSK pacing       50000 messages/s\n",
                           "\nMTK ids per MSK  65535\n", "\nmax datagram     1400 octets\n",
                           "\non leave         BATCHED, window 5s\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST(Channels, FieldsThatWereNotAskedForAreNotShown) {
  FakeServer server;
  server.Answer("Channels.GetChannel",
                R"({"name": "channels/one", "keyState": {"switchHeld": false, "active":
                    {"mskId": "00010001", "mtkId": 7}}})");
  const std::string fields = "name,key_state.switch_held,key_state.active";
  EXPECT_EQ(server.Run({"channels", "get", "one", "--fields", fields}).out,
            "name                   channels/one\n"
            "key_state.switch_held  false\n"
            "key_state.active       {\"mskId\":\"00010001\",\"mtkId\":7}\n");
  EXPECT_EQ(server.Run({"channels", "get", "one", "-o", "json", "--fields", fields}).out,
            "{\n"
            " \"name\": \"channels/one\",\n"
            " \"keyState\": {\n"
            "  \"switchHeld\": false,\n"
            "  \"active\": {\n"
            "   \"mskId\": \"00010001\",\n"
            "   \"mtkId\": 7\n"
            "  }\n"
            " }\n"
            "}\n");
  EXPECT_EQ(server.Run({"channels", "get", "one", "-o", "yaml", "--fields", "name"}).out,
            "name: channels/one\n");
  const std::string whole = server.Run({"channels", "get", "one", "--fields", "*"}).out;
  EXPECT_NE(whole.find("active MSK/MTK"), std::string::npos) << whole;
}

TEST(Channels, AListHasTheFieldsThatWereAskedForAsItsColumns) {
  FakeServer server;
  server.Answer("Channels.ListChannels", R"({"channels": [{"name": "channels/one",
      "memberCount": "3"}, {"name": "channels/two"}], "nextPageToken": "p2"})");
  const std::vector<std::string> list = {"channels", "list",  "--page-size", "2",
                                         "-o",       "table", "--fields",    "name,member_count"};
  EXPECT_EQ(server.Run(list).out,
            "NAME          MEMBER COUNT\n"
            "channels/one  3\n"
            "channels/two  0\n"
            "more: --page-token p2\n");
  auto as_json = list;
  as_json[5] = "json";
  as_json[7] = "name";
  EXPECT_EQ(server.Run(as_json).out,
            "{\n"
            " \"channels\": [\n"
            "  {\n"
            "   \"name\": \"channels/one\"\n"
            "  },\n"
            "  {\n"
            "   \"name\": \"channels/two\"\n"
            "  }\n"
            " ],\n"
            " \"nextPageToken\": \"p2\"\n"
            "}\n");
}

TEST(Channels, ACheckSaysThatItWasOne) {
  FakeServer server;
  server.Answer("Channels.UpdateChannel", kChannel);
  const auto done =
      server.Run({"channels", "update", "one", "--mtk-lead", "1s", "--validate-only"});
  EXPECT_EQ(done.out, kChannelText + std::string("only checked: nothing was changed\n"));
}

TEST(Channels, TextThatIsNotUtf8IsRefusedHere) {
  FakeServer server;
  const auto text = server.Run({"channels", "update", "one", "--display-name", "\xe4"});
  EXPECT_EQ(text.exit, 2);
  EXPECT_NE(text.err.find("--display-name: the text is not UTF-8"), std::string::npos) << text.err;
  EXPECT_EQ(server.Run({"channels", "get", "\xe4"}).exit, 2);
  EXPECT_EQ(server.Run({"channels", "get", "\u00e4"}).exit, 0) << "the server's to refuse";
  EXPECT_EQ(server.asked().size(), 1U);
}

TEST(Channels, AFullNameIsTakenAsItIs) {
  FakeServer server;
  server.Run({"channels", "get", "channels/one"});
  EXPECT_EQ(server.asked()[0].request, R"({"name":"channels/one"})");
}

TEST(Channels, JsonIsProtobufJsonWithUnsetFields) {
  FakeServer server;
  server.Answer("Channels.GetChannel", kChannel);
  const auto done = server.Run({"--output", "json", "channels", "get", "one"});
  v1::Channel channel;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(done.out, &channel).ok());
  EXPECT_EQ(channel.key_state().active().mtk_id(), 7U);
  EXPECT_NE(done.out.find("\"ttl\": 0"), std::string::npos) << done.out;
}

TEST(Channels, ListFollowsEveryPageIntoOneTable) {
  FakeServer server;
  server.Answer("Channels.ListChannels",
                R"({"channels": [)" + std::string(kChannel) + R"(], "nextPageToken": "p2"})");
  server.Answer("Channels.ListChannels", R"({"channels": [{"name": "channels/second"}]})");
  const auto done = server.Run({"channels", "list"});
  EXPECT_EQ(done.out,
            "CHANNEL  GROUP         PROFILE                   MEMBERS  JOINED  CONFIRMED  "
            "ACTIVE MSK/MTK  DISPLAY NAME\n"
            "one      239.255.42.1  AES_CM_128_HMAC_SHA1_80   3        2       1          "
            "00010001/7      First\n"
            "second                 SRTP_PROFILE_UNSPECIFIED  0        0       0          "
            "                \n");
  EXPECT_EQ(server.asked().size(), 2U);
  EXPECT_EQ(server.asked()[1].request, R"({"pageSize":1000,"pageToken":"p2"})");
}

TEST(Channels, ListOfOnePageTellsHowToGoOn) {
  FakeServer server;
  server.Answer("Channels.ListChannels", R"({"channels": [], "nextPageToken": "p2"})");
  const auto done = server.Run({"channels", "list", "--page-size", "5", "--page-token", "p1"});
  EXPECT_EQ(server.asked().size(), 1U);
  EXPECT_EQ(server.asked()[0].request, R"({"pageSize":5,"pageToken":"p1"})");
  EXPECT_NE(done.out.find("more: --page-token p2\n"), std::string::npos);
  EXPECT_EQ(server.Run({"channels", "list", "--page-size", "-1"}).exit, 2);
}

TEST(Channels, CreateFromOptions) {
  FakeServer server;
  const auto done = server.Run({"channels",
                                "create",
                                "one",
                                "--group",
                                "239.255.42.1",
                                "--mtk-port",
                                "2269",
                                "--ttl",
                                "0",
                                "--stream",
                                "video:5004:0xa0000001:96:H264/90000:packetization-mode=1;a:b",
                                "--stream",
                                "audio:5006:7:97:opus/48000/2",
                                "--key-domain",
                                "262f01",
                                "--key-group",
                                "1",
                                "--profile",
                                "aead-aes-128-gcm",
                                "--mtk-period",
                                "2s",
                                "--mtk-repetition",
                                "250ms",
                                "--msk-period",
                                "1h",
                                "--leave-policy",
                                "next-msk",
                                "--validate-only"});
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_EQ(server.asked()[0].method, "Channels.CreateChannel");
  EXPECT_EQ(server.asked()[0].request,
            R"({"channelId":"one","channel":{"multicast":{"group":"239.255.42.1","mtkPort":2269},)"
            R"("streams":[{"media":"video","port":5004,"ssrc":2684354561,"payloadType":96,)"
            R"("rtpmap":"H264/90000","fmtp":"packetization-mode=1;a:b"},)"
            R"({"media":"audio","port":5006,"ssrc":7,"payloadType":97,"rtpmap":"opus/48000/2"}],)"
            R"("keyDomain":"262f01","keyGroup":1,"srtpProfile":"AEAD_AES_128_GCM",)"
            R"("policy":{"mtkPeriod":"2s","mtkRepetition":"0.250s","mskPeriod":"3600s",)"
            R"("leavePolicy":"NEXT_MSK"}},"validateOnly":true})");
}

TEST(Channels, CreateFromAFileWithOptionsOnTop) {
  const std::string path = TempPath("channel.json");
  std::ofstream(path) << R"({"displayName": "file", "keyGroup": 4, "policy": {"mtkLead": "1s"}})";
  FakeServer server;
  const auto done = server.Run({"channels", "create", "one", "--file", path, "--display-name",
                                "typed", "--mtk-period", "4s"});
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_EQ(server.asked()[0].request,
            R"({"channelId":"one","channel":{"displayName":"typed","keyGroup":4,)"
            R"("policy":{"mtkPeriod":"4s","mtkLead":"1s"}}})");
}

TEST(Channels, SourcesOfAFileComeOnceAndThoseTypedBehindThem) {
  const std::string path = TempPath("sources.json");
  std::ofstream(path) << R"({"multicast": {"group": "232.1.2.3", "sources": ["192.0.2.1"]}})";
  FakeServer server;
  server.Run({"channels", "create", "one", "--file", path, "--source", "192.0.2.2"});
  EXPECT_EQ(server.asked()[0].request,
            R"({"channelId":"one","channel":{"multicast":{"group":"232.1.2.3",)"
            R"("sources":["192.0.2.1","192.0.2.2"]}}})");
}

TEST(Channels, AnUpdateNamesExactlyWhatIsGiven) {
  FakeServer server;
  EXPECT_EQ(server.Run({"channels", "update", "one", "--mtk-lead", "1s"}).exit, 0);
  ASSERT_EQ(server.asked().size(), 1U);
  EXPECT_EQ(server.asked()[0].method, "Channels.UpdateChannel");
  EXPECT_EQ(server.asked()[0].request,
            R"({"channel":{"name":"channels/one","policy":{"mtkLead":"1s"}},)"
            R"("updateMask":"policy.mtkLead"})");
  server.Run({"channels", "update", "one", "--display-name", "", "--etag", "7"});
  EXPECT_EQ(server.asked()[1].request,
            R"({"channel":{"name":"channels/one","etag":"\"7\""},"updateMask":"displayName"})");
}

TEST(Channels, AnUpdateFromAFileIsOfTheChannelThatIsNamed) {
  const std::string path = TempPath("update.json");
  FakeServer server;
  const auto update = [&](const std::string& file) {
    std::ofstream(path) << file;
    return server.Run({"channels", "update", "one", "--file", path, "--mtk-lead", "1s"});
  };
  const auto other = update(R"({"name": "channels/two", "displayName": "Second"})");
  EXPECT_EQ(other.exit, 2);
  EXPECT_NE(other.err.find("is of channels/two, not of channels/one"), std::string::npos)
      << other.err;
  EXPECT_TRUE(server.asked().empty());
  // Options are on top, and their durations replace those of the file: 0.5 s and 1 s do not make
  // 1.5 s. What is fixed goes along, and is not named.
  EXPECT_EQ(update(R"({"name": "channels/one", "etag": "6", "multicast": {"ttl": 3},
                       "policy": {"mtkRepetition": "1s", "mtkLead": "0.5s"}})")
                .exit,
            0);
  EXPECT_EQ(server.asked()[0].request,
            R"({"channel":{"name":"channels/one","multicast":{"ttl":3},)"
            R"("policy":{"mtkLead":"1s","mtkRepetition":"1s"},"etag":"6"},)"
            R"("updateMask":"policy.mtkLead,policy.mtkRepetition"})");
  EXPECT_EQ(server.Run({"channels", "update", "one"}).exit, 2) << "nothing to change";
}

TEST(Channels, ANoughtIsOnTopOfTheFileToo) {
  const std::string path = TempPath("nought.json");
  std::ofstream(path) << R"({"multicast": {"group": "239.255.42.1", "ttl": 4, "dscp": 46}})";
  FakeServer server;
  server.Run({"channels", "create", "one", "--file", path, "--ttl", "0", "--dscp", "0"});
  EXPECT_EQ(server.asked()[0].request,
            R"({"channelId":"one","channel":{"multicast":{"group":"239.255.42.1"}}})");
}

TEST(Channels, DeleteAndSdp) {
  FakeServer server;
  server.Answer("Channels.GetChannel", kChannel);
  EXPECT_EQ(server.Run({"channels", "delete", "one", "--force"}).out, "deleted channels/one\n");
  EXPECT_EQ(server.Run({"channels", "delete", "one", "--validate-only"}).out,
            "may be deleted channels/one\n");
  EXPECT_EQ(server.asked()[0].request, R"({"name":"channels/one","force":true})");
  EXPECT_EQ(server.Run({"--output", "json", "channels", "sdp", "one"}).out,
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n");
}

TEST(Channels, SomeAreFetchedTogether) {
  FakeServer server;
  server.Answer("Channels.BatchGetChannels", R"({"channels": [{"name": "channels/one"}]})");
  const auto done = server.Run({"channels", "batch-get", "one", "channels/two"});
  EXPECT_EQ(server.asked()[0].request, R"({"names":["channels/one","channels/two"]})");
  EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 2) << done.out;
}

TEST(Channels, WhatCannotBeReadIsAUsageErrorBeforeAnyCall) {
  const std::string path = TempPath("bad.json");
  std::ofstream(path) << R"({"displayNam": "x"})";
  const std::vector<std::vector<std::string>> commands = {
      {"--mtk-period", "2"},        {"--mtk-period", "fast"},
      {"--leave-policy", "never"},  {"--profile", "null"},
      {"--stream", "video"},        {"--stream", "video:x:1:96:H264"},
      {"--stream", "v:1:0xg:96:H"}, {"--file", path},
      {"--file", "/absent"},        {"--ttl", "-3"},
      {"--mtk-port", "x"},          {"--file", "/"},
      {"--file", "/dev/zero"},      {"--stream", ":5004:1:96:H264/90000"},
      {"--stream", "v:5004:1:96:"}, {"--stream", ":0:00:00::"}};
  for (const auto& options : commands) {
    FakeServer server;
    std::vector<std::string> words = {"channels", "create", "one"};
    words.insert(words.end(), options.begin(), options.end());
    const auto done = server.Run(words);
    EXPECT_EQ(done.exit, 2) << options[0] << " " << options[1];
    EXPECT_NE(done.err, "");
    EXPECT_TRUE(server.asked().empty());
  }
}

}  // namespace
}  // namespace keymast::cli
