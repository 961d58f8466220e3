// SPDX-License-Identifier: Apache-2.0
// The in-memory backend: for tests, and the model that the other backends are held against.
#pragma once

#include <memory>

#include "store/store.h"

namespace keymast::store {

// MemoryDisk is what outlives a store in memory: open it again to see what was committed.
class MemoryDisk;
std::shared_ptr<MemoryDisk> MakeMemoryDisk();

// OpenMemoryStore opens the disk and raises its fence; an older store on it is fenced from then on,
// and goes on reading.
std::unique_ptr<Store> OpenMemoryStore(std::shared_ptr<MemoryDisk> disk);

}  // namespace keymast::store
