// SPDX-License-Identifier: Apache-2.0
#include "store/rocks_options.h"

#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>

namespace keymast::store {
namespace {

constexpr uint64_t kKib = 1024;
constexpr uint64_t kMib = 1024 * kKib;

// Silence is RocksDB's log: what matters comes back as a status.
class Silence final : public rocksdb::Logger {
 public:
  Silence() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  void Logv(const char*, va_list) override {}
  void Logv(rocksdb::InfoLogLevel, const char*, va_list) override {}
  void LogHeader(const char*, va_list) override {}
};

void SetTables(rocksdb::Options& options) {
  rocksdb::BlockBasedTableOptions tables;
  tables.block_cache = rocksdb::NewLRUCache(8 * kMib);
  tables.block_size = 16 * kKib;
  tables.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(tables));
  options.compression = rocksdb::kNoCompression;  // sealed values do not compress
}

void SetSizes(rocksdb::Options& options, size_t write_buffer) {
  options.write_buffer_size = write_buffer;
  options.max_write_buffer_number = 2;
  options.arena_block_size = std::max<size_t>(write_buffer / 8, 4 * kKib);
  options.target_file_size_base = 2 * write_buffer;
  options.max_bytes_for_level_base = 8 * write_buffer;
  options.level_compaction_dynamic_level_bytes = true;
  options.max_manifest_file_size = write_buffer;
  options.manifest_preallocation_size = 4 * kKib;
}

// A lost or altered record is an error at the start; a torn one at the end of the last log, which
// was never acknowledged, is dropped.
void SetCare(rocksdb::Options& options) {
  options.paranoid_checks = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // With it a commit that is durable fails when the manifest cannot grow; ReplayCheck sees more.
  options.track_and_verify_wals_in_manifest = false;
  options.allow_fallocate = false;
  options.recycle_log_file_num = 0;
  // After an error the store opens a fresh database; RocksDB does not try by itself.
  options.max_bgerror_resume_count = 0;
}

void SetQuiet(rocksdb::Options& options) {
  options.info_log = std::make_shared<Silence>();
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_background_jobs = 2;
  options.max_subcompactions = 1;
  options.max_file_opening_threads = 1;
  options.skip_stats_update_on_db_open = true;
  options.avoid_flush_during_shutdown = true;
  options.allow_concurrent_memtable_write = false;  // one writer
}

}  // namespace

size_t WriteBufferFor(std::optional<uint64_t> disk) {
  return std::clamp<uint64_t>(disk.value_or(kMib) / 32, 256 * kKib, 8 * kMib);
}

uint64_t ReserveFor(size_t write_buffer) { return 2 * uint64_t{write_buffer} + 256 * kKib; }

rocksdb::Options OptionsFor(rocksdb::Env* env, size_t write_buffer) {
  rocksdb::Options options;
  options.env = env;
  SetTables(options);
  SetSizes(options, write_buffer);
  SetCare(options);
  SetQuiet(options);
  return options;
}

}  // namespace keymast::store
