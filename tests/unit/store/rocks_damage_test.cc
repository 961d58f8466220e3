// SPDX-License-Identifier: Apache-2.0
// Damaged files: whatever is cut off or flipped, an open leads to a prefix of the acknowledged
// commits or is refused, and names the file.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <new>

#include "faulty_files.h"
#include "store/rocks_store.h"

namespace keymast::store {
namespace {

using Image = std::map<std::string, std::string>;
using State = std::vector<std::pair<std::string, Bytes>>;

State StateOf(Store& store) {
  State state;
  const auto entries = store.Scan("", "", SIZE_MAX, 0);
  if (!entries) return {{"unreadable", {}}};
  for (const Entry& entry : *entries) state.emplace_back(entry.key, entry.value);
  return state;
}

Image ImageOf(rocksdb::Env& env) {
  std::vector<std::string> names;
  EXPECT_TRUE(env.GetChildren("/data", &names).ok());
  Image image;
  for (const std::string& name : names) {
    if (name == "LOCK" || name == "." || name == "..") continue;
    EXPECT_TRUE(rocksdb::ReadFileToString(&env, "/data/" + name, &image[name]).ok()) << name;
  }
  return image;
}

std::unique_ptr<rocksdb::Env> DiskWith(const Image& image) {
  std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  EXPECT_TRUE(env->CreateDirIfMissing("/data").ok());
  for (const auto& [name, content] : image) {
    EXPECT_TRUE(rocksdb::WriteStringToFile(env.get(), content, "/data/" + name).ok());
  }
  return env;
}

class RocksDamage : public ::testing::Test {
 protected:
  // Commit remembers the state that each revision leads to.
  void Commit(Store& store, const Batch& batch) {
    ASSERT_EQ(store.Commit(batch), states_.size());
    states_.push_back(StateOf(store));
  }
  // SmallHistory overwrites, deletes and adds, so that no two states are equal.
  void SmallHistory(Store& store, int commits) {
    for (int i = 0; i < commits; ++i) {
      Batch batch;
      batch.fence = store.fence();
      const auto number = static_cast<uint8_t>(states_.size());
      batch.puts.emplace_back("head", Bytes{number});
      batch.puts.emplace_back("k" + std::to_string(number), Bytes(20u + number % 7u, number));
      if (i % 3 == 2) batch.deletes = {"k" + std::to_string(number - 1)};
      Commit(store, batch);
    }
  }

  // Outcome opens a damaged disk: true when it leads to an acknowledged state, false when it is
  // refused; anything else is a failure of the test.
  bool Outcome(const Image& image, const std::string& damaged) {
    const std::unique_ptr<rocksdb::Env> env = DiskWith(image);
    const auto store = OpenRocksStore({"/data", false, env.get()});
    if (!store) {
      const Failure& failure = store.error();
      EXPECT_TRUE(failure.error == Error::kCorrupt || failure.error == Error::kNewerFormat)
          << failure.message;
      EXPECT_TRUE(failure.message.find("/data") != std::string::npos) << failure.message;
      if (failure.error == Error::kCorrupt && damaged.ends_with(".log")) {
        EXPECT_EQ(failure.resource, "/data/" + damaged) << failure.message;
      }
      return false;
    }
    const Revision revision = (*store)->revision();
    EXPECT_LT(revision, states_.size());
    const State state = StateOf(**store);
    // A damaged table may show only when it is read.
    const bool refused = state == State{{"unreadable", {}}};
    EXPECT_TRUE(refused || state == states_[std::min<size_t>(revision, states_.size() - 1)]);
    return !refused;
  }

  // IsLong: every bit, and not one of 16.
  static bool IsLong() { return std::getenv("KEYMAST_LONG") != nullptr; }

  // Flips walks over the bits of one file.
  struct Flips {
    size_t next = 0;
    size_t refused = 0;
    size_t failed_at = SIZE_MAX;
  };
  void FlipOn(const Image& image, const std::string& name, Flips& flips) {
    const size_t bits = image.at(name).size() * 8;
    while (flips.next < bits) {
      const size_t bit = flips.next;
      flips.next += IsLong() ? 1u : 16u;
      Image damaged = image;
      char& octet = damaged[name][bit / 8];
      octet = static_cast<char>(octet ^ 1 << bit % 8);
      flips.refused += Outcome(damaged, name) ? 0u : 1u;
      if (!HasFailure()) continue;
      flips.failed_at = bit;
      return;
    }
  }
  void FlipBits(const Image& image, const std::string& name, size_t from = 0) {
    Flips flips;
    flips.next = from * 8 + (IsLong() ? 0u : 3u);
    FlipOn(image, name, flips);
    ASSERT_EQ(flips.failed_at, SIZE_MAX) << name;
    EXPECT_GT(flips.refused, 0u) << name;
  }

  // FlipBitsOfTable does it in another process. RocksDB parses the properties of a table before it
  // checks their checksum, and Debian's build asserts while it does: a few bits, where they say how
  // they are laid out, are refused by a stop.
  void FlipBitsOfTable(const Image& image, const std::string& name) {
    void* shared =
        mmap(nullptr, sizeof(Flips), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(shared, MAP_FAILED);
    auto* flips = new (shared) Flips;
    flips->next = 3;
    size_t stops = 0;
    for (int status = -1; status != 0;) {
      const pid_t child = fork();
      if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == nullptr) _exit(1);
        FlipOn(image, name, *flips);
        _exit(0);
      }
      ASSERT_EQ(waitpid(child, &status, 0), child);
      ASSERT_EQ(flips->failed_at, SIZE_MAX) << name;
      if (status == 0) break;
      ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << flips->next;
      ASSERT_LE(++stops, 8u);
    }
    EXPECT_GT(flips->refused, 0u);
    munmap(shared, sizeof(Flips));
  }

  // Truncate tries every length from `from` on, and says how many were opened.
  size_t Truncate(const Image& image, const std::string& name, size_t from = 0) {
    size_t opened = 0;
    for (size_t size = from; size < image.at(name).size(); ++size) {
      Image damaged = image;
      damaged[name].resize(size);
      opened += Outcome(damaged, name) ? 1u : 0u;
      EXPECT_FALSE(HasFailure()) << name << " cut to " << size;
      if (HasFailure()) break;
    }
    return opened;
  }

  // ImageWithTable is that of a store that was opened twice.
  Image ImageWithTable() {
    states_ = {{}};
    const auto env = DiskWith({});
    for (const bool create : {true, false}) {
      const auto store = OpenRocksStore({"/data", create, env.get()});
      EXPECT_TRUE(store);
      if (store) SmallHistory(**store, 4);
    }
    return ImageOf(*env);
  }
  static auto Count(const Image& image, std::string_view suffix) {
    return std::count_if(image.begin(), image.end(),
                         [&](const auto& file) { return file.first.ends_with(suffix); });
  }
  static std::string Only(const Image& image, const std::string& suffix, bool is_prefix = false) {
    std::string found;
    for (const auto& [name, content] : image) {
      if (is_prefix ? !name.starts_with(suffix) : !name.ends_with(suffix)) continue;
      EXPECT_TRUE(found.empty()) << "more than one " << suffix;
      found = name;
    }
    EXPECT_FALSE(found.empty());
    return found;
  }

  // states_[r] is the state at revision r.
  std::vector<State> states_ = {{}};
};

class RocksLogDamage : public RocksDamage {
 protected:
  // A store opened once before: part in a table, part in one log.
  Image MakeImage() {
    const auto env = DiskWith({});
    for (const bool create : {true, false}) {
      const auto store = OpenRocksStore({"/data", create, env.get()});
      EXPECT_TRUE(store);
      SmallHistory(**store, create ? 3 : 8);
    }
    return ImageOf(*env);
  }
};

TEST_F(RocksLogDamage, AnUndamagedImageIsWhole) {
  const Image image = MakeImage();
  EXPECT_TRUE(Outcome(image, ""));
  EXPECT_EQ(states_.size(), 12u);
}

TEST_F(RocksLogDamage, ALogCutAtAnyLengthIsAPrefix) {
  const Image image = MakeImage();
  const std::string log = Only(image, ".log");
  ASSERT_LE(image.at(log).size(), 4096u);
  // The end of the last log may be torn by a crash: all of these open.
  EXPECT_EQ(Truncate(image, log), image.at(log).size());
}

TEST_F(RocksLogDamage, AFlippedBitInTheLogIsAPrefixOrRefused) {
  const Image image = MakeImage();
  FlipBits(image, Only(image, ".log"));
}

TEST_F(RocksLogDamage, AZeroedBlockInTheLogIsAPrefixOrRefused) {
  const Image image = MakeImage();
  const std::string log = Only(image, ".log");
  for (size_t begin = 0; begin < image.at(log).size(); begin += 64) {
    for (const size_t size : {size_t{7}, size_t{64}, size_t{512}, size_t{4096}}) {
      Image damaged = image;
      std::string& content = damaged[log];
      const size_t end = std::min(begin + size, content.size());
      std::fill(content.begin() + static_cast<ptrdiff_t>(begin),
                content.begin() + static_cast<ptrdiff_t>(end), '\0');
      Outcome(damaged, log);
      ASSERT_FALSE(HasFailure()) << begin << " " << size;
    }
  }
}

TEST_F(RocksDamage, ManifestCurrentAndTables) {
  // A store that is closed at once may leave a table behind that is no longer needed: damage to it
  // says nothing, so that another history is made.
  Image image;
  for (int i = 0; i < 10 && Count(image, ".sst") != 1; ++i) image = ImageWithTable();
  const std::string table = Only(image, ".sst");
  FlipBitsOfTable(image, table);
  for (const std::string& name : {Only(image, "MANIFEST", true), Only(image, "CURRENT"), table}) {
    if (name != table) FlipBits(image, name);
    EXPECT_LT(Truncate(image, name), image.at(name).size()) << name;
  }
}

// Two logs are alive while a table is being written. RocksDB takes a cut end of the first for a
// torn one and would go on with the second.
TEST_F(RocksDamage, ACutOrFlippedEndOfAnOlderLogIsRefused) {
  FaultyDisk disk;
  Image image;
  {
    const auto store = OpenRocksStore({"/data", true, disk.env()});
    ASSERT_TRUE(store);
    disk.files().Hold(".sst");
    for (int i = 0; i < 2; ++i) {
      Commit(**store,
             {{{"large", Bytes(200 * 1024, static_cast<uint8_t>(i))}}, {}, {}, (*store)->fence()});
    }
    SmallHistory(**store, 3);
    image = ImageOf(*disk.sound());
    disk.files().LetGo();
  }
  std::vector<std::string> logs;
  for (const auto& [name, content] : image) {
    if (name.ends_with(".log") && !content.empty()) logs.push_back(name);
  }
  ASSERT_EQ(logs.size(), 2u);
  ASSERT_TRUE(Outcome(image, ""));
  const size_t tail = image.at(logs[0]).size() - 100;
  EXPECT_EQ(Truncate(image, logs[0], tail), 0u);
  FlipBits(image, logs[0], tail);
  // Without the first log, or the second, the chain has a gap or an end.
  Image without = image;
  without.erase(logs[0]);
  EXPECT_FALSE(Outcome(without, ""));
  without = image;
  without.erase(logs[1]);
  EXPECT_TRUE(Outcome(without, ""));
}

}  // namespace
}  // namespace keymast::store
