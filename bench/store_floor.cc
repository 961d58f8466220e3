// SPDX-License-Identifier: Apache-2.0
#include "bench/store_floor.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>
#include <sodium.h>

#include <array>
#include <cinttypes>
#include <cstdio>
#include <thread>
#include <vector>

#include "bench/harness.h"
#include "bench/processes.h"

namespace keymast::bench {
namespace {

// A member's record: ids, endpoint and window make about this, sealed.
constexpr size_t kValue = 100;

using Key = std::array<char, 16>;

// Keys come in no order, as members do: a store with a row for each could not choose it.
Key KeyOf(uint64_t number) {
  uint64_t mixed = number + 0x9e3779b97f4a7c15;  // SplitMix64
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
  mixed ^= mixed >> 31;
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIx64, mixed);
  Key key{};
  std::copy_n(text.begin(), key.size(), key.begin());
  return key;
}

rocksdb::Slice SliceOf(const Key& key) { return {key.data(), key.size()}; }

// Random, as sealed records are: nothing to compress.
std::string RandomValue() {
  std::string value(kValue, '\0');
  randombytes_buf(value.data(), value.size());
  return value;
}

rocksdb::WriteOptions Synced() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

}  // namespace

StoreFloor::StoreFloor(const std::string& path) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(options, path, &db);
  Demand(opened.ok(), "RocksDB: " + opened.ToString());
  db_.reset(db);
}

StoreFloor::~StoreFloor() = default;

double StoreFloor::GroupCommit(size_t writers, size_t count) {
  const size_t each = count / writers;
  const double begin = WallSeconds();
  std::vector<std::thread> threads;
  for (size_t writer = 0; writer < writers; ++writer) {
    threads.emplace_back([this, each, first = keys_ + writer * each] {
      const std::string value = RandomValue();
      for (size_t i = 0; i < each; ++i) {
        const Key key = KeyOf(first + i);
        const rocksdb::Status put = db_->Put(Synced(), SliceOf(key), value);
        Demand(put.ok(), "RocksDB: " + put.ToString());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  keys_ += writers * each;
  return static_cast<double>(writers * each) / (WallSeconds() - begin);
}

double StoreFloor::Batches(size_t batch, size_t count) {
  const std::string value = RandomValue();
  const double begin = WallSeconds();
  for (size_t done = 0; done < count; done += batch) {
    rocksdb::WriteBatch puts;
    for (size_t i = 0; i < batch + 2; ++i) {
      const Key key = KeyOf(keys_++);
      puts.Put(SliceOf(key), value);
    }
    const rocksdb::Status written = db_->Write(Synced(), &puts);
    Demand(written.ok(), "RocksDB: " + written.ToString());
  }
  return static_cast<double>(count) / (WallSeconds() - begin);
}

}  // namespace keymast::bench
