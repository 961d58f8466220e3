// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/oom/house.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "crypto/primitives.h"
#include "server/audit_key.h"
#include "server/durable_records.h"
#include "server/open_store.h"
#include "server/server.h"
#include "shell/log.h"
#include "shell/out_of_memory.h"
#include "tests/unit/oom/wire.h"

namespace keymast::oom {
namespace {

using controller::IdOf;
using controller::kNews;
using std::chrono::milliseconds;
using std::chrono::seconds;

class SharedClock final : public Clock {
 public:
  explicit SharedClock(const Shared& shared) : shared_(shared) {}
  Instant Now() const override { return FromUnixNanos(shared_.now); }

 private:
  const Shared& shared_;
};

// Port is the other process.
class Port final : public server::DatagramPort {
 public:
  explicit Port(int fd) : fd_(fd) {}
  void Send(const std::vector<controller::Datagram>& datagrams) override {
    for (const controller::Datagram& one : datagrams) SendOn(fd_, {one.to, one.octets});
  }
  void Receive(size_t limit, const Take& take) override {
    for (size_t i = 0; i < limit; ++i) {
      const auto arrived = ReceiveOn(fd_);
      if (!arrived) return;
      ++taken_;
      if (!arrived->octets.empty()) take(arrived->at, arrived->octets);
    }
  }
  void Flush() override {}
  Counters counters() const override { return {}; }
  uint64_t taken() const { return taken_; }

 private:
  const int fd_;
  uint64_t taken_ = 0;
};

controller::KeyingConfig Keying() {
  controller::KeyingConfig keying = controller::KeyingWith();
  for (const controller::Mode mode :
       {controller::Mode::kEarlyDh, controller::Mode::kDh, controller::Mode::kRsa}) {
    keying.policy.modes.Add(static_cast<uint8_t>(mode));
  }
  keying.strangers = {2, kHour};  // from then on they need a cookie
  return keying;
}

rekey::Operation SlowOperation(std::string id, Duration spread) {
  rekey::Operation operation;
  operation.id = OperationId(std::move(id));
  operation.kind = rekey::OperationKind::kRekeyChannels;
  operation.subject = "mtk";
  operation.targets = {"spare"};
  if (spread > Duration(0)) operation.targets.push_back("news");
  operation.spread = spread;
  return operation;
}

}  // namespace

House::House() : now(controller::kBegin + std::chrono::minutes(2)) {
  socket_ = site_.folder + "/core.sock";
  log_ = site_.folder + "/log";
  backups_ = site_.folder + "/backups";
  backup_ = site_.folder + "/backup.part";
  Furnish();
  Keep();
}

House::~House() { close(file_); }

void House::Furnish() {
  {
    const auto opened = site_.Start();
    import_key_ = opened.import_key;
  }
  config_ = {std::string(controller::kServer), {}, Keying(), server::AuditOf(import_key_, {})};
  world_ =
      std::make_unique<World>(1, rekey::State(), config_.profile, config_.keying, config_.audit);
  World& world = *world_;
  credentials_ = controller::ServerCredentials();
  world.core->UseCredentials(credentials_);
  world.MakeChannel();
  groups::Channel spare = controller::NewsChannel();
  spare.id = ChannelId("spare");
  spare.multicast.mtk = *ParseEndpoint("239.255.42.2:2269");
  spare.key_group = KeyGroup(8);
  world.Do(controller::CreateChannel{spare});
  world.AddMembers(1, 2);
  world.AddMembers(3, 4, false);
  controller::CreateSubscribers more;
  more.subscribers.push_back({IdOf(5), controller::IdentityOf(5), controller::UserKeyOf(5)});
  world.Do(more);
  groups::Headend headend;
  headend.id = kStudio;
  headend_key_ = crypto::MakeKeyPair(*world.rng);
  headend.public_key = headend_key_.public_key;
  headend.channels = {kNews};
  world.Do(controller::CreateHeadend{headend});
  groups::Schedule daily;
  daily.id = ScheduleId("daily");
  daily.period = kHour * 24;
  world.Do(controller::PutSchedule{kNews, daily, true});
  world.Do(controller::BeginOperation{SlowOperation("done", {})});
  world.PassUntil(controller::kBegin + seconds(10));
  world.Do(controller::BeginOperation{SlowOperation("slow", 24 * kHour)});
  reporter_ = std::make_unique<controller::Reporter>(
      world, 4, controller::kReports | mikey::v2::kTicketFeature);
  reporter_->Join();
  EXPECT_TRUE(reporter_->offerer.resumption().has_value());
  ticket_ = reporter_->offerer.resumption().value_or(mikey::v2::Resumption());
  controller::UpdateMember until{kNews, world.channel().members.at(IdOf(1)), {}};
  until.member.entitled_until = controller::kBegin + std::chrono::minutes(8);
  world.Do(until);
  // From here on s2 does not answer any more, and there is a new MSK for it.
  world.members.at(2).answers = false;
  world.Do(controller::RekeyNow{kNews, rekey::KeyLevel::kMsk});
  world.PassUntil(now);
}

void House::Keep() {
  {
    auto opened = site_.Start();
    for (const rekey::Change& change : world_->changes) {
      KEYMAST_CHECK(opened.repository->Commit({change}).has_value());
    }
    KEYMAST_CHECK(opened.repository->CloseClean().has_value());
  }
  entries_ = site_.Entries();
  witness_ = site_.SaveWitness();
  file_ = open((site_.folder + "/commits").c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  KEYMAST_CHECK(file_ >= 0);
  auto store = std::make_unique<KeptStore>(store::OpenMemoryStore(records::DiskOf(entries_)), file_,
                                           backup_);
  auto witness = store::Witness::Open(site_.witness, site_.boot);
  KEYMAST_CHECK(witness.has_value());
  auto opened = records::Repository::Open(
      {std::move(store), std::move(*witness), {"DATA", site_.witness}, site_.tuning},
      {&site_.master_key}, site_.rng, false);
  KEYMAST_CHECK(opened.has_value());
  opened_ = std::move(*opened);
  PutBack();
}

void House::PutBack() const {
  site_.RestoreWitness(witness_);
  KEYMAST_CHECK(ftruncate(file_, 0) == 0);
  std::filesystem::remove_all(backups_);
  std::filesystem::remove_all(backup_);
  std::filesystem::create_directories(backups_ + "/old");
  std::filesystem::remove(socket_);
}

Bytes House::Commits() const {
  Bytes octets(static_cast<size_t>(lseek(file_, 0, SEEK_END)));
  KEYMAST_CHECK(pread(file_, octets.data(), octets.size(), 0) ==
                static_cast<ssize_t>(octets.size()));
  return octets;
}

House::Recovered House::Recover(ByteView commits, const std::string& witness) const {
  Recovered result{Fail(Error::kInternal, ""), records::DiskOf(entries_)};
  CommitAgain(commits, *store::OpenMemoryStore(result.disk));
  const std::string copy = site_.folder + "/witness-of-next";  // the other one is locked
  std::ofstream(copy, std::ios::binary | std::ios::trunc) << witness;
  auto opened = store::Witness::Open(copy, site_.boot);
  if (!opened) {
    result.opened = Fail(opened.error(), "the witness");
    return result;
  }
  static crypto::SeededRng rng(77);
  result.opened = records::Repository::Open(
      {store::OpenMemoryStore(result.disk), std::move(*opened), {"DATA", copy}, site_.tuning},
      {&site_.master_key, &next_key_}, rng, false);
  return result;
}

void House::Serve(Shared& shared, int port_fd) const {
  const int log = open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  KEYMAST_CHECK(log >= 0 && dup2(log, STDERR_FILENO) >= 0 && dup2(log, STDOUT_FILENO) >= 0);
  shell::EndWhenOutOfMemory("keymastd");
  UseFuse(&shared.fuse);
  const SharedClock clock(shared);
  const shell::SystemClock system_clock;
  server::Loop loop(system_clock);
  server::DurableRecords kept(*opened_->repository);
  Port port(port_fd);
  crypto::SeededRng rng(23);
  const server::StoreWork::OpenKey next = [this] {
    return std::make_unique<crypto::LocalMasterKey>(next_key_);
  };
  server::About about;
  about.epoch = opened_->epoch;
  about.incarnation = opened_->start.incarnation;
  about.master_key_id = opened_->repository->master_key_id();
  server::Server server(
      {clock, loop, kept, port, rng, import_key_, {}, nullptr, nullptr, {backups_, next}},
      {config_.identity, config_.profile, config_.keying, config_.audit}, about, opened_->state,
      server::StateHashOf);
  server.shard().controller().UseCredentials(credentials_);
  KEYMAST_CHECK(server.Listen(socket_).has_value());
  loop.Watch(port_fd, EPOLLIN, [&](uint32_t) { server.shard().ReceiveDatagrams(); });
  server.Start();
  server.Turn();
  shared.ready = true;
  uint64_t told = 0;
  for (;;) {
    if (server.NextDeadline() <= clock.Now()) {
      loop.Peek();
    } else {
      loop.Turn();
    }
    server.Turn();
    if (port.taken() == told || server.shard().controller().Waiting() > 0) continue;
    told = port.taken();
    server.shard().Behind([&shared, told](const Status&) { shared.handled = told; });
  }
}

}  // namespace keymast::oom
