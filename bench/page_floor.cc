// SPDX-License-Identifier: Apache-2.0
#include "bench/page_floor.h"

#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <sodium.h>

#include <memory>
#include <vector>

#include "bench/harness.h"
#include "bench/processes.h"

namespace keymast::bench {
namespace {

constexpr size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;

void Check(const rocksdb::Status& status) { Demand(status.ok(), "RocksDB: " + status.ToString()); }

// Open does nothing that reading all of it once does not need.
std::unique_ptr<rocksdb::DB> Open(const std::string& path, bool create) {
  rocksdb::BlockBasedTableOptions tables;
  tables.no_block_cache = true;
  tables.block_size = 16 * 1024;
  rocksdb::Options options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(tables));
  options.compression = rocksdb::kNoCompression;
  options.info_log_level = rocksdb::InfoLogLevel::FATAL_LEVEL;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  options.max_file_opening_threads = 1;
  options.create_if_missing = create;
  rocksdb::DB* db = nullptr;
  Check(rocksdb::DB::Open(options, path, &db));
  return std::unique_ptr<rocksdb::DB>(db);
}

const unsigned char* Octets(const rocksdb::Slice& slice) {
  return reinterpret_cast<const unsigned char*>(slice.data());
}

}  // namespace

PageFloor::PageFloor(const std::string& source, std::string path) : path_(std::move(path)) {
  randombytes_buf(key_.data(), key_.size());
  rocksdb::DB* opened = nullptr;
  Check(rocksdb::DB::OpenForReadOnly(rocksdb::Options(), source, &opened));
  const std::unique_ptr<rocksdb::DB> from(opened);
  const std::unique_ptr<rocksdb::DB> to = Open(path_, true);
  const std::unique_ptr<rocksdb::Iterator> at(from->NewIterator({}));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    const size_t size = at->value().size();
    std::string value(std::max(size, kNonce + kTag), '\0');
    auto* octets = reinterpret_cast<unsigned char*>(value.data());
    const std::vector<unsigned char> plain(value.size() - kNonce - kTag);
    randombytes_buf(octets, kNonce);
    crypto_aead_xchacha20poly1305_ietf_encrypt(octets + kNonce, nullptr, plain.data(), plain.size(),
                                               Octets(at->key()), at->key().size(), nullptr, octets,
                                               key_.data());
    Check(to->Put({}, at->key(), value));
  }
  Check(at->status());
  Check(to->Flush({}));
}

double PageFloor::OpenScanUnseal() const {
  const double begin = WallSeconds();
  const std::unique_ptr<rocksdb::DB> db = Open(path_, false);
  rocksdb::ReadOptions once;
  once.fill_cache = false;
  once.readahead_size = 2 << 20;
  const std::unique_ptr<rocksdb::Iterator> at(db->NewIterator(once));
  std::vector<unsigned char> plain;
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    const rocksdb::Slice value = at->value();
    plain.resize(value.size() - kNonce);
    const int opened = crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain.data(), nullptr, nullptr, Octets(value) + kNonce, value.size() - kNonce,
        Octets(at->key()), at->key().size(), Octets(value), key_.data());
    Demand(opened == 0, "a page of the floor does not open");
  }
  Check(at->status());
  return WallSeconds() - begin;
}

}  // namespace keymast::bench
