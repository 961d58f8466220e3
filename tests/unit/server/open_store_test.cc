// SPDX-License-Identifier: Apache-2.0
// From a configuration to an open store: what an `init` finds and leaves, what a start refuses.
#include "server/open_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "store/rocks_store.h"
#include "store/witness.h"

namespace keymast::server {
namespace {

namespace fs = std::filesystem;

class OpenStoreTest : public testing::Test {
 protected:
  OpenStoreTest() {
    std::string folder = testing::TempDir() + "keymast-open-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    config_.data = folder + "/var/data";
    config_.witness = folder + "/witness/file";
  }
  ~OpenStoreTest() override { fs::remove_all(folder_); }

  bool Init() {
    const auto made = InitStore(config_, {&key_});
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return made.has_value() && made->is_new;
  }
  OpenedStore Open() {
    auto opened = OpenStore(config_, {&key_});
    EXPECT_TRUE(opened.has_value()) << opened.error().message;
    return std::move(*opened);
  }
  void ExpectRefused(Error error, const std::string& word) {
    const auto opened = OpenStore(config_, {&key_});
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().error, error) << opened.error().message;
    EXPECT_NE(opened.error().message.find(word), std::string::npos) << opened.error().message;
  }

  fs::path folder_;
  ServerConfig config_;
  crypto::LocalMasterKey key_{crypto::SecretKey<32>(Bytes(32, 9))};
};

TEST_F(OpenStoreTest, InitMakesFoldersForTheOwnerAlone) {
  EXPECT_TRUE(Init());
  for (const fs::path& path : {folder_ / "var", folder_ / "var/data", folder_ / "witness"}) {
    EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all) << path;
  }
  EXPECT_FALSE(Init());
  const OpenedStore opened = Open();
  EXPECT_EQ(opened.about.incarnation, 1U);
  EXPECT_EQ(opened.about.possibly_lost_commits, 0U);
  EXPECT_FALSE(opened.about.new_incarnation);
  EXPECT_EQ(opened.import_key.public_key, crypto::PublicKeyOf(opened.import_key.private_key));
}

TEST_F(OpenStoreTest, ChangesComeBack) {
  Init();
  std::array<uint8_t, 32> hash{};
  {
    OpenedStore opened = Open();
    const std::vector<rekey::Change> changes = {rekey::MukCounterReserved{257}};
    EXPECT_TRUE(opened.durable->NewRoom()->Take(changes));
    const auto revision = opened.durable->Commit(changes);
    ASSERT_TRUE(revision.has_value());
    EXPECT_EQ(opened.durable->revision(), *revision);
    const auto state = opened.durable->Load();
    ASSERT_TRUE(state.has_value());
    hash = StateHashOf(*state);
    EXPECT_NE(hash, StateHashOf(opened.state));
    EXPECT_TRUE(opened.durable->CloseClean().has_value());
  }
  const OpenedStore opened = Open();
  EXPECT_EQ(opened.state.muk_counter.end, 257U);
  EXPECT_EQ(StateHashOf(opened.state), hash);
}

TEST_F(OpenStoreTest, AnInitThatWasCutShortIsFinished) {
  fs::create_directories(config_.data);
  fs::create_directories(fs::path(config_.witness).parent_path());
  ASSERT_TRUE(store::OpenRocksStore({config_.data, true}).has_value());
  ExpectRefused(Error::kNotFound, "keymastd init");
  EXPECT_TRUE(Init());
  Open();
}

TEST_F(OpenStoreTest, AWitnessWithoutCommitsIsTakenOver) {
  fs::create_directories(config_.data);
  fs::create_directories(fs::path(config_.witness).parent_path());
  ASSERT_TRUE(store::OpenRocksStore({config_.data, true}).has_value());
  ASSERT_TRUE((*store::Witness::Create(config_.witness, 1))->Reserve(64).has_value());
  EXPECT_TRUE(Init());
  Open();
}

TEST_F(OpenStoreTest, InitDoesNotReplaceDataThatAreGone) {
  Init();
  fs::remove_all(config_.data);
  ExpectRefused(Error::kNotFound, "keymastd init");
  const auto made = InitStore(config_, {&key_});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().error, Error::kAlreadyExists);
  EXPECT_NE(made.error().message.find(config_.witness), std::string::npos);
}

TEST_F(OpenStoreTest, InitDoesNotReplaceAWitnessThatIsGone) {
  Init();
  fs::remove(config_.witness);
  const auto made = InitStore(config_, {&key_});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().error, Error::kRolledBack);
  ExpectRefused(Error::kRolledBack, config_.witness);
  config_.accept_rollback = true;
  {
    const OpenedStore opened = Open();
    EXPECT_TRUE(opened.about.new_incarnation);
    EXPECT_EQ(opened.about.incarnation, 2U);
    EXPECT_FALSE(opened.about.possibly_lost_commits) << "nobody knows";
  }
  EXPECT_FALSE(Init());
}

TEST_F(OpenStoreTest, TwoServersAreTold) {
  Init();
  const OpenedStore first = Open();
  ExpectRefused(Error::kInUse, "in use");
}

TEST_F(OpenStoreTest, AWitnessInUseOrDamagedIsNamed) {
  Init();
  {
    const auto other = store::Witness::Open(config_.witness);
    ExpectRefused(Error::kInUse, "witness " + config_.witness);
  }
  std::ofstream(config_.witness, std::ios::trunc) << "nothing";
  ExpectRefused(Error::kCorrupt, "witness " + config_.witness);
}

TEST_F(OpenStoreTest, AnotherMasterKeyIsTold) {
  Init();
  key_ = crypto::LocalMasterKey(crypto::SecretKey<32>(Bytes(32, 8)));
  ExpectRefused(Error::kWrongMasterKey, "master key");
}

TEST(StateHash, SeesEverythingButPositionsWithinReservations) {
  rekey::State state;
  const ChannelId news("news");
  const SubscriberId anna("anna");
  groups::Channel channel;
  channel.id = news;
  rekey::Ladder ladder;
  ladder.msk.emplace();
  groups::Member member;
  member.subscriber = anna;
  groups::Headend headend;
  headend.id = HeadendId("studio");
  std::map<Ssrc, rekey::Position> positions;
  positions[Ssrc(1)] = {PacketIndex(1), {}, {}};
  rekey::Rekey rekey;
  rekey.sequence = 1;
  const std::vector<rekey::Change> changes = {
      rekey::ChannelPut{channel},
      rekey::LadderPut{news, ladder},
      rekey::PositionsPut{news, positions},
      rekey::RekeyRecorded{news, rekey},
      rekey::SubscriberPut{{anna, "anna@example.org", {}, 1}, crypto::Key32(Bytes(16, 1))},
      rekey::MemberPut{news, member},
      rekey::MemberConfirmed{news, anna, MskId::FromValue(7)},
      rekey::HeadendPut{headend},
      rekey::MukCounterReserved{257},
      rekey::KeyGroupRetired{{KeyDomainId{}, KeyGroup(1)}, KeyNumber(1)},
      rekey::UnknownGroupsSkipped{KeyNumber(1)},
      rekey::TicketKeyPut{{1, crypto::SecretKey<32>(Bytes(32, 1)), {}, kNever}},
      rekey::TicketSpent{{kNever, {1}}},
      rekey::TicketSpent{{kNever, {2}}},
      rekey::TicketForgotten{{kNever, {1}}},
      rekey::TicketKeyDropped{1},
      rekey::TicketsPast{Instant()},
      rekey::DepartedKept{5, 2},
      rekey::ReportsSkipped{9},
      rekey::SubscriberPut{{anna, "anna@example.org", {}, 1}, crypto::Key32(Bytes(16, 2))},
      rekey::SubscriberPut{{anna, "anna@example.org", {}, 1, 1}, crypto::Key32(Bytes(16, 2))},
  };
  std::set<std::array<uint8_t, 32>> seen = {StateHashOf(state)};
  for (const rekey::Change& change : changes) {
    rekey::Apply(state, change);
    EXPECT_TRUE(seen.insert(StateHashOf(state)).second) << "change " << change.index();
  }
  const auto hash = StateHashOf(state);
  ++state.muk_counter.next;
  ++state.channels.at(news).ladder.msk->counter.next;
  EXPECT_EQ(StateHashOf(state), hash);
}

TEST(StateHash, DoesNotDependOnTheOrderOfArrival) {
  rekey::State forward;
  rekey::State backward;
  for (int i = 0; i < 200; ++i) {
    for (auto [state, number] : {std::pair(&forward, i), std::pair(&backward, 199 - i)}) {
      const std::string id = "s-" + std::to_string(number);
      rekey::Apply(*state, rekey::SubscriberPut{{SubscriberId(id), id, {}, 1}, {}});
    }
  }
  EXPECT_EQ(StateHashOf(forward), StateHashOf(backward));
}

}  // namespace
}  // namespace keymast::server
