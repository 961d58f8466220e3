// SPDX-License-Identifier: Apache-2.0
// Random histories: joins, leaves, exclusions, lost messages, crashes, commits that fail. Whatever
// happens, no key sees a counter twice, no ID has two keys, and whoever belongs is served.
#include "tests/unit/controller/world.h"

namespace keymast::controller {
namespace {

constexpr int kMembers = 6;

groups::KeyPolicy HastyPolicy(uint64_t seed) {
  groups::KeyPolicy policy;
  policy.mtk_period = milliseconds(1000);
  policy.mtk_lead = milliseconds(400);
  policy.mtk_repetition = milliseconds(200);
  policy.msk_period = seconds(6);
  policy.msk_lead = seconds(2);
  policy.msk_give_up = seconds(1);
  policy.batch_window = milliseconds(700);
  policy.mtk_ids_per_msk = seed % 3 == 0 ? 6 : 65535;
  policy.leave = static_cast<groups::LeavePolicy>(1 + seed % 3);
  return policy;
}

class History {
 public:
  explicit History(uint64_t seed, bool anticipates = true) : choice_(seed), world_(seed) {
    world_.anticipates = anticipates;
    world_.MakeChannel(HastyPolicy(seed));
    world_.AddMembers(1, kMembers, false);
  }

  void Run(int events) {
    for (int i = 0; i < events && !testing::Test::HasFailure(); ++i) One();
    for (auto& [number, member] : world_.members) member.answers = member.reachable = true;
    world_.Pass(seconds(12));
  }

  void Check() {
    std::set<std::pair<std::string, uint32_t>> seen;  // (key, COUNTER)
    for (const Sent& sent : world_.sent) {
      const std::string key = sent.kind == mikey::MessageKind::kMsk
                                  ? ToString(sent.to)
                                  : std::to_string(sent.msk.value());
      EXPECT_TRUE(seen.insert({key, sent.counter}).second) << key << " " << sent.counter;
    }
    CheckIdsHaveOneKey();
    CheckServed();
  }

  const World& world() const { return world_; }

 private:
  uint32_t Below(uint32_t limit) {
    std::array<uint8_t, 4> octets{};
    choice_.Fill(octets);
    uint32_t drawn = 0;
    for (const uint8_t octet : octets) drawn = drawn << 8 | octet;
    return drawn % limit;
  }

  // Try carries a command out whose refusal is an outcome like any other. Sometimes its commit
  // fails: nothing of it leaves, and the state is read again.
  void Try(const Command& command) {
    Step step;
    const bool done = world_.core->Do(command, world_.now, false, step).has_value();
    if (done && Below(8) == 0) {
      world_.core->Reload(world_.durable, world_.now);
      return;
    }
    if (done) world_.Deliver(std::move(step));
  }

  void Rejoin(int member) {
    if (!world_.channel().members.contains(IdOf(member))) {
      groups::Member back;
      back.subscriber = IdOf(member);
      back.msk_endpoint = EndpointOf(member);
      Try(CreateMembers{kNews, {{back, true}}});
      return;
    }
    Try(Join{kNews, IdOf(member)});
  }

  void One() {
    const int member = 1 + static_cast<int>(Below(kMembers));
    FakeMember& fake = world_.members.at(member);
    switch (Below(12)) {
      case 0:
      case 1:
      case 2:
        Rejoin(member);
        break;
      case 3:
        Try(Leave{kNews, IdOf(member)});
        break;
      case 4:
        Try(Expel{kNews, {IdOf(member)}});
        break;
      case 5:
        fake.answers = !fake.answers;
        break;
      case 6:
        fake.reachable = !fake.reachable;
        break;
      case 7:
        Try(RekeyNow{kNews, Below(2) == 0 ? rekey::KeyLevel::kMtk : rekey::KeyLevel::kMsk});
        break;
      case 8:
        world_.Restart(milliseconds(Below(3000)), Below(4) == 0);
        break;
      default:
        break;
    }
    CheckCounts();
    world_.Pass(milliseconds(Below(Below(2) == 0 ? 150 : 2500)));
  }

  void CheckIdsHaveOneKey() {
    std::map<MskId, crypto::Key32> msks;
    for (const auto& [number, member] : world_.members) {
      for (uint16_t id = 1; id <= world_.ladder().last_key_number.value; ++id) {
        if (!member.HasMsk(MskNo(id))) continue;
        const crypto::Key32& key = member.Msk(MskNo(id)).msk;
        EXPECT_TRUE(msks.try_emplace(MskNo(id), key).first->second == key) << id;
      }
    }
  }

  void CheckCounts() {
    uint64_t joined = 0;
    for (const auto& [id, member] : world_.channel().members) joined += member.joined ? 1 : 0;
    EXPECT_EQ(world_.core->JoinedCount(kNews), joined);
    EXPECT_LE(world_.core->ConfirmedCount(kNews), joined);
  }

  void CheckServed() {
    const rekey::Slot active = *world_.ladder().active;
    for (const auto& [id, member] : world_.channel().members) {
      const FakeMember& fake = world_.members.at(std::stoi(id.value.substr(1)));
      EXPECT_TRUE(!member.joined || fake.HasMtk(active.msk, active.mtk)) << id.value;
    }
    const bool keys_change_by_now =
        world_.channel().channel.policy.leave != groups::LeavePolicy::kNextMsk;
    for (const auto& [number, fake] : world_.members) {
      const auto member = world_.channel().members.find(IdOf(number));
      const bool belongs = member != world_.channel().members.end() && member->second.joined;
      const bool shut_out = !belongs && keys_change_by_now;
      EXPECT_FALSE(shut_out && fake.HasMtk(active.msk, active.mtk)) << number;
    }
  }

  crypto::SeededRng choice_;
  World world_;
};

TEST(Histories, RepeatNothingAndServeWhoBelongs) {
  for (uint64_t seed = 1; seed <= 600 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(seed);
    history.Run(40);
    history.Check();
  }
}

void ExpectSame(History one, History two) {
  one.Run(40);
  two.Run(40);
  const std::vector<Sent>& a = one.world().sent;
  const std::vector<Sent>& b = two.world().sent;
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].at, b[i].at);
    ASSERT_EQ(a[i].octets, b[i].octets);
  }
}

TEST(Histories, WithOneSeedAreOneHistory) {
  for (uint64_t seed = 1; seed <= 10; ++seed) ExpectSame(History(seed), History(seed));
}

// Messages that are built ahead are those that are built in time, whatever comes between.
TEST(Histories, AreTheSameWithoutAnticipation) {
  for (uint64_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ExpectSame(History(seed, true), History(seed, false));
  }
}

}  // namespace
}  // namespace keymast::controller
