// SPDX-License-Identifier: Apache-2.0
// Operations on the whole of a real store, as who asked for them sees them.
#include <filesystem>

#include "google/rpc/error_info.pb.h"
#include "served.h"
#include "server/open_store.h"

namespace keymast::server {
namespace {

namespace fs = std::filesystem;

// HeldStore commits nothing while it is full, and waits in the second step of a rotation.
class HeldStore final : public Durable {
 public:
  explicit HeldStore(Durable& store) : store_(store) {}
  Result<uint64_t> Commit(const std::vector<rekey::Change>& changes) override {
    if (is_full) return Err(Error::kNoSpace);
    return store_.Commit(changes);
  }
  std::unique_ptr<CommitRoom> NewRoom() const override { return store_.NewRoom(); }
  tl::expected<rekey::State, Failure> Load() override { return store_.Load(); }
  Status CloseClean() override { return store_.CloseClean(); }
  uint64_t revision() const override { return store_.revision(); }
  Result<std::vector<audit::Record>> Audit(uint64_t after, size_t limit) override {
    return store_.Audit(after, limit);
  }
  Result<std::string> BeginBackup() override { return store_.BeginBackup(); }
  Status EndBackup() override { return store_.EndBackup(); }
  Rotation rotation() const override { return store_.rotation(); }
  tl::expected<void, Failure> BeginRotation(const crypto::MasterKey& next) override {
    return store_.BeginRotation(next);
  }
  Result<Rotation> RotationStep() override {
    if (++steps == 2) holds.wait(true);
    return store_.RotationStep();
  }
  Status CancelRotation() override { return store_.CancelRotation(); }

  void LetGo() {
    holds = false;
    holds.notify_all();
  }

  std::atomic<bool> is_full = false;
  std::atomic<bool> holds = true;
  std::atomic<int> steps = 0;

 private:
  Durable& store_;
};

// Disk is a store that was just made, with its master key and the next one.
class Disk {
 protected:
  Disk() {
    std::string folder = testing::TempDir() + "keymast-work-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    disk_ = folder;
    config_.data = folder + "/data";
    config_.witness = folder + "/witness";
    config_.backups = folder + "/backups";
    EXPECT_TRUE(InitStore(config_, {&key_}).has_value());
    auto opened = OpenStore(config_, {&key_});
    EXPECT_TRUE(opened.has_value());
    opened_ = std::move(*opened);
    held_.emplace(*opened_.durable);
  }
  ~Disk() { fs::remove_all(disk_); }

  fs::path disk_;
  ServerConfig config_;
  crypto::LocalMasterKey key_{crypto::SecretKey<32>(Bytes(32, 9))};
  crypto::LocalMasterKey next_key_{crypto::SecretKey<32>(Bytes(32, 10))};
  OpenedStore opened_;
  std::optional<HeldStore> held_;
};

class StoreWorkTest : public Disk, public Served {
 protected:
  StoreWorkTest()
      : Served(On{&*held_,
                  opened_.state,
                  {config_.backups,
                   [this] { return std::make_unique<crypto::LocalMasterKey>(next_key_); },
                   {64, false}}}) {}

  const rekey::Operation& operation(const std::string& name) const {
    return server_.shard().controller().state().operations.at(
        OperationId(name.substr(name.find('/') + 1)));
  }
  // Begin gives each operation a time, and so a name, of its own.
  std::string Begin(const std::string& request) {
    clock_.now += seconds(1);
    return Must(request).operation().name();
  }
  std::string BeginBackup(const std::string& id) {
    return Begin(R"(create_backup { backup_id: ")" + id + "\" }");
  }
  std::string BeginRotation() {
    return Begin("rotate_master_key { old_key_id: '" + key_.id() + "' new_key_id: '" +
                 next_key_.id() + "' }");
  }
  // UnderWay turns the server until some of it is done.
  bool UnderWay(const std::string& name) {
    EXPECT_TRUE(Until([&] { return operation(name).progress.done > 0; }));
    return !operation(name).progress.IsDone();
  }
  void Cancel(const std::string& name) { Must("cancel_operation { name: '" + name + "' }"); }
  v1::Operation Wait(const std::string& name) {
    return Must("wait_operation { name: '" + name + "' timeout { seconds: 60 } }").operation();
  }
  // EndOf waits for an end that is an error.
  v1::Operation EndOf(const std::string& name, const std::string& reason) {
    v1::Operation end = Wait(name);
    EXPECT_TRUE(end.done() && end.has_error()) << end.ShortDebugString();
    google::rpc::ErrorInfo info;
    EXPECT_TRUE(end.error().details_size() == 1 && end.error().details(0).UnpackTo(&info));
    EXPECT_EQ(info.reason(), reason);
    return end;
  }
  v1::Operation EndOfCancelled(const std::string& name) {
    v1::Operation end = EndOf(name, "cancelled");
    EXPECT_TRUE(end.cancel_requested());
    return end;
  }
  int Backups() { return Must("list_backups {}").list_backups().backups_size(); }
  void ExpectNothingOfBackups() {
    EXPECT_EQ(Backups(), 0);
    EXPECT_TRUE(fs::is_empty(config_.backups));
    EXPECT_FALSE(fs::exists(disk_ / "data/backup.part"));
  }
};

TEST_F(StoreWorkTest, ABackupGrowsWhileChangesAreMade) {
  const std::string name = BeginBackup("one");
  ASSERT_TRUE(UnderWay(name));
  MakeChannel("news");
  ASSERT_FALSE(operation(name).progress.IsDone()) << "the change waited for all of it";
  EXPECT_EQ(Backups(), 0);
  const v1::Operation end = Wait(name);
  EXPECT_TRUE(end.has_response()) << end.ShortDebugString();
  EXPECT_EQ(end.done_units(), end.total_units());
  const auto listed = Must("list_backups {}").list_backups();
  ASSERT_EQ(listed.backups_size(), 1);
  EXPECT_EQ(listed.backups(0).name(), "backups/one");
  EXPECT_EQ(listed.backups(0).octets(), end.total_units());
  EXPECT_EQ(Must("get_backup { name: 'backups/one' }").backup().SerializeAsString(),
            listed.backups(0).SerializeAsString());
  EXPECT_EQ(Refused("get_backup { name: 'backups/none' }").reason(), "not_found");
}

TEST_F(StoreWorkTest, ABackupThatIsCancelledOnItsWayLeavesNothing) {
  const std::string name = BeginBackup("one");
  ASSERT_TRUE(UnderWay(name));
  Cancel(name);
  const v1::Operation end = EndOfCancelled(name);
  EXPECT_LT(end.done_units(), end.total_units());
  ExpectNothingOfBackups();
  // The name is free again.
  EXPECT_TRUE(Wait(BeginBackup("one")).has_response());
  EXPECT_EQ(Backups(), 1);
}

TEST_F(StoreWorkTest, OneBackupAtATime) {
  const std::string name = BeginBackup("one");
  clock_.now += seconds(1);
  EXPECT_EQ(Refused(R"(create_backup { backup_id: "two" })").resource(), name);
  EXPECT_TRUE(Wait(name).has_response());
  EXPECT_TRUE(Wait(BeginBackup("two")).has_response());
  EXPECT_EQ(Backups(), 2);
}

// Its files would keep the room that the store waits for, while nothing can be asked of this
// server.
TEST_F(StoreWorkTest, ABackupGivesItsRoomBackWhenTheStoreHasNone) {
  const std::string name = BeginBackup("one");
  ASSERT_TRUE(UnderWay(name));
  held_->is_full = true;
  EXPECT_TRUE(Until([&] { return !fs::exists(disk_ / "data/backup.part"); }));
  EXPECT_EQ(server_.shard().store_state(), StoreState::kNoSpace);
  held_->is_full = false;
  // A try that was on its way may still have found none: the next one is a second later.
  EXPECT_TRUE(Until([&] {
    Pass(milliseconds(100));
    return !server_.shard().Frozen();
  }));
  EndOf(name, "no_space");
  ExpectNothingOfBackups();
}

TEST_F(StoreWorkTest, ARotationThatIsCancelledOnItsWayStaysWithTheOldKey) {
  for (int i = 0; i < 30; ++i) MakeChannel("c" + std::to_string(i));
  const std::string name = BeginRotation();
  EXPECT_TRUE(Until([&] { return held_->steps == 2; }));
  EXPECT_EQ(StatusOf().master_key_id(), next_key_.id());
  Send(client_, Ask("cancel_operation { name: '" + name + "' }"));
  EXPECT_TRUE(Until([&] { return operation(name).progress.cancelling; }));
  held_->LetGo();
  EXPECT_FALSE(Next(client_).has_error());
  const v1::Operation end = EndOfCancelled(name);
  EXPECT_LT(end.done_units(), end.total_units());
  EXPECT_EQ(StatusOf().master_key_id(), key_.id());
  EXPECT_FALSE(opened_.durable->rotation().IsRunning());
  // All of it opens with the old key alone, also what was written meanwhile.
  MakeChannel("last");
  server_.Drain();
  opened_.durable.reset();
  const auto again = OpenStore(config_, {&key_});
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->state.channels.size(), 31U);
}

}  // namespace
}  // namespace keymast::server
