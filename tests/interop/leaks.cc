// SPDX-License-Identifier: Apache-2.0
// What LeakSanitizer is to pass over in programs that link GStreamer: GLib's constructor gives up
// its first table of quarks when it grows.

extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:g_malloc\n"; }

extern "C" const char* __lsan_default_options();
extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }
