// SPDX-License-Identifier: Apache-2.0
// The snapshot: every family of docs/metrics.md, right after known events, and no label whose
// values have no bound.
#include "served.h"
#include "server/histogram.h"

namespace keymast::server {
namespace {

using testing::ElementsAre;
using testing::IsSubsetOf;
using testing::UnorderedElementsAreArray;

using Labels = std::map<std::string, std::string>;

class MetricsTest : public Served {
 protected:
  // Scrape takes a new snapshot.
  void Scrape() { snapshot_ = Must("metrics {}").metrics(); }
  const core::Metric& Family(const std::string& name) {
    for (const core::Metric& metric : snapshot_.metrics()) {
      if (metric.name() == name) return metric;
    }
    ADD_FAILURE() << "no family " << name;
    return core::Metric::default_instance();
  }
  static Labels LabelsOf(const core::Sample& sample) {
    return Labels(sample.labels().begin(), sample.labels().end());
  }
  // Value is that of one sample; -1 when there is none.
  double Value(const std::string& name, const Labels& labels = {}) {
    for (const core::Sample& sample : Family(name).samples()) {
      if (LabelsOf(sample) == labels) return sample.value();
    }
    return -1;
  }

  core::MetricsSnapshot snapshot_;
};

TEST_F(MetricsTest, HasEveryFamilyOnce) {
  Scrape();
  std::vector<std::string> names;
  for (const core::Metric& metric : snapshot_.metrics()) {
    names.push_back(metric.name());
    EXPECT_FALSE(metric.help().empty()) << metric.name();
    EXPECT_NE(metric.type(), core::Metric::TYPE_UNSPECIFIED) << metric.name();
    const bool counts = metric.name().ends_with("_total");
    EXPECT_EQ(metric.type() == core::Metric::COUNTER, counts) << metric.name();
  }
  EXPECT_THAT(names,
              UnorderedElementsAreArray({"keymast_channels",
                                         "keymast_subscribers",
                                         "keymast_members",
                                         "keymast_headends",
                                         "keymast_headends_connected",
                                         "keymast_key_numbers_left",
                                         "keymast_key_age_seconds",
                                         "keymast_rekeys_total",
                                         "keymast_blackouts_pierced_total",
                                         "keymast_quota_refused_total",
                                         "keymast_msk_messages_total",
                                         "keymast_msk_retransmissions_total",
                                         "keymast_msk_verifications_total",
                                         "keymast_msk_give_ups_total",
                                         "keymast_mtk_messages_total",
                                         "keymast_mtk_switches_held_total",
                                         "keymast_join_answers_total",
                                         "keymast_joins_total",
                                         "keymast_join_repetitions_total",
                                         "keymast_join_retries_total",
                                         "keymast_join_tickets_total",
                                         "keymast_join_tickets_spent",
                                         "keymast_join_values_ahead",
                                         "keymast_join_certificates_kept",
                                         "keymast_join_certificate_end_timestamp_seconds",
                                         "keymast_join_revocation_list_end_timestamp_seconds",
                                         "keymast_join_reloads_total",
                                         "keymast_join_reload_failed",
                                         "keymast_join_discards_total",
                                         "keymast_reports_total",
                                         "keymast_report_answers_total",
                                         "keymast_report_discards_total",
                                         "keymast_keys_pushed_total",
                                         "keymast_keys_push_repetitions_total",
                                         "keymast_join_exchanges",
                                         "keymast_join_waiting",
                                         "keymast_datagrams_discarded_total",
                                         "keymast_rekey_lateness_seconds",
                                         "keymast_datagrams_sent_total",
                                         "keymast_datagrams_received_total",
                                         "keymast_datagrams_dropped_total",
                                         "keymast_send_errors_total",
                                         "keymast_commits_total",
                                         "keymast_commit_seconds",
                                         "keymast_store_state",
                                         "keymast_audit_blocked",
                                         "keymast_incarnation",
                                         "keymast_store_epoch",
                                         "keymast_clients_refused_total",
                                         "keymast_watchers_dropped_total",
                                         "keymast_headend_streams_refused_total",
                                         "keymast_core_cpu_seconds_total",
                                         "keymast_record_lost_total",
                                         "keymast_next_key_expiry_timestamp_seconds",
                                         "keymast_switches_held",
                                         "keymast_clock_offset_seconds",
                                         "keymast_clock_steps_total",
                                         "keymast_clock_unsure",
                                         "keymast_core_open_fds",
                                         "keymast_core_max_fds",
                                         "keymast_core_start_time_seconds",
                                         "keymast_build_info",
                                         "keymast_core_resident_memory_bytes"}));
}

TEST_F(MetricsTest, CountsWhatThereIs) {
  MakeChannel("news");
  MakeChannel("sports");
  AddMember("news", "ada");
  Must(NewSubscriber("bob"));
  Must(R"(create_member { parent: "channels/news" member_id: "bob"
                          member { msk_endpoint: "127.0.0.1:2272" } })");
  AddHeadend("north", "news");
  Scrape();
  EXPECT_EQ(Value("keymast_channels"), 2);
  EXPECT_EQ(Value("keymast_subscribers"), 2);
  EXPECT_EQ(Value("keymast_members", {{"state", "entitled"}}), 1);
  EXPECT_EQ(Value("keymast_members", {{"state", "joined"}}), 1);
  EXPECT_EQ(Value("keymast_members", {{"state", "confirmed"}}), 0);
  EXPECT_EQ(Value("keymast_headends"), 1);
  EXPECT_EQ(Value("keymast_headends_connected"), 0);
  EXPECT_EQ(Value("keymast_incarnation"), 3);
  EXPECT_EQ(Value("keymast_store_epoch"), 5);
  EXPECT_GT(Value("keymast_core_cpu_seconds_total"), 0);
  EXPECT_GT(Value("keymast_core_resident_memory_bytes"), 1e6);
}

TEST_F(MetricsTest, CountsKeying) {
  MakeChannel("news");
  AddMember("news", "ada");
  const size_t mtks = port_.Mtks("news");
  EXPECT_EQ(port_.Msks("news"), 1U);
  Must(R"(rekey_now { channel: "channels/news" level: MTK })");
  Pass(seconds(4));
  Scrape();
  EXPECT_EQ(Value("keymast_rekeys_total", {{"level", "msk"}, {"reason", "created"}}), 1);
  EXPECT_EQ(Value("keymast_rekeys_total", {{"level", "mtk"}, {"reason", "operator"}}), 1);
  EXPECT_EQ(Value("keymast_msk_messages_total"), 1);
  EXPECT_EQ(Value("keymast_msk_retransmissions_total"),
            static_cast<double>(port_.Msks("news") - 1));
  EXPECT_EQ(Value("keymast_mtk_messages_total", {{"kind", "first"}}) +
                Value("keymast_mtk_messages_total", {{"kind", "repetition"}}),
            static_cast<double>(port_.Mtks("news")));
  EXPECT_GT(port_.Mtks("news"), mtks);
  EXPECT_EQ(Value("keymast_datagrams_sent_total"), static_cast<double>(port_.sent.size()));
  EXPECT_NEAR(Value("keymast_key_age_seconds", {{"level", "msk"}}), 4, 0.1);
}

TEST_F(MetricsTest, CountsDatagramsThatAreDiscarded) {
  port_.arrived = {Bytes{1, 2, 3}, Bytes(5000)};
  server_.shard().ReceiveDatagrams();
  Scrape();
  EXPECT_EQ(Value("keymast_datagrams_received_total"), 2);
  EXPECT_EQ(Value("keymast_datagrams_discarded_total", {{"reason", "truncated"}}), 1);
  EXPECT_EQ(Value("keymast_datagrams_discarded_total", {{"reason", "too_long"}}), 1);
}

TEST_F(MetricsTest, CountsCommitsAndTellsTheStoresState) {
  Must(NewSubscriber("ada"));
  Must(NewSubscriber("bob"));
  Scrape();
  EXPECT_EQ(Value("keymast_commits_total", {{"result", "ok"}}), 2);
  EXPECT_EQ(Value("keymast_store_state", {{"state", "open"}}), 1);
  store_.LetThrough(Error::kNoSpace);
  EXPECT_EQ(Refused(NewSubscriber("cyd")).reason(), "no_space");
  Scrape();
  EXPECT_EQ(Value("keymast_commits_total", {{"result", "no_space"}}), 1);
  EXPECT_EQ(Value("keymast_store_state", {{"state", "open"}}), 0);
  EXPECT_EQ(Value("keymast_store_state", {{"state", "no_space"}}), 1);
  EXPECT_EQ(Value("keymast_store_state", {{"state", "closed"}}), 0);
  const core::Sample& time = Family("keymast_commit_seconds").samples(0);
  uint64_t observed = 0;
  for (const uint64_t count : time.counts()) observed += count;
  EXPECT_EQ(observed, 3U);
  EXPECT_EQ(time.counts_size(), time.bounds_size() + 1);
}

TEST_F(MetricsTest, TellsWhenTheNextKeyEnds) {
  Scrape();
  EXPECT_EQ(Value("keymast_next_key_expiry_timestamp_seconds"), 0);
  MakeChannel("news");
  Scrape();
  const auto now = static_cast<double>(ToUnixNanos(clock_.now)) / 1e9;
  const double end = Value("keymast_next_key_expiry_timestamp_seconds");
  EXPECT_GT(end, now);
  EXPECT_LT(end, now + 30);
  Pass(seconds(30));
  Scrape();
  EXPECT_GT(Value("keymast_next_key_expiry_timestamp_seconds"), end);
}

TEST_F(MetricsTest, ShowsTheClock) {
  clock_view_ = {-milliseconds(1500), 2, true};
  Scrape();
  EXPECT_EQ(Value("keymast_clock_offset_seconds"), -1.5);
  EXPECT_EQ(Value("keymast_clock_steps_total"), 2);
  EXPECT_EQ(Value("keymast_clock_unsure"), 1);
}

TEST_F(MetricsTest, CountsSwitchesThatAreHeldNow) {
  MakeChannel("news");
  Pass(seconds(1));
  AddHeadend("north", "news");
  Pass(seconds(15));
  Scrape();
  EXPECT_EQ(Value("keymast_switches_held"), 1);
  Must(R"(delete_headend { name: "headends/north" })");
  Pass(seconds(1));
  Scrape();
  EXPECT_EQ(Value("keymast_switches_held"), 0);
}

TEST_F(MetricsTest, CountsStreamsAndClientsThatWereRefused) {
  Send(client_, Ask(R"(headend_report { headend: "headends/none" })"));
  EXPECT_TRUE(Next(client_).has_error());
  Scrape();
  EXPECT_EQ(Value("keymast_headend_streams_refused_total"), 1);
  EXPECT_EQ(Value("keymast_watchers_dropped_total"), 0);
  for (const char* reason : {"peer", "protocol", "slow"}) {
    EXPECT_EQ(Value("keymast_clients_refused_total", {{"reason", reason}}), 0) << reason;
  }
}

TEST_F(MetricsTest, NoLabelNamesAChannelOrAMember) {
  MakeChannel("zanzibar");
  AddMember("zanzibar", "quentin");
  AddHeadend("antarctica", "zanzibar");
  Must(R"(expel_members { parent: "channels/zanzibar"
                          names: "channels/zanzibar/members/quentin" })");
  Scrape();
  for (const core::Metric& metric : snapshot_.metrics()) {
    for (const core::Sample& sample : metric.samples()) {
      for (const auto& [label, value] : sample.labels()) {
        EXPECT_THAT(std::vector<std::string>{label},
                    IsSubsetOf({"state", "level", "reason", "kind", "result", "version", "quota"}));
        for (const char* name : {"zanzibar", "quentin", "antarctica"}) {
          EXPECT_EQ(value.find(name), std::string::npos) << metric.name();
        }
      }
    }
  }
}

TEST(Histogram, PutsEachObservationIntoTheBucketThatHoldsIt) {
  Histogram<2> histogram({0.5, 1});
  for (const double seconds : {0.0, 0.5, 0.6, 1.0, 1.1, -3.0}) histogram.Observe(seconds);
  EXPECT_THAT(histogram.counts(), ElementsAre(3U, 2U, 1U));
  EXPECT_NEAR(histogram.sum(), 0.2, 1e-9);
}

TEST(Histogram, BoundsRise) {
  EXPECT_TRUE(std::is_sorted(kLatenessBounds.begin(), kLatenessBounds.end()));
  EXPECT_TRUE(std::is_sorted(kCommitBounds.begin(), kCommitBounds.end()));
}

}  // namespace
}  // namespace keymast::server
