// SPDX-License-Identifier: Apache-2.0
#include "shell/process.h"

#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "shell/log.h"

namespace keymast::shell {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Of a normal user: the XDG variable, or its default below the home directory.
std::string UserDirectory(const char* variable, const char* below_home) {
  const std::string chosen = Environment(variable);
  return (chosen.empty() ? Environment("HOME") + below_home : chosen) + "/keymast";
}

std::string SharedRuntimeDirectory() { return "/tmp/keymast-" + std::to_string(geteuid()); }

int FdOf(std::initializer_list<int> numbers) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : numbers) sigaddset(&signals, number);
  KEYMAST_CHECK(pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
  const int fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  KEYMAST_CHECK(fd >= 0);
  return fd;
}

}  // namespace

int TerminationFd() {
  KEYMAST_CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  return FdOf({SIGTERM, SIGINT});
}

int ReloadFd() { return FdOf({SIGHUP}); }

bool TakeReload(int fd) {
  signalfd_siginfo signal{};
  bool any = false;
  while (read(fd, &signal, sizeof signal) == static_cast<ssize_t>(sizeof signal)) any = true;
  return any;
}

uint64_t RaiseDescriptorLimit(uint64_t wanted) {
  rlimit limit{};
  KEYMAST_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (limit.rlim_cur != limit.rlim_max) {
    const rlimit raised{limit.rlim_max, limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  if (limit.rlim_cur < wanted) {
    Log(LogLevel::kWarning, "few_descriptors",
        {{"limit", std::to_string(limit.rlim_cur)},
         {"wanted", std::to_string(wanted)},
         {"raise", "the hard limit of open files (LimitNOFILE=, ulimit -H -n)"}});
  }
  return limit.rlim_cur;
}

void NotifyReady() { sd_notify(0, "READY=1"); }
void NotifyStopping() { sd_notify(0, "STOPPING=1"); }

Watchdog::Watchdog() {
  uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return;
  every_ = std::chrono::microseconds(microseconds / 2);
  next_ = Instant{};  // at once
}

void Watchdog::Alive(Instant now) {
  if (now < next_) return;
  sd_notify(0, "WATCHDOG=1");
  next_ = now + every_;
}

std::optional<gid_t> GroupNamed(const std::string& name) {
  std::vector<char> room(1 << 16);
  group entry{};
  group* found = nullptr;
  if (getgrnam_r(name.c_str(), &entry, room.data(), room.size(), &found) != 0) return std::nullopt;
  return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
}

std::string RuntimeDirectory() {
  if (geteuid() == 0) return "/run/keymast";
  const std::string chosen = Environment("XDG_RUNTIME_DIR");
  return chosen.empty() ? SharedRuntimeDirectory() : chosen + "/keymast";
}

tl::expected<void, Failure> CheckOwnFolder(const std::string& folder) {
  struct stat about {};
  if (lstat(folder.c_str(), &about) != 0) {
    return Fail(errno == ENOENT ? Error::kNotFound : Error::kPermissionDenied,
                folder + ": " + std::strerror(errno));
  }
  if (S_ISDIR(about.st_mode) && about.st_uid == geteuid() && (about.st_mode & 022) == 0) return {};
  const char* why = !S_ISDIR(about.st_mode)     ? "is no folder"
                    : about.st_uid != geteuid() ? "is another user's"
                                                : "may be written by others";
  return Fail(Error::kPermissionDenied, folder + " " + why +
                                            ": whoever made it could pose as keymast; remove it, "
                                            "or set XDG_RUNTIME_DIR");
}

tl::expected<void, Failure> CheckSocketFolder(const std::string& socket) {
  const std::string shared = SharedRuntimeDirectory();
  return socket.starts_with(shared + "/") ? CheckOwnFolder(shared) : tl::expected<void, Failure>();
}

std::string StateDirectory() {
  return geteuid() == 0 ? "/var/lib/keymast" : UserDirectory("XDG_STATE_HOME", "/.local/state");
}

std::string ConfigDirectory() {
  return geteuid() == 0 ? "/etc/keymast" : UserDirectory("XDG_CONFIG_HOME", "/.config");
}

}  // namespace keymast::shell
