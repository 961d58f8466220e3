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
  EXPECT_EQ(server.Run({"call", "Channels.Forget"}).exit, 2);
  EXPECT_EQ(server.Run({"call", "Headends.TrafficKeys"}).exit, 2);
  EXPECT_EQ(server.Run({"call", "Channels.GetChannel", "{"}).exit, 2);
  EXPECT_EQ(server.Run({"call", "Channels.GetChannel", R"({"nam": "x"})"}).exit, 2);
  EXPECT_EQ(server.Run({"call", "Channels.GetChannel", "@/absent"}).exit, 2);
  EXPECT_TRUE(server.asked().empty());
}

TEST(Call, MethodsAreListed) {
  const auto done = FakeServer().Run({"methods"});
  EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 28) << "27 and the headings";
  EXPECT_NE(done.out.find("Headends.TrafficKeys"), std::string::npos);
  EXPECT_NE(done.out.find("stream HeadendReport"), std::string::npos);
}

}  // namespace
}  // namespace keymast::cli
