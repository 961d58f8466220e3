// SPDX-License-Identifier: Apache-2.0
#include "server/clients.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "shell/log.h"

namespace keymast::server {
namespace {

constexpr uint32_t kProtocol = 1;
constexpr int kBacklog = 16;
// Frames taken from one client before others have their turn.
constexpr int kFramesATurn = 64;

// PeerIsIn says whether a group was among those of the peer when it connected, beside its first.
bool PeerIsIn(gid_t group, int fd) {
  std::vector<gid_t> groups(64);
  socklen_t size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  int status = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
  if (status != 0 && errno == ERANGE) {  // it says how much room they need
    groups.resize(size / sizeof(gid_t));
    status = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
  }
  if (status != 0) return false;
  const auto end = groups.begin() + static_cast<ptrdiff_t>(size / sizeof(gid_t));
  return std::find(groups.begin(), end, group) != end;
}

bool PeerIsAllowed(int fd, std::optional<gid_t> group) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  if (peer.uid == geteuid() || peer.uid == 0) return true;
  return group && (peer.gid == *group || PeerIsIn(*group, fd));
}

// HandTo gives a socket file to a group.
Status HandTo(gid_t group, const std::string& path) {
  if (chown(path.c_str(), static_cast<uid_t>(-1), group) != 0) {
    return Err(errno == EPERM ? Error::kPermissionDenied : Error::kIo);
  }
  if (chmod(path.c_str(), 0660) != 0) return Err(Error::kIo);
  return {};
}

Result<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return Err(Error::kTooLong);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// OtherFileStands says whether something other than a socket has this name.
bool OtherFileStands(const std::string& path) {
  struct stat about {};
  return lstat(path.c_str(), &about) == 0 && !S_ISSOCK(about.st_mode);
}

bool SomebodyListens(const sockaddr_un& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const bool taken = connect(fd, generic, sizeof address) == 0;
  close(fd);
  return taken;
}

}  // namespace

core::CoreError ErrorOf(const Failure& failure) {
  core::CoreError error;
  error.set_reason(std::string(ErrorName(failure.error)));
  error.set_message(failure.message);
  for (const FieldViolation& violation : failure.violations) {
    core::Violation* message = error.add_violations();
    message->set_field(violation.field);
    message->set_description(violation.description);
  }
  error.set_resource(failure.resource);
  error.set_retry_after_ms(failure.retry_after_ms);
  return error;
}

struct Clients::Client {
  ClientId id = 0;
  int fd = -1;
  bool greeted = false;
  bool doomed = false;  // dropped at the end of the call that found out
  framing::FrameReader frames;
  std::string output;
  size_t written = 0;     // of output
  bool has_more = false;  // whole frames wait in `frames`, where epoll does not see them
  uint32_t watched = EPOLLIN;
  size_t backlog() const { return output.size() - written; }
};

Clients::Clients(Loop& loop, OnRequest on_request, OnClosed on_closed)
    : Clients(loop, std::move(on_request), std::move(on_closed), Limits{}) {}

Clients::Clients(Loop& loop, OnRequest on_request, OnClosed on_closed, Limits limits)
    : loop_(loop),
      on_request_(std::move(on_request)),
      on_closed_(std::move(on_closed)),
      limits_(limits) {}

Clients::~Clients() {
  Stop();
  for (auto& [id, client] : clients_) {
    loop_.Forget(client->fd);
    close(client->fd);
  }
}

Status Clients::Listen(const std::string& path, std::optional<gid_t> group) {
  const auto address = AddressOf(path);
  if (!address) return Err(address.error());
  if (OtherFileStands(path) || SomebodyListens(*address)) return Err(Error::kInUse);
  unlink(path.c_str());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Err(Error::kIo);
  // The mode is set by the umask, so that the file is never open to others.
  const mode_t before = umask(0177);
  const auto* generic = reinterpret_cast<const sockaddr*>(&*address);
  const bool bound = bind(fd, generic, sizeof *address) == 0 && listen(fd, kBacklog) == 0;
  umask(before);
  const Status made = !bound ? Status(Err(Error::kIo)) : group ? HandTo(*group, path) : Status();
  if (!made) {
    close(fd);
    if (bound) unlink(path.c_str());
    return made;
  }
  listener_ = fd;
  group_ = group;
  spare_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
  path_ = path;
  loop_.Watch(fd, EPOLLIN, [this](uint32_t) { Accept(); });
  return {};
}

void Clients::Stop() {
  if (listener_ < 0) return;
  loop_.Forget(listener_);
  close(listener_);
  close(spare_);
  listener_ = spare_ = -1;
  unlink(path_.c_str());
}

void Clients::Accept() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0 && (errno == EMFILE || errno == ENFILE)) return RefuseOne();
  if (fd < 0) return;
  if (clients_.size() >= limits_.connections || !PeerIsAllowed(fd, group_)) {
    ++counters_.refused_peers;
    shell::Log(shell::LogLevel::kWarning, "client_refused");
    close(fd);
    return;
  }
  auto client = std::make_unique<Client>();
  const ClientId id = client->id = ++last_;
  client->fd = fd;
  clients_.emplace(id, std::move(client));
  loop_.Watch(fd, EPOLLIN, [this, id](uint32_t events) { OnReady(id, events); });
}

// RefuseOne takes a connection off the queue although no descriptor is left: one that stayed there
// would end every turn of the loop at once.
void Clients::RefuseOne() {
  close(spare_);
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) close(fd);
  spare_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
  ++counters_.refused_peers;
  shell::Log(shell::LogLevel::kWarning, "client_refused", {{"reason", "no descriptor left"}});
}

Clients::Client* Clients::Find(ClientId id) {
  const auto found = clients_.find(id);
  return found == clients_.end() ? nullptr : found->second.get();
}

void Clients::OnReady(ClientId id, uint32_t events) {
  Client* client = Find(id);
  if (client == nullptr) return;
  if ((events & EPOLLOUT) != 0) Write(*client);
  const bool readable = client->has_more || (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
  const bool lost = readable && !ReadFrom(*client);
  if (lost || client->doomed) return Close(id);
  Interest(*client);
}

// A client with frames left is watched for room, which it nearly always has: its turn comes again.
void Clients::Interest(Client& client) {
  const bool out = client.has_more || client.backlog() > 0;
  const uint32_t wanted = (Paused(client) ? 0U : EPOLLIN) | (out ? EPOLLOUT : 0U);
  if (wanted != client.watched) loop_.Change(client.fd, client.watched = wanted);
}

// A client that does not read its answers is not asked for more requests.
bool Clients::Paused(const Client& client) const { return client.backlog() > limits_.pause; }

// ReadFrom is false when the connection is over.
bool Clients::ReadFrom(Client& client) {
  if (client.doomed) return false;  // nothing more is done for it: it would not hear of it
  client.has_more = false;
  for (int frames = 0; frames < kFramesATurn && !Paused(client);) {
    const auto frame = client.frames.Next();
    if (frame) {
      ++frames;
      if (!TakeFrame(client, *frame)) return false;
      continue;
    }
    if (frame.error() != Error::kTruncated) {
      ++counters_.protocol_errors;
      return false;
    }
    const MutableBytes room = client.frames.Room();
    const ssize_t count = read(client.fd, room.data(), room.size());
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    client.frames.Filled(static_cast<size_t>(count));
  }
  client.has_more = true;
  return true;
}

bool Clients::TakeFrame(Client& client, ByteView frame) {
  google::protobuf::Arena arena(arena_block_.Options());
  auto& request = *google::protobuf::Arena::CreateMessage<core::CoreRequest>(&arena);
  if (!request.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) {
    ++counters_.protocol_errors;
    return false;
  }
  if (!client.greeted) return Greet(client, request);
  on_request_(client.id, request);
  return !client.doomed;
}

bool Clients::Greet(Client& client, const core::CoreRequest& request) {
  core::CoreReply reply;
  reply.mutable_hello()->set_protocol(kProtocol);
  reply.mutable_hello()->set_version(KEYMAST_VERSION);
  client.greeted = request.has_hello() && request.hello().protocol() == kProtocol;
  Send({client.id, request.call()}, reply, true);
  if (!client.greeted) {
    ++counters_.protocol_errors;
    Write(client);  // the last it hears
  }
  return client.greeted;
}

std::string Clients::FrameOf(const Caller& to, core::CoreReply& reply, bool last) {
  reply.set_call(to.call);
  reply.set_last(last);
  std::string frame;
  if (framing::AppendFrame(reply, frame)) return frame;
  core::CoreReply refusal;
  *refusal.mutable_error() = ErrorOf({Error::kTooLong,
                                      "the answer is longer than 1 MiB: ask for less at once, or "
                                      "with read_mask for fewer fields",
                                      {},
                                      {},
                                      0});
  return FrameOf(to, refusal, true);
}

void Clients::Send(const Caller& to, core::CoreReply& reply, bool last) {
  if (Find(to.client) != nullptr) SendFrame(to.client, FrameOf(to, reply, last));
}

void Clients::SendFrame(ClientId to, const std::string& frame) {
  Client* client = Find(to);
  if (client == nullptr || client->doomed) return;
  client->output += frame;
  if (client->backlog() > limits_.output) {
    ++counters_.dropped_for_slowness;
    shell::Log(shell::LogLevel::kWarning, "client_too_slow");
    client->doomed = true;
    // Closed from the loop: callers may be in the midst of their own tables.
    shutdown(client->fd, SHUT_RDWR);
    return;
  }
  // Written when the loop comes round: the answers of one commit leave together.
  Interest(*client);
}

void Clients::SendError(const Caller& to, const Failure& failure) {
  core::CoreReply reply;
  *reply.mutable_error() = ErrorOf(failure);
  Send(to, reply, true);
}

size_t Clients::Backlog(ClientId client) const {
  const auto found = clients_.find(client);
  return found == clients_.end() ? 0 : found->second->backlog();
}

void Clients::Write(Client& client) {
  while (client.backlog() > 0) {
    const std::string_view left = std::string_view(client.output).substr(client.written);
    const ssize_t count = send(client.fd, left.data(), left.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      if (errno != EAGAIN) client.written = client.output.size();  // over: reading tells
      break;
    }
    client.written += static_cast<size_t>(count);
  }
  if (client.backlog() == 0 || client.written > framing::kMaxFrame) {
    client.output.erase(0, client.written);
    client.written = 0;
  }
  Interest(client);
}

// Round gives every client its turn; what is left then waits for room.
std::vector<pollfd> Clients::Round() {
  std::vector<ClientId> ids;
  for (const auto& [id, client] : clients_) ids.push_back(id);
  std::vector<pollfd> waiting;
  for (const ClientId id : ids) {
    OnReady(id, EPOLLIN | EPOLLOUT);
    const Client* client = Find(id);
    const bool waits = client != nullptr && (client->has_more || client->backlog() > 0);
    if (waits) waiting.push_back({client->fd, POLLOUT, 0});
  }
  return waiting;
}

void Clients::Farewell(Duration patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    std::vector<pollfd> waiting = Round();
    const auto left = until - std::chrono::steady_clock::now();
    if (waiting.empty() || left <= Duration::zero()) return;
    const auto millis = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    poll(waiting.data(), waiting.size(), static_cast<int>(millis));
  }
}

void Clients::Close(ClientId id) {
  const auto found = clients_.find(id);
  loop_.Forget(found->second->fd);
  close(found->second->fd);
  clients_.erase(found);
  on_closed_(id);
}

}  // namespace keymast::server
