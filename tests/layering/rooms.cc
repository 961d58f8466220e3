// SPDX-License-Identifier: Apache-2.0
#include "rooms.h"

#include <algorithm>

namespace keymast::layering {
namespace {

constexpr System kCalls = System::kCalls;
constexpr System kPure = System::kPure;

std::vector<Room> Table() {
  return {
      // For programs in C; they include each other as those programs do.
      {"include", {}, {"keymast/"}, kPure, {}},
      // inet_pton and inet_ntop: text of addresses, no socket.
      {"base", {}, {}, kPure, {"arpa/inet.h"}},
      {"shell", {"base"}, {"spdlog/", "toml++/", "systemd/", "nlohmann/", "CLI/"}, kCalls, {}},
      {"crypto", {"base", "include"}, {"openssl/", "sodium.h", "sodium/", "p11-kit/"}, kCalls, {}},
      {"audit", {"base", "crypto"}, {}, kPure, {}},
      {"mikey", {"base", "crypto"}, {}, kPure, {}},
      {"credentials", {"base", "shell", "crypto", "mikey"}, {}, kCalls, {}},
      {"sdp", {"base", "mikey"}, {}, kPure, {}},
      {"srtp", {"base"}, {}, kPure, {}},
      {"srtpio", {"base", "crypto", "srtp"}, {"srtp2/"}, kPure, {"mutex"}},
      {"groups", {"base"}, {}, kPure, {}},
      {"rekey", {"base", "crypto", "audit", "mikey", "srtp", "groups"}, {}, kPure, {}},
      {"controller",
       {"base", "crypto", "audit", "mikey", "srtp", "groups", "rekey"},
       {},
       kPure,
       {}},
      {"store", {"base", "crypto"}, {"rocksdb/"}, kCalls, {}},
      {"records", {"base", "crypto", "audit", "groups", "rekey", "store"}, {}, kCalls, {}},
      {"net", {"base"}, {}, kCalls, {}},
      {"framing", {"base", "proto"}, {"google/protobuf/"}, kPure, {}},
      {"server",
       {"base", "shell", "crypto", "audit", "mikey", "credentials", "srtp", "groups", "rekey",
        "controller", "store", "records", "net", "framing", "proto"},
       {"google/protobuf/"},
       kCalls,
       {}},
      {"api",
       {"base", "shell", "framing", "proto"},
       {"grpc/", "grpcpp/", "google/protobuf/", "prometheus/", "httplib.h", "nlohmann/"},
       kCalls,
       {}},
      {"receiver",
       {"base", "include", "shell", "crypto", "mikey", "credentials", "sdp", "srtp", "srtpio",
        "net"},
       {},
       kCalls,
       {}},
      {"headend",
       {"base", "shell", "crypto", "srtp", "srtpio", "net", "proto"},
       {"grpcpp/", "google/protobuf/"},
       kCalls,
       {}},
      {"cli",
       {"base", "shell", "crypto", "audit", "groups", "proto"},
       {"grpcpp/", "grpc/reflection/", "google/protobuf/", "CLI/", "nlohmann/", "yaml-cpp/"},
       kCalls,
       {}},
      {"tools",
       {"base", "shell", "crypto", "mikey", "sdp", "srtp", "srtpio", "net"},
       {"CLI/", "nlohmann/", "pcap/"},
       kCalls,
       {}},
      {"demo", {"base", "shell"}, {"zlib.h", "nlohmann/"}, kCalls, {}},
  };
}

bool IsOneOf(std::string_view header, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), header) != names.end();
}

bool StartsWithOneOf(std::string_view header, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return header.starts_with(prefix); });
}

}  // namespace

const std::vector<Room>& Rooms() {
  static const std::vector<Room> rooms = Table();
  return rooms;
}

const Room* FindRoom(std::string_view name) {
  const auto found = std::find_if(Rooms().begin(), Rooms().end(),
                                  [&](const Room& room) { return room.name == name; });
  return found == Rooms().end() ? nullptr : &*found;
}

HeaderKind KindOf(std::string_view header) {
  // tl::expected stands for std::expected, which C++20 lacks: a word of the language here.
  if (header == "tl/expected.hpp") return HeaderKind::kStandard;
  if (IsOneOf(header, {"stddef.h", "stdint.h"})) return HeaderKind::kStandard;
  if (IsOneOf(header, {"thread", "mutex", "shared_mutex", "condition_variable", "future", "atomic",
                       "fstream", "iostream", "filesystem", "random", "ctime", "csignal",
                       "semaphore", "stop_token", "latch", "barrier"})) {
    return HeaderKind::kImpureStandard;
  }
  const bool has_suffix = header.find('.') != std::string_view::npos;
  if (!has_suffix && header.find('/') == std::string_view::npos) return HeaderKind::kStandard;
  if (StartsWithOneOf(header, {"sys/", "netinet/", "net/", "arpa/", "linux/", "bits/"}) ||
      IsOneOf(header, {"unistd.h", "fcntl.h", "poll.h", "signal.h", "spawn.h", "ifaddrs.h",
                       "netdb.h", "pthread.h", "malloc.h", "dirent.h", "termios.h", "time.h",
                       "errno.h", "endian.h", "grp.h", "dlfcn.h"})) {
    return HeaderKind::kSystem;
  }
  return HeaderKind::kThirdParty;
}

}  // namespace keymast::layering
