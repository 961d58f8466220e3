// SPDX-License-Identifier: Apache-2.0
// Places with a name, where tests end a process as kill -9 would (CONTRIBUTING.md). A program
// passes them by unless its environment names one, and a release asks for none.
#pragma once

namespace keymast {

// on_failpoint is called with the name of each that is passed, by any thread; null: by nobody. Set
// before threads start.
inline void (*on_failpoint)(const char* name) = nullptr;

inline void PassFailpoint(const char* name) {
  if (on_failpoint != nullptr) on_failpoint(name);
}

}  // namespace keymast
