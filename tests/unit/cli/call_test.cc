// SPDX-License-Identifier: Apache-2.0
#include <fstream>

#include "fake_session.h"
#include "tests/unit/cli/temp_path.h"

namespace keymast::cli {
namespace {

TEST(Call, SendsJsonAndPrintsJson) {
  FakeServer server;
  server.Answer("Channels.GetChannel", R"({"name": "channels/one"})");
  const auto done = server.Run({"call", "Channels.GetChannel", R"({"name": "channels/one"})"});
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_EQ(server.asked()[0].request, R"({"name":"channels/one"})");
  EXPECT_NE(done.out.find(R"("name": "channels/one")"), std::string::npos) << done.out;
}

TEST(Call, TheRequestIsEmptyByDefaultOrComesFromAFile) {
  FakeServer server;
  EXPECT_EQ(server.Run({"call", "Server.GetServerStatus"}).exit, 0);
  EXPECT_EQ(server.asked()[0].request, "{}");
  const std::string path = TempPath("request.json");
  std::ofstream(path) << R"({"pageSize": 3})";
  EXPECT_EQ(server.Run({"call", "Channels.ListChannels", "@" + path}).exit, 0);
  EXPECT_EQ(server.asked()[1].request, R"({"pageSize":3})");
}

TEST(Call, StreamsAreALineAMessage) {
  FakeServer server;
  server.Answer("Rekeys.Watch", R"({"resumeToken": "1"})");
  server.Answer("Rekeys.Watch", R"({"resumeToken": "2"})");
  const auto done = server.Run({"call", "Rekeys.Watch"});
  EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 2) << done.out;
}

TEST(Call, WhatIsNoMethodOrNoRequestIsAUsageError) {
  FakeServer server;
  EXPECT_EQ(server.Run({"call", "Channels.Forget"}).exit, 3);
  EXPECT_EQ(server.Run({"call", "Channel"}).exit, 2);
  EXPECT_EQ(server.Run({"call", "Channels.GetChannel", "{"}).exit, 2);
  EXPECT_EQ(server.Run({"call", "Channels.GetChannel", R"({"nam": "x"})"}).exit, 2);
  EXPECT_EQ(server.Run({"call", "Channels.GetChannel", "@/absent"}).exit, 2);
  EXPECT_TRUE(server.asked().empty());
}

TEST(Call, MethodsMayBeNamedInFull) {
  FakeServer server;
  for (const char* name : {"Channels/GetChannel", "keymast.v1.Channels.GetChannel",
                           "/keymast.v1.Channels/GetChannel"}) {
    EXPECT_EQ(server.Run({"call", name}).exit, 0) << name;
    EXPECT_EQ(server.asked().back().method, "Channels.GetChannel");
  }
}

TEST(Call, AClientStreamIsALineARequest) {
  FakeServer server;
  server.input = R"({"headend": "headends/h"})"
                 "\n\n"
                 R"({"proof": "qqo="})"
                 "\n";
  server.Answer("Headends.TrafficKeys", R"({"droppedChannel": "channels/one"})");
  const auto done = server.Run({"call", "Headends.TrafficKeys"});
  EXPECT_EQ(done.exit, 0) << done.err;
  ASSERT_EQ(server.asked().size(), 2U);
  EXPECT_EQ(server.asked()[1].request, R"({"proof":"qqo="})");
  EXPECT_NE(done.out.find("channels/one"), std::string::npos) << done.out;
}

TEST(Call, AnAnyOfTheServersIsShown) {
  FakeServer server;
  server.Answer("Operations.GetOperation", R"({"done": true, "response": {
      "@type": "type.googleapis.com/keymast.v1.Backup", "name": "backups/b"}})");
  const auto done = server.Run({"--output", "yaml", "call", "Operations.GetOperation"});
  EXPECT_NE(done.out.find("name: backups/b"), std::string::npos) << done.out;
}

// No file of the server imports them.
TEST(Call, DetailsOfAnErrorAreShown) {
  FakeServer server;
  server.Answer("Operations.GetOperation", R"({"done": true, "error": {"code": 8, "details": [
      {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "no_space"},
      {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}]}})");
  const auto done = server.Run({"call", "Operations.GetOperation"});
  EXPECT_NE(done.out.find(R"("reason": "no_space")"), std::string::npos) << done.out;
  EXPECT_NE(done.out.find(R"("retryDelay": "2s")"), std::string::npos) << done.out;
}

TEST(List, ShowsServicesAndMethods) {
  FakeServer server;
  EXPECT_NE(server.Run({"list"}).out.find("keymast.v1.RekeySchedules\n"), std::string::npos);
  const auto methods = server.Run({"list", "Headends"});
  EXPECT_NE(methods.out.find("keymast.v1.Headends.TrafficKeys    stream keymast.v1.HeadendReport"),
            std::string::npos)
      << methods.out;
  EXPECT_EQ(server.Run({"list", "Channel"}).exit, 2) << "a message";
  EXPECT_EQ(server.Run({"list", "Nothing"}).exit, 3);
}

TEST(Describe, PrintsDeclarationsWithFieldNumbers) {
  FakeServer server;
  EXPECT_EQ(server.Run({"describe", "StreamPosition"}).out,
            "message StreamPosition {\n"
            "  string channel = 1;\n"
            "  uint32 msk_id = 2;\n"
            "  uint32 mtk_id = 3;\n"
            "  uint32 ssrc = 4;\n"
            "  uint64 index = 5;\n"
            "}\n");
  for (const char* symbol : {"Channels", "Channels.GetChannel", "KeyLevel", "Channel.name",
                             "google.protobuf.Timestamp", "keymast.v1.Event.Kind"}) {
    const auto done = server.Run({"describe", symbol});
    EXPECT_EQ(done.exit, 0) << symbol << done.err;
    EXPECT_NE(done.out, "") << symbol;
  }
}

TEST(Describe, AServerWithoutReflectionSaysSo) {
  FakeServer server;
  Problem off{.message = "unknown service"};
  off.is_unimplemented = true;
  server.Refuse("reflection", off);
  const auto done = server.Run({"describe", "Channel"});
  EXPECT_EQ(done.exit, 1);
  EXPECT_NE(done.err.find("reflection is switched off"), std::string::npos) << done.err;
}

}  // namespace
}  // namespace keymast::cli
