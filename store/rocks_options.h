// SPDX-License-Identifier: Apache-2.0
// How RocksDB is set up. docs/store.md says why.
#pragma once

#include <rocksdb/options.h>

#include <cstdint>
#include <optional>

namespace keymast::store {

// WriteBufferFor is how much RocksDB collects in memory before it writes a table: little on a small
// disk, since the log and the table of one buffer are on it at the same time. `disk` is the room
// that the disk has for the store, in octets; absent when that is not known.
size_t WriteBufferFor(std::optional<uint64_t> disk);

// ReserveFor is the room that is left alone, so that a flush and a fresh start always succeed.
uint64_t ReserveFor(size_t write_buffer);

rocksdb::Options OptionsFor(rocksdb::Env* env, size_t write_buffer);

}  // namespace keymast::store
