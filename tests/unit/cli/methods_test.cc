// SPDX-License-Identifier: Apache-2.0
// Every method of the API has a command, with the options that such methods have.
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "cli/parse.h"
#include "fake_session.h"
#include "keymast/v1/server.pb.h"
#include "tests/unit/cli/temp_path.h"

namespace keymast::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

// Only a headend may call it; it is no command.
constexpr const char* kOfHeadends = "Headends.TrafficKeys";

struct Row {
  const char* method;
  std::vector<std::string> words;
};

std::string Csv(const std::string& name, const std::string& line) {
  const std::string path = TempPath(name);
  std::ofstream(path) << line << "\n";
  return path;
}

std::string Key() {
  const std::string path = TempPath("methods.key");
  std::ofstream(path) << "0123456789abcdef";
  chmod(path.c_str(), 0600);
  return path;
}

std::vector<Row> Rows() {
  const std::string hex(64, 'a');
  return {
      {"Channels.CreateChannel", {"channels", "create", "a"}},
      {"Channels.GetChannel", {"channels", "get", "a"}},
      {"Channels.BatchGetChannels", {"channels", "batch-get", "a", "b"}},
      {"Channels.ListChannels", {"channels", "list"}},
      {"Channels.UpdateChannel", {"channels", "update", "a", "--mtk-period", "2s"}},
      {"Channels.DeleteChannel", {"channels", "delete", "a"}},
      {"Subscribers.CreateSubscriber",
       {"subscribers", "create", "a", "--identity", "a@b", "--credential-file", Key()}},
      {"Subscribers.BatchCreateSubscribers",
       {"subscribers", "batch-create", "--csv", Csv("new.csv", "a,a@b," + Key())}},
      {"Subscribers.GetSubscriber", {"subscribers", "get", "a"}},
      {"Subscribers.BatchGetSubscribers", {"subscribers", "batch-get", "a", "b"}},
      {"Subscribers.ListSubscribers", {"subscribers", "list"}},
      {"Subscribers.UpdateSubscriber", {"subscribers", "update", "a", "--credential-file", Key()}},
      {"Subscribers.DeleteSubscriber", {"subscribers", "delete", "a"}},
      {"Subscribers.BatchDeleteSubscribers",
       {"subscribers", "batch-delete", "--csv", Csv("old.csv", "a")}},
      {"Members.CreateMember", {"members", "add", "a", "b", "--msk-endpoint", "[::1]:1"}},
      {"Members.BatchCreateMembers",
       {"members", "batch-add", "a", "--csv", Csv("members.csv", "a,[::1]:1")}},
      {"Members.GetMember", {"members", "get", "a", "b"}},
      {"Members.BatchGetMembers", {"members", "batch-get", "a", "b", "c"}},
      {"Members.ListMembers", {"members", "list", "a"}},
      {"Members.UpdateMember", {"members", "update", "a", "b", "--from", "none"}},
      {"Members.DeleteMember", {"members", "delete", "a", "b"}},
      {"Members.JoinChannel", {"members", "join", "a", "b"}},
      {"Members.LeaveChannel", {"members", "leave", "a", "b"}},
      {"Members.ExpelMembers", {"members", "expel", "a", "b"}},
      {"Headends.CreateHeadend", {"headends", "create", "a", "--public-key", hex}},
      {"Headends.GetHeadend", {"headends", "get", "a"}},
      {"Headends.ListHeadends", {"headends", "list"}},
      {"Headends.UpdateHeadend", {"headends", "update", "a", "--channel", "b"}},
      {"Headends.DeleteHeadend", {"headends", "delete", "a"}},
      {"RekeySchedules.CreateRekeySchedule", {"schedules", "create", "a", "b"}},
      {"RekeySchedules.GetRekeySchedule", {"schedules", "get", "a", "b"}},
      {"RekeySchedules.ListRekeySchedules", {"schedules", "list", "a"}},
      {"RekeySchedules.UpdateRekeySchedule", {"schedules", "update", "a", "b", "--pause"}},
      {"RekeySchedules.DeleteRekeySchedule", {"schedules", "delete", "a", "b"}},
      {"RekeySchedules.ListUpcomingRekeys", {"schedules", "upcoming", "a"}},
      {"RekeySchedules.ListRekeyConflicts", {"schedules", "conflicts"}},
      {"Rekeys.RekeyNow", {"rekeys", "now", "a"}},
      {"Rekeys.PlanRekey", {"rekeys", "plan", "a"}},
      {"Rekeys.RekeyChannels", {"rekeys", "run"}},
      {"Rekeys.GetRekey", {"rekeys", "get", "a", "1"}},
      {"Rekeys.ListRekeys", {"rekeys", "list", "a"}},
      {"Rekeys.Watch", {"watch"}},
      {"Operations.GetOperation", {"operations", "get", "1"}},
      {"Operations.ListOperations", {"operations", "list"}},
      {"Operations.CancelOperation", {"operations", "cancel", "1"}},
      {"Operations.DeleteOperation", {"operations", "delete", "1"}},
      {"Operations.WaitOperation", {"operations", "wait", "1"}},
      {"Audit.ListAuditRecords", {"audit", "list"}},
      {"Server.GetServerStatus", {"status"}},
      {"Server.CreateBackup", {"backups", "create"}},
      {"Server.GetBackup", {"backups", "get", "a"}},
      {"Server.ListBackups", {"backups", "list"}},
      {"Server.DeleteBackup", {"backups", "delete", "a"}},
      {"Server.RotateMasterKey", {"master-key", "rotate", "--old", "1", "--new", "2"}},
  };
}

const google::protobuf::FileDescriptor* Api() {
  return google::protobuf::DescriptorPool::generated_pool()->FindFileByName(
      "keymast/v1/service.proto");
}

std::set<std::string> Methods() {
  std::set<std::string> methods;
  for (int s = 0; s < Api()->service_count(); ++s) {
    const auto* service = Api()->service(s);
    for (int m = 0; m < service->method_count(); ++m) {
      methods.insert(service->name() + "." + service->method(m)->name());
    }
  }
  return methods;
}

// The options that stand for fields which many requests have, and what must have become of them.
struct Standard {
  const char* field;
  std::vector<std::string> words;
  const char* json;
};
const Standard kStandards[] = {
    {"page_size", {"--page-size", "7"}, "\"pageSize\":7"},
    {"page_token", {"--page-token", "t"}, "\"pageToken\":\"t\""},
    {"filter", {"--filter", "joined"}, "\"filter\":\"joined\""},
    {"order_by", {"--order-by", "name desc"}, "\"orderBy\":\"name desc\""},
    {"read_mask", {"--fields", "name,etag"}, "\"readMask\":\"name,etag\""},
    {"etag", {"--etag", "e"}, R"("etag":"\"e\"")"},
    {"allow_missing", {"--allow-missing"}, "\"allowMissing\":true"},
    {"force", {"--force"}, "\"force\":true"},
    {"validate_only", {"--validate-only"}, "\"validateOnly\":true"},
};
constexpr const char* kId = "0f0e0d0c-0b0a-4908-8706-050403020100";

FakeServer ServerFor(const std::string& method) {
  FakeServer server;
  v1::ServerStatus status;
  status.set_import_public_key("\x09" + std::string(31, '\0'));
  std::string json;
  static_cast<void>(google::protobuf::util::MessageToJsonString(status, &json));
  server.Answer("Server.GetServerStatus", json);
  if (method == "Operations.WaitOperation") server.Answer(method, R"({"done": true})");
  return server;
}

// What the method was asked when the command was run with `more` behind it.
FakeServer::Asked Ask(const Row& row, const std::vector<std::string>& more) {
  FakeServer server = ServerFor(row.method);
  std::vector<std::string> words = row.words;
  words.insert(words.end(), more.begin(), more.end());
  const auto done = server.Run(words);
  EXPECT_EQ(done.exit, 0) << row.method << ": " << done.err;
  for (const auto& asked : server.asked()) {
    if (asked.method == row.method) return asked;
  }
  ADD_FAILURE() << row.method << " was not called";
  return {};
}

TEST(Methods, EachHasACommand) {
  std::set<std::string> called = {kOfHeadends};
  for (const Row& row : Rows()) {
    Ask(row, {});
    called.insert(row.method);
  }
  EXPECT_EQ(called, Methods());
}

// Of a group's row in docs/keymastctl.md: `verb`, or `verb OPERAND`.
TEST(Methods, EachCommandIsInTheDocuments) {
  std::ifstream page(KEYMAST_SOURCE_DIR "/docs/keymastctl.md");
  std::map<std::string, std::string> rows;
  for (std::string line; std::getline(page, line);) {
    const size_t end = line.find("` | `");
    if (line.starts_with("| `") && end != std::string::npos) {
      rows[line.substr(3, end - 3)] = line.substr(end);
    } else if (line.starts_with("| | `")) {
      rows[""] = line;
    }
  }
  for (const Row& row : Rows()) {
    const bool is_alone = !rows.contains(row.words[0]);
    const std::string& verb = row.words[is_alone ? 0 : 1];
    EXPECT_TRUE(
        std::regex_search(rows[is_alone ? "" : row.words[0]], std::regex("`" + verb + "[ `]")))
        << row.words[0] << " " << verb;
  }
}

TEST(Methods, CommandsHaveTheOptionsOfTheirRequests) {
  for (const Row& row : Rows()) {
    const std::string method = row.method;
    const auto* type = Api()->pool()->FindMethodByName("keymast.v1." + method)->input_type();
    std::vector<std::string> words;
    std::vector<const char*> expected;
    for (const Standard& standard : kStandards) {
      if (type->FindFieldByName(standard.field) == nullptr) continue;
      words.insert(words.end(), standard.words.begin(), standard.words.end());
      expected.push_back(standard.json);
    }
    const bool has_id = type->FindFieldByName("request_id") != nullptr;
    if (has_id) words.insert(words.end(), {"--request-id", kId});
    const auto asked = Ask(row, words);
    for (const char* json : expected) {
      EXPECT_NE(asked.request.find(json), std::string::npos)
          << method << " " << json << " in " << asked.request;
    }
    if (!has_id) continue;
    EXPECT_EQ(asked.request_id.size(), 36U) << method;
    const bool in_parts = row.words[1].starts_with("batch-");
    EXPECT_EQ(asked.request_id == kId, !in_parts) << method << ": parts have ids of their own";
  }
}

TEST(Methods, UpdatesNameTheirFields) {
  for (const Row& row : Rows()) {
    const std::string method = row.method;
    const auto* type = Api()->pool()->FindMethodByName("keymast.v1." + method)->input_type();
    if (type->FindFieldByName("update_mask") == nullptr) continue;
    const auto asked = Ask(row, {"--etag", "7"});
    EXPECT_NE(asked.request.find("\"updateMask\":\""), std::string::npos) << asked.request;
    EXPECT_NE(asked.request.find(R"("etag":"\"7\"")"), std::string::npos) << asked.request;
    EXPECT_EQ(asked.request.find("etag\""), asked.request.rfind("etag\"")) << "is no field";
  }
}

// What stands on a command line up to a pipe or redirection; what a shell would put in is a key.
std::vector<std::string> Words(std::string line) {
  line = std::regex_replace(line, std::regex(R"(\$\([^)]*\)|\$KEY|\$HASH)"), std::string(64, 'a'));
  std::vector<std::string> words;
  std::smatch found;
  const std::regex word(R"(^ *('[^']*'|[^ ]+))");
  for (; std::regex_search(line, found, word); line = found.suffix()) {
    std::string text = found[1];
    if (text == "|" || text.starts_with('>')) break;
    if (text.starts_with('\'')) text = text.substr(1, text.size() - 2);
    words.push_back(text);
  }
  return words;
}

void TryExamples(const Command& command, const std::string& path) {
  if (command.examples.empty() && command.name != "status") {
    EXPECT_TRUE(command.action && path.find(' ') != path.rfind(' ')) << path << " has no example";
  }
  for (const std::string& example : command.examples) {
    if (example.starts_with("source")) continue;
    Globals globals;
    const Command program = Program(globals);
    std::vector<const char*> argv;
    const std::vector<std::string> words = Words(example);
    for (const std::string& word : words) argv.push_back(word.c_str());
    std::ostringstream out;
    const auto parsed = Parse(program, static_cast<int>(argv.size()), argv.data(), out);
    EXPECT_TRUE(parsed) << example << ": " << parsed.error().message;
    EXPECT_TRUE(!parsed || *parsed != nullptr) << example;
  }
  for (const Command& below : command.commands) TryExamples(below, path + " " + below.name);
}

TEST(Examples, GroupsHaveSomeAndTheyAreUnderstood) {
  Globals globals;
  const Command program = Program(globals);
  for (const Command& command : program.commands)
    TryExamples(command, "keymastctl " + command.name);
}

}  // namespace
}  // namespace keymast::cli
