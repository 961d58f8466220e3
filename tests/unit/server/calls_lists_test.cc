// SPDX-License-Identifier: Apache-2.0
// Lists: pages in the order of ids, each item once, tokens of one list only.
#include "served.h"

namespace keymast::server {
namespace {

using testing::ElementsAre;

class CallsListsTest : public Served {
 protected:
  // Names reads a whole list page by page.
  std::vector<std::string> Names(const std::string& call, const std::string& more, int page_size) {
    std::vector<std::string> names;
    std::string token;
    do {
      const core::CoreReply reply =
          Must(call + " { " + more + " page_size: " + std::to_string(page_size) +
               " page_token: \"" + token + "\" }");
      token = TakePage(reply, names);
    } while (!token.empty());
    return names;
  }
  static std::string TakePage(const core::CoreReply& reply, std::vector<std::string>& names) {
    const auto take = [&](const auto& items, const std::string& next) {
      for (const auto& item : items) names.push_back(item.name());
      return next;
    };
    switch (reply.reply_case()) {
      case core::CoreReply::kListChannels:
        return take(reply.list_channels().channels(), reply.list_channels().next_page_token());
      case core::CoreReply::kListSubscribers:
        return take(reply.list_subscribers().subscribers(),
                    reply.list_subscribers().next_page_token());
      case core::CoreReply::kListMembers:
        return take(reply.list_members().members(), reply.list_members().next_page_token());
      case core::CoreReply::kListHeadends:
        return take(reply.list_headends().headends(), reply.list_headends().next_page_token());
      case core::CoreReply::kListRekeys:
        return take(reply.list_rekeys().rekeys(), reply.list_rekeys().next_page_token());
      default:
        ADD_FAILURE() << reply.ShortDebugString();
        return {};
    }
  }
};

TEST_F(CallsListsTest, PagesOfEveryListJoinToTheWhole) {
  for (const char* id : {"b", "a", "c"}) MakeChannel(id);
  for (const char* id : {"y", "x", "z"}) AddMember("a", id);
  for (const char* id : {"s", "r", "t"})
    AddHeadend(id, id == std::string("s") ? "a" : id == std::string("r") ? "b" : "c");
  const std::vector<std::string> members{"channels/a/members/x", "channels/a/members/y",
                                         "channels/a/members/z"};
  for (const int page : {0, 1, 2, 3, 4, 1000, 5000}) {
    EXPECT_THAT(Names("list_channels", "", page),
                ElementsAre("channels/a", "channels/b", "channels/c"));
    EXPECT_THAT(Names("list_subscribers", "", page),
                ElementsAre("subscribers/x", "subscribers/y", "subscribers/z"));
    EXPECT_EQ(Names("list_members", "parent: \"channels/a\"", page), members);
    EXPECT_THAT(Names("list_headends", "", page),
                ElementsAre("headends/r", "headends/s", "headends/t"));
  }
}

TEST_F(CallsListsTest, RekeysAreListedFromTheLatestOn) {
  MakeChannel("news");
  for (int i = 0; i < 3; ++i) {
    Must(R"(rekey_now { channel: "channels/news" level: MTK })");
    Pass(seconds(3));
  }
  const auto all = Names("list_rekeys", "parent: \"channels/news\"", 100);
  ASSERT_GE(all.size(), 4U);
  EXPECT_EQ(all.back(), "channels/news/rekeys/1");
  EXPECT_EQ(all.front(), "channels/news/rekeys/" + std::to_string(all.size()));
  for (const int page : {1, 2, 3}) {
    EXPECT_EQ(Names("list_rekeys", "parent: \"channels/news\"", page), all);
  }
}

TEST_F(CallsListsTest, AnEmptyListHasNoToken) {
  for (const char* call : {"list_channels", "list_subscribers", "list_headends"}) {
    EXPECT_TRUE(Names(call, "", 10).empty());
  }
}

TEST_F(CallsListsTest, APageEndsBeforeItsFrameIsTooLong) {
  Must(NewSubscribers(1000));
  for (int batch = 1; batch <= 3; ++batch) {
    core::CoreRequest request;
    for (int i = 0; i < 1000; ++i) {
      *request.mutable_batch_create_subscribers()->add_requests() =
          NewSubscriber("t" + std::to_string(batch) + "-" + std::to_string(i), 255)
              .create_subscriber();
    }
    Must(std::move(request));
  }
  EXPECT_EQ(Names("list_subscribers", "", 1000).size(), 4000U);
}

TEST_F(CallsListsTest, TokensOfAnotherListAreRefused) {
  for (const char* id : {"a", "b"}) {
    MakeChannel(id);
    for (const char* member : {"x", "y"}) AddMember(id, member);
    AddHeadend(std::string("h") + id, id);
    Must("rekey_now { channel: \"channels/" + std::string(id) + "\" level: MTK }");
  }
  const std::vector<std::string> lists{"list_channels {",
                                       "list_subscribers {",
                                       "list_headends {",
                                       "list_members { parent: \"channels/a\"",
                                       "list_members { parent: \"channels/b\"",
                                       "list_rekeys { parent: \"channels/a\"",
                                       "list_rekeys { parent: \"channels/b\""};
  for (const std::string& from : lists) {
    std::vector<std::string> first;
    const std::string token = TakePage(Must(from + " page_size: 1 }"), first);
    ASSERT_FALSE(token.empty()) << from;
    for (const std::string& to : lists) {
      const core::CoreReply reply = Call(to + " page_token: \"" + token + "\" }");
      if (from == to) {
        EXPECT_FALSE(reply.has_error()) << from;
        continue;
      }
      EXPECT_EQ(reply.error().reason(), "invalid_argument") << from << " to " << to;
      ASSERT_EQ(reply.error().violations_size(), 1);
      EXPECT_EQ(reply.error().violations(0).field(), "page_token");
    }
  }
  EXPECT_EQ(Refused(R"(list_channels { page_token: "nonsense" })").reason(), "invalid_argument");
}

// AIP-158: a negative size is a mistake, not a wish for the default.
TEST_F(CallsListsTest, ANegativePageSizeIsRefused) {
  MakeChannel("news");
  for (const char* list :
       {"list_channels { ", "list_subscribers { ", "list_headends { ",
        "list_members { parent: \"channels/news\" ", "list_rekeys { parent: \"channels/news\" "}) {
    const core::CoreError error = Refused(std::string(list) + "page_size: -1 }");
    EXPECT_EQ(error.reason(), "invalid_argument") << list;
    ASSERT_EQ(error.violations_size(), 1) << list;
    EXPECT_EQ(error.violations(0).field(), "page_size");
  }
}

// What is added behind the token is listed, what is deleted is not; nothing comes twice.
TEST_F(CallsListsTest, AListGoesOnOverChanges) {
  for (const char* id : {"b", "d", "f"}) Must(NewSubscriber(id));
  std::vector<std::string> names;
  const std::string token = TakePage(Must("list_subscribers { page_size: 2 }"), names);
  Must(R"(delete_subscriber { name: "subscribers/d" })");
  for (const char* id : {"a", "e"}) Must(NewSubscriber(id));
  TakePage(Must("list_subscribers { page_token: \"" + token + "\" }"), names);
  EXPECT_THAT(names,
              ElementsAre("subscribers/b", "subscribers/d", "subscribers/e", "subscribers/f"));
}

}  // namespace
}  // namespace keymast::server
