// SPDX-License-Identifier: Apache-2.0
// Schedules, plans and runs of rekeys; explain and top.
#include "fake_session.h"

namespace keymast::cli {
namespace {

TEST(Schedules, AreCreatedWithEachTiming) {
  FakeServer server;
  server.Run({"schedules", "create", "one", "nightly", "--cron", "0 3 * * *", "--jitter", "10m"});
  EXPECT_EQ(server.asked()[0].request, R"({"parent":"channels/one","rekeyScheduleId":"nightly",)"
                                       R"("rekeySchedule":{"cron":"0 3 * * *","jitter":"600s"}})");
  server.Run({"schedules", "create", "one", "e", "--period", "24h", "--start",
              "2026-01-31T19:00:00Z", "--blackout", "4h", "--paused"});
  EXPECT_EQ(server.asked()[1].request,
            R"({"parent":"channels/one","rekeyScheduleId":"e","rekeySchedule":{"period":"86400s",)"
            R"("startTime":"2026-01-31T19:00:00Z","blackout":"14400s","paused":true}})");
  EXPECT_EQ(server.Run({"schedules", "create", "one", "e", "--period", "daily"}).exit, 2);
}

TEST(Schedules, HaveOneTiming) {
  const std::string period = "--period", cron = "--cron", once = "--once", start = "--start";
  const std::string time = "2030-01-01T00:00:00Z", nightly = "0 3 * * *";
  const std::pair<std::vector<std::string>, const char*> rows[] = {
      {{period, "2h", cron, nightly}, "--period and --cron: a schedule has one of them"},
      {{once, time, cron, nightly}, "--cron and --once: a schedule has one of them"},
      {{once, time, period, "2h"}, "--period and --once: a schedule has one of them"},
      {{start, time, cron, nightly}, "--cron and --start: only a --period has it"},
      {{start, time, once, time}, "--once and --start: only a --period has it"}};
  FakeServer server;
  for (const auto& [options, why] : rows) {
    for (const char* command : {"create", "update"}) {
      std::vector<std::string> words = {"schedules", command, "one", "both"};
      words.insert(words.end(), options.begin(), options.end());
      const auto done = server.Run(words);
      EXPECT_EQ(done.exit, 2) << why;
      EXPECT_NE(done.err.find(why), std::string::npos) << done.err;
    }
  }
  EXPECT_TRUE(server.asked().empty());
  EXPECT_EQ(server.Run({"schedules", "update", "one", "e", cron, nightly, start, "none"}).exit, 0);
  EXPECT_EQ(server.Run({"schedules", "update", "one", "e", start, time}).exit, 0);
}

TEST(Schedules, ArePausedAndResumed) {
  FakeServer server;
  server.Run({"schedules", "update", "one", "nightly", "--pause"});
  EXPECT_EQ(server.asked()[0].request,
            R"({"rekeySchedule":{"name":"channels/one/rekeySchedules/nightly","paused":true},)"
            R"("updateMask":"paused"})");
  server.Run({"schedules", "update", "one", "nightly", "--resume", "--blackout", "none"});
  EXPECT_EQ(server.asked()[1].request,
            R"({"rekeySchedule":{"name":"channels/one/rekeySchedules/nightly"},)"
            R"("updateMask":"blackout,paused"})");
}

TEST(Schedules, AreShown) {
  FakeServer server;
  server.Answer("RekeySchedules.ListRekeySchedules", R"({"rekeySchedules": [
      {"name": "channels/one/rekeySchedules/a", "period": "86400s", "blackout": "60s",
       "nextTime": "2026-01-31T19:00:00Z"},
      {"name": "channels/one/rekeySchedules/b", "cron": "0 3 * * *", "paused": true}]})");
  EXPECT_EQ(server.Run({"schedules", "list", "one"}).out,
            "SCHEDULE  KIND             NEXT                  PAUSED  TIMING\n"
            "a         blackout of 60s  2026-01-31T19:00:00Z  no      every 86400s\n"
            "b         rekey                                  yes     0 3 * * *\n");
  server.Answer("RekeySchedules.ListUpcomingRekeys", R"({"upcomingRekeys": [
      {"time": "2026-01-31T13:00:00Z", "reason": "CALENDAR",
       "rekeySchedule": "channels/one/rekeySchedules/b", "deferredFrom": "2026-01-31T12:30:00Z"},
      {"time": "2026-01-31T14:00:00Z", "reason": "LIFE", "pierces": true,
       "deferredFrom": "2026-01-31T14:00:00Z"},
      {"time": "2026-01-31T15:00:00Z", "reason": "LIFE", "pierces": true,
       "deferredFrom": "2026-01-31T14:30:00Z"}], "nextPageToken": "p2"})");
  EXPECT_EQ(server.Run({"schedules", "upcoming", "one"}).out,
            "TIME                  REASON    SCHEDULE  BLACKOUT\n"
            "2026-01-31T13:00:00Z  CALENDAR  b         put off from 2026-01-31T12:30:00Z\n"
            "2026-01-31T14:00:00Z  LIFE                pierces it\n"
            "2026-01-31T15:00:00Z  LIFE                put off from 2026-01-31T14:30:00Z, pierces "
            "it\n"
            "more: --page-token p2\n");
  server.Answer("RekeySchedules.ListRekeyConflicts", R"({"rekeyConflicts": [
      {"time": "2026-01-31T13:00:00Z", "channels": ["channels/one", "channels/two"],
       "recipients": "2000", "messagesPerSecond": "500", "suggestedJitter": "60s"}]})");
  EXPECT_EQ(server.Run({"schedules", "conflicts", "--horizon", "168h", "--within", "5s"}).out,
            "TIME                  RECIPIENTS  MESSAGES/S  SUGGESTED JITTER  CHANNELS\n"
            "2026-01-31T13:00:00Z  2000        500         60s               one two\n");
  EXPECT_EQ(server.asked().back().request,
            R"({"horizon":"604800s","within":"5s","pageSize":1000})");
}

TEST(Rekeys, OneThatJoinsAnotherSaysSo) {
  FakeServer server;
  server.Answer("Rekeys.RekeyNow", R"({"name": "channels/one/rekeys/9", "level": "MTK",
      "reason": "OPERATOR", "mskId": "00010001", "mtkId": 7,
      "prepareTime": "2026-01-31T12:00:00Z", "switchTime": "2026-01-31T12:00:02Z"})");
  EXPECT_EQ(server.Run({"rekeys", "now", "one"}).out.find("joins"), std::string::npos);
  server.now += std::chrono::seconds(2);
  EXPECT_NE(server.Run({"rekeys", "now", "one"}).out.find("\njoins this one, which is under way"),
            std::string::npos);
  server.now += std::chrono::seconds(10);
  const std::string held = "\nits switch is held: keymastctl explain";
  EXPECT_EQ(server.Run({"rekeys", "now", "one"}).out.find(held), std::string::npos);
  server.Answer("Channels.GetChannel", R"({"keyState": {"switchHeld": true}})");
  EXPECT_NE(server.Run({"rekeys", "now", "one"}).out.find(held), std::string::npos);
  const std::string id = "01234567-89ab-cdef-0123-456789abcdef";
  EXPECT_EQ(server.Run({"rekeys", "now", "one", "--request-id", id}).out.find("joins"),
            std::string::npos);
}

TEST(Rekeys, ArePlannedAndRun) {
  FakeServer server;
  server.Answer("Rekeys.PlanRekey", R"({"channel": "channels/one", "level": "MSK",
      "recipients": "5", "asking": "1", "unicastMessages": "5", "unicastOctets": "700",
      "unicastTime": "0.1s", "multicastMessages": "3", "multicastOctets": "300",
      "switchTime": "2026-01-31T12:00:00.200Z", "piercesBlackout": true, "etag": "7"})");
  EXPECT_EQ(server.Run({"rekeys", "plan", "one", "--expel", "a", "--expel", "b"}).out,
            "channel     channels/one\n"
            "level       MSK\n"
            "recipients  5\n"
            "asking      1\n"
            "unicast     5 messages, 700 octets, 0.100s\n"
            "multicast   3 messages, 300 octets\n"
            "switch      2026-01-31T12:00:00.200Z\n"
            "blackout    one is on, which this pierces\n"
            "etag        7\n");
  EXPECT_EQ(server.asked()[0].request,
            R"({"channel":"channels/one","level":"MSK",)"
            R"("expelled":["channels/one/members/a","channels/one/members/b"]})");
  server.Run({"rekeys", "run", "--filter", "state = ON_AIR", "--level", "msk", "--spread", "10m"});
  EXPECT_EQ(server.asked()[1].request,
            R"({"filter":"state = ON_AIR","level":"MSK","spread":"600s"})");
  server.Run({"rekeys", "get", "one", "12"});
  EXPECT_EQ(server.asked()[2].request, R"({"name":"channels/one/rekeys/12"})");
}

class ExplainTest : public testing::Test {
 protected:
  ExplainTest() {
    server_.Answer("Channels.GetChannel", R"({
      "name": "channels/one", "displayName": "News", "memberCount": "24", "joinedCount": "23",
      "confirmedCount": "1", "keyState": {
        "active": {"mskId": "00010001", "mtkId": 7, "switchTime": "2026-01-31T11:59:55Z"},
        "prepared": {"mskId": "00010001", "mtkId": 8, "switchTime": "2026-01-31T12:00:05Z"},
        "nextMskId": "00010002", "switchHeld": true}})");
    server_.Answer("Rekeys.ListRekeys", R"({"rekeys": [{"level": "MSK", "reason": "EXCLUSION",
        "mskId": "00010001", "mtkId": 1, "switchTime": "2026-01-31T11:00:00Z"}]})");
    server_.Answer("RekeySchedules.ListUpcomingRekeys", R"({"upcomingRekeys": [
        {"time": "2026-01-31T13:00:00Z", "reason": "CALENDAR",
         "rekeySchedule": "channels/one/rekeySchedules/nightly",
         "deferredFrom": "2026-01-31T12:30:00Z"},
        {"time": "2026-01-31T14:00:00Z", "reason": "SCHEDULE"}]})");
    server_.Answer("RekeySchedules.ListRekeySchedules", R"({"rekeySchedules": [
        {"name": "channels/one/rekeySchedules/final", "once": "2026-01-31T11:00:00Z",
         "blackout": "4500s"},
        {"name": "channels/one/rekeySchedules/nightly", "cron": "30 12 * * *"}]})");
    std::string members = R"({"name": "channels/one/members/held", "joined": true,
                              "reachability": "CONFIRMED"})";
    for (int i = 0; i < 22; ++i) {
      members += R"(,{"joined": true, "reachability": "PENDING", "name": "channels/one/members/m)" +
                 std::to_string(i) + "\"}";
    }
    server_.Answer("Members.ListMembers", R"({"members": [)" + members + "]}");
  }
  FakeServer server_;
};

TEST_F(ExplainTest, TellsWhatTheKeysAreDoingAndWhy) {
  const auto done = server_.Run({"explain", "one"});
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_EQ(done.out,
            "channel           channels/one\n"
            "display name      News\n"
            "on air            MSK 00010001, MTK 7, since 2026-01-31T11:59:55Z, 5s ago\n"
            "next switch       to 00010001/8: 2026-01-31T12:00:05Z, in 5s\n"
            "switch held       yes: no connected headend holds the next MTK\n"
            "last rekey        MSK 00010001/1, 2026-01-31T11:00:00Z, 1h 00m ago: members were "
            "expelled\n"
            "last MSK change   MSK 00010001/1, 2026-01-31T11:00:00Z, 1h 00m ago: members were "
            "expelled\n"
            "MSK on its way    00010002\n"
            "next MSK change   2026-01-31T13:00:00Z, in 1h 00m: schedule nightly, put off "
            "from 2026-01-31T12:30:00Z\n"
            "blackout          in force until 2026-01-31T12:15:00Z, in 15m 00s: scheduled MSK "
            "changes wait\n"
            "members           24, 23 joined, 1 confirmed\n"
            "not acknowledged  22: m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, "
            "m14, m15, m16, m17, m18, m19, ...\n"
            "upcoming MSK changes\n"
            "  2026-01-31T13:00:00Z, in 1h 00m: schedule nightly, put off from "
            "2026-01-31T12:30:00Z\n"
            "  2026-01-31T14:00:00Z, in 2h 00m: the period of the policy ended\n");
  EXPECT_EQ(server_.asked()[2].request,
            R"({"parent":"channels/one","pageSize":10,"filter":"level = MSK"})");
  EXPECT_EQ(server_.asked().back().request, R"({"parent":"channels/one","pageSize":1000,)"
                                            R"("filter":"joined AND reachability != CONFIRMED"})");
}

// Up to the switch the MSK of before is on air, and why it is.
TEST_F(ExplainTest, AChangeThatIsOnItsWayIsNotTheLastOne) {
  server_.Forget("Rekeys.ListRekeys");
  server_.Answer("Rekeys.ListRekeys", R"({"rekeys": [{"level": "MSK", "reason": "OPERATOR",
        "mskId": "00010002", "mtkId": 1, "switchTime": "2026-01-31T12:01:00Z"},
        {"level": "MSK", "reason": "EXCLUSION",
        "mskId": "00010001", "mtkId": 1, "switchTime": "2026-01-31T11:00:00Z"}]})");
  const std::string text = server_.Run({"explain", "one"}).out;
  for (const char* line :
       {"\nlast MSK change   MSK 00010001/1, 2026-01-31T11:00:00Z, 1h 00m ago: members were",
        "\nMSK on its way    MSK 00010002/1, 2026-01-31T12:01:00Z, in 1m 00s: an operator asked"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  const auto json = server_.Run({"--output", "json", "explain", "one"});
  const size_t last = json.out.find("\"lastMskChange\"");
  EXPECT_NE(json.out.find("00010001", last), std::string::npos) << json.out;
}

TEST_F(ExplainTest, WhatIsRefusedIsToldInAWord) {
  for (const char* method : {"Rekeys.ListRekeys", "RekeySchedules.ListUpcomingRekeys",
                             "RekeySchedules.ListRekeySchedules", "Members.ListMembers"}) {
    server_.Refuse(method, {.exit = Exit::kPermission, .message = "not for viewers"});
  }
  const auto done = server_.Run({"explain", "one"});
  EXPECT_EQ(done.exit, 0);
  for (const char* line :
       {"last rekey        not known: not for viewers\n", "blackout          not known: not for",
        "not acknowledged  not known: not for viewers\n", "  not known: not for viewers\n"}) {
    EXPECT_NE(done.out.find(line), std::string::npos) << line << done.out;
  }
  const auto json = server_.Run({"--output", "json", "explain", "one"});
  EXPECT_NE(json.out.find("\"members\": \"not for viewers\""), std::string::npos) << json.out;
}

TEST_F(ExplainTest, IsOneDocumentForPrograms) {
  const auto done = server_.Run({"--output", "yaml", "explain", "one"});
  EXPECT_EQ(done.out.find("channel:\n  name: channels/one\n"), 0U) << done.out;
  EXPECT_NE(done.out.find("\nblackoutInForce: true\nblackoutEndTime: "), std::string::npos)
      << done.out;
  EXPECT_NE(done.out.find("\nlastMskChange:\n"), std::string::npos) << done.out;
}

TEST_F(ExplainTest, AChannelThatIsNotThereIsNotFound) {
  server_.Refuse("Channels.GetChannel", {.exit = Exit::kNotFound, .message = "no such channel"});
  EXPECT_EQ(server_.Run({"explain", "two"}).exit, 3);
}

// The plan of a rekey is of an MSK lead later: it would be wrong at both edges.
TEST_F(ExplainTest, ABlackoutIsInForceFromItsBeginningToItsEnd) {
  const auto told = [&](int64_t seconds) {
    server_.now = FromUnixNanos((1'769'860'800 + seconds) * 1'000'000'000);
    const std::string out = server_.Run({"explain", "one"}).out;
    const size_t at = out.find("blackout          ") + 18;
    return out.substr(at, out.find('\n', at) - at);
  };
  EXPECT_EQ(told(-3601), "none in force; the next begins 2026-01-31T11:00:00Z, in 1s");
  EXPECT_EQ(told(-3600),
            "in force until 2026-01-31T12:15:00Z, in 1h 15m: scheduled MSK changes wait");
  EXPECT_EQ(told(899), "in force until 2026-01-31T12:15:00Z, in 1s: scheduled MSK changes wait");
  EXPECT_EQ(told(900), "none in force");
}

class TopTest : public testing::Test {
 protected:
  TopTest() {
    server_.Answer("Channels.ListChannels", R"({"channels": [
      {"name": "channels/one", "memberCount": "3", "joinedCount": "2", "confirmedCount": "1",
       "state": "ON_AIR", "keyState": {
         "active": {"mskId": "00010001", "mtkId": 7},
         "prepared": {"mskId": "00010001", "mtkId": 8, "switchTime": "2026-01-31T12:00:05Z"},
         "nextMskChangeTime": "2026-01-31T12:02:05Z"}},
      {"name": "channels/two", "state": "SWITCH_HELD", "keyState": {"switchHeld": true}},
      {"name": "channels/three", "policy": {"mtkPeriod": "10s"}, "keyState": {
         "active": {"mskId": "00020001", "mtkId": 1, "switchTime": "2026-01-31T11:59:58Z"}}}]})");
  }
  FakeServer server_;
};

TEST_F(TopTest, CountsDownEachRound) {
  const auto done = server_.Run({"top", "--limit", "2"});
  EXPECT_EQ(done.out,
            "CHANNEL  MSK/MTK     NEXT SWITCH  MSK CHANGE  MEMBERS  JOINED  CONFIRMED  STATE\n"
            "one      00010001/7  5s           2m 05s      3        2       1          ON_AIR\n"
            "two                  held                     0        0       0          "
            "SWITCH_HELD\n"
            "three    00020001/1  8s                       0        0       0          \n"
            "CHANNEL  MSK/MTK     NEXT SWITCH  MSK CHANGE  MEMBERS  JOINED  CONFIRMED  STATE\n"
            "one      00010001/7  4s           2m 04s      3        2       1          ON_AIR\n"
            "two                  held                     0        0       0          "
            "SWITCH_HELD\n"
            "three    00020001/1  7s                       0        0       0          \n");
  EXPECT_NE(server_.asked()[0].request.find("\"readMask\":\"name,keyState,policy,memberCount"),
            std::string::npos)
      << server_.asked()[0].request;
}

TEST_F(TopTest, OnATerminalItOutlivesTheServer) {
  server_.is_terminal = true;
  server_.Refuse("Channels.ListChannels", {.exit = Exit::kUnavailable, .message = "gone"});
  server_.on_pause = [&] { server_.Accept("Channels.ListChannels"); };
  const auto done = server_.Run({"top", "--limit", "2"});
  EXPECT_EQ(done.exit, 0);
  EXPECT_EQ(done.out.find("\x1b[H\x1b[Jgone\n\x1b[H\x1b[JCHANNEL"), 0U) << done.out;
  FakeServer other;
  other.Refuse("Channels.ListChannels", {.exit = Exit::kUnavailable, .message = "gone"});
  EXPECT_EQ(other.Run({"top"}).exit, 4);
}

TEST_F(TopTest, IsADocumentARoundForPrograms) {
  const auto done = server_.Run({"--output", "json", "top", "--limit", "3"});
  EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 3);
}

}  // namespace
}  // namespace keymast::cli
