// SPDX-License-Identifier: Apache-2.0
#include "demo/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

extern char** environ;

namespace keymast::demo {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr int kMostReads = 64;
constexpr auto kStep = std::chrono::milliseconds(5);

// FileActions owns the description of a child's three standard descriptors.
class FileActions {
 public:
  FileActions(int in, int out, const std::string& log) {
    posix_spawn_file_actions_init(&actions_);
    if (in >= 0) {
      posix_spawn_file_actions_adddup2(&actions_, in, STDIN_FILENO);
    } else {
      posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }
    posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
  }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

// Spawn gives a process group of its own, so that Ctrl-C reaches the demo alone, and the usual
// signal mask and SIGPIPE, which a child would otherwise inherit from this program.
int Spawn(pid_t* pid, const std::vector<char*>& argv, const FileActions& actions) {
  posix_spawnattr_t attributes;
  sigset_t none;
  sigset_t pipe;
  sigemptyset(&none);
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &pipe);
  const int error =
      posix_spawnp(pid, argv.front(), actions.get(), &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  return error;
}

std::string TailOf(const std::string& path) {
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  constexpr size_t kMost = 2000;
  return text.size() > kMost ? text.substr(text.size() - kMost) : text;
}

}  // namespace

tl::expected<Process, Failure> Process::Start(const Words& argv, const std::string& log, int in) {
  // setpriv (util-linux) asks for a signal at the parent's death and becomes the program.
  Words words = {"setpriv", "--pdeathsig", "KILL", "--"};
  words.insert(words.end(), argv.begin(), argv.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);

  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return Fail(Error::kIo, "pipe: no descriptor left");
  Process process;
  const int error = Spawn(&process.pid_, pointers, FileActions(in, ends[1], log));
  close(ends[1]);
  process.out_ = ends[0];
  if (error != 0) return Fail(Error::kIo, argv[0] + ": " + std::strerror(error));
  return process;
}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(out_, other.out_);
  std::swap(partial_, other.partial_);
  std::swap(exit_, other.exit_);
  return *this;
}

Process::~Process() {
  if (IsRunning()) Stop(SIGKILL, Duration(0));
  if (out_ >= 0) close(out_);
}

int Process::TakeOutput() { return std::exchange(out_, -1); }

std::vector<std::string> Process::TakeLines() {
  std::vector<std::string> lines;
  std::array<char, 4096> buffer{};
  pollfd ready{out_, POLLIN, 0};
  // Bounded, so that a program that never stops writing does not hold up the others; more than a
  // pipe holds, so that the last call after a program's end gets everything.
  for (int turn = 0; turn < kMostReads && out_ >= 0 && poll(&ready, 1, 0) == 1; ++turn) {
    const ssize_t got = read(out_, buffer.data(), buffer.size());
    if (got <= 0) {
      close(TakeOutput());
      break;
    }
    partial_.append(buffer.data(), static_cast<size_t>(got));
  }
  size_t begin = 0;
  for (size_t end = 0; (end = partial_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(partial_.substr(begin, end - begin));
  }
  partial_.erase(0, begin);
  return lines;
}

void Process::Reap(int status) { exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1; }

bool Process::IsRunning() {
  if (pid_ < 0 || exit_) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  Reap(status);
  return false;
}

void Process::Signal(int number) {
  if (IsRunning()) kill(pid_, number);
}

int Process::Stop(int number, Duration patience) {
  const SteadyClock::time_point deadline = SteadyClock::now() + patience;
  Signal(number);
  while (IsRunning() && SteadyClock::now() < deadline) std::this_thread::sleep_for(kStep);
  if (IsRunning()) {
    kill(pid_, SIGKILL);
    int status = 0;
    if (waitpid(pid_, &status, 0) == pid_) Reap(status);
  }
  return exit_.value_or(-1);
}

tl::expected<Chain, Failure> StartChain(const Words& feeder, const Words& reader,
                                        const std::string& log) {
  auto first = Process::Start(feeder, log);
  if (!first) return tl::unexpected<Failure>(first.error());
  const int link = first->TakeOutput();
  auto second = Process::Start(reader, log, link);
  close(link);
  if (!second) return tl::unexpected<Failure>(second.error());
  return Chain{std::move(*first), std::move(*second)};
}

tl::expected<std::string, Failure> Run(const Words& argv, const std::string& log,
                                       Duration patience) {
  std::ofstream(log, std::ios::trunc).flush();
  auto process = Process::Start(argv, log);
  if (!process) return tl::unexpected<Failure>(process.error());
  const SteadyClock::time_point deadline = SteadyClock::now() + patience;
  std::string text;
  for (bool is_running = true; is_running && SteadyClock::now() < deadline;) {
    is_running = process->IsRunning();  // first, so that the last lines are read after the end
    pollfd ready{process->fd(), POLLIN, 0};
    if (is_running) poll(&ready, 1, 20);
    for (const std::string& line : process->TakeLines()) text += line + "\n";
  }
  const bool is_late = process->IsRunning();
  const int status = process->Stop(SIGKILL, Duration(0));
  if (is_late) return Fail(Error::kUnavailable, argv[0] + ": no answer in time");
  if (status != 0) return Fail(Error::kUnavailable, argv[0] + ": " + TailOf(log));
  return text;
}

}  // namespace keymast::demo
