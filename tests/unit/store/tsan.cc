// SPDX-License-Identifier: Apache-2.0
// Debian's RocksDB is not instrumented: ThreadSanitizer sees the memory that its lock-free memtable
// reads and writes, but not the atomics that order it, nor the counts of readers behind which its
// threads free tables and memtables.
#if defined(__SANITIZE_THREAD__)

extern "C" const char* __tsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)

extern "C" const char* __tsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  // Not race:librocksdb.so, which would hide races in what RocksDB calls back.
  return "race_top:memcmp\nrace_top:memcpy\n"
         "race:rocksdb::BlockBasedTable::Rep::~Rep\nrace:rocksdb::Arena::~Arena\n";
}

#endif
