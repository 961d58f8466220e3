// SPDX-License-Identifier: Apache-2.0
// Watches: events in order and without a gap, or a clear word that there is one.
#include "served.h"

namespace keymast::server {
namespace {

using testing::ElementsAre;

class WatchTest : public Served {
 protected:
  uint64_t Watch(CoreClient& client, const std::string& channel, const std::string& token = {}) {
    core::CoreRequest request;
    request.mutable_watch()->set_channel(channel);
    request.mutable_watch()->set_resume_token(token);
    const uint64_t call = Send(client, std::move(request));
    Turn();
    return call;
  }
  v1::Event NextEvent(CoreClient& client) {
    const core::CoreReply reply = Next(client);
    EXPECT_TRUE(reply.has_event()) << reply.ShortDebugString();
    EXPECT_FALSE(reply.last());
    return reply.event();
  }
  void NewOne(const std::string& id) { Must(NewSubscriber(id)); }
};

TEST_F(WatchTest, SaysWhatHappensInOrder) {
  CoreClient watcher = Connect();
  Watch(watcher, "");
  MakeChannel("news");
  AddMember("news", "ada");
  Must(R"(expel_members { parent: "channels/news" names: "channels/news/members/ada" })");
  Must(R"(delete_channel { name: "channels/news" })");
  std::vector<std::string> seen;
  for (int i = 0; i < 8; ++i) {
    const v1::Event event = NextEvent(watcher);
    seen.push_back(v1::Event::Kind_Name(event.kind()) + " " + event.resource());
    EXPECT_TRUE(event.has_time());
  }
  EXPECT_THAT(seen,
              ElementsAre("CREATED channels/news", testing::StartsWith("REKEYED channels/news"),
                          "CREATED subscribers/ada", "CREATED channels/news/members/ada",
                          "JOINED channels/news/members/ada", "EXPELLED channels/news/members/ada",
                          testing::StartsWith("REKEYED"), testing::_));
}

TEST_F(WatchTest, OfAChannelHearsOfThatAlone) {
  MakeChannel("news");
  MakeChannel("sports");
  CoreClient watcher = Connect();
  Watch(watcher, "channels/sports");
  AddMember("news", "ada");
  AddMember("sports", "ada");
  EXPECT_EQ(NextEvent(watcher).resource(), "channels/sports/members/ada");
}

TEST_F(WatchTest, ResumesWithoutAGap) {
  CoreClient watcher = Connect();
  Watch(watcher, "");
  NewOne("a");
  const std::string token = NextEvent(watcher).resume_token();
  watcher = Connect();  // the first connection is lost
  NewOne("b");
  NewOne("c");
  Watch(watcher, "", token);
  EXPECT_EQ(NextEvent(watcher).resource(), "subscribers/b");
  EXPECT_EQ(NextEvent(watcher).resource(), "subscribers/c");
  NewOne("d");
  EXPECT_EQ(NextEvent(watcher).resource(), "subscribers/d");
  EXPECT_TRUE(Quiet(watcher));
}

TEST_F(WatchTest, ResumesInTheMidstOfACommit) {
  MakeChannel("news");
  CoreClient watcher = Connect();
  Watch(watcher, "");
  NewOne("ada");
  NextEvent(watcher);
  AddMember("news", "ada");
  const v1::Event created = NextEvent(watcher);
  const v1::Event joined = NextEvent(watcher);
  EXPECT_NE(created.resume_token(), joined.resume_token());
  CoreClient other = Connect();
  Watch(other, "", created.resume_token());
  EXPECT_EQ(NextEvent(other).resume_token(), joined.resume_token());
}

TEST_F(WatchTest, TokensThatAreNoneOfOursAreRefused) {
  NewOne("a");
  for (const char* token :
       {"x", "1", "1.", ".1", "1.2.3", "-1.0", "1.0 ", "99999999999999999999.1"}) {
    CoreClient watcher = Connect();
    core::CoreRequest request = Ask("watch {}");
    request.mutable_watch()->set_resume_token(token);
    const core::CoreError error = Call(watcher, request).error();
    EXPECT_EQ(error.reason(), "invalid_argument") << token;
    ASSERT_EQ(error.violations_size(), 1) << token;
    EXPECT_EQ(error.violations(0).field(), "resume_token");
  }
}

TEST_F(WatchTest, TokensOfAnotherTimeAreCompacted) {
  NewOne("a");
  for (const char* token : {"0.0", "1.5", "100000.0"}) {
    core::CoreRequest request = Ask("watch {}");
    request.mutable_watch()->set_resume_token(token);
    EXPECT_EQ(Call(request).error().reason(), "compacted") << token;
  }
}

TEST_F(WatchTest, AChannelThatIsNotThereIsRefused) {
  EXPECT_EQ(Refused(R"(watch { channel: "channels/none" })").reason(), "not_found");
  const core::CoreError error = Refused(R"(watch { channel: "headends/none" })");
  EXPECT_EQ(error.reason(), "invalid_argument");
  ASSERT_EQ(error.violations_size(), 1);
  EXPECT_EQ(error.violations(0).field(), "channel");
}

TEST_F(WatchTest, EndsWhenItIsCancelled) {
  CoreClient watcher = Connect();
  core::CoreRequest cancel = Ask("cancel {}");
  cancel.set_call(Watch(watcher, ""));
  Send(watcher, cancel);
  Turn();
  NewOne("a");
  EXPECT_TRUE(Quiet(watcher));
}

TEST_F(WatchTest, BookmarksOutliveAQuietTime) {
  CoreClient watcher = Connect();
  Watch(watcher, "");
  Pass(seconds(11));
  const v1::Event first = NextEvent(watcher);
  EXPECT_EQ(first.kind(), v1::Event::BOOKMARK);
  EXPECT_EQ(NextEvent(watcher).kind(), v1::Event::BOOKMARK);
  NewOne("a");
  CoreClient other = Connect();
  Watch(other, "", first.resume_token());
  EXPECT_EQ(NextEvent(other).resource(), "subscribers/a");
}

TEST_F(WatchTest, ABookmarkOfAChannelPassesOverEventsOfOthers) {
  MakeChannel("news");
  CoreClient watcher = Connect();
  Watch(watcher, "channels/news");
  NewOne("a");
  Pass(seconds(6));
  const v1::Event bookmark = NextEvent(watcher);
  ASSERT_EQ(bookmark.kind(), v1::Event::BOOKMARK);
  CoreClient other = Connect();
  Watch(other, "", bookmark.resume_token());
  NewOne("b");
  EXPECT_EQ(NextEvent(other).resource(), "subscribers/b");
}

// The log by itself, with limits that are reached at once.
class WatchLogTest : public testing::Test {
 protected:
  WatchLogTest() { log_.Begin(10); }
  void Add(uint64_t revision) {
    log_.Add(revision, {controller::Event::Kind::kCreated, {}, "x", {}, {}});
  }
  shell::SystemClock clock_;
  Loop loop_{clock_};
  Clients clients_{loop_, [](ClientId, core::CoreRequest&) {}, [](ClientId) {}};
  WatchLog log_{clients_, {3, 1024}};
};

TEST_F(WatchLogTest, ForgetsTheOldestAndSaysSo) {
  for (uint64_t i = 1; i <= 3; ++i) Add(10 + i);
  EXPECT_TRUE(log_.Watch({1, 1}, {}, "10.0"));
  Add(14);  // 11.1 is forgotten
  EXPECT_EQ(log_.Watch({1, 2}, {}, "10.0").error(), Error::kCompacted);
  EXPECT_TRUE(log_.Watch({1, 3}, {}, "11.1"));
}

TEST_F(WatchLogTest, NothingFromBeforeTheStartIsKnown) {
  EXPECT_EQ(log_.Watch({1, 1}, {}, "9.7").error(), Error::kCompacted);
  EXPECT_EQ(log_.Watch({1, 1}, {}, "11.0").error(), Error::kCompacted);
  EXPECT_TRUE(log_.Watch({1, 1}, {}, "10.0"));
}

TEST_F(WatchLogTest, ForgetsWatchersWithTheirConnection) {
  EXPECT_TRUE(log_.Watch({1, 1}, {}, ""));
  EXPECT_TRUE(log_.Watch({2, 1}, {}, ""));
  log_.Forget(1);
  EXPECT_TRUE(log_.HasWatchers());
  log_.Cancel({2, 1});
  EXPECT_FALSE(log_.HasWatchers());
}

TEST_F(WatchLogTest, TokensAreTold) {
  EXPECT_EQ(TokenOf({7, 3}), "7.3");
  EXPECT_EQ(PositionOf("7.3"), (Position{7, 3}));
  EXPECT_FALSE(PositionOf(""));
}

// keymast-api is busy: all watchers of its connection wait, none is ended, each gets every event.
TEST_F(WatchTest, WatchersWaitForTheirConnectionAndMissNothing) {
  CoreClient busy = Connect();
  constexpr uint64_t kWatchers = 20;
  for (uint64_t i = 0; i < kWatchers; ++i) Watch(busy, "");
  WatchLog& log = server_.shard().parts().watches;
  uint64_t revision = store_.revision();
  constexpr uint64_t kEvents = 2000;
  for (uint64_t i = 0; i < kEvents; ++i) {
    log.Add(++revision, {controller::Event::Kind::kCreated, {}, std::string(200, 'x'), {}, {}});
  }
  std::map<uint64_t, std::vector<std::string>> tokens;
  for (uint64_t i = 0; i < kWatchers * kEvents; ++i) {
    const core::CoreReply reply = Next(busy);
    ASSERT_TRUE(reply.has_event()) << reply.ShortDebugString();
    tokens[reply.call()].push_back(reply.event().resume_token());
  }
  ASSERT_EQ(tokens.size(), kWatchers);
  for (const auto& [call, seen] : tokens) EXPECT_EQ(seen, tokens.begin()->second) << call;
  EXPECT_EQ(tokens.begin()->second.size(), kEvents);
  EXPECT_EQ(log.dropped(), 0U);
  EXPECT_TRUE(Quiet(busy));
}

// A watcher that does not read at all takes no more memory than the bound, and is ended when it
// can no longer be told everything.
TEST_F(WatchTest, AWatcherThatLacksForgottenEventsIsEnded) {
  CoreClient slow = Connect();
  const uint64_t call = Watch(slow, "");
  CoreClient other = Connect();
  Watch(other, "");
  WatchLog& log = server_.shard().parts().watches;
  const controller::Event event{
      controller::Event::Kind::kCreated, {}, std::string(1000, 'x'), {}, {}};
  uint64_t revision = store_.revision();
  const WatchLog::Limits limits;
  for (size_t i = 0; i < 2 * limits.events && log.dropped() == 0; ++i) {
    log.Add(++revision, event);
    if (i % 64 == 0) {
      for (uint64_t told = 0; told < (i == 0 ? 1 : 64); ++told) Next(other);
    }
  }
  EXPECT_EQ(log.dropped(), 1U);
  EXPECT_TRUE(log.HasWatchers()) << "the other one reads";
  core::CoreReply last;
  uint64_t octets = 0;
  for (; !last.last(); octets += last.ByteSizeLong()) last = Next(slow);
  EXPECT_EQ(last.call(), call);
  EXPECT_EQ(last.error().reason(), "compacted");
  EXPECT_LT(octets, 2 * limits.backlog);
  EXPECT_EQ(server_.clients().counters().dropped_for_slowness, 0U);
}

}  // namespace
}  // namespace keymast::server
