// SPDX-License-Identifier: Apache-2.0
// Signals, readiness, paths and the clock of a program.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/time.h"
#include "shell/time_line.h"

namespace keymast::shell {

// ReadClocks reads the machine's clocks.
ClockReading ReadClocks();

// SystemClock is CLOCK_BOOTTIME, anchored to UTC at construction. It stays so until its line is
// moved, by the one thread that uses it.
class SystemClock final : public Clock {
 public:
  SystemClock();
  Instant Now() const override;
  // ToBoottime gives the CLOCK_BOOTTIME instant (ns) of an instant, for timerfd. It changes when
  // the line is moved.
  int64_t ToBoottime(Instant instant) const;
  TimeLine& line() { return line_; }

 private:
  TimeLine line_;
};

// TerminationFd blocks SIGTERM and SIGINT for the process and returns a descriptor that becomes
// readable when one comes. Also ignores SIGPIPE. Call before any thread starts.
int TerminationFd();

// ReloadFd does the same with SIGHUP: TakeReload takes what came, and is false when nothing has.
int ReloadFd();
bool TakeReload(int fd);

// RaiseDescriptorLimit lets the process open as many files as its hard limit allows, and returns
// how many that is. Fewer than `wanted` are told in the log.
uint64_t RaiseDescriptorLimit(uint64_t wanted);

// NotifyReady and NotifyStopping tell systemd, if it listens.
void NotifyReady();
void NotifyStopping();

// Watchdog tells systemd that the program's loop goes round, where the unit asks for it
// (WatchdogSec=): a loop that hangs is ended and started again. The environment says so once, when
// it is made.
class Watchdog {
 public:
  Watchdog();
  // Next is when to call Alive at the latest, kNever when nobody asks.
  Instant Next() const { return next_; }
  // Alive tells it twice in a period of the unit at most, however often it is called.
  void Alive(Instant now);

 private:
  Duration every_{};
  Instant next_ = kNever;
};

// GroupNamed finds a group of this system.
std::optional<gid_t> GroupNamed(const std::string& name);

// RuntimeDirectory is /run/keymast for root, $XDG_RUNTIME_DIR/keymast otherwise (/tmp/keymast-UID
// without that variable); it is not created. Who uses a socket in it asks CheckSocketFolder.
std::string RuntimeDirectory();
// CheckOwnFolder wants a folder, no link to one, that is this user's and that nobody else may
// write: kPermissionDenied, in words, otherwise; kNotFound.
tl::expected<void, Failure> CheckOwnFolder(const std::string& folder);
// CheckSocketFolder is asked before a socket file is made or connected to. Anybody may make
// /tmp/keymast-UID, and serve in it what this user takes for keymast: a path below it is refused
// unless that folder passes CheckOwnFolder. Every other path passes.
tl::expected<void, Failure> CheckSocketFolder(const std::string& socket);
std::string StateDirectory();   // /var/lib/keymast, or $XDG_STATE_HOME/keymast (~/.local/state)
std::string ConfigDirectory();  // /etc/keymast, or $XDG_CONFIG_HOME/keymast (~/.config)

}  // namespace keymast::shell
