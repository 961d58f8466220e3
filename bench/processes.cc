// SPDX-License-Identifier: Apache-2.0
#include "bench/processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "net/udp.h"

namespace keymast::bench {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

std::string ProgramDirectory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

std::string ScratchParent() {
  const char* given = std::getenv("KEYMAST_BENCH_DIR");
  return given != nullptr ? given : ProgramDirectory();
}

// Exec runs in the forked child: only what is safe there.
[[noreturn]] void Exec(char* const* argv, int log, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv(argv[0], argv);
  _exit(127);
}

// A benchmark that cannot go on still removes what it made.
std::vector<std::string>& LiveScratches() {
  static std::vector<std::string> paths;
  return paths;
}

void Remove(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
  std::erase(LiveScratches(), path);
}

int StatusOf(int raw) { return WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw); }

}  // namespace

void Demand(bool ok, const std::string& what) {
  if (ok) return;
  std::fprintf(stderr, "keymast-bench: %s\n", what.c_str());
  while (!LiveScratches().empty()) Remove(std::string(LiveScratches().back()));
  // Other threads may be at work: nothing else is taken down in order.
  std::_Exit(1);
}

Scratch::Scratch(const std::string& name) : path_(ScratchParent() + "/" + name + ".XXXXXX") {
  Demand(mkdtemp(path_.data()) != nullptr, path_ + " cannot be made");
  LiveScratches().push_back(path_);
}

Scratch::~Scratch() { Remove(path_); }

std::string Scratch::Write(const std::string& name, const std::string& text) const {
  const std::string path = *this / name;
  std::ofstream(path) << text;
  chmod(path.c_str(), 0600);
  return path;
}

std::string Program(const std::string& name) { return ProgramDirectory() + "/" + name; }

uint16_t FreeUdpPort() {
  const auto socket = net::UdpSocket::Open(*ParseAddress("127.0.0.1"));
  Demand(socket.has_value(), "no port on 127.0.0.1");
  return socket->local()->port;
}

Child::Child(std::vector<std::string> argv, const std::string& log) : log_(log) {
  std::vector<char*> pointers;
  for (std::string& word : argv) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  Demand(file >= 0, log + " cannot be written");
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) Exec(pointers.data(), file, parent);
  close(file);
  Demand(pid_ > 0, argv.front() + " cannot be started");
}

Child::~Child() {
  if (pid_ < 0) return;
  kill(pid_, SIGTERM);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (Running() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  Wait();
}

bool Child::Running() {
  if (pid_ < 0) return false;
  int raw = 0;
  if (waitpid(pid_, &raw, WNOHANG) == 0) return true;
  status_ = StatusOf(raw);
  pid_ = -1;
  return false;
}

double Child::Resident() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  double all = 0;
  double resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

int Child::Wait() {
  int raw = 0;
  if (pid_ >= 0 && waitpid(pid_, &raw, 0) == pid_) {
    status_ = StatusOf(raw);
    pid_ = -1;
  }
  return status_;
}

}  // namespace keymast::bench
