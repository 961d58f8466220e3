// SPDX-License-Identifier: Apache-2.0
// The second place of the audit log: what it holds after whatever happens to it, and that a commit
// waits for it.
#include "server/audit_sink.h"

#include <fcntl.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "keymast/v1/audit.pb.h"
#include "server/audited_store.h"
#include "shell/descriptor.h"
#include "slow_store.h"

namespace keymast::server {
namespace {

using std::chrono::milliseconds;

crypto::PrivateKey KeyOf(uint8_t octet) {
  return crypto::PrivateKey::FromEd25519(crypto::SecretKey<32>(Bytes(32, octet)));
}
crypto::PublicKey PublicOf(const crypto::PrivateKey& key) {
  return *crypto::PublicKey::FromEd25519(key.ed25519().last(32));
}

// A log that is made durable by hand.
class AuditSinkTest : public testing::Test {
 protected:
  AuditSinkTest() {
    std::string folder = "/tmp/keymast-sink-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    path_ = folder_ + "/sink.jsonl";
    std::signal(SIGPIPE, SIG_IGN);
    Open();
  }
  ~AuditSinkTest() override {
    sink_ = nullptr;
    std::filesystem::remove_all(folder_);
  }

  void Open(milliseconds patience = std::chrono::seconds(5)) {
    sink_ = nullptr;
    sink_ = std::make_unique<AuditSink>(AuditSink::Config{path_, PublicOf(key_), patience},
                                        [this](uint64_t after, size_t limit) {
                                          const std::lock_guard lock(mutex_);
                                          std::vector<audit::Record> records;
                                          for (const audit::Record& record : log_) {
                                            if (record.sequence > after && records.size() < limit)
                                              records.push_back(record);
                                          }
                                          return Result<std::vector<audit::Record>>(records);
                                        });
  }

  // Next is the record that would be made now, by somebody.
  audit::Record Next(const std::string& by, bool is_checkpoint = false) const {
    audit::Record record;
    record.sequence = log_.size() + 1;
    record.principal = by;
    record.method = is_checkpoint ? std::string(audit::kCheckpoint) : "Members.ExpelMembers";
    record.hash = audit::ChainHash(log_.empty() ? audit::Hash{} : log_.back().hash, record);
    if (is_checkpoint) record.signature = audit::Sign(key_, record.hash);
    return record;
  }
  void Commit(const audit::Record& record) {
    const std::lock_guard lock(mutex_);
    log_.push_back(record);
  }
  // Record is a change as it should be.
  AuditSink::Done Record(const std::string& by, bool is_checkpoint = false) {
    const audit::Record record = Next(by, is_checkpoint);
    auto taken = sink_->Take({record});
    if (taken) Commit(record);
    return taken;
  }
  void Fill(int records) {
    for (int i = 0; i < records; ++i) ASSERT_TRUE(Record("operator:" + std::to_string(i), i == 1));
  }

  std::string Text() const {
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }
  std::vector<std::string> Lines() const {
    std::istringstream text(Text());
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  std::vector<std::string> Logged() const {
    std::vector<std::string> lines;
    for (const audit::Record& record : log_) {
      lines.push_back(LineOf(record));
      lines.back().pop_back();
    }
    return lines;
  }
  void Write(const std::string& text) const { std::ofstream(path_, std::ios::app) << text; }

  const crypto::PrivateKey key_ = KeyOf(9);
  std::string folder_;
  std::string path_;
  std::mutex mutex_;
  std::vector<audit::Record> log_;
  std::unique_ptr<AuditSink> sink_;
};

TEST_F(AuditSinkTest, ALineIsTheRecordAndEndsOnce) {
  Fill(3);
  EXPECT_EQ(Lines(), Logged());
  v1::AuditRecord read;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(Lines()[2], &read).ok());
  EXPECT_EQ(read.sequence(), 3U);
  EXPECT_EQ(read.principal(), "operator:2");
  struct stat about {};
  EXPECT_EQ(stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
}

TEST_F(AuditSinkTest, ANewFileIsGivenTheWholeLog) {
  for (int i = 0; i < 700; ++i) Commit(Next("operator:before", i == 1));
  ASSERT_TRUE(Record("operator:after"));
  EXPECT_EQ(Lines(), Logged());
}

TEST_F(AuditSinkTest, AFileThatWasMovedAwayIsBegunAnew) {
  Fill(3);
  std::filesystem::rename(path_, path_ + ".1");
  ASSERT_TRUE(Record("operator:after"));
  EXPECT_EQ(Lines(), Logged());
}

TEST_F(AuditSinkTest, AFileThatWasCutIsMadeWholeAgain) {
  Fill(4);
  std::filesystem::resize_file(path_, Text().size() - 5);
  ASSERT_TRUE(Record("operator:after"));
  EXPECT_EQ(Lines(), Logged());
}

TEST_F(AuditSinkTest, AStartGoesOnWhereTheLogEnds) {
  Fill(3);
  Open();
  ASSERT_TRUE(Record("operator:after"));
  EXPECT_EQ(Lines(), Logged());
}

TEST_F(AuditSinkTest, AStartWithoutItIsMadeUpFor) {
  Fill(3);
  sink_ = nullptr;
  Commit(Next("operator:meanwhile"));
  Open();
  ASSERT_TRUE(sink_->Probe());
  EXPECT_EQ(Lines(), Logged());
}

TEST_F(AuditSinkTest, ATornLineIsTakenAway) {
  Fill(2);
  const std::string line = LineOf(Next("operator:torn"));
  sink_ = nullptr;
  Write(line.substr(0, line.size() - 9));
  Open();
  ASSERT_TRUE(Record("operator:after"));
  EXPECT_EQ(Lines(), Logged());
}

// Taken, and then the machine stopped before the commit.
TEST_F(AuditSinkTest, WhatWasNotCommittedIsFollowedByARecordThatGoesBack) {
  Fill(3);
  const audit::Record lost = Next("operator:lost");
  ASSERT_TRUE(sink_->Take({lost}));
  Open();
  ASSERT_TRUE(Record("operator:after"));
  auto expected = Logged();
  std::string line = LineOf(lost);
  line.pop_back();
  expected.insert(expected.begin() + 3, line);
  EXPECT_EQ(Lines(), expected);
  // And once more, from a log that is older than the file by far.
  log_.resize(1);
  Open();
  ASSERT_TRUE(Record("operator:restored"));
  EXPECT_EQ(Lines().size(), 6U);
  EXPECT_EQ(Lines().back(), Logged().back());
}

TEST_F(AuditSinkTest, TheFirstRecordsOfAllMayBeLostToo) {
  audit::Record first = Next("keymastd");
  log_.push_back(first);
  const audit::Record checkpoint = Next("keymastd", true);
  log_.clear();
  ASSERT_TRUE(sink_->Take({first, checkpoint}));
  Open();
  ASSERT_TRUE(Record("operator:first"));
  EXPECT_EQ(Lines().size(), 3U);
}

// Whatever was named by mistake is somebody's.
TEST_F(AuditSinkTest, AFileOfSomethingElseIsLeftAlone) {
  for (const std::string text : {"0123456789abcdef", "a line\nand a part", "{\"name\": 1}"}) {
    sink_ = nullptr;
    std::ofstream(path_, std::ios::trunc) << text;
    Open();
    EXPECT_FALSE(sink_->Probe()) << text;
    EXPECT_FALSE(Record("operator:a"));
    EXPECT_EQ(Text(), text);
  }
}

TEST_F(AuditSinkTest, AFileOfAnotherStoreIsLeftAlone) {
  Fill(3);
  const std::string before = Text();
  log_.clear();
  for (int i = 0; i < 2; ++i) Commit(Next("operator:another", i == 1));
  sink_ = nullptr;
  sink_ = std::make_unique<AuditSink>(
      AuditSink::Config{path_, PublicOf(KeyOf(8)), std::chrono::seconds(5)},
      [this](uint64_t after, size_t limit) -> Result<std::vector<audit::Record>> {
        if (after >= log_.size() || limit == 0) return std::vector<audit::Record>();
        return std::vector<audit::Record>{log_[after]};
      });
  const auto probed = sink_->Probe();
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error().error, Error::kAuditBlocked);
  EXPECT_EQ(probed.error().message, "audit_sink " + path_ + ": is not of this store's log");
  EXPECT_FALSE(sink_->Take({Next("operator:another")}));
  EXPECT_EQ(Text(), before);
}

TEST_F(AuditSinkTest, WhatIsNoRecordIsLeftAlone) {
  sink_ = nullptr;
  Write("somebody's notes\n");
  Open();
  EXPECT_EQ(Record("operator:a").error().message,
            "audit_sink " + path_ + ": holds a line that is no audit record");
  EXPECT_EQ(Text(), "somebody's notes\n");
}

TEST_F(AuditSinkTest, OneFileHasOneWriter) {
  Fill(1);
  const auto second = Sink::Open(path_, milliseconds(1));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "audit_sink " + path_ + ": in use by another program");
  EXPECT_FALSE(Sink::Open("/dev/full", milliseconds(1)));
  EXPECT_FALSE(Sink::Open(folder_, milliseconds(1)));
  EXPECT_FALSE(Sink::Open(folder_ + "/absent/file", milliseconds(1)));
}

// FileLimit lets no file of this process grow beyond so many octets.
class FileLimit {
 public:
  explicit FileLimit(rlim_t octets) {
    std::signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &before_), 0);
    rlimit limit = before_;
    limit.rlim_cur = octets;
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  ~FileLimit() { EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &before_), 0); }

 private:
  rlimit before_{};
};

TEST_F(AuditSinkTest, ARefusedWriteLeavesNoTornLine) {
  Fill(3);
  const std::string before = Text();
  {
    const FileLimit limit(before.size() + 50);
    const auto taken = Record("operator:refused");
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().error, Error::kAuditBlocked);
    EXPECT_NE(taken.error().message.find("cannot be written (File too large)"), std::string::npos)
        << taken.error().message;
    EXPECT_EQ(Text(), before);
    EXPECT_EQ(log_.size(), 3U);
  }
  ASSERT_TRUE(Record("operator:after"));
  EXPECT_EQ(Lines(), Logged());
}

// A FIFO and its reader.
class AuditFifoTest : public AuditSinkTest {
 protected:
  AuditFifoTest() {
    EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0);
    Open();
  }
  void Listen() {
    reader_ = shell::Descriptor(open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    EXPECT_GE(reader_.get(), 0);
  }
  std::string Heard() {
    std::string text;
    char piece[4096];
    for (ssize_t count = 0; (count = read(reader_.get(), piece, sizeof piece)) > 0;) {
      text.append(piece, static_cast<size_t>(count));
    }
    return text;
  }
  shell::Descriptor reader_;
};

TEST_F(AuditFifoTest, WithoutAReaderNothingIsTaken) {
  const auto taken = Record("operator:a");
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message, "audit_sink " + path_ + ": is a FIFO that nobody reads");
  EXPECT_FALSE(sink_->Probe());
  Listen();
  EXPECT_TRUE(sink_->Probe());
  ASSERT_TRUE(Record("operator:a"));
  EXPECT_EQ(Heard(), LineOf(log_.back()));
}

TEST_F(AuditFifoTest, WhatAReaderLeftIsThereForTheNext) {
  Listen();
  ASSERT_TRUE(Record("operator:a"));
  reader_ = shell::Descriptor();
  EXPECT_FALSE(Record("operator:b"));
  EXPECT_FALSE(sink_->Probe());
  Listen();
  ASSERT_TRUE(Record("operator:c"));
  EXPECT_EQ(Heard(), LineOf(log_[0]) + LineOf(log_[1]));
}

TEST_F(AuditFifoTest, AReaderThatDoesNotReadIsNotWaitedForLong) {
  Open(std::chrono::seconds(2));
  Listen();
  std::string expected;
  audit::Record large = Next("operator:large");
  large.items.assign(900, "a member of a batch");
  large.hash = audit::ChainHash({}, large);
  AuditSink::Done taken;
  while ((taken = sink_->Take({large}))) expected += LineOf(large);
  EXPECT_EQ(taken.error().message, "audit_sink " + path_ + ": is full: its reader does not read");
  EXPECT_FALSE(sink_->Probe());
  // A line of which the reader has the beginning is ended before the next.
  std::string heard = Heard();
  const auto small = Next("operator:small");
  ASSERT_TRUE(sink_->Take({small}));
  heard += Heard();
  std::istringstream lines(heard);
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    v1::AuditRecord read;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &read).ok()) << count;
  }
  EXPECT_TRUE(heard.starts_with(expected));
  EXPECT_TRUE(heard.ends_with(LineOf(small)));
}

// A disk that hangs: the caller is told in time, and nothing else is begun meanwhile.
TEST(PatientThread, GivesUpOnAJobAndTakesTheNextWhenThatIsDone) {
  std::mutex gate;
  PatientThread thread;
  gate.lock();
  std::atomic<int> done = 0;
  const auto hang = [&] {
    const std::lock_guard wait(gate);
    ++done;
  };
  EXPECT_FALSE(thread.Run(hang, milliseconds(1)));
  EXPECT_FALSE(thread.Run([&] { done = 100; }, milliseconds(1)));
  gate.unlock();
  while (!thread.Run([&] { ++done; }, std::chrono::minutes(1))) {
  }
  EXPECT_EQ(done, 2);
}

class AuditedStoreTest : public AuditSinkTest {
 protected:
  AuditedStoreTest() {
    sink_ = nullptr;
    auto store = std::make_unique<SlowStore>();
    inner_ = store.get();
    store_ = std::make_unique<AuditedStore>(
        std::move(store), AuditSink::Config{path_, PublicOf(key_), std::chrono::seconds(5)});
  }
  ~AuditedStoreTest() override {
    inner_->Gate(false);
    store_ = nullptr;
  }
  SlowStore* inner_ = nullptr;
  std::unique_ptr<AuditedStore> store_;
};

TEST_F(AuditedStoreTest, TheSinkHasTheRecordBeforeTheCommit) {
  const audit::Record record = Next("operator:a");
  std::thread committer([&] { EXPECT_TRUE(store_->Commit({rekey::Audited{record}})); });
  inner_->WaitForCommit();
  EXPECT_EQ(Text(), LineOf(record));
  EXPECT_TRUE(inner_->batches().empty());
  inner_->LetThrough();
  committer.join();
  EXPECT_EQ(inner_->batches(), (std::vector<size_t>{1}));
}

TEST_F(AuditedStoreTest, WhatTheSinkRefusesIsNotCommitted) {
  std::filesystem::create_directory(path_);
  inner_->Gate(false);
  const auto refused = store_->Commit({rekey::KeyGroupRetired{}, rekey::Audited{Next("operator")}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Error::kAuditBlocked);
  EXPECT_TRUE(inner_->batches().empty());
  // What is on no record does not need it.
  EXPECT_TRUE(store_->Commit({rekey::KeyGroupRetired{}}));
}

}  // namespace
}  // namespace keymast::server
