// SPDX-License-Identifier: Apache-2.0
// Operations, and commands that begin one.
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/dynamic_message.h>

#include "cli/progress.h"
#include "fake_session.h"

namespace keymast::cli {
namespace {

std::string Running(int done_units) {
  return R"({"name": "operations/7", "method": "Server.CreateBackup", "totalUnits": "100",
             "unit": "pages", "doneUnits": ")" +
         std::to_string(done_units) + "\"}";
}

constexpr const char* kDone = R"({
  "name": "operations/7", "method": "Server.CreateBackup", "done": true, "doneUnits": "100",
  "totalUnits": "100", "unit": "pages", "response": {
    "@type": "type.googleapis.com/keymast.v1.Backup", "name": "backups/b", "octets": "5"}})";

constexpr const char* kFailed = R"({
  "name": "operations/7", "done": true, "error": {"code": 8, "message": "the disk is full",
    "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "no_space"}]}})";

TEST(Operations, AreShownWithStateAndResult) {
  FakeServer server;
  server.Answer("Operations.GetOperation", kDone);
  const auto done = server.Run({"operations", "get", "7"});
  EXPECT_EQ(server.asked()[0].request, R"({"name":"operations/7"})");
  EXPECT_NE(done.out.find("state   done\n"), std::string::npos) << done.out;
  EXPECT_NE(done.out.find("backups/b"), std::string::npos) << done.out;
  server.Answer("Operations.ListOperations",
                R"({"operations": [)" + Running(40) + "," + kFailed + "]}");
  const auto list = server.Run({"operations", "list"});
  EXPECT_NE(list.out.find("running  40/100 pages"), std::string::npos) << list.out;
  EXPECT_NE(list.out.find("failed"), std::string::npos) << list.out;
}

TEST(Operations, AResultOfAnotherVersionIsNoObstacle) {
  v1::Operation operation;
  operation.set_name("operations/7");
  operation.mutable_response()->set_type_url("type.googleapis.com/keymast.v9.Future");
  operation.mutable_response()->set_value("?");
  const std::string json = ToJson(operation, true);
  EXPECT_NE(json.find("operations/7"), std::string::npos) << json;
}

// As `call` has them: types of a pool of its own.
TEST(Operations, NorInAPoolOfItsOwn) {
  using google::protobuf::DescriptorPool;
  google::protobuf::DescriptorPoolDatabase database(*DescriptorPool::generated_pool());
  const DescriptorPool pool(&database);
  google::protobuf::DynamicMessageFactory factory(&pool);
  const auto* type = pool.FindMessageTypeByName("keymast.v1.Operation");
  const std::unique_ptr<google::protobuf::Message> shown(factory.GetPrototype(type)->New());
  v1::Operation operation;
  operation.set_name("operations/7");
  operation.mutable_response()->set_type_url("type.googleapis.com/keymast.v9.Future");
  operation.mutable_response()->set_value("?");
  ASSERT_TRUE(shown->ParseFromString(operation.SerializeAsString()));
  const std::string json = ToJson(*shown, true);
  EXPECT_NE(json.find("operations/7"), std::string::npos) << json;
}

TEST(Wait, TellsALineAChange) {
  FakeServer server;
  for (const int done_units : {10, 10, 60}) {
    server.Answer("Operations.WaitOperation", Running(done_units));
  }
  server.Answer("Operations.WaitOperation", kDone);
  const auto done = server.Run({"operations", "wait", "7"});
  EXPECT_EQ(done.exit, 0);
  EXPECT_EQ(done.err,
            "operations/7: 10/100 pages  10%\n"
            "operations/7: 60/100 pages  60%\n");
  EXPECT_NE(done.out.find("state   done\n"), std::string::npos) << done.out;
  EXPECT_EQ(server.asked().size(), 4U);
  EXPECT_EQ(server.asked()[0].request, R"({"name":"operations/7","timeout":"7.500s"})");
}

TEST(Wait, IsABarOnATerminal) {
  FakeServer server;
  server.is_terminal = true;
  server.Answer("Operations.WaitOperation", Running(50));
  server.Answer("Operations.WaitOperation", kDone);
  const auto done = server.Run({"operations", "wait", "7"});
  EXPECT_EQ(done.err,
            "operations/7 goes on also without this\n"
            "\r\x1b[K[##########          ]  50/100 pages  50%\n");
}

TEST(Wait, AFailureIsAProblemWithItsReason) {
  FakeServer server;
  server.Answer("Operations.WaitOperation", kFailed);
  const auto done = server.Run({"operations", "wait", "7"});
  EXPECT_EQ(done.exit, 4);
  EXPECT_NE(done.err.find("operations/7: the disk is full [no_space]"), std::string::npos)
      << done.err;
}

TEST(Wait, WhatWasCancelledIsToldSoAndDoesNotWorkLater) {
  const std::string cancelled = R"({"name": "operations/7", "done": true, "cancelRequested": true,
      "error": {"code": 1, "message": "was cancelled; what was done stays done"}})";
  FakeServer server;
  server.Answer("Operations.WaitOperation", cancelled);
  const auto done = server.Run({"operations", "wait", "7"});
  EXPECT_EQ(done.exit, 1);
  EXPECT_EQ(done.err, "keymastctl: operations/7: was cancelled; what was done stays done\n");
  server.Answer("Operations.GetOperation", cancelled);
  const auto shown = server.Run({"operations", "get", "7"});
  EXPECT_EQ(shown.exit, 0);
  EXPECT_NE(shown.out.find("state  cancelled\n"), std::string::npos) << shown.out;
}

TEST(Wait, GivesUpWhenAsked) {
  FakeServer server;
  server.Answer("Operations.WaitOperation", Running(1));
  EXPECT_EQ(server.Run({"operations", "wait", "7", "--for", "0s"}).exit, 2);
  server.call_time = std::chrono::seconds(2);
  const auto done = server.Run({"operations", "wait", "7", "--for", "3s", "--timeout", "4s"});
  EXPECT_EQ(server.asked().size(), 2U);
  EXPECT_EQ(server.asked()[1].request, R"({"name":"operations/7","timeout":"1s"})");
  EXPECT_EQ(done.exit, 4);
  EXPECT_NE(done.err.find("it goes on"), std::string::npos) << done.err;
}

TEST(Begin, WaitsOnlyWhenAsked) {
  FakeServer server;
  server.Answer("Server.CreateBackup", Running(0));
  server.Answer("Operations.WaitOperation", kDone);
  EXPECT_NE(server.Run({"backups", "create", "b"}).out.find("running"), std::string::npos);
  EXPECT_EQ(server.asked()[0].request, R"({"backupId":"b"})");
  EXPECT_EQ(server.asked().size(), 1U);
  EXPECT_NE(server.Run({"backups", "create", "--wait"}).out.find("state   done\n"),
            std::string::npos);
  EXPECT_EQ(server.asked().back().method, "Operations.WaitOperation");
}

TEST(ProgressText, HasRateAndWhatIsLeft) {
  v1::Operation operation;
  operation.set_done_units(60);
  EXPECT_EQ(ProgressText(operation, 0, Duration::zero()), "60");
  operation.set_total_units(100);
  operation.set_unit("pages");
  EXPECT_EQ(ProgressText(operation, 60, std::chrono::seconds(5)), "60/100 pages  60%");
  EXPECT_EQ(ProgressText(operation, 10, std::chrono::seconds(4)),
            "60/100 pages  60%  12.5/s  ETA 3s");
  operation.set_total_units(10'000'000);
  EXPECT_EQ(ProgressText(operation, 0, std::chrono::seconds(60)),
            "60/10000000 pages  0%  1.0/s  ETA 2777h 45m");
  operation.set_total_units(50);
  EXPECT_EQ(ProgressText(operation, 0, std::chrono::seconds(60)), "60/50 pages  100%  1.0/s");
}

}  // namespace
}  // namespace keymast::cli
