// SPDX-License-Identifier: Apache-2.0
#include "bench/storm_loader.h"

#include <algorithm>
#include <thread>

#include "bench/harness.h"
#include "mikey/code_points.h"
#include "shell/process.h"

namespace keymast::bench {
namespace {

using mikey::v2::Mode;
using mikey::v2::Policy;

constexpr uint32_t kMskMessages = 1U << 5;  // feature 5 (MIKEYv2 §10)
constexpr double kTicketsASecond = 1500;
constexpr Duration kBeat = std::chrono::milliseconds(1);
constexpr Duration kQuiet = std::chrono::milliseconds(300);
constexpr Duration kPatience = std::chrono::seconds(20);
constexpr Duration kSampled = std::chrono::milliseconds(50);

Duration Seconds(double seconds) { return Duration(static_cast<int64_t>(seconds * 1e9)); }

Policy PolicyOf(Mode mode) {
  Policy policy = Policy::OfGroup({});
  policy.modes.Add(static_cast<uint8_t>(mode));
  policy.features = kMskMessages | mikey::v2::kTicketFeature;
  return policy;
}

// Taken is how many datagrams reached keymastd's socket.
double Taken(const std::map<std::string, double>& metrics) {
  return metrics.at("keymast_datagrams_received_total") +
         metrics.at("keymast_datagrams_dropped_total");
}

bool IsCap(ByteView octets) {
  return octets.size() > 1 && octets[1] == static_cast<uint8_t>(mikey::DataType::kCap);
}

}  // namespace

StormLoader::StormLoader(const StormPlan& plan, const People& people, StormSite& site,
                         StormLink& link)
    : plan_(plan),
      people_(people),
      site_(site),
      link_(link),
      rng_(plan.seed),
      dice_(plan.seed + 1, people.size() + 1),
      world_{people,
             site.msk(),
             site.channel(),
             PolicyOf(Mode::kPsk),
             PolicyOf(Mode::kDh),
             crypto::DefaultSuite(),
             rng_} {
  for (size_t i = 0; i < people.size(); ++i) {
    receivers_.emplace_back(i,
                            HasCertificate(people.Of(i)) ? StormSite::CertificateOf(i) : Bytes());
  }
}

void StormLoader::GiveTickets() {
  Phase phase{{}, 0, plan_.limit_seconds, true, 0};
  for (size_t i = 0; i < people_.size(); ++i) {
    if (people_.Of(i) == Person::kByTicket) phase.who.push_back(i);
  }
  phase.ramp_seconds = static_cast<double>(phase.who.size()) / kTicketsASecond;
  link_.set_conditions({});
  StormOutcome ignored;
  Run(phase, ignored);
  for (const size_t number : phase.who) {
    Demand(receivers_[number].has_ticket(), People::NameOf(number) + " was given no ticket");
    receivers_[number].Reset();
  }
}

void StormLoader::Storm(StormOutcome& outcome) {
  Phase phase{{}, plan_.ramp_seconds, plan_.limit_seconds, true, plan_.forged / (1 - plan_.forged)};
  for (size_t i = 0; i < people_.size(); ++i) phase.who.push_back(i);
  link_.set_conditions({plan_.loss, plan_.duplication, plan_.reordering});
  const StormLink::Counters before = link_.counters();
  const uint64_t dropped = link_.Dropped();
  const double cpu = ThreadCpuSeconds();
  const double taken = Taken(site_.Metrics()) - static_cast<double>(before.sent);
  Run(phase, outcome);
  outcome.loader_cpu = ThreadCpuSeconds() - cpu;
  Settle(taken);
  outcome.sent = link_.counters().sent - before.sent;
  outcome.received = link_.counters().received - before.received;
  outcome.retries = link_.counters().retries - before.retries;
  outcome.dropped = link_.Dropped() - dropped;
}

void StormLoader::Settle(double before) {
  const shell::SystemClock clock;
  const Instant end = clock.Now() + kPatience;
  do {
    for (const Instant pause = clock.Now() + kQuiet; clock.Now() < pause;) {
      link_.Turn(clock.Now(), [](size_t, ByteView, Instant) {});
      std::this_thread::sleep_for(kBeat);
    }
  } while (clock.Now() < end &&
           Taken(site_.Metrics()) - before < static_cast<double>(link_.counters().sent));
}

// ArrivalsOf all, the last one first.
std::vector<StormLoader::Due> StormLoader::ArrivalsOf(const Phase& phase, Instant begin) {
  std::vector<Due> arrivals;
  for (const size_t number : phase.who) {
    arrivals.emplace_back(begin + Seconds(phase.ramp_seconds * dice_.Throw(number)), number);
  }
  std::sort(arrivals.begin(), arrivals.end(), std::greater<>());
  return arrivals;
}

void StormLoader::Run(const Phase& phase, StormOutcome& outcome) {
  const shell::SystemClock clock;
  const Instant begin = clock.Now();
  const Instant end = begin + Seconds(phase.limit_seconds);
  std::vector<Due> arrivals = ArrivalsOf(phase, begin);
  for (Instant now = begin; now < end; now = clock.Now()) {
    const bool is_busy = link_.Turn(now, [&](size_t party, ByteView octets, Instant at) {
      if (party >= receivers_.size()) return;  // to a forger
      Take(phase, party, receivers_[party].Receive(world_, octets, at, out_), at, outcome);
    });
    for (; !arrivals.empty() && arrivals.back().first <= now; arrivals.pop_back()) {
      const size_t number = arrivals.back().second;
      Take(phase, number, receivers_[number].Open(world_, phase.by_ticket, now, out_), now,
           outcome);
    }
    while (!timers_.empty() && timers_.top().first <= now) {
      const auto [due, number] = timers_.top();
      timers_.pop();
      if (receivers_[number].due() != due) continue;  // it was moved since
      Take(phase, number, receivers_[number].Tick(world_, now, out_), now, outcome);
    }
    Sample(now);
    if (arrivals.empty() && timers_.empty()) break;
    // What comes within a beat is taken together: a system call for each would be half of the work.
    if (!is_busy) std::this_thread::sleep_for(kBeat);
  }
  timers_ = {};
  Judge(phase, begin, outcome);
}

void StormLoader::Take(const Phase& phase, size_t number, const StormReceiver::Step& step,
                       Instant now, StormOutcome& outcome) {
  const StormReceiver& receiver = receivers_[number];
  if (step.opens) ++outcome.exchanges;
  if (step.has_keys && !step.are_right) ++outcome.wrong_keys;
  if (receiver.due() != kNever) timers_.emplace(receiver.due(), number);
  if (step.send == 0) return;
  const ByteView octets = ByteView(out_).first(step.send);
  link_.Send(number, octets, now);
  if (!IsCap(octets)) return;
  ++outcome.caps;
  if (dice_.Throw(number) >= phase.forged) return;
  ++outcome.forged;
  Forge(number, octets, now);
}

// Forge sends one CAP beside a genuine one, under its address or another.
void StormLoader::Forge(size_t number, ByteView cap, Instant now) {
  const double where = dice_.Throw(people_.size());
  const auto other = people_.size() + static_cast<size_t>(where * kForgers);
  const bool is_replay = forgeries_ % 5 == 4;
  const ByteView octets = ForgedOf(cap, now);
  link_.Send(is_replay || dice_.Throw(people_.size()) < 0.5 ? other : number, octets, now);
}

ByteView StormLoader::ForgedOf(ByteView cap, Instant now) {
  std::copy(cap.begin(), cap.end(), forged_.begin());
  const MutableBytes forged = MutableBytes(forged_).first(cap.size());
  const auto below = [this](size_t end) {
    return static_cast<size_t>(dice_.Throw(people_.size()) * static_cast<double>(end));
  };
  switch (forgeries_++ % 5) {
    case 0:  // a wrong V, or whatever is last
      rng_.Fill(forged.last(16));
      return forged;
    case 1: {  // of whom nobody knows
      const std::string identity = "nobody-" + std::to_string(forgeries_) + "@example.org";
      const std::string uri = StormSite::GroupUri();
      const crypto::Key32 key = people_.KeyOf(0, true);
      mikey::v2::Wish wish;
      wish.self = {mikey::IdType::kNai, AsBytes(identity)};
      wish.peer = {mikey::IdType::kUri, AsBytes(uri)};
      wish.psk = key.view();
      wish.join.emplace();
      mikey::v2::Offerer offerer(world_.suite, world_.by_key);
      const Result<size_t> size = offerer.Open(wish, now, rng_, forged_);
      return ByteView(forged_).first(size.value_or(0));
    }
    case 2:  // cut
      return forged.first(1 + below(forged.size() - 1));
    case 3:  // with flipped bits
      for (size_t flips = 1 + below(3); flips > 0; --flips) {
        forged[below(forged.size())] ^= static_cast<uint8_t>(1U << below(8));
      }
      return forged;
    default:  // as it was, from another address
      return forged;
  }
}

void StormLoader::Sample(Instant now) {
  if (now - sampled_at_ < kSampled) return;
  sampled_at_ = now;
  most_memory_ = std::max(most_memory_, site_.Resident());
}

void StormLoader::Judge(const Phase& phase, Instant begin, StormOutcome& outcome) const {
  std::vector<double> taken;
  Instant last = begin;
  for (const size_t number : phase.who) {
    const StormReceiver& receiver = receivers_[number];
    const bool is_entitled = IsEntitled(people_.Of(number));
    if (!is_entitled) ++outcome.strangers;
    if (!receiver.has_keys()) continue;
    if (!is_entitled) {
      ++outcome.intruders;
      continue;
    }
    ++outcome.joined;
    ++outcome.by_mode[static_cast<size_t>(receiver.mode())];
    if (receiver.has_resumed()) ++outcome.resumed;
    if (receiver.is_finished()) ++outcome.finished;
    taken.push_back(std::chrono::duration<double>(receiver.taken()).count());
    last = std::max(last, receiver.keys_at());
  }
  outcome.seconds = std::chrono::duration<double>(last - begin).count();
  outcome.p50 = Percentile(taken, 0.5);
  outcome.p99 = Percentile(taken, 0.99);
  outcome.slowest = Percentile(taken, 1);
}

}  // namespace keymast::bench
