// SPDX-License-Identifier: Apache-2.0
// Histories by hand: those that may be, and the faults that the checker is for.
#include "checker.h"

#include <gtest/gtest.h>

#include "requests.h"

namespace keymast::linear {
namespace {

constexpr auto kGood = Verdict::Kind::kLinearizable;
constexpr auto kBad = Verdict::Kind::kRefused;

// A history that is written down call by call.
class Story {
 public:
  // With an answer: whichever views it shows.
  Story& Call(int64_t called, int64_t answered, Request request, Answer answer) {
    history_.push_back({std::move(request), 0, called, answered, std::move(answer)});
    return *this;
  }
  Story& Call(int64_t called, int64_t answered, Request request, Error error) {
    return Call(called, answered, std::move(request), Answer{error});
  }
  Story& Unknown(int64_t called, Request request) {
    history_.push_back({std::move(request), 0, called, kUnknown, std::nullopt});
    return *this;
  }
  Verdict::Kind Judge() const { return Check(history_).kind; }
  const History& history() const { return history_; }

 private:
  History history_;
};

Answer Channel(uint32_t value, uint64_t revision) {
  return {std::nullopt, {{0, value, value, 1, revision}}};
}
Answer Member(uint32_t endpoint, uint64_t revision, bool is_joined = false) {
  return {std::nullopt, {{0, endpoint, kOpen, 0, revision, 0, uint64_t{is_joined}}}};
}
Answer Subscriber(uint32_t value) { return {std::nullopt, {{0, value, 0, 0, 1}}}; }
Answer Done(uint64_t remaining = 0) { return {std::nullopt, {}, remaining}; }

// A channel with a subscriber that is its member, at 0 to 6.
Story WithMember() {
  return Story()
      .Call(0, 1, CreateChannel(1), Channel(1, 1))
      .Call(2, 3, CreateSubscriber(2), Subscriber(2))
      .Call(4, 5, AddMember(3), Member(3, 1));
}

TEST(Checker, NothingIsLinearizable) { EXPECT_EQ(Story().Judge(), kGood); }

TEST(Checker, OneAfterTheOther) {
  EXPECT_EQ(Story()
                .Call(0, 1, CreateChannel(5), Channel(5, 1))
                .Call(2, 3, UpdateChannel(6), Channel(6, 2))
                .Call(4, 5, GetChannel(), Channel(6, 2))
                .Call(6, 7, DeleteChannel(), Done())
                .Call(8, 9, GetChannel(), Error::kNotFound)
                .Judge(),
            kGood);
}

TEST(Checker, WhatIsAtOnceMayBeInAnyOrder) {
  for (const auto& [answer, verdict] :
       {std::pair(Answer{Error::kNotFound}, kGood), std::pair(Channel(5, 1), kGood),
        std::pair(Channel(6, 2), kGood), std::pair(Channel(6, 1), kBad)}) {
    EXPECT_EQ(Story()
                  .Call(0, 10, CreateChannel(5), Channel(5, 1))
                  .Call(1, 11, UpdateChannel(6), Channel(6, 2))
                  .Call(2, 9, GetChannel(), answer)
                  .Judge(),
              verdict)
        << ToText(answer);
  }
}

// Of the instants 1 to 10 and 10 to 20 the first need not be past when the second begins.
TEST(Checker, AnInstantThatTwoShareOrdersNothing) {
  EXPECT_EQ(Story()
                .Call(0, 10, CreateChannel(5), Channel(5, 1))
                .Call(10, 20, GetChannel(), Error::kNotFound)
                .Judge(),
            kGood);
}

TEST(Checker, AStaleReadIsRefused) {
  EXPECT_EQ(Story()
                .Call(0, 1, CreateChannel(5), Channel(5, 1))
                .Call(2, 3, UpdateChannel(6), Channel(6, 2))
                .Call(4, 5, GetChannel(), Channel(5, 1))
                .Judge(),
            kBad);
}

TEST(Checker, AReadThatGoesBackIsRefused) {
  EXPECT_EQ(Story()
                .Call(0, 1, CreateChannel(5), Channel(5, 1))
                .Call(2, 20, UpdateChannel(6), Channel(6, 2))
                .Call(3, 4, GetChannel(), Channel(6, 2))
                .Call(5, 6, GetChannel(), Channel(5, 1))
                .Judge(),
            kBad);
}

TEST(Checker, AReadFromTheFutureIsRefused) {
  EXPECT_EQ(Story()
                .Call(0, 1, CreateChannel(5), Channel(5, 1))
                .Call(2, 3, GetChannel(), Channel(6, 2))
                .Call(4, 5, UpdateChannel(6), Channel(6, 2))
                .Judge(),
            kBad);
}

TEST(Checker, ALostUpdateIsRefused) {
  Request one = UpdateChannel(6);
  Request other = UpdateChannel(7);
  one.revision = other.revision = 1;
  EXPECT_EQ(Story()
                .Call(0, 1, CreateChannel(5), Channel(5, 1))
                .Call(2, 9, one, Channel(6, 2))
                .Call(3, 8, other, Channel(7, 2))
                .Judge(),
            kBad)
      << "both had the etag";
  EXPECT_EQ(Story()
                .Call(0, 1, CreateChannel(5), Channel(5, 1))
                .Call(2, 9, one, Channel(6, 2))
                .Call(3, 8, other, Error::kEtagMismatch)
                .Judge(),
            kGood);
}

TEST(Checker, ALostChangeIsRefused) {
  EXPECT_EQ(Story()
                .Call(0, 1, CreateChannel(5), Channel(5, 1))
                .Call(2, 3, GetChannel(), Error::kNotFound)
                .Judge(),
            kBad);
}

TEST(Checker, ARequestThatCameTwiceIsRefused) {
  Request update = UpdateChannel(6);
  update.request_id = 1;
  Story story;
  story.Call(0, 1, CreateChannel(5), Channel(5, 1)).Call(2, 3, update, Channel(6, 2));
  Story twice = story;
  EXPECT_EQ(story.Call(4, 5, update, Channel(6, 2)).Judge(), kGood);
  EXPECT_EQ(twice.Call(4, 5, update, Channel(6, 3)).Judge(), kBad);
}

TEST(Checker, ARequestIdIsOfOneContent) {
  Request update = UpdateChannel(6);
  Request other = UpdateChannel(7);
  update.request_id = other.request_id = 1;
  Story story;
  story.Call(0, 1, CreateChannel(5), Channel(5, 1)).Call(2, 3, update, Channel(6, 2));
  Story twice = story;
  EXPECT_EQ(story.Call(4, 5, other, Error::kRequestIdReused).Judge(), kGood);
  EXPECT_EQ(twice.Call(4, 5, other, Channel(7, 3)).Judge(), kBad);
}

TEST(Checker, APhantomMemberIsRefused) {
  Request list;
  list.verb = Verb::kListMembers;
  EXPECT_EQ(WithMember().Call(6, 7, list, Member(3, 1)).Judge(), kGood);
  EXPECT_EQ(WithMember().Call(6, 7, Expel(), Done()).Call(8, 9, list, Member(3, 1)).Judge(), kBad);
  Request by_force = DeleteSubscriber();
  by_force.force = true;
  EXPECT_EQ(WithMember().Call(6, 7, by_force, Done()).Call(8, 9, GetMember(), Member(3, 1)).Judge(),
            kBad)
      << "with its subscriber the member is gone";
}

TEST(Checker, ABatchIsWholeOrNothing) {
  Request second = CreateSubscriber(4);
  second.subscribers = {1};
  Request both = AddMember(9);
  both.verb = Verb::kAddMembers;
  both.subscribers = {0, 1};
  Request list;
  list.verb = Verb::kListMembers;
  const View first{0, 9, kOpen, 0, 1};
  const View other{1, 9, kOpen, 0, 1};
  for (const auto& [seen, verdict] :
       {std::pair(std::vector<View>{}, kGood), std::pair(std::vector{first, other}, kGood),
        std::pair(std::vector{first}, kBad)}) {
    EXPECT_EQ(Story()
                  .Call(0, 1, CreateChannel(1), Channel(1, 1))
                  .Call(2, 3, CreateSubscriber(2), Subscriber(2))
                  .Call(4, 5, second, {std::nullopt, {{1, 4, 0, 0, 1}}})
                  .Call(6, 20, both, {std::nullopt, {first, other}})
                  .Call(7, 8, list, {std::nullopt, seen})
                  .Judge(),
              verdict);
  }
}

TEST(Checker, AListIsOfOneInstant) {
  Request other = CreateChannel(6);
  other.channel = 1;
  other.group = 2;
  Request list;
  const auto Listed = [](std::vector<View> views) { return Answer{std::nullopt, views}; };
  const View first{0, 5, 5, 1, 1};
  const View second{1, 6, 6, 2, 1};
  Story story;
  story.Call(0, 30, CreateChannel(5), Channel(5, 1));
  story.Call(1, 30, other, Listed({second}));
  Story torn = story;
  EXPECT_EQ(
      story.Call(2, 3, list, Listed({first})).Call(4, 5, list, Listed({first, second})).Judge(),
      kGood);
  EXPECT_EQ(torn.Call(2, 3, list, Listed({first})).Call(4, 5, list, Listed({second})).Judge(),
            kBad);
}

TEST(Checker, ACheckThatChangedSomethingIsRefused) {
  Request update = UpdateChannel(6);
  update.validate_only = true;
  Story checked;
  checked.Call(0, 1, CreateChannel(5), Channel(5, 1)).Call(2, 3, update, Channel(6, 1));
  Story changed = checked;
  EXPECT_EQ(checked.Call(4, 5, GetChannel(), Channel(5, 1)).Judge(), kGood);
  EXPECT_EQ(changed.Call(4, 5, GetChannel(), Channel(6, 2)).Judge(), kBad);
}

TEST(Checker, ACheckShowsWhatWouldBe) {
  Request update = UpdateChannel(6);
  update.validate_only = true;
  for (const Answer& answer : {Channel(5, 1), Channel(6, 2)}) {
    EXPECT_EQ(
        Story().Call(0, 1, CreateChannel(5), Channel(5, 1)).Call(2, 3, update, answer).Judge(),
        kBad);
  }
}

TEST(Checker, WhatIsUnknownMayHaveBeenOrNot) {
  Story story;
  story.Call(0, 1, CreateChannel(5), Channel(5, 1)).Unknown(2, UpdateChannel(6));
  Story never = story;
  Story late = story;
  EXPECT_EQ(story.Call(3, 4, GetChannel(), Channel(6, 2)).Judge(), kGood);
  EXPECT_EQ(never.Call(3, 4, GetChannel(), Channel(5, 1)).Judge(), kGood);
  late.Call(3, 4, GetChannel(), Channel(5, 1)).Call(5, 6, GetChannel(), Channel(6, 2));
  EXPECT_EQ(late.Judge(), kGood);
  EXPECT_EQ(late.Call(7, 8, GetChannel(), Channel(5, 1)).Judge(), kBad) << "it was, and was not";
}

TEST(Checker, WhatIsUnknownIsNotBeforeItsCall) {
  EXPECT_EQ(Story()
                .Call(0, 1, CreateChannel(5), Channel(5, 1))
                .Call(2, 3, GetChannel(), Channel(6, 2))
                .Unknown(4, UpdateChannel(6))
                .Judge(),
            kBad);
}

// Nobody has seen when it was made, and so nobody can ask for it by its etag.
TEST(Checker, AGuessedEtagIsNotThatOfWhatIsUnknown) {
  Request update = UpdateChannel(6);
  update.revision = 1;
  EXPECT_EQ(Story()
                .Unknown(0, CreateChannel(5))
                .Call(1, 2, update, Error::kEtagMismatch)
                .Call(3, 4, GetChannel(), Channel(5, 1))
                .Judge(),
            kGood);
}

// A retry of what is unknown tells one outcome of both.
TEST(Checker, ARetryOfWhatIsUnknownIsOneChange) {
  Request update = UpdateChannel(6);
  update.request_id = 1;
  Story story;
  story.Call(0, 1, CreateChannel(5), Channel(5, 1)).Unknown(2, update);
  Story twice = story;
  EXPECT_EQ(story.Call(3, 4, update, Channel(6, 2)).Call(5, 6, GetChannel(), Channel(6, 2)).Judge(),
            kGood);
  EXPECT_EQ(twice.Call(3, 4, update, Channel(6, 3)).Judge(), kBad);
}

// A deletion that finds nothing is answered as one that finds something.
TEST(Checker, WhatWouldChangeNothingNowMayChangeSomethingLater) {
  Request deletion = DeleteChannel();
  deletion.allow_missing = true;
  EXPECT_EQ(Story()
                .Call(0, 9, deletion, Done())
                .Call(1, 2, CreateChannel(5), Channel(5, 1))
                .Call(3, 4, GetChannel(), Channel(5, 1))
                .Call(5, 6, GetChannel(), Error::kNotFound)
                .Judge(),
            kGood);
}

Answer ChannelMade(uint64_t created, uint32_t value = 5) {
  Answer answer = Channel(value, 1);
  answer.views[0].created = created;
  return answer;
}

Request DeletionOf(uint64_t created) {
  Request request = DeleteChannel();
  request.revision = 1;
  request.created = created;
  return request;
}

TEST(Checker, AnEtagIsOfOneResourceAlone) {
  const auto judge = [](uint64_t created, const Answer& answer) {
    return Story()
        .Call(0, 1, CreateChannel(5), ChannelMade(11))
        .Call(2, 3, DeleteChannel(), Done())
        .Call(4, 5, CreateChannel(5), ChannelMade(12))
        .Call(6, 7, DeletionOf(created), answer)
        .Judge();
  };
  EXPECT_EQ(judge(11, Answer{Error::kEtagMismatch}), kGood);
  EXPECT_EQ(judge(11, Done()), kBad);
  EXPECT_EQ(judge(12, Answer{Error::kEtagMismatch}), kBad);
  EXPECT_EQ(judge(12, Done()), kGood);
}

TEST(Checker, NothingIsMadeTwiceAtOneInstant) {
  EXPECT_EQ(Story()
                .Call(0, 1, CreateChannel(5), ChannelMade(11))
                .Call(2, 3, DeleteChannel(), Done())
                .Call(4, 5, CreateChannel(5), ChannelMade(11))
                .Judge(),
            kBad);
  EXPECT_EQ(Story()
                .Call(0, 1, CreateChannel(5), ChannelMade(11))
                .Call(2, 3, DeleteChannel(), Done())
                .Unknown(4, CreateChannel(5))
                .Call(6, 7, DeletionOf(11), Done())
                .Judge(),
            kBad);
}

TEST(Checker, WhenSomethingWasMadeIsLearntFromWhoSawItFirst) {
  const auto judge = [](uint64_t seen, uint64_t meant) {
    return Story()
        .Unknown(0, CreateChannel(5))
        .Call(2, 3, GetChannel(), ChannelMade(11))
        .Call(4, 5, GetChannel(), ChannelMade(seen))
        .Call(6, 7, DeletionOf(meant), Done())
        .Judge();
  };
  EXPECT_EQ(judge(11, 11), kGood);
  EXPECT_EQ(judge(12, 11), kBad) << "it is what it was";
  EXPECT_EQ(judge(11, 12), kBad);
  EXPECT_EQ(Story().Unknown(0, CreateChannel(5)).Call(2, 3, DeletionOf(11), Done()).Judge(), kGood);
  EXPECT_EQ(Story()
                .Unknown(0, CreateChannel(5))
                .Call(2, 3, DeletionOf(11), Error::kEtagMismatch)
                .Call(4, 5, GetChannel(), ChannelMade(12))
                .Judge(),
            kGood);
}

TEST(Checker, ToGiveUpIsNoPass) {
  Story story;
  for (uint32_t i = 0; i < 10; ++i) {
    Request create = CreateChannel(i + 1);
    story.Unknown(0, create).Unknown(0, DeleteChannel()).Unknown(0, UpdateChannel(100 + i));
  }
  story.Call(1, 2, GetChannel(), Channel(999, 1));
  EXPECT_EQ(Check(story.history(), 1000).kind, Verdict::Kind::kGaveUp);
}

TEST(Checker, WhyIsTold) {
  Story story;
  story.Call(0, 1, CreateChannel(5), Channel(5, 1)).Call(2000, 3000, GetChannel(), Channel(6, 1));
  EXPECT_EQ(Check(story.history()).why,
            "1 of 2 operations could be put in order\n"
            "  [2, 3] us, client 0: GetChannel c0 -> ok {0 first=6 second=6 group=1 etag=1}; then "
            "due: ok {0 first=5 second=5 group=1 etag=1}");
}

}  // namespace
}  // namespace keymast::linear
