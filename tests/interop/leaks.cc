// SPDX-License-Identifier: Apache-2.0
// What LeakSanitizer is to pass over in programs that link GStreamer: GLib's constructor gives up
// its first table of quarks when it grows. GLib has no symbols to name that one by, so it is told
// by its time: what the constructors of libraries allocate, and nothing later.

// Absent without a sanitizer.
extern "C" [[gnu::weak]] void __lsan_disable();
extern "C" [[gnu::weak]] void __lsan_enable();

namespace {

void BeforeLibraries(int /*argc*/, char** /*argv*/, char** /*environment*/) {
  if (__lsan_disable != nullptr) __lsan_disable();
}

// The first of the program's own, which come behind those of all libraries.
[[gnu::constructor(101)]] void AfterLibraries() {
  if (__lsan_enable != nullptr) __lsan_enable();
}

[[gnu::section(".preinit_array"),
  gnu::used]] void (*const before_libraries)(int, char**, char**) = BeforeLibraries;

}  // namespace
