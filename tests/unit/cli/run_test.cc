// SPDX-License-Identifier: Apache-2.0
// Rekeys, watch and status; exit statuses, options of all commands, how problems are told.
#include <grpcpp/support/status_code_enum.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "fake_session.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"

namespace keymast::cli {
namespace {

constexpr const char* kRekey = R"({
  "name": "channels/one/rekeys/12", "level": "MSK", "reason": "EXCLUSION", "mskId": "00010002",
  "mtkId": 1, "switchTime": "2026-01-31T12:00:00.200Z", "recipients": "5"})";

TEST(Rekeys, NowAndHistory) {
  FakeServer server;
  server.Answer("Rekeys.RekeyNow", kRekey);
  EXPECT_EQ(server.Run({"rekeys", "now", "one", "--level", "msk"}).out,
            "name        channels/one/rekeys/12\n"
            "level       MSK\n"
            "reason      EXCLUSION\n"
            "MSK/MTK     00010002/1\n"
            "switch      2026-01-31T12:00:00.200Z\n"
            "recipients  5\n");
  EXPECT_EQ(server.asked()[0].request, R"({"channel":"channels/one","level":"MSK"})");
  server.Run({"rekeys", "now", "one"});
  EXPECT_EQ(server.asked()[1].request, R"({"channel":"channels/one","level":"MTK"})");
  EXPECT_EQ(server.Run({"rekeys", "now", "one", "--level", "tek"}).exit, 2);
  server.Answer("Rekeys.ListRekeys", R"({"rekeys": [)" + std::string(kRekey) + "]}");
  EXPECT_EQ(server.Run({"rekeys", "list", "one"}).out,
            "REKEY  LEVEL  REASON     MSK/MTK     SWITCH                    RECIPIENTS\n"
            "12     MSK    EXCLUSION  00010002/1  2026-01-31T12:00:00.200Z  5\n");
}

// As a user that no other test is at this time.
TEST(Server, IsNotAskedInAFolderThatOthersMayWrite) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  ASSERT_EQ(seteuid(static_cast<uid_t>(100'000 + getpid())), 0);
  const std::string folder = "/tmp/keymast-" + std::to_string(geteuid());
  FakeServer server;
  const auto ask = [&] { return server.Run({"--server", "unix:" + folder + "/x.sock", "status"}); };
  EXPECT_EQ(ask().exit, 4);
  EXPECT_EQ(mkdir(folder.c_str(), 0700), 0);
  EXPECT_EQ(ask().exit, 0);
  EXPECT_EQ(chmod(folder.c_str(), 0777), 0);
  const auto refused = ask();
  std::filesystem::remove(folder);
  ASSERT_EQ(seteuid(0), 0);
  EXPECT_EQ(refused.exit, 5);
  EXPECT_NE(refused.err.find("may be written by others"), std::string::npos) << refused.err;
  EXPECT_EQ(server.asked().size(), 1U);
}

class WatchTest : public testing::Test {
 protected:
  WatchTest() {
    server_.Answer("Rekeys.Watch", R"({"resumeToken": "1", "kind": "JOINED",
        "time": "2026-01-31T12:00:00Z", "resource": "channels/one/members/a"})");
    server_.Answer("Rekeys.Watch", R"({"resumeToken": "2", "kind": "BOOKMARK"})");
    server_.Answer("Rekeys.Watch", R"({"resumeToken": "3", "kind": "REKEYED",
        "time": "2026-01-31T12:00:01Z", "resource": "channels/one", "rekey": )" +
                                       std::string(kRekey) + "}");
  }
  FakeServer server_;
};

TEST_F(WatchTest, IsATableThatFollows) {
  EXPECT_EQ(server_.Run({"watch", "one", "--resume", "0"}).out,
            "TIME                            KIND                  RESOURCE"
            "                                  KEYS\n"
            "2026-01-31T12:00:00Z            JOINED                channels/one/members/a\n"
            "2026-01-31T12:00:01Z            REKEYED               channels/one"
            "                              MSK EXCLUSION 00010002/1\n");
  EXPECT_EQ(server_.asked()[0].request, R"({"channel":"channels/one","resumeToken":"0"})");
}

TEST_F(WatchTest, JsonHasBookmarksAndEndsAtItsLimit) {
  EXPECT_EQ(server_.Run({"watch", "--limit", "0"}).exit, 2);
  const auto done = server_.Run({"--output", "json", "watch", "--limit", "2"});
  EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 2);
  EXPECT_NE(done.out.find("\"kind\":\"BOOKMARK\""), std::string::npos) << done.out;
  EXPECT_EQ(server_.asked()[0].request, "{}");
}

TEST_F(WatchTest, TellsWhyItEndedAndHowToGoOn) {
  server_.Refuse("Rekeys.Watch", {.exit = Exit::kUnavailable, .message = "stopping"});
  const auto done = server_.Run({"watch"});
  EXPECT_EQ(done.exit, 4);
  EXPECT_NE(done.err.find("--resume 3 goes on"), std::string::npos) << done.err;
}

TEST_F(WatchTest, YamlIsADocumentAnEvent) {
  const auto done = server_.Run({"--output", "yaml", "watch", "--limit", "1"});
  EXPECT_EQ(done.out.find("---\nresumeToken: \"1\"\n"), 0U) << done.out;
}

TEST_F(WatchTest, GoesOnBehindTheLastEventWhenTheServerComesBack) {
  server_.Refuse("Rekeys.Watch", {.exit = Exit::kUnavailable, .message = "stopping"});
  int pauses = 0;
  server_.on_pause = [&] {
    server_.Forget("Rekeys.Watch");
    if (++pauses == 3) server_.Answer("Rekeys.Watch", R"({"resumeToken": "4", "kind": "LEFT"})");
  };
  const auto done = server_.Run({"watch", "--reconnect", "--limit", "3"});
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_EQ(pauses, 3);
  EXPECT_EQ(server_.asked().back().request, R"({"resumeToken":"3"})");
  EXPECT_EQ(done.err,
            "keymastctl: stopping; connecting again, to go on behind the last event\n"
            "keymastctl: connected again\n")
      << "told once";
}

TEST_F(WatchTest, BeginsAnewWhereTheServerHasForgotten) {
  server_.Refuse("Rekeys.Watch", {.exit = Exit::kUnavailable, .message = "stopping"});
  int pauses = 0;
  server_.on_pause = [&] {
    ++pauses;
    server_.Forget("Rekeys.Watch");
    server_.Refuse("Rekeys.Watch", {.exit = Exit::kRefused, .reason = "compacted"});
  };
  const auto done = server_.Run({"watch", "--reconnect"});
  EXPECT_EQ(done.exit, 1) << "a server that forgets what was now";
  EXPECT_EQ(pauses, 1);
  EXPECT_EQ(server_.asked().back().request, "{}");
  EXPECT_NE(done.err.find("no longer kept: list the resources to see it; going on from now"),
            std::string::npos)
      << done.err;
}

TEST_F(WatchTest, ReconnectsOnATerminalAndNotForARefusal) {
  server_.is_terminal = true;
  server_.Refuse("Rekeys.Watch", {.exit = Exit::kUnavailable, .message = "stopping"});
  EXPECT_EQ(server_.Run({"watch", "--no-reconnect"}).exit, 4);
  server_.on_pause = [&] {
    server_.Refuse("Rekeys.Watch", {.exit = Exit::kRefused, .reason = "permission_denied"});
  };
  EXPECT_EQ(server_.Run({"watch"}).exit, 1);
}

TEST(Status, ShowsTheServer) {
  FakeServer server;
  server.Answer("Server.GetServerStatus", R"({
    "version": "0.1.0", "notReady": ["store_closed", "draining"], "masterKeyId": "3f1c",
    "auditPublicKey": "qqo=", "audit": {"sequence": "7", "hash": "qqs="}, "identity": "bmsc@example.org", "storeState": "OPEN", "channelCount": "1",
    "revision": "9", "epoch": "2", "startTime": "2026-01-31T12:00:00Z", "uptime": "61s",
    "possiblyLostCommits": "3", "importPublicKey": "qqo="})");
  EXPECT_EQ(server.Run({"status"}).out,
            "version        0.1.0\n"
            "identity       bmsc@example.org\n"
            "ready          no: store_closed, draining\n"
            "store          OPEN\n"
            "channels       1\n"
            "subscribers    0\n"
            "members        0\n"
            "revision       9\n"
            "epoch          2\n"
            "incarnation    0\n"
            "possibly lost  3 commits, at most\n"
            "started        2026-01-31T12:00:00Z\n"
            "uptime         61s\n"
            "import key     aaaa\n"
            "master key     3f1c\n"
            "audit key      aaaa\n"
            "audit log      to 7:aaab\n");
}

TEST(Status, SaysWhenNobodyKnowsWhatIsLost) {
  FakeServer server;
  server.Answer("Server.GetServerStatus", R"({"possiblyLostCommitsUnknown": true})");
  EXPECT_NE(server.Run({"status"}).out.find("possibly lost  commits; nobody can say how many\n"),
            std::string::npos);
}

// What the server tells a principal of some channels (docs/access.md).
TEST(Status, OfAPartSaysWhatIsNotTold) {
  FakeServer server;
  server.Answer("Server.GetServerStatus", R"({"version": "0.1.0", "storeState": "OPEN",
      "startTime": "2026-01-31T12:00:00Z", "uptime": "61s"})");
  EXPECT_EQ(server.Run({"status"}).out,
            "version      0.1.0\n"
            "ready        no\n"
            "store        OPEN\n"
            "channels     not told\n"
            "subscribers  not told\n"
            "members      not told\n"
            "revision     not told\n"
            "epoch        not told\n"
            "incarnation  not told\n"
            "started      2026-01-31T12:00:00Z\n"
            "uptime       61s\n");
}

TEST(Run, AnAnswerThatCannotBeWrittenIsNoSuccess) {
  const std::vector<std::string> rows[] = {{"status"},
                                           {"channels", "list", "--output", "json"},
                                           {"completion", "bash"},
                                           {"man"},
                                           {"--help"}};
  for (const auto& words : rows) {
    FakeServer server;
    server.out_room = 1;
    const auto done = server.Run(words);
    EXPECT_EQ(done.exit, 2) << words[0];
    EXPECT_EQ(done.err,
              "keymastctl: standard output cannot be written: what was asked is done, and its "
              "answer is lost\n")
        << words[0];
    server.is_out_closed = true;
    const auto closed = server.Run(words);
    EXPECT_EQ(closed.exit, 0) << words[0];
    EXPECT_EQ(closed.err, "") << words[0];
  }
}

TEST(Run, NothingFollowsOnAnOutputThatFails) {
  FakeServer server;
  server.out_room = 1;
  int pauses = 0;
  server.on_pause = [&] { ASSERT_LT(++pauses, 3); };
  server.Answer("Rekeys.Watch", R"({"resumeToken": "1", "kind": "JOINED"})");
  EXPECT_EQ(server.Run({"watch", "--reconnect"}).exit, 2);
  EXPECT_EQ(server.Run({"top"}).exit, 2);
  EXPECT_EQ(pauses, 0);
}

TEST(Run, ExitStatusFollowsTheServersCode) {
  const std::pair<grpc::StatusCode, int> rows[] = {
      {grpc::StatusCode::NOT_FOUND, 3},         {grpc::StatusCode::UNAVAILABLE, 4},
      {grpc::StatusCode::DEADLINE_EXCEEDED, 4}, {grpc::StatusCode::RESOURCE_EXHAUSTED, 4},
      {grpc::StatusCode::PERMISSION_DENIED, 5}, {grpc::StatusCode::UNAUTHENTICATED, 5},
      {grpc::StatusCode::INVALID_ARGUMENT, 1},  {grpc::StatusCode::FAILED_PRECONDITION, 1},
      {grpc::StatusCode::ALREADY_EXISTS, 1},    {grpc::StatusCode::INTERNAL, 1}};
  for (const auto& [code, exit] : rows) {
    FakeServer server;
    server.Refuse("Server.GetServerStatus", ProblemOf(code, "why", ""));
    const auto done = server.Run({"status"});
    EXPECT_EQ(done.exit, exit) << code;
    EXPECT_EQ(done.out, "");
    EXPECT_EQ(done.err.find("keymastctl: why\n"), 0U) << done.err;
  }
}

TEST(Run, ProblemsTellFieldsResourceAndWhatToDo) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  info.set_reason("etag_mismatch");
  details.add_details()->PackFrom(info);
  google::rpc::BadRequest bad;
  bad.add_field_violations()->set_field("policy.mtk_lead");
  bad.mutable_field_violations(0)->set_description("at least 1s");
  details.add_details()->PackFrom(bad);
  google::rpc::ResourceInfo resource;
  resource.set_resource_name("channels/one");
  details.add_details()->PackFrom(resource);
  EXPECT_EQ(ToText(ProblemOf(10, "it changed", details.SerializeAsString())),
            "keymastctl: it changed [etag_mismatch]\n"
            "  resource: channels/one\n"
            "  policy.mtk_lead: at least 1s\n"
            "  somebody changed it meanwhile: get it again, then repeat\n");
  EXPECT_EQ(ToText(ProblemOf(14, "no connection", "not a message")),
            "keymastctl: no connection\n"
            "  is keymast-api running, and is --server right?\n");
}

TEST(Run, AQuotaIsToldWithItsSubject) {
  google::rpc::Status details;
  google::rpc::QuotaFailure quota;
  quota.add_violations()->set_subject("channels of operator:alice.example.org");
  quota.mutable_violations(0)->set_description("has 10 of at most 10");
  details.add_details()->PackFrom(quota);
  EXPECT_EQ(ToText(ProblemOf(8, "no more channels", details.SerializeAsString())),
            "keymastctl: no more channels\n"
            "  limit of channels of operator:alice.example.org: has 10 of at most 10\n");
}

TEST(Run, AQuotaIsNothingThatTimeMends) {
  const std::pair<const char*, int> rows[] = {
      {"quota_exceeded", 1}, {"too_many_requests", 4}, {"rate_limited", 4}};
  for (const auto& [reason, exit] : rows) {
    google::rpc::Status details;
    google::rpc::ErrorInfo info;
    info.set_reason(reason);
    details.add_details()->PackFrom(info);
    FakeServer server;
    server.Refuse("Channels.CreateChannel", ProblemOf(grpc::StatusCode::RESOURCE_EXHAUSTED,
                                                      "no more", details.SerializeAsString()));
    EXPECT_EQ(server.Run({"channels", "create", "one"}).exit, exit) << reason;
  }
}

TEST(Run, ACheckThatHasNoAnswerChangedNothing) {
  FakeServer server;
  server.Refuse("Channels.DeleteChannel", ProblemOf(grpc::StatusCode::UNAVAILABLE, "gone", ""));
  const auto done = server.Run({"channels", "delete", "one", "--validate-only"});
  EXPECT_EQ(done.exit, 4);
  EXPECT_EQ(done.err.find("may have been done"), std::string::npos) << done.err;
}

TEST(Run, WhatHasNoAnswerMayBeRepeatedUnderItsId) {
  for (const auto code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::DEADLINE_EXCEEDED}) {
    FakeServer server;
    server.Refuse("Channels.DeleteChannel", ProblemOf(code, "gone", ""));
    const auto done = server.Run({"channels", "delete", "one"});
    const std::string id = server.asked()[0].request_id;
    EXPECT_EQ(id.size(), 36U);
    EXPECT_NE(done.err.find("run the same command again with --request-id " + id),
              std::string::npos)
        << done.err;
    server.Run({"channels", "delete", "one", "--request-id", id});
    EXPECT_EQ(server.asked()[1].request_id, id);
  }
  FakeServer server;
  server.Refuse("Channels.DeleteChannel", ProblemOf(grpc::StatusCode::NOT_FOUND, "none", ""));
  EXPECT_EQ(server.Run({"channels", "delete", "one"}).err.find("--request-id"), std::string::npos);
  EXPECT_EQ(server.Run({"channels", "delete", "one", "--request-id", "mine"}).exit, 2);
}

TEST(Run, UsageErrorsAreTwoAndHelpIsZero) {
  FakeServer server;
  for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                {"channels"},
                                                {"channels", "get"},
                                                {"tune"},
                                                {"--output", "xml", "status"},
                                                {"--timeout", "soon", "status"},
                                                {"--timeout", "0s", "status"},
                                                {"channels", "get", ""},
                                                {"members", "expel", "", "alice"},
                                                {"members", "expel", "news", ""}}) {
    const auto done = server.Run(words);
    EXPECT_EQ(done.exit, 2);
    EXPECT_NE(done.err, "");
  }
  EXPECT_EQ(server.Run({"frob"}).err,
            "keymastctl: there is no command \"frob\"\n"
            "  keymastctl --help tells what there is\n");
  EXPECT_EQ(server.Run({"channels", "frob", "one"}).err,
            "keymastctl channels: there is no command \"frob\"\n"
            "  keymastctl channels --help tells what there is\n");
  EXPECT_EQ(server.Run({"--frob", "status"}).err,
            "keymastctl status: The following argument was not expected: --frob\n"
            "  keymastctl status --help tells what there is\n");
  EXPECT_EQ(server.Run({"members", "expel", "one"}).err,
            "keymastctl members expel: SUBSCRIBER is required\n"
            "  keymastctl members expel --help tells what there is\n");
  const auto help = server.Run({"--help"});
  EXPECT_EQ(help.exit, 0);
  EXPECT_NE(help.out.find("rekeys"), std::string::npos);
  EXPECT_EQ(server.Run({"--version"}).out, "keymastctl " KEYMAST_VERSION "\n");
  EXPECT_TRUE(server.asked().empty());
}

TEST(Run, TargetComesFromTheOptions) {
  FakeServer server;
  server.Run({"--server", "h:7443", "--tls-ca", "a", "--tls-cert", "c", "--tls-key", "k",
              "--timeout", "3s", "status"});
  EXPECT_EQ(server.target().server, "h:7443");
  EXPECT_EQ(server.target().tls_ca, "a");
  EXPECT_EQ(server.target().tls_certificate, "c");
  EXPECT_EQ(server.target().tls_key, "k");
  EXPECT_EQ(server.target().timeout, std::chrono::seconds(3));
  server.Run({"members", "get", "news", "alice", "--timeout", "4s", "--server", "h:1"});
  EXPECT_EQ(server.target().timeout, std::chrono::seconds(4)) << "behind the command";
  EXPECT_EQ(server.target().server, "h:1");
  server.Run({"status"});
  EXPECT_TRUE(server.target().server.starts_with("unix:/"));
  EXPECT_TRUE(server.target().server.ends_with("/operator.sock"));
}

}  // namespace
}  // namespace keymast::cli
