// SPDX-License-Identifier: Apache-2.0
// What all methods of a kind share: filters and orders of lists, masks, etags, request ids,
// batches, scopes.
#include "served.h"

namespace keymast::server {
namespace {

constexpr char kId[] = "00112233-4455-6677-8899-aabbccddeeff";

class Shapes : public Served {
 protected:
  Shapes() : Served({}, true) {
    for (const char* id : {"a1", "a2", "b1", "b2"}) MakeChannel(id);
  }
  static core::CoreRequest As(core::CoreRequest request) {
    request.set_principal("operator:alice");
    request.set_method("Test.Method");
    return request;
  }
  core::CoreReply Done(const std::string& text) { return Must(As(Ask(text))); }
  std::vector<std::string> Channels(const std::string& more) {
    std::vector<std::string> names;
    const core::CoreReply reply = Must("list_channels {" + more + "}");
    for (const v1::Channel& channel : reply.list_channels().channels()) {
      names.push_back(channel.name().substr(9));
    }
    return names;
  }
};

using Names = std::vector<std::string>;

TEST_F(Shapes, ListsAreFilteredAndOrdered) {
  EXPECT_EQ(Channels(""), (Names{"a1", "a2", "b1", "b2"}));
  EXPECT_EQ(Channels("filter: 'name = channels/b*'"), (Names{"b1", "b2"}));
  EXPECT_EQ(Channels("order_by: 'name desc'"), (Names{"b2", "b1", "a2", "a1"}));
  EXPECT_EQ(Channels("order_by: 'create_time'"), (Names{"a1", "a2", "b1", "b2"}));
  EXPECT_EQ(Channels("order_by: 'create_time , name desc'"), (Names{"b2", "b1", "a2", "a1"}));
  EXPECT_EQ(Channels("order_by: 'create_time desc,name'"), (Names{"a1", "a2", "b1", "b2"}));
  EXPECT_EQ(Channels("order_by: 'name desc, create_time'"), (Names{"b2", "b1", "a2", "a1"}));
  for (const std::string order : {"color", "name,", ",", "name, name", "name asc", "name desc desc",
                                  "create_time, color", "create_timedesc"}) {
    EXPECT_EQ(Refused("list_channels { order_by: '" + order + "' }").violations(0).field(),
              "order_by")
        << order;
  }
  EXPECT_EQ(Refused("list_channels { filter: 'color = 1' }").violations(0).field(), "filter");
}

TEST_F(Shapes, PagesGoOnInEveryOrderAndUnderEveryFilter) {
  for (const std::string query :
       {"", "order_by: 'name desc'", "order_by: 'create_time desc'",
        "order_by: 'create_time, name desc'", "filter: 'NOT name = channels/a1'"}) {
    const Names whole = Channels(query);
    Names paged;
    std::string token;
    do {
      const auto page = Must("list_channels { page_size: 1 " + query +
                             (token.empty() ? "" : " page_token: '" + token + "'") + "}")
                            .list_channels();
      for (const v1::Channel& channel : page.channels()) paged.push_back(channel.name().substr(9));
      token = page.next_page_token();
    } while (!token.empty());
    EXPECT_EQ(paged, whole) << query;
  }
}

TEST_F(Shapes, ATokenIsOfItsQueryAlone) {
  const std::string token =
      Must("list_channels { page_size: 1 filter: 'name:a' }").list_channels().next_page_token();
  ASSERT_FALSE(token.empty());
  const std::string with = " page_token: '" + token + "' }";
  EXPECT_EQ(Refused("list_channels { page_size: 1" + with).violations(0).field(), "page_token");
  EXPECT_EQ(Refused("list_channels { order_by: 'name desc' filter: 'name:a'" + with)
                .violations(0)
                .field(),
            "page_token");
  Must("list_channels { page_size: 3 filter: 'name:a'" + with);
}

TEST_F(Shapes, AReadMaskLeavesTheRestOut) {
  const v1::Channel channel = Must(
                                  "get_channel { name: 'channels/a1' read_mask { paths: 'name' "
                                  "paths: 'policy.mtk_lead' } }")
                                  .channel();
  EXPECT_EQ(channel.name(), "channels/a1");
  EXPECT_TRUE(channel.policy().has_mtk_lead());
  EXPECT_FALSE(channel.policy().has_mtk_period());
  EXPECT_TRUE(channel.sdp().empty());
  EXPECT_EQ(Refused("get_channel { name: 'channels/a1' read_mask { paths: 'color' } }")
                .violations(0)
                .field(),
            "read_mask");
  const auto list = Must("list_channels { read_mask { paths: 'name' } filter: 'key_group > 0' }");
  EXPECT_EQ(list.list_channels().channels_size(), 4) << "filters see what the mask leaves out";
  EXPECT_EQ(list.list_channels().channels(0).key_group(), 0U);
}

TEST_F(Shapes, AnUpdateChangesWhatItsMaskNames) {
  const std::string channel =
      "channel { name: 'channels/a1' display_name: 'New' policy { msk_pacing_rate: 7 } }";
  v1::Channel updated =
      Done("update_channel {" + channel + " update_mask { paths: 'display_name' } }").channel();
  EXPECT_EQ(updated.display_name(), "New");
  EXPECT_EQ(updated.policy().msk_pacing_rate(), 50000U);
  updated = Done("update_channel { channel { name: 'channels/a1' policy { msk_pacing_rate: 9 } } }")
                .channel();
  EXPECT_EQ(updated.display_name(), "New") << "without a mask what is set is changed";
  EXPECT_EQ(updated.policy().msk_pacing_rate(), 9U);
  updated = Done("update_channel { channel { name: 'channels/a1' } update_mask { paths: '*' } }")
                .channel();
  EXPECT_EQ(updated.display_name(), "");
  EXPECT_EQ(updated.policy().msk_pacing_rate(), 50000U);
  for (const char* path : {"color", "key_group", "policy.color"}) {
    EXPECT_EQ(Refused("update_channel { channel { name: 'channels/a1' } update_mask { paths: '" +
                      std::string(path) + "' } }")
                  .violations(0)
                  .field(),
              "update_mask")
        << path;
  }
}

TEST_F(Shapes, ARequestComesOnce) {
  const std::string rekey =
      "rekey_now { channel: 'channels/a1' level: MSK request_id: '" + std::string(kId) + "' }";
  const v1::Rekey first = Done(rekey).rekey();
  const v1::Rekey again = Done(rekey).rekey();
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  const core::CoreError other = Refused(As(Ask(
      "rekey_now { channel: 'channels/a2' level: MSK request_id: '" + std::string(kId) + "' }")));
  EXPECT_EQ(other.reason(), "request_id_reused");
  EXPECT_EQ(other.violations(0).field(), "request_id");
  EXPECT_EQ(Refused("rekey_now { channel: 'channels/a1' level: MSK request_id: 'again' }")
                .violations(0)
                .field(),
            "request_id");
}

// A credential is sealed anew at each try.
TEST_F(Shapes, TheSameCredentialIsTheSameRequest) {
  core::CoreRequest first = As(NewSubscriber("bob"));
  first.mutable_create_subscriber()->set_request_id(kId);
  Must(first);
  core::CoreRequest again = As(NewSubscriber("bob"));
  again.mutable_create_subscriber()->set_request_id(kId);
  EXPECT_NE(again.create_subscriber().subscriber().sealed_credential(),
            first.create_subscriber().subscriber().sealed_credential());
  EXPECT_EQ(Must(again).subscriber().name(), "subscribers/bob");
}

TEST_F(Shapes, WhatARepeatedRequestMadeMayBeGoneAgain) {
  const std::string create =
      "create_rekey_schedule { parent: 'channels/a1' rekey_schedule_id: 'night' "
      "rekey_schedule { period { seconds: 600 } } request_id: '" +
      std::string(kId) + "' }";
  Done(create);
  Done("delete_rekey_schedule { name: 'channels/a1/rekeySchedules/night' }");
  const v1::RekeySchedule gone = Done(create).rekey_schedule();
  EXPECT_EQ(gone.period().seconds(), 600);
  EXPECT_FALSE(gone.has_create_time());
  EXPECT_FALSE(gone.has_start_time());
  EXPECT_FALSE(gone.has_next_time());
  EXPECT_EQ(gone.etag(), "");
  EXPECT_EQ(Refused("get_rekey_schedule { name: 'channels/a1/rekeySchedules/night' }").reason(),
            "not_found");
}

// An update rests on what is there: where that is gone, one that was made is answered all the same.
TEST_F(Shapes, WhatARepeatedUpdateChangedMayBeGoneAgain) {
  Must(As(NewSubscriber("bob")));
  AddMember("a1", "bob");
  AddHeadend("h1", "a1");
  Done(
      "create_rekey_schedule { parent: 'channels/a1' rekey_schedule_id: 'night' "
      "rekey_schedule { cron: '0 4 * * *' } }");
  const std::string id = " request_id: '00112233-4455-6677-8899-aabbccddeef";
  const std::string channel =
      "update_channel { channel { name: 'channels/a1' display_name: 'New' }" + id + "0' }";
  const std::string member =
      "update_member { member { name: 'channels/a1/members/bob' msk_endpoint: '192.0.2.7:1' }" +
      id + "1' }";
  const std::string headend =
      "update_headend { headend { name: 'headends/h1' channels: 'channels/a2' }" + id + "2' }";
  const std::string schedule =
      "update_rekey_schedule { rekey_schedule { name: 'channels/a1/rekeySchedules/night' "
      "paused: true }" +
      id + "3' }";
  for (const std::string& update : {channel, member, headend, schedule}) Done(update);
  Done("delete_headend { name: 'headends/h1' }");
  Done("delete_channel { name: 'channels/a1' force: true }");
  EXPECT_EQ(Done(channel).channel().display_name(), "New");
  EXPECT_EQ(Done(member).member().msk_endpoint(), "192.0.2.7:1");
  EXPECT_EQ(Done(headend).headend().channels(0), "channels/a2");
  EXPECT_TRUE(Done(schedule).rekey_schedule().paused());
  EXPECT_EQ(Refused("get_channel { name: 'channels/a1' }").reason(), "not_found");
  EXPECT_EQ(Refused(As(Ask("update_channel { channel { name: 'channels/a1' display_name: 'Old' }" +
                           id + "0' }")))
                .reason(),
            "request_id_reused");
  EXPECT_EQ(Refused(As(Ask("update_channel { channel { name: 'channels/a1' display_name: 'New' }" +
                           id + "9' }")))
                .reason(),
            "not_found");
}

TEST_F(Shapes, AUserKeyIsReplaced) {
  const core::CoreRequest made = As(NewSubscriber("bob"));
  const std::string etag = Must(made).subscriber().etag();
  core::CoreRequest request =
      As(Ask("update_subscriber { subscriber { name: 'subscribers/bob' } }"));
  v1::Subscriber& asked = *request.mutable_update_subscriber()->mutable_subscriber();
  EXPECT_EQ(Refused(request).violations(0).field(), "subscriber.sealed_credential");
  asked.set_sealed_credential(made.create_subscriber().subscriber().sealed_credential());
  EXPECT_EQ(Must(request).subscriber().etag(), etag) << "the same key";
  crypto::SeededRng rng(3);
  const auto box = crypto::SealBox(import_key_.public_key, crypto::kUserKeyPurpose,
                                   crypto::UserKeyAad(SubscriberId("bob"), "bob@example.org"),
                                   Bytes(16, 'n'), rng);
  asked.set_sealed_credential(std::string(AsText(*box)));
  asked.set_etag("\"9\"");
  EXPECT_EQ(Refused(request).reason(), "etag_mismatch");
  asked.set_etag(etag);
  request.mutable_update_subscriber()->set_request_id(kId);
  const std::string changed = Must(request).subscriber().etag();
  EXPECT_NE(changed, etag);
  EXPECT_EQ(Must(request).subscriber().etag(), changed) << "once";
  asked.set_sealed_credential(made.create_subscriber().subscriber().sealed_credential());
  EXPECT_EQ(Refused(request).reason(), "request_id_reused") << "another key";
  request.mutable_update_subscriber()->clear_request_id();
  asked.clear_etag();
  asked.set_identity("eve@example.org");
  EXPECT_EQ(Refused(request).violations(0).field(), "subscriber.identity");
  asked.clear_identity();
  request.mutable_update_subscriber()->mutable_update_mask()->add_paths("identity");
  EXPECT_EQ(Refused(request).violations(0).field(), "update_mask");
  asked.set_name("subscribers/nobody");
  EXPECT_EQ(Refused(request).reason(), "not_found");
}

TEST_F(Shapes, RekeysKeepToTheEtagOfAPlan) {
  Must(NewSubscribers(1));
  AddMember("a1", "s0");
  const std::string etag =
      Must("plan_rekey { channel: 'channels/a1' level: MSK }").rekey_plan().etag();
  const auto with = [](const std::string& text) { return " etag: '" + text + "' }"; };
  const std::string rekey = "rekey_now { channel: 'channels/a1' level: MTK";
  const std::string expel = "expel_members { parent: 'channels/a1' names: 'channels/a1/members/s0'";
  EXPECT_EQ(Refused(rekey + with("\"9\"")).reason(), "etag_mismatch");
  EXPECT_EQ(Refused(expel + with("\"9\"")).reason(), "etag_mismatch");
  Done(rekey + with(etag));
  Done(expel + with(etag));
}

TEST_F(Shapes, ARekeyThatIsOnlyCheckedIsShownWithoutKeys) {
  Must(NewSubscribers(1));
  AddMember("a1", "s0");
  const auto rekeys = Must("list_rekeys { parent: 'channels/a1' }").list_rekeys().rekeys_size();
  const v1::Rekey checked =
      Done("rekey_now { channel: 'channels/a1' level: MSK validate_only: true }").rekey();
  EXPECT_EQ(checked.level(), v1::MSK);
  EXPECT_EQ(checked.reason(), v1::OPERATOR);
  EXPECT_TRUE(checked.has_switch_time());
  EXPECT_EQ(checked.name() + checked.msk_id(), "");
  EXPECT_EQ(Must("list_rekeys { parent: 'channels/a1' }").list_rekeys().rekeys_size(), rekeys);
}

TEST_F(Shapes, DeletionsKnowEtagsAndWhatIsMissing) {
  EXPECT_EQ(Refused("delete_channel { name: 'channels/a1' etag: '\"9\"' }").reason(),
            "etag_mismatch");
  const std::string etag = Must("get_channel { name: 'channels/a1' }").channel().etag();
  Done("delete_channel { name: 'channels/a1' etag: '" + etag + "' validate_only: true }");
  Done("delete_channel { name: 'channels/a1' etag: '" + etag + "' }");
  EXPECT_EQ(Refused("delete_channel { name: 'channels/a1' }").reason(), "not_found");
  Done("delete_channel { name: 'channels/a1' allow_missing: true }");
}

TEST_F(Shapes, BatchesAreWholeOrNothing) {
  Must(NewSubscribers(3));
  const auto got =
      Must("batch_get_subscribers { names: 'subscribers/s0' names: 'subscribers/s2' }");
  EXPECT_EQ(got.batch_get_subscribers().subscribers_size(), 2);
  EXPECT_EQ(Refused("batch_get_subscribers { names: 'subscribers/s0' names: 'subscribers/no' }")
                .resource(),
            "subscribers/no");
  EXPECT_EQ(Refused("batch_get_subscribers {}").violations(0).field(), "names");
  EXPECT_EQ(Refused("batch_delete_subscribers { names: 'subscribers/s0' names: 'subscribers/no' }")
                .reason(),
            "not_found");
  Must("get_subscriber { name: 'subscribers/s0' }");
  Done(
      "batch_delete_subscribers { names: 'subscribers/s0' names: 'subscribers/no' allow_missing: "
      "true }");
  EXPECT_EQ(Refused("get_subscriber { name: 'subscribers/s0' }").reason(), "not_found");
}

TEST_F(Shapes, AMemberThatHoldsKeysIsShutOutWhenItIsDeleted) {
  Must(NewSubscribers(1));
  AddMember("a1", "s0");
  const std::string msk =
      Must("get_channel { name: 'channels/a1' }").channel().key_state().active().msk_id();
  Done("delete_member { name: 'channels/a1/members/s0' }");
  Pass(seconds(1));
  EXPECT_NE(Must("get_channel { name: 'channels/a1' }").channel().key_state().active().msk_id(),
            msk);
}

TEST_F(Shapes, AScopeHidesTheRest) {
  core::CoreRequest list = Ask("list_channels {}");
  list.mutable_scope()->add_channels("channels/a*");
  list.mutable_scope()->add_channels("channels/b2");
  const auto seen = Must(list).list_channels();
  ASSERT_EQ(seen.channels_size(), 3);
  EXPECT_EQ(seen.channels(2).name(), "channels/b2");
  core::CoreRequest all = As(Ask("rekey_channels { level: MTK }"));
  all.mutable_scope()->add_channels("channels/b2");
  EXPECT_EQ(Must(all).operation().total_units(), 1U);
}

TEST_F(Shapes, EveryCommandIsInTheAuditLog) {
  Done("rekey_now { channel: 'channels/a1' level: MSK request_id: '" + std::string(kId) + "' }");
  const auto log = Must("list_audit_records { filter: 'principal = operator:alice' }");
  ASSERT_EQ(log.list_audit_records().audit_records_size(), 1);
  const v1::AuditRecord& record = log.list_audit_records().audit_records(0);
  EXPECT_EQ(record.method(), "Test.Method");
  EXPECT_EQ(record.request_id(), kId);
  EXPECT_EQ(record.resource(), "channels/a1");
  EXPECT_EQ(record.key_ids_size(), 1);
  EXPECT_EQ(record.hash().size(), 32U);
  const v1::ServerStatus status = StatusOf();
  EXPECT_EQ(status.audit_public_key().size(), 32U);
  EXPECT_GE(status.audit().sequence(), record.sequence());
}

TEST_F(Shapes, TheAuditLogHasPages) {
  for (int i = 0; i < 5; ++i) Done("rekey_now { channel: 'channels/a1' level: MTK }");
  uint64_t last = 0;
  std::string token;
  int pages = 0;
  do {
    const auto page = Must("list_audit_records { page_size: 2 page_token: '" + token + "' }")
                          .list_audit_records();
    for (const v1::AuditRecord& record : page.audit_records()) {
      EXPECT_EQ(record.sequence(), last + 1);
      last = record.sequence();
    }
    token = page.next_page_token();
    ++pages;
  } while (!token.empty());
  EXPECT_EQ(last, StatusOf().audit().sequence());
  EXPECT_GE(pages, 3);
  EXPECT_EQ(Refused("list_audit_records { order_by: 'time' }").violations(0).field(), "order_by");
}

TEST_F(Shapes, CalendarsAndPlansAreShown) {
  Done(
      "create_rekey_schedule { parent: 'channels/a1' rekey_schedule_id: 'often' "
      "rekey_schedule { period { seconds: 600 } } }");
  const auto upcoming =
      Must("list_upcoming_rekeys { parent: 'channels/a1' page_size: 3 }").list_upcoming_rekeys();
  ASSERT_EQ(upcoming.upcoming_rekeys_size(), 3);
  EXPECT_EQ(upcoming.upcoming_rekeys(0).rekey_schedule(), "channels/a1/rekeySchedules/often");
  EXPECT_EQ(upcoming.upcoming_rekeys(0).reason(), v1::CALENDAR);
  EXPECT_EQ(
      upcoming.upcoming_rekeys(1).time().seconds() - upcoming.upcoming_rekeys(0).time().seconds(),
      600);
  Must(NewSubscribers(2));
  AddMember("a1", "s0");
  AddMember("a1", "s1");
  const v1::RekeyPlan plan =
      Must("plan_rekey { channel: 'channels/a1' expelled: 'channels/a1/members/s0' }").rekey_plan();
  EXPECT_EQ(plan.recipients(), 1U);
  EXPECT_EQ(plan.unicast_messages(), 1U);
  EXPECT_GT(plan.unicast_octets(), 100U);
  EXPECT_EQ(plan.level(), v1::MSK);
  EXPECT_EQ(
      Refused("plan_rekey { channel: 'channels/a1' expelled: 'channels/a2/members/s0' }").reason(),
      "not_found");
  EXPECT_EQ(Refused("plan_rekey { channel: 'channels/a1' }").violations(0).field(), "level");
}

// Each page goes on where the one before ended, also after time has passed.
TEST_F(Shapes, WhatIsUpcomingHasPages) {
  Done(
      "create_rekey_schedule { parent: 'channels/a1' rekey_schedule_id: 'often' "
      "rekey_schedule { period { seconds: 600 } } }");
  const auto page_of = [&](int size, const std::string& token) {
    return Must("list_upcoming_rekeys { parent: 'channels/a1' page_size: " + std::to_string(size) +
                " page_token: '" + token + "' }")
        .list_upcoming_rekeys();
  };
  const auto whole = page_of(7, "");
  std::string token;
  for (int shown = 0; shown < 6; shown += 2) {
    const auto page = page_of(2, token);
    ASSERT_EQ(page.upcoming_rekeys_size(), 2);
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(page.upcoming_rekeys(i).SerializeAsString(),
                whole.upcoming_rekeys(shown + i).SerializeAsString());
    }
    token = page.next_page_token();
    ASSERT_FALSE(token.empty());
    Pass(seconds(1));
  }
  EXPECT_EQ(Refused("list_upcoming_rekeys { parent: 'channels/a2' page_token: '" + token + "' }")
                .violations(0)
                .field(),
            "page_token");
  // Pages go on for long, each at the cost of its own.
  int64_t last = 0;
  token.clear();
  for (int pages = 0; pages < 20; ++pages) {
    const auto page = page_of(1000, token);
    ASSERT_EQ(page.upcoming_rekeys_size(), 1000);
    for (const v1::UpcomingRekey& rekey : page.upcoming_rekeys()) {
      EXPECT_TRUE(last == 0 || rekey.time().seconds() == last + 600);
      last = rekey.time().seconds();
    }
    token = page.next_page_token();
  }
}

// Instants end in the year 2262: nobody plans so far.
TEST_F(Shapes, WhatIsUpcomingEndsInAHundredYears) {
  Done(
      "update_channel { channel { name: 'channels/a1' policy { mtk_period { seconds: 86400 } "
      "msk_period { seconds: 31622400 } } } }");
  const auto page =
      Must("list_upcoming_rekeys { parent: 'channels/a1' page_size: 1000 }").list_upcoming_rekeys();
  EXPECT_EQ(page.next_page_token(), "");
  EXPECT_GE(page.upcoming_rekeys_size(), 99);
  EXPECT_LE(page.upcoming_rekeys_size(), 101);
}

TEST_F(Shapes, ConflictsHavePages) {
  for (const char* id : {"a1", "b1"}) {
    Done("create_rekey_schedule { parent: 'channels/" + std::string(id) +
         "' rekey_schedule_id: 'hourly' rekey_schedule { cron: '0 * * * *' } }");
  }
  const auto page_of = [&](int size, const std::string& token) {
    return Must("list_rekey_conflicts { page_size: " + std::to_string(size) + " page_token: '" +
                token + "' }")
        .list_rekey_conflicts();
  };
  const auto whole = page_of(1000, "");
  ASSERT_GE(whole.rekey_conflicts_size(), 23);
  EXPECT_EQ(whole.next_page_token(), "");
  v1::ListRekeyConflictsResponse joined;
  std::string token;
  do {
    const auto page = page_of(5, token);
    EXPECT_LE(page.rekey_conflicts_size(), 5);
    joined.MergeFrom(page);
    token = page.next_page_token();
    Pass(seconds(1));
  } while (!token.empty());
  ASSERT_EQ(joined.rekey_conflicts_size(), whole.rekey_conflicts_size());
  for (int i = 0; i < whole.rekey_conflicts_size(); ++i) {
    EXPECT_EQ(joined.rekey_conflicts(i).time().seconds(),
              whole.rekey_conflicts(i).time().seconds());
  }
  token = page_of(5, "").next_page_token();
  EXPECT_EQ(Refused("list_rekey_conflicts { within { seconds: 2 } page_token: '" + token + "' }")
                .violations(0)
                .field(),
            "page_token");
}

TEST_F(Shapes, ConflictsAreChannelsOfOneInstant) {
  for (const char* id : {"a1", "b1"}) {
    Done("create_rekey_schedule { parent: 'channels/" + std::string(id) +
         "' rekey_schedule_id: 'night' rekey_schedule { cron: '0 4 * * *' } }");
  }
  const auto found =
      Must("list_rekey_conflicts { horizon { seconds: 86400 } within { seconds: 1 } }")
          .list_rekey_conflicts();
  bool meets = false;
  for (const v1::RekeyConflict& conflict : found.rekey_conflicts()) {
    const auto& channels = conflict.channels();
    const bool has_both =
        std::find(channels.begin(), channels.end(), "channels/a1") != channels.end() &&
        std::find(channels.begin(), channels.end(), "channels/b1") != channels.end();
    meets = meets || (has_both && conflict.time().seconds() % 86400 == 4 * 3600);
  }
  EXPECT_TRUE(meets);
}

TEST_F(Shapes, WhatIsOnlyCheckedOfABatchIsNotMade) {
  core::CoreRequest request = NewSubscribers(2);
  request.mutable_batch_create_subscribers()->set_validate_only(true);
  EXPECT_EQ(Must(request).batch_create_subscribers().subscribers_size(), 2);
  EXPECT_EQ(StatusOf().subscriber_count(), 0U);
  Must(NewSubscribers(2));
  EXPECT_EQ(Refused(As(request)).reason(), "already_exists");
  const std::string members =
      "batch_create_members { parent: 'channels/a1' "
      "requests { member_id: 's0' member { msk_endpoint: '127.0.0.1:9' } } "
      "requests { member_id: 's1' member { msk_endpoint: '127.0.0.1:9' } } ";
  EXPECT_EQ(Done(members + "validate_only: true }").batch_create_members().members_size(), 2);
  EXPECT_EQ(StatusOf().member_count(), 0U);
  const std::string both = "names: 'subscribers/s0' names: 'subscribers/s1' ";
  Done("batch_delete_subscribers { " + both + "validate_only: true }");
  EXPECT_EQ(StatusOf().subscriber_count(), 2U);
  Done(members + "}");
  EXPECT_EQ(Refused("batch_delete_subscribers { " + both + "validate_only: true }").reason(),
            "failed_precondition");
}

TEST_F(Shapes, WhatIsOnlyCheckedOfAnOperationIsNotDone) {
  const std::string name =
      Done("rekey_channels { level: MTK spread { seconds: 40 } }").operation().name();
  const auto now = [&] { return Must("get_operation { name: '" + name + "' }").operation(); };
  EXPECT_EQ(Refused("delete_operation { name: '" + name + "' validate_only: true }").reason(),
            "failed_precondition");
  const auto checked = Done("cancel_operation { name: '" + name + "' validate_only: true }");
  EXPECT_EQ(checked.operation().name(), name);
  EXPECT_FALSE(now().cancel_requested());
  Done("cancel_operation { name: '" + name + "' }");
  Pass(seconds(1));
  EXPECT_TRUE(now().done());
  Done("delete_operation { name: '" + name + "' validate_only: true }");
  EXPECT_TRUE(now().done());
  Done("delete_operation { name: '" + name + "' }");
}

TEST_F(Shapes, WaitingForAnOperationEndsWithIt) {
  const v1::Operation begun =
      Done("rekey_channels { level: MTK spread { seconds: 40 } filter: 'name = channels/a*' }")
          .operation();
  EXPECT_EQ(begun.total_units(), 2U);
  EXPECT_FALSE(begun.done());
  Send(client_, Ask("wait_operation { name: '" + begun.name() + "' timeout { seconds: 50 } }"));
  EXPECT_TRUE(Quiet(client_));
  Pass(seconds(21));
  const v1::Operation done = Next(client_).operation();
  EXPECT_TRUE(done.done());
  v1::RekeyChannelsResponse response;
  ASSERT_TRUE(done.response().UnpackTo(&response));
  EXPECT_EQ(response.rekeyed(), 2U);
  Done("delete_operation { name: '" + begun.name() + "' }");
  EXPECT_EQ(Refused("get_operation { name: '" + begun.name() + "' }").reason(), "not_found");
}

}  // namespace
}  // namespace keymast::server
