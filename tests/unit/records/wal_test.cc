// SPDX-License-Identifier: Apache-2.0
// A damaged write-ahead log under all of it, RocksDB included: the acknowledged state, a refusal
// that names the place, or, where the witness cannot know better, a start that says how much may be
// lost and gives nothing out twice.
#include <rocksdb/env.h>

#include "store/rocks_store.h"
#include "tests/unit/records/site.h"

namespace keymast::records {
namespace {

using Image = std::map<std::string, std::string>;

constexpr const char* kData = "/data";
const ChannelId kNews{"news"};

std::unique_ptr<rocksdb::Env> MemoryFiles() {
  std::unique_ptr<rocksdb::Env> files(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  EXPECT_TRUE(files->CreateDirIfMissing(kData).ok());
  return files;
}

std::string PathOf(const std::string& name) { return std::string(kData) + "/" + name; }

Image ImageOf(rocksdb::Env& files) {
  std::vector<std::string> names;
  EXPECT_TRUE(files.GetChildren(kData, &names).ok());
  Image image;
  for (const std::string& name : names) {
    if (name == "LOCK" || name == "." || name == "..") continue;
    EXPECT_TRUE(rocksdb::ReadFileToString(&files, PathOf(name), &image[name]).ok()) << name;
  }
  return image;
}

std::unique_ptr<rocksdb::Env> FilesOf(const Image& image) {
  std::unique_ptr<rocksdb::Env> files = MemoryFiles();
  for (const auto& [name, content] : image) {
    EXPECT_TRUE(rocksdb::WriteStringToFile(files.get(), content, PathOf(name)).ok());
  }
  return files;
}

class Wal : public testing::Test {
 protected:
  // A few commits, taken as they are on the disk while the server still runs.
  void SetUp() override {
    std::unique_ptr<rocksdb::Env> files = MemoryFiles();
    std::filesystem::remove(site_.witness);
    {
      auto made = store::Witness::Create(site_.witness, 1, site_.boot);
      auto store = store::OpenRocksStore({kData, true, files.get()});
      ASSERT_TRUE(store.has_value()) << store.error().message;
      ASSERT_TRUE(
          Repository::Format(**store, **made, site_.master_key, site_.rng, places_).has_value());
    }
    auto opened = Open(*files);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    states_.push_back(opened->state);
    for (uint16_t i = 1; i <= 4; ++i) {
      Spend(*opened->repository, i);
      if (i == 1) stale_ = site_.SaveWitness();
    }
    newest_ = site_.SaveWitness();
    image_ = ImageOf(*files);
    for (const auto& [name, content] : image_) {
      if (name.ends_with(".log") && !content.empty()) log_ = name;
    }
    ASSERT_GT(image_.at(log_).size(), 1000U);
    ASSERT_LT(image_.at(log_).size(), 4096U);
  }

  void Spend(Repository& repository, uint16_t number) {
    groups::Channel channel;
    channel.id = kNews;
    rekey::Ladder ladder;
    ladder.msk.emplace();
    ladder.msk->id.number = KeyNumber(1);
    ladder.msk->counter.end = number * rekey::kMtkCounterBlock;
    ladder.next_msk.emplace();
    ladder.next_msk->id.number = KeyNumber(2);
    ladder.next_msk->counter.end = (number + 1) * rekey::kMtkCounterBlock;
    ladder.last_key_number = KeyNumber(number);
    ladder.epoch = number;
    std::vector<rekey::Change> changes = {
        rekey::LadderPut{kNews, ladder},
        rekey::MukCounterReserved{1 + number * rekey::kMukCounterBlock}};
    if (number == 1) changes.insert(changes.begin(), rekey::ChannelPut{channel});
    ASSERT_TRUE(repository.Commit(changes).has_value());
    rekey::State state = states_.back();
    for (const rekey::Change& change : changes) rekey::Apply(state, change);
    states_.push_back(std::move(state));
  }

  tl::expected<Repository::Opened, Failure> Open(rocksdb::Env& files) {
    auto store = store::OpenRocksStore({kData, false, &files});
    if (!store) return tl::unexpected(store.error());
    auto witness = store::Witness::Open(site_.witness, site_.boot);
    EXPECT_TRUE(witness.has_value());
    return Repository::Open({std::move(*store), std::move(*witness), places_, {}},
                            {&site_.master_key}, site_.rng, false);
  }

  // Damage is named by its file, what is missing by the commit that the data end with.
  bool NamesThePlace(const Failure& failure) const {
    const bool is_damage = failure.error == Error::kCorrupt;
    if (!is_damage && failure.error != Error::kRolledBack) return false;
    const std::string place = is_damage ? PathOf(log_) : "ends with commit ";
    return failure.message.find(place) != std::string::npos;
  }

  enum class Outcome { kRefused, kWhole, kShort };
  Outcome Start(const Image& image, const std::string& witness) {
    site_.RestoreWitness(witness);
    const std::unique_ptr<rocksdb::Env> files = FilesOf(image);
    const auto opened = Open(*files);
    if (!opened) {
      EXPECT_TRUE(NamesThePlace(opened.error())) << opened.error().message;
      return Outcome::kRefused;
    }
    const uint64_t lost = *opened->start.lost;
    for (size_t i = states_.size(); i-- > 0;) {
      rekey::State expected = states_[i];
      for (const rekey::Change& change : rekey::SkipLost(expected, lost, rekey::SkipLimit::kNone)) {
        rekey::Apply(expected, change);
      }
      if (!Difference(opened->state, expected).empty()) continue;
      EXPECT_GE(lost, states_.size() - 1 - i) << "says too little";
      ExpectNothingTwice(opened->state);
      return i + 1 == states_.size() ? Outcome::kWhole : Outcome::kShort;
    }
    ADD_FAILURE() << "a state that never was";
    return Outcome::kShort;
  }

  void ExpectNothingTwice(const rekey::State& state) {
    const rekey::State& newest = states_.back();
    EXPECT_GE(state.muk_counter.end, newest.muk_counter.end);
    const auto channel = state.channels.find(kNews);
    if (channel == state.channels.end()) {
      // A channel that is made again finds the Key Numbers of its group used.
      EXPECT_GE(state.unknown_groups, newest.channels.at(kNews).ladder.last_key_number);
      return;
    }
    const rekey::Ladder& ladder = channel->second.ladder;
    const rekey::Ladder& given = newest.channels.at(kNews).ladder;
    EXPECT_GE(ladder.last_key_number, given.last_key_number);
    EXPECT_GE(ladder.epoch, given.epoch);
    EXPECT_GE(ladder.msk->counter.end, given.msk->counter.end);
    EXPECT_GE(ladder.next_msk->counter.end, given.next_msk->counter.end);
  }

  // Try starts with the witness that knows all, on the same boot, and with a stale one after a
  // power cut.
  void Try(const Image& image) {
    site_.boot = "this boot";
    const Outcome known = Start(image, newest_);
    EXPECT_NE(known, Outcome::kShort) << "acknowledged commits are gone without a word";
    ++counts_[known];
    site_.boot = "another boot";
    ++counts_[Start(image, stale_)];
  }

  Site site_;
  const Places places_{kData, site_.witness};
  std::vector<rekey::State> states_;  // after each commit
  Image image_;
  std::string log_;
  std::string newest_;
  std::string stale_;
  std::map<Outcome, size_t> counts_;
};

TEST_F(Wal, IntactStarts) {
  Try(image_);
  EXPECT_EQ(counts_[Outcome::kWhole], 2U);
}

TEST_F(Wal, EveryTruncation) {
  for (size_t size = 0; size < image_.at(log_).size() && !HasFailure(); ++size) {
    SCOPED_TRACE("cut to " + std::to_string(size));
    Image damaged = image_;
    damaged[log_].resize(size);
    Try(damaged);
  }
  EXPECT_GT(counts_[Outcome::kRefused], 0U);
  EXPECT_GT(counts_[Outcome::kShort], 0U);
}

TEST_F(Wal, EveryFlippedBit) {
  const bool all = std::getenv("KEYMAST_LONG") != nullptr;
  const size_t step = all ? 1 : 16;
  for (size_t bit = all ? 0 : 3; bit < image_.at(log_).size() * 8 && !HasFailure(); bit += step) {
    SCOPED_TRACE("bit " + std::to_string(bit));
    Image damaged = image_;
    char& octet = damaged[log_][bit / 8];
    octet = static_cast<char>(octet ^ 1 << bit % 8);
    Try(damaged);
  }
  EXPECT_GT(counts_[Outcome::kRefused], 0U);
}

}  // namespace
}  // namespace keymast::records
