// SPDX-License-Identifier: Apache-2.0
// Subscribers, members and headends.
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/bytes.h"
#include "crypto/boxes.h"
#include "fake_session.h"
#include "keymast/v1/subscriber.pb.h"
#include "tests/unit/cli/temp_path.h"

namespace keymast::cli {
namespace {

std::string KeyFile(const std::string& name, const std::string& octets, mode_t mode = 0600) {
  const std::string path = TempPath(name);
  unlink(path.c_str());
  std::ofstream(path, std::ios::binary) << octets;
  chmod(path.c_str(), mode);
  return path;
}

class Subscribers : public testing::Test {
 protected:
  Subscribers() : import_key_(crypto::MakeKeyPair(rng_)) {
    v1::Subscriber as_json;  // a bytes field in protobuf JSON
    as_json.set_sealed_credential(std::string(AsText(import_key_.public_key)));
    std::string json;
    (void)google::protobuf::util::MessageToJsonString(as_json, &json);
    const std::string base64 = json.substr(json.find(':'));
    server_.Answer("Server.GetServerStatus", R"({"importPublicKey")" + base64);
  }

  v1::CreateSubscriberRequest Sent() {
    v1::CreateSubscriberRequest request;
    EXPECT_EQ(server_.asked().back().method, "Subscribers.CreateSubscriber");
    (void)google::protobuf::util::JsonStringToMessage(server_.asked().back().request, &request);
    return request;
  }

  crypto::SystemRng rng_;
  crypto::KeyPair import_key_;
  FakeServer server_;
};

TEST_F(Subscribers, TheKeyArrivesInABoxThatOnlyTheServerOpens) {
  const std::string key = "0123456789abcdef0123456789ABCDEF";
  const auto done =
      server_.Run({"subscribers", "create", "alice", "--identity", "alice@example.org",
                   "--credential-file", KeyFile("alice.key", key)});
  ASSERT_EQ(done.exit, 0) << done.err;
  const auto request = Sent();
  EXPECT_EQ(request.subscriber_id(), "alice");
  EXPECT_EQ(request.subscriber().identity(), "alice@example.org");
  const auto opened =
      crypto::OpenBox(import_key_, crypto::kUserKeyPurpose,
                      crypto::UserKeyAad(SubscriberId("alice"), "alice@example.org"),
                      AsBytes(request.subscriber().sealed_credential()));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(Equal(*opened, AsBytes(key)));
  EXPECT_EQ(request.SerializeAsString().find(key), std::string::npos);
}

TEST_F(Subscribers, KeyFilesThatAreNoneAreRefused) {
  const std::vector<std::pair<std::string, std::string>> files = {
      {KeyFile("short.key", std::string(15, 'k')), "16 to 32 octets"},
      {KeyFile("long.key", std::string(33, 'k')), "16 to 32 octets"},
      {KeyFile("open.key", std::string(16, 'k'), 0644), "0600"},
      {"/absent.key", "no such file"}};
  for (const auto& [path, why] : files) {
    const auto done =
        server_.Run({"subscribers", "create", "a", "--identity", "a@b", "--credential-file", path});
    EXPECT_EQ(done.exit, 2) << path;
    EXPECT_NE(done.err.find(why), std::string::npos) << done.err;
  }
}

TEST_F(Subscribers, WhoJoinsByCertificateNeedsNoKey) {
  const auto done =
      server_.Run({"subscribers", "create", "alice", "--identity", "alice@example.org"});
  ASSERT_EQ(done.exit, 0) << done.err;
  EXPECT_EQ(Sent().subscriber().sealed_credential(), "");
}

TEST_F(Subscribers, BatchesFromACsvFile) {
  const std::string key = KeyFile("batch.key", std::string(16, 'k'));
  const std::string csv = TempPath("subscribers.csv");
  std::ofstream file(csv);
  file << "# id,identity,file\n\n";
  for (int i = 0; i < 1001; ++i) file << "s" << i << ",s" << i << "@example.org," << key << "\n";
  file.close();
  server_.Answer("Subscribers.BatchCreateSubscribers",
                 R"({"subscribers": [{"name": "subscribers/s0", "identity": "s0@example.org"}]})");
  const auto done = server_.Run({"subscribers", "batch-create", "--csv", csv});
  EXPECT_EQ(done.exit, 0) << done.err;
  ASSERT_EQ(server_.asked().size(), 3U);
  v1::BatchCreateSubscribersRequest batch;
  (void)google::protobuf::util::JsonStringToMessage(server_.asked()[1].request, &batch);
  EXPECT_EQ(batch.requests_size(), 1000);
  EXPECT_EQ(done.out,
            "SUBSCRIBER  CREATED  USER KEY  IDENTITY\n"
            "s0                   none      s0@example.org\n"
            "s0                   none      s0@example.org\n");
  std::ofstream(csv) << "\xef\xbb\xbf"
                        "s0,s0@example.org,"
                     << key << "\n";
  EXPECT_EQ(server_.Run({"subscribers", "batch-create", "--csv", csv}).exit, 0);
  EXPECT_NE(server_.asked().back().request.find(R"("subscriberId":"s0")"), std::string::npos)
      << server_.asked().back().request;
  std::ofstream(csv) << "s0,\xe4," << key << "\n";
  const auto latin = server_.Run({"subscribers", "batch-create", "--csv", csv});
  EXPECT_NE(latin.err.find("subscribers.csv:1: it is not UTF-8"), std::string::npos) << latin.err;
  std::ofstream(csv) << "one,two\n";
  const auto bad = server_.Run({"subscribers", "batch-create", "--csv", csv});
  EXPECT_EQ(bad.exit, 2);
  EXPECT_NE(bad.err.find("subscribers.csv:1: 2 cells"), std::string::npos) << bad.err;
  // Also of two requests, which the server judges apart.
  file.open(csv);
  for (int i = 0; i < 1001; ++i) file << "s" << i % 1000 << ",s" << i << "@b," << key << "\n";
  file.close();
  const auto twice = server_.Run({"subscribers", "batch-create", "--csv", csv, "--validate-only"});
  EXPECT_EQ(twice.exit, 2);
  EXPECT_NE(twice.err.find("subscribers.csv:1001: s0 is in line 1, too"), std::string::npos)
      << twice.err;
}

TEST_F(Subscribers, GetListDelete) {
  server_.Answer("Subscribers.GetSubscriber",
                 R"({"name": "subscribers/a", "identity": "a@b", "etag": "1",
                     "createTime": "2026-01-31T12:00:00Z"})");
  EXPECT_EQ(server_.Run({"subscribers", "get", "a"}).out,
            "name      subscribers/a\n"
            "identity  a@b\n"
            "user key  none\n"
            "created   2026-01-31T12:00:00Z\n"
            "etag      1\n");
  EXPECT_EQ(server_.Run({"subscribers", "list"}).out, "SUBSCRIBER  CREATED  USER KEY  IDENTITY\n");
  EXPECT_EQ(server_.Run({"subscribers", "delete", "a"}).out, "deleted subscribers/a\n");
}

constexpr const char* kMember = R"({
  "name": "channels/one/members/alice", "mskEndpoint": "127.0.0.1:2271", "joined": true,
  "entitlementEnd": "2026-02-01T00:00:00Z", "reachability": "CONFIRMED",
  "confirmedMskId": "00010001", "etag": "3"})";

TEST(Members, AddWithWindow) {
  FakeServer server;
  server.Answer("Members.CreateMember", kMember);
  const auto done =
      server.Run({"members", "add", "one", "alice", "--msk-endpoint", "127.0.0.1:2271", "--from",
                  "2026-01-31T12:00:00Z", "--until", "2026-02-01T00:00:00Z", "--join"});
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_EQ(server.asked()[0].request,
            R"({"parent":"channels/one","memberId":"alice","member":{)"
            R"("entitlementStart":"2026-01-31T12:00:00Z","entitlementEnd":"2026-02-01T00:00:00Z",)"
            R"("mskEndpoint":"127.0.0.1:2271"},"join":true})");
  EXPECT_EQ(done.out,
            "name           channels/one/members/alice\n"
            "MSK endpoint   127.0.0.1:2271\n"
            "entitled       ..2026-02-01T00:00:00Z\n"
            "joined         yes\n"
            "reachability   CONFIRMED\n"
            "confirmed MSK  00010001\n"
            "etag           3\n");
  EXPECT_EQ(server
                .Run({"members", "add", "one", "alice", "--msk-endpoint", "127.0.0.1:1", "--from",
                      "tomorrow"})
                .exit,
            2);
  const auto nowhere = server.Run({"members", "add", "one", "alice"});
  EXPECT_EQ(nowhere.exit, 2);
  EXPECT_NE(nowhere.err.find("--msk-endpoint"), std::string::npos) << nowhere.err;
}

TEST(Members, AnUpdateNamesExactlyWhatIsGiven) {
  FakeServer server;
  EXPECT_EQ(server.Run({"members", "update", "one", "alice", "--until", "none"}).exit, 0);
  EXPECT_EQ(server.asked()[0].method, "Members.UpdateMember");
  EXPECT_EQ(server.asked()[0].request, R"({"member":{"name":"channels/one/members/alice"},)"
                                       R"("updateMask":"entitlementEnd"})");
  server.Run({"members", "update", "one", "alice", "--msk-endpoint", "[::1]:1", "--etag", "\"3\""});
  EXPECT_EQ(server.asked()[1].request,
            R"({"member":{"name":"channels/one/members/alice","mskEndpoint":"[::1]:1",)"
            R"("etag":"\"3\""},"updateMask":"mskEndpoint"})");
}

TEST_F(Subscribers, ABatchThatIsSentAgainIsTheSame) {
  const std::string key = KeyFile("again.key", std::string(16, 'k'));
  const std::string csv = TempPath("same.csv");
  std::ofstream file(csv);
  for (int i = 0; i < 1001; ++i) file << "s" << i << ",s" << i << "@example.org," << key << "\n";
  file.close();
  const auto send = [&](const std::string& id) {
    EXPECT_EQ(server_.Run({"subscribers", "batch-create", "--csv", csv, "--request-id", id}).exit,
              0);
    const auto& asked = server_.asked();
    return std::vector(asked.end() - 2, asked.end());
  };
  const auto first = send("00000000-0000-4000-8000-000000000001");
  const auto again = send("00000000-0000-4000-8000-000000000001");
  const auto other = send("00000000-0000-4000-8000-000000000002");
  EXPECT_NE(first[0].request_id, first[1].request_id) << "each request has its own";
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(first[i].request_id, again[i].request_id);
    EXPECT_EQ(first[i].request, again[i].request);
    EXPECT_NE(first[i].request_id, other[i].request_id);
    EXPECT_NE(first[i].request, other[i].request) << "another box";
  }
}

TEST_F(Subscribers, ManyAreDeletedFromAFile) {
  const std::string csv = TempPath("gone.csv");
  std::ofstream(csv) << "s0\nsubscribers/s1\n";
  const auto done =
      server_.Run({"subscribers", "batch-delete", "--csv", csv, "--force", "--allow-missing"});
  EXPECT_EQ(done.out, "deleted 2 subscribers\n");
  EXPECT_EQ(server_.asked()[0].request,
            R"({"names":["subscribers/s0","subscribers/s1"],"force":true,"allowMissing":true})");
}

class MembersBatch : public testing::Test {
 protected:
  // A comment, then m0 to m<count - 1>: row i is on line i + 2.
  explicit MembersBatch(int count = 5000) {
    std::ofstream file(csv_);
    file << "# subscriber,endpoint\n";
    for (int i = 0; i < count; ++i) file << "m" << i << ",127.0.0.1:2271\n";
  }
  FakeServer::Outcome Add(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"members", "batch-add", "one", "--csv", csv_};
    words.insert(words.end(), more.begin(), more.end());
    return server_.Run(words);
  }
  const std::string csv_ = TempPath("batch.csv");
  FakeServer server_;
};

TEST_F(MembersBatch, ARefusalSaysWhatIsDoneAndWhichLineIsWrong) {
  server_.Refuse("Members.BatchCreateMembers",
                 {Exit::kRefused,
                  "wrong",
                  "invalid_argument",
                  {{"requests[417].member.msk_endpoint", "must be unicast"}, {"parent", "odd"}},
                  {},
                  {}},
                 2);
  const auto done = Add();
  EXPECT_EQ(done.exit, 1);
  EXPECT_EQ(done.err, "keymastctl: wrong [invalid_argument]\n  " + csv_ +
                          ":2419: member.msk_endpoint: must be unicast\n"
                          "  parent: odd\n"
                          "  lines 2002 to 3001: refused together\n"
                          "  2000 of 5000 rows are done, to line 2001; --skip-existing goes on "
                          "behind them\n");
}

TEST_F(MembersBatch, AResourceIsFoundInTheFile) {
  server_.Refuse(
      "Members.BatchCreateMembers",
      {Exit::kRefused, "exists already", "already_exists", {}, "channels/one/members/m7", {}});
  const auto done = Add();
  EXPECT_NE(done.err.find(csv_ + ":9: channels/one/members/m7\n"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("  0 of 5000 rows are done\n"), std::string::npos) << done.err;
}

TEST_F(MembersBatch, WithoutAnAnswerNobodyKnows) {
  Problem gone{.exit = Exit::kUnavailable, .message = "gone"};
  gone.is_outcome_known = false;
  server_.Refuse("Members.BatchCreateMembers", gone, 1);
  const std::string id = "00000000-0000-4000-8000-000000000001";
  const auto done = Add({"--request-id", id});
  EXPECT_EQ(done.exit, 4);
  EXPECT_NE(done.err.find("run the same command again with --request-id " + id), std::string::npos)
      << done.err;
  EXPECT_NE(done.err.find("lines 1002 to 2001: may have been done, all of them, or none\n"),
            std::string::npos)
      << done.err;
}

TEST_F(MembersBatch, APartKeepsItsIdWhenThoseBeforeItArePassedOver) {
  const std::string id = "00000000-0000-4000-8000-000000000001";
  EXPECT_EQ(Add({"--request-id", id}).exit, 0);
  ASSERT_EQ(server_.asked().size(), 5U);
  const std::string third = server_.asked()[2].request_id;
  std::string members;
  for (int i = 0; i < 2000; ++i) {
    members += (i > 0 ? "," : "") + std::string(R"({"name": "channels/one/members/m)") +
               std::to_string(i) + "\"}";
  }
  server_.Answer("Members.ListMembers", R"({"members": [)" + members + "]}");
  EXPECT_EQ(Add({"--request-id", id, "--skip-existing"}).exit, 0);
  ASSERT_EQ(server_.asked().size(), 9U);
  EXPECT_EQ(server_.asked()[6].request_id, third);
}

TEST_F(MembersBatch, WhatExistsIsPassedOver) {
  std::string members;
  for (int i = 0; i < 4999; ++i) {
    members += (i > 0 ? "," : "") + std::string(R"({"name": "channels/one/members/m)") +
               std::to_string(i) + "\"}";
  }
  server_.Answer("Members.ListMembers", R"({"members": [)" + members + "]}");
  const auto done = Add({"--skip-existing"});
  EXPECT_EQ(done.exit, 0) << done.err;
  ASSERT_EQ(server_.asked().size(), 2U);
  EXPECT_EQ(server_.asked()[1].request,
            R"({"parent":"channels/one","requests":[{"parent":"channels/one","memberId":"m4999",)"
            R"("member":{"mskEndpoint":"127.0.0.1:2271"}}]})");
  EXPECT_NE(done.out.find("passed over: 4999\n"), std::string::npos) << done.out;
}

TEST_F(Subscribers, OfABatchWhatIsDoneAndWhatExistsIsTold) {
  const std::string csv = TempPath("again.csv");
  std::ofstream(csv) << "s0,s0@example.org,/absent\ns1,s1@example.org,/absent\n";
  const auto unreadable = server_.Run({"subscribers", "batch-create", "--csv", csv});
  EXPECT_EQ(unreadable.exit, 2);
  EXPECT_NE(unreadable.err.find(csv + ":1: /absent: no such file\n  0 of 2 rows are done\n"),
            std::string::npos)
      << unreadable.err;
  server_.Answer("Subscribers.ListSubscribers",
                 R"({"subscribers": [{"name": "subscribers/s0"}, {"name": "subscribers/s1"}]})");
  const auto again = server_.Run({"subscribers", "batch-create", "--csv", csv, "--skip-existing"});
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_NE(again.out.find("passed over: 2\n"), std::string::npos) << again.out;
}

TEST(Members, BatchAddListJoinLeaveExpel) {
  const std::string csv = TempPath("members.csv");
  std::ofstream(csv) << "a,127.0.0.1:2271\nb,[::1]:2271\n";
  FakeServer server;
  EXPECT_EQ(server.Run({"members", "batch-add", "one", "--csv", csv, "--join"}).exit, 0);
  EXPECT_EQ(server.asked()[0].request,
            R"({"parent":"channels/one","requests":[{"parent":"channels/one","memberId":"a",)"
            R"("member":{"mskEndpoint":"127.0.0.1:2271"},"join":true},)"
            R"({"parent":"channels/one","memberId":"b","member":{"mskEndpoint":"[::1]:2271"},)"
            R"("join":true}]})");
  server.Answer("Members.ListMembers", R"({"members": [)" + std::string(kMember) + "]}");
  EXPECT_EQ(server.Run({"members", "list", "one"}).out,
            "MEMBER  JOINED  REACHABILITY  CONFIRMED MSK  MSK ENDPOINT    ENTITLED\n"
            "alice   yes     CONFIRMED     00010001       127.0.0.1:2271  "
            "..2026-02-01T00:00:00Z\n");
  server.Run({"members", "join", "one", "alice"});
  EXPECT_EQ(server.asked().back().method, "Members.JoinChannel");
  server.Run({"members", "leave", "one", "alice"});
  EXPECT_EQ(server.asked().back().method, "Members.LeaveChannel");
  server.Answer("Members.ExpelMembers", R"({"mskId": "00010002", "remaining": "5",
                                            "switchTime": "2026-01-31T12:00:00.200Z"})");
  EXPECT_EQ(server.Run({"members", "expel", "one", "alice", "bob"}).out,
            "new MSK    00010002\n"
            "switch     2026-01-31T12:00:00.200Z\n"
            "remaining  5\n");
  EXPECT_EQ(server.asked().back().request,
            R"({"parent":"channels/one","names":["channels/one/members/alice",)"
            R"("channels/one/members/bob"]})");
}

TEST(Members, AFullNameIsOfTheChannelThatIsGiven) {
  FakeServer server;
  for (const char* typed : {"alice", "channels/two/members/alice", "subscribers/alice"}) {
    EXPECT_EQ(server.Run({"members", "join", "two", typed}).exit, 0);
    EXPECT_EQ(server.asked().back().request, R"({"name":"channels/two/members/alice"})");
  }
  const size_t asked = server.asked().size();
  const std::string of_one = "channels/one/members/alice";
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"members", "expel", "two", of_one},
           {"members", "delete", "two", of_one},
           {"members", "get", "one", "x/alice"},
           {"members", "add", "one", "channels/two/members/a", "--msk-endpoint", "127.0.0.1:1"},
           {"rekeys", "get", "one", "channels/two/rekeys/1"},
           {"rekeys", "plan", "two", "--expel", of_one},
           {"schedules", "create", "one", "channels/two/rekeySchedules/a", "--period", "1h"},
           {"channels", "create", "channels/two/x"},
           {"headends", "create", "channels/foo", "--public-key", std::string(64, '0')},
           {"backups", "create", "../x"},
           {"subscribers", "create", "foo/bar", "--identity", "a@b"}}) {
    const auto done = server.Run(words);
    EXPECT_EQ(done.exit, 2) << words[0] << " " << words[1];
    EXPECT_NE(done.err.find("is neither an id nor a name in"), std::string::npos) << done.err;
  }
  const std::string csv = TempPath("members.csv");
  std::ofstream(csv) << of_one << ",127.0.0.1:2271\n";
  EXPECT_EQ(server.Run({"members", "batch-add", "two", "--csv", csv}).exit, 2);
  EXPECT_EQ(server.asked().size(), asked) << "and the server is not asked";
  EXPECT_EQ(server.Run({"backups", "create", "backups/x"}).exit, 0);
}

TEST(Headends, CreateGetListDelete) {
  const std::string key(64, 'a');
  FakeServer server;
  server.Answer("Headends.CreateHeadend",
                R"({"name": "headends/h", "channels": ["channels/one", "channels/two"]})");
  EXPECT_EQ(server
                .Run({"headends", "create", "h", "--public-key", key, "--channel", "one",
                      "--channel", "two"})
                .out,
            "name       headends/h\n"
            "channels   one two\n"
            "connected  no\n");
  EXPECT_EQ(server.asked()[0].request, R"({"headendId":"h","headend":{"publicKey":)"
                                       R"("qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=",)"
                                       R"("channels":["channels/one","channels/two"]}})");
  for (const std::string& bad : {key + "a", key + "aa", std::string(64, 'x')}) {
    EXPECT_EQ(server.Run({"headends", "create", "h", "--public-key", bad}).exit, 2);
  }
  server.Answer("Headends.ListHeadends",
                R"({"headends": [{"name": "headends/h", "connected": true}]})");
  EXPECT_EQ(server.Run({"headends", "list"}).out,
            "HEADEND  CONNECTED  CREATED  CHANNELS\n"
            "h        yes                 \n");
  EXPECT_EQ(server.Run({"headends", "get", "h"}).exit, 0);
  EXPECT_EQ(server.Run({"headends", "delete", "h"}).out, "deleted headends/h\n");
}

TEST(Headends, AnUpdateReplacesTheChannels) {
  FakeServer server;
  server.Run({"headends", "update", "h", "--channel", "one", "--channel", "channels/two"});
  EXPECT_EQ(server.asked()[0].request,
            R"({"headend":{"name":"headends/h","channels":["channels/one","channels/two"]},)"
            R"("updateMask":"channels"})");
  EXPECT_EQ(server.Run({"headends", "update", "h"}).exit, 2) << "not to none by oversight";
  EXPECT_EQ(server.Run({"headends", "update", "h", "--no-channel"}).exit, 0);
  EXPECT_EQ(server.asked()[1].request,
            R"({"headend":{"name":"headends/h"},"updateMask":"channels"})");
}

}  // namespace
}  // namespace keymast::cli
