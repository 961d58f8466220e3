// SPDX-License-Identifier: Apache-2.0
#include "server/metrics.h"

#include <algorithm>

#include "rekey/ladder.h"
#include "server/standing.h"
#include "server/translate.h"
#include "shell/usage.h"

namespace keymast::server {
namespace {

using Labels = std::initializer_list<std::pair<std::string, std::string>>;

class Family {
 public:
  Family(core::MetricsSnapshot& snapshot, const char* name, const char* help,
         core::Metric::Type type)
      : metric_(*snapshot.add_metrics()) {
    metric_.set_name(name);
    metric_.set_help(help);
    metric_.set_type(type);
  }
  Family& Add(double value, Labels labels = {}) {
    core::Sample& sample = *metric_.add_samples();
    for (const auto& [label, text] : labels) (*sample.mutable_labels())[label] = text;
    sample.set_value(value);
    return *this;
  }
  Family& Add(uint64_t value, Labels labels = {}) {
    return Add(static_cast<double>(value), labels);
  }
  template <size_t N>
  void Add(const Histogram<N>& histogram) {
    core::Sample& sample = *metric_.add_samples();
    sample.set_value(histogram.sum());
    sample.mutable_bounds()->Add(histogram.bounds().begin(), histogram.bounds().end());
    sample.mutable_counts()->Add(histogram.counts().begin(), histogram.counts().end());
  }
  // By reason: those that occurred.
  void AddByReason(const std::array<uint64_t, kErrorCount>& counts, const char* label) {
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] == 0) continue;
      Add(counts[i], {{label, std::string(ErrorName(static_cast<Error>(i)))}});
    }
  }

 private:
  core::Metric& metric_;
};

constexpr auto kCounter = core::Metric::COUNTER;
constexpr auto kGauge = core::Metric::GAUGE;
constexpr auto kHistogram = core::Metric::HISTOGRAM;

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// Membership and the ages of keys, over all channels.
struct Overview {
  uint64_t members = 0;
  uint64_t joined = 0;
  uint64_t confirmed = 0;
  Duration oldest_msk{};
  Duration oldest_mtk{};
  uint64_t fewest_numbers = rekey::kLastKeyNumber;  // Key Numbers that a channel has left
};

Overview LookOver(const controller::Controller& controller, Instant now) {
  Overview overview;
  for (const auto& [id, channel] : controller.state().channels) {
    overview.members += channel.members.size();
    overview.joined += controller.JoinedCount(id);
    overview.confirmed += controller.ConfirmedCount(id);
    const rekey::Ladder& ladder = channel.ladder;
    overview.fewest_numbers =
        std::min<uint64_t>(overview.fewest_numbers, rekey::KeyNumbersLeft(ladder));
    if (ladder.msk) overview.oldest_msk = std::max(overview.oldest_msk, now - ladder.msk->made);
    if (ladder.active) {
      overview.oldest_mtk = std::max(overview.oldest_mtk, now - ladder.active->switch_at);
    }
  }
  return overview;
}

void FillMembership(const Shard& shard, core::MetricsSnapshot& out) {
  const rekey::State& state = shard.controller().state();
  const Overview overview = LookOver(shard.controller(), shard.Now());
  Family(out, "keymast_channels", "Channels.", kGauge).Add(uint64_t{state.channels.size()});
  Family(out, "keymast_subscribers", "Subscribers.", kGauge)
      .Add(uint64_t{state.subscribers.size()});
  Family(out, "keymast_members", "Members by state.", kGauge)
      .Add(overview.members - overview.joined, {{"state", "entitled"}})
      .Add(overview.joined - std::min(overview.joined, overview.confirmed), {{"state", "joined"}})
      .Add(overview.confirmed, {{"state", "confirmed"}});
  Family(out, "keymast_headends", "Headends enrolled.", kGauge)
      .Add(uint64_t{state.headends.size()});
  Family(out, "keymast_headends_connected", "Headends connected.", kGauge)
      .Add(uint64_t{shard.parts().headends.connected()});
  Family(out, "keymast_key_age_seconds", "Age of the oldest key in use.", kGauge)
      .Add(Seconds(overview.oldest_msk), {{"level", "msk"}})
      .Add(Seconds(overview.oldest_mtk), {{"level", "mtk"}});
  Family(out, "keymast_key_numbers_left", "Key Numbers that the channel with the fewest has left.",
         kGauge)
      .Add(overview.fewest_numbers);
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

void FillKeying(const Shard& shard, core::MetricsSnapshot& out) {
  const controller::Counters& counters = shard.controller().counters();
  Family rekeys(out, "keymast_rekeys_total", "Key changes by level and reason.", kCounter);
  for (const auto& [what, count] : counters.rekeys) {
    const auto level = static_cast<v1::KeyLevel>(what.first);
    const auto reason = static_cast<v1::RekeyReason>(what.second);
    rekeys.Add(count, {{"level", Lower(v1::KeyLevel_Name(level))},
                       {"reason", Lower(v1::RekeyReason_Name(reason))}});
  }
  Family pierced(out, "keymast_blackouts_pierced_total", "MSK changes in a blackout by reason.",
                 kCounter);
  for (const auto& [reason, count] : counters.blackouts_pierced) {
    pierced.Add(count,
                {{"reason", Lower(v1::RekeyReason_Name(static_cast<v1::RekeyReason>(reason)))}});
  }
  Family quotas(out, "keymast_quota_refused_total", "Creations refused by a principal's quota.",
                kCounter);
  quotas.Add(counters.channels_over_quota, {{"quota", "channels"}});
  quotas.Add(counters.members_over_quota, {{"quota", "members"}});
  Family(out, "keymast_msk_messages_total", "MSK messages, first sends.", kCounter)
      .Add(counters.msk_messages);
  Family(out, "keymast_msk_retransmissions_total", "MSK messages sent again.", kCounter)
      .Add(counters.msk_retransmissions);
  Family(out, "keymast_msk_verifications_total", "Verification messages accepted.", kCounter)
      .Add(counters.msk_verifications);
  Family(out, "keymast_msk_give_ups_total", "Members given up as unreachable.", kCounter)
      .Add(counters.msk_give_ups);
  Family(out, "keymast_mtk_messages_total", "MTK messages by kind.", kCounter)
      .Add(counters.mtk_messages, {{"kind", "first"}})
      .Add(counters.mtk_repetitions, {{"kind", "repetition"}});
  Family(out, "keymast_mtk_switches_held_total", "Switches that waited for a headend.", kCounter)
      .Add(counters.switches_held);
  std::array<uint64_t, kErrorCount> discards = counters.discards;
  for (size_t i = 0; i < discards.size(); ++i) {
    discards[i] += counters.keying.discards[i] + counters.reports.discards[i];
  }
  Family(out, "keymast_datagrams_discarded_total", "Datagrams discarded by reason.", kCounter)
      .AddByReason(discards, "reason");
}

// By the modes that are spoken.
void AddByMode(const Shard& shard, const std::array<uint64_t, 7>& counts, Family& family) {
  for (const uint8_t mode : shard.controller().config().keying.policy.modes) {
    std::string name(mikey::NameOf(static_cast<mikey::v2::Mode>(mode)));
    std::replace(name.begin(), name.end(), ' ', '_');
    family.Add(counts[mode], {{"mode", Lower(name)}});
  }
}

std::string_view NameOf(crypto::DhGroup group) {
  switch (group) {
    case crypto::DhGroup::kX25519:
      return "x25519";
    case crypto::DhGroup::kSecp256r1:
      return "secp256r1";
    case crypto::DhGroup::kModp768:
    case crypto::DhGroup::kModp1024:
    case crypto::DhGroup::kModp1536:
      break;
  }
  return "oakley5";  // of those modulo a prime version 2 has this one
}

void FillJoins(const Shard& shard, core::MetricsSnapshot& out) {
  const controller::KeyingCounters& counters = shard.controller().counters().keying;
  Family answers(out, "keymast_join_answers_total", "Joins answered, first sends.", kCounter);
  AddByMode(shard, counters.answers, answers);
  Family joins(out, "keymast_joins_total", "Joins finished by mode.", kCounter);
  AddByMode(shard, counters.joins, joins);
  Family(out, "keymast_join_repetitions_total", "Answers sent again.", kCounter)
      .Add(counters.repetitions);
  Family(out, "keymast_join_retries_total", "RETRYs: cookies asked for.", kCounter)
      .Add(counters.retries);
  Family(out, "keymast_join_tickets_total", "Tickets by what was done.", kCounter)
      .Add(counters.tickets_given, {{"result", "given"}})
      .Add(counters.tickets_taken, {{"result", "taken"}})
      .Add(counters.tickets_refused, {{"result", "refused"}});
  Family(out, "keymast_join_tickets_spent", "Spent tickets that are kept.", kGauge)
      .Add(uint64_t{shard.controller().state().tickets.spent.size()});
  Family ahead(out, "keymast_join_values_ahead", "Diffie-Hellman values made ahead.", kGauge);
  const controller::Controller& controller = shard.controller();
  for (const uint8_t number : controller.config().keying.policy.groups) {
    const auto group = mikey::v2::CryptoGroup(static_cast<mikey::DhGroup>(number));
    if (!group) continue;
    ahead.Add(uint64_t{controller.MadeAhead(*group)}, {{"group", std::string(NameOf(*group))}});
  }
  Family(out, "keymast_join_certificates_kept", "Members whose certificates are kept.", kGauge)
      .Add(uint64_t{controller.KeptCertificates()});
  Family(out, "keymast_join_discards_total", "MIKEYv2 datagrams refused.", kCounter)
      .AddByReason(counters.discards, "reason");
  Family(out, "keymast_join_exchanges", "Exchanges remembered.", kGauge)
      .Add(uint64_t{shard.controller().Exchanges()});
  Family(out, "keymast_join_waiting", "Joins of strangers that wait.", kGauge)
      .Add(uint64_t{shard.controller().Waiting()});
}

void FillReports(const Shard& shard, core::MetricsSnapshot& out) {
  const controller::ReportCounters& counters = shard.controller().counters().reports;
  Family taken(out, "keymast_reports_total", "REPORTs taken.", kCounter);
  taken.Add(counters.taken[1], {{"kind", "acknowledge"}});
  taken.Add(counters.taken[2], {{"kind", "missing"}});
  taken.Add(counters.taken[3], {{"kind", "leave"}});
  Family(out, "keymast_report_answers_total", "REPORTs answered by KEYS.", kCounter)
      .Add(counters.answers);
  Family(out, "keymast_report_discards_total", "REPORTs refused.", kCounter)
      .AddByReason(counters.discards, "reason");
  Family(out, "keymast_keys_pushed_total", "KEYS sent unasked.", kCounter).Add(counters.pushes);
  Family(out, "keymast_keys_push_repetitions_total", "Unasked KEYS sent again.", kCounter)
      .Add(counters.repetitions);
}

// Unix time in seconds; 0: it has no end.
double EndOf(Instant end) { return end == kNever ? 0 : Seconds(end.time_since_epoch()); }

void FillJoinFiles(const JoinFilesView& files, core::MetricsSnapshot& out) {
  Family(out, "keymast_join_certificate_end_timestamp_seconds",
         "When the first certificate of this server ends.", kGauge)
      .Add(EndOf(files.certificate_end));
  Family(out, "keymast_join_revocation_list_end_timestamp_seconds",
         "When the first revocation list ends.", kGauge)
      .Add(EndOf(files.list_end.value_or(kNever)));
  Family(out, "keymast_join_reloads_total", "Reloads of files of joins by result.", kCounter)
      .Add(files.reloads, {{"result", "ok"}})
      .Add(files.failed, {{"result", "failed"}});
  Family(out, "keymast_join_reload_failed", "1 when the last reload kept the old files.", kGauge)
      .Add(uint64_t{files.last_failed});
}

void FillNetwork(const DatagramPort::Counters& counters, core::MetricsSnapshot& out) {
  Family(out, "keymast_rekey_lateness_seconds", "Send instant minus planned instant.", kHistogram)
      .Add(counters.lateness);
  Family(out, "keymast_datagrams_sent_total", "Datagrams that the kernel took.", kCounter)
      .Add(counters.sent);
  Family(out, "keymast_datagrams_received_total", "Datagrams on the MIKEY port.", kCounter)
      .Add(counters.received);
  Family(out, "keymast_datagrams_dropped_total", "Datagrams that the kernel dropped.", kCounter)
      .Add(counters.dropped);
  Family(out, "keymast_send_errors_total", "Datagrams that the kernel refused.", kCounter)
      .AddByReason(counters.send_errors, "reason");
}

void FillStore(const Shard& shard, const About& store, core::MetricsSnapshot& out) {
  const Shard::Counters& counters = shard.counters();
  Family commits(out, "keymast_commits_total", "Commits by result.", kCounter);
  commits.Add(counters.commits, {{"result", "ok"}});
  commits.AddByReason(counters.commit_errors, "result");
  Family(out, "keymast_commit_seconds", "Time of a commit with its sync.", kHistogram)
      .Add(counters.commit_time);
  Family state(out, "keymast_store_state", "1 for the state that the store is in.", kGauge);
  const auto is = [&](StoreState one) { return uint64_t{shard.store_state() == one}; };
  state.Add(is(StoreState::kOpen), {{"state", "open"}});
  state.Add(is(StoreState::kNoSpace), {{"state", "no_space"}});
  state.Add(is(StoreState::kClosed), {{"state", "closed"}});
  Family(out, "keymast_audit_blocked", "1 while audit_sink takes no records.", kGauge)
      .Add(uint64_t{shard.CannotRecord().has_value()});
  Family(out, "keymast_incarnation", "Rises when acknowledged commits were lost.", kGauge)
      .Add(store.incarnation);
  Family(out, "keymast_store_epoch", "Leadership epoch: rises with each start.", kGauge)
      .Add(store.epoch);
}

void FillClients(const Shard& shard, const Clients& clients, core::MetricsSnapshot& out) {
  Family(out, "keymast_clients_refused_total", "Connections refused by reason.", kCounter)
      .Add(clients.counters().refused_peers, {{"reason", "peer"}})
      .Add(clients.counters().protocol_errors, {{"reason", "protocol"}})
      .Add(clients.counters().dropped_for_slowness, {{"reason", "slow"}});
  Family(out, "keymast_watchers_dropped_total", "Watchers that read too slowly.", kCounter)
      .Add(shard.parts().watches.dropped());
  Family(out, "keymast_headend_streams_refused_total", "Headend streams refused.", kCounter)
      .Add(shard.parts().headends.refused());
}

void FillStanding(const Standing& standing, core::MetricsSnapshot& out) {
  Family(out, "keymast_next_key_expiry_timestamp_seconds",
         "When the first key on air ends whose successor is not made yet.", kGauge)
      .Add(EndOf(standing.next_expiry));
  Family(out, "keymast_switches_held", "Channels whose switch waits for a headend.", kGauge)
      .Add(standing.held);
}

void FillClock(const ClockView& clock, core::MetricsSnapshot& out) {
  Family(out, "keymast_clock_offset_seconds", "Wall clock minus the time line of keys.", kGauge)
      .Add(Seconds(clock.offset));
  Family(out, "keymast_clock_steps_total", "Times that the wall clock was set.", kCounter)
      .Add(clock.steps);
  Family(out, "keymast_clock_unsure", "1 while the data are younger than the wall clock.", kGauge)
      .Add(uint64_t{clock.unsure});
}

void FillProcess(core::MetricsSnapshot& out) {
  const shell::Usage usage = shell::MeasureUsage();
  Family(out, "keymast_core_cpu_seconds_total", "Processor time of keymastd.", kCounter)
      .Add(usage.cpu_seconds);
  Family(out, "keymast_core_resident_memory_bytes", "Resident memory of keymastd.", kGauge)
      .Add(usage.resident_octets);
  Family(out, "keymast_core_open_fds", "Descriptors that keymastd has open.", kGauge)
      .Add(usage.open_descriptors);
  Family(out, "keymast_core_max_fds", "Descriptors that keymastd may have open.", kGauge)
      .Add(usage.most_descriptors);
  Family(out, "keymast_core_start_time_seconds", "When keymastd was started, Unix time.", kGauge)
      .Add(usage.started);
  Family(out, "keymast_build_info", "Version of keymastd.", kGauge)
      .Add(uint64_t{1}, {{"version", KEYMAST_VERSION}});
}

}  // namespace

void FillMetrics(const Shard& shard, const DatagramPort::Counters& network, const Clients& clients,
                 const About& store, const JoinFilesView& join_files, const ClockView& clock,
                 uint64_t record_lost, core::MetricsSnapshot& snapshot) {
  FillMembership(shard, snapshot);
  FillStanding(StandingOf(shard, clock), snapshot);
  FillClock(clock, snapshot);
  FillKeying(shard, snapshot);
  FillJoins(shard, snapshot);
  FillReports(shard, snapshot);
  FillJoinFiles(join_files, snapshot);
  FillNetwork(network, snapshot);
  FillStore(shard, store, snapshot);
  FillClients(shard, clients, snapshot);
  FillProcess(snapshot);
  Family(snapshot, "keymast_record_lost_total", "Datagrams missing from the recording.", kCounter)
      .Add(record_lost);
}

}  // namespace keymast::server
