// SPDX-License-Identifier: Apache-2.0
#include "api/sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/endpoint.h"

namespace keymast::api {
namespace {

constexpr int kBacklog = 1024;

union Address {
  sockaddr any;
  sockaddr_in ipv4;
  sockaddr_in6 ipv6;
};

socklen_t ToAddress(const Endpoint& endpoint, Address& out) {
  out = {};
  if (endpoint.family == Endpoint::Family::kIpv4) {
    out.ipv4.sin_family = AF_INET;
    out.ipv4.sin_port = htons(endpoint.port);
    std::copy_n(endpoint.address.begin(), 4, reinterpret_cast<uint8_t*>(&out.ipv4.sin_addr));
    return sizeof out.ipv4;
  }
  out.ipv6.sin6_family = AF_INET6;
  out.ipv6.sin6_port = htons(endpoint.port);
  std::copy(endpoint.address.begin(), endpoint.address.end(), out.ipv6.sin6_addr.s6_addr);
  return sizeof out.ipv6;
}

// ParseEndpoint refuses port 0.
Result<Endpoint> ParseListen(const std::string& listen) {
  const size_t colon = listen.rfind(':');
  const bool any_port = colon != std::string::npos && listen.substr(colon) == ":0";
  auto endpoint = ParseEndpoint(any_port ? listen.substr(0, colon) + ":1" : listen);
  if (endpoint && any_port) endpoint->port = 0;
  return endpoint;
}

Error ReasonOf(int error) {
  if (error == EADDRINUSE) return Error::kInUse;
  return error == EADDRNOTAVAIL ? Error::kNoInterface : Error::kIo;
}

}  // namespace

Result<Descriptor> ListenTcp(const std::string& listen_on) {
  const auto endpoint = ParseListen(listen_on);
  if (!endpoint) return Err(endpoint.error());
  Address address;
  const socklen_t size = ToAddress(*endpoint, address);
  Descriptor socket(
      ::socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (socket.get() < 0) return Err(Error::kIo);
  // Not SO_REUSEPORT: two servers on one port are a mistake, not load sharing.
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(socket.get(), &address.any, size) != 0 || listen(socket.get(), kBacklog) != 0) {
    return Err(ReasonOf(errno));
  }
  return socket;
}

Result<Descriptor> ListenUnix(const std::string& path, mode_t mode, std::optional<gid_t> group) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Err(Error::kTooLong);
  std::copy(path.begin(), path.end(), address.sun_path);
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return Err(Error::kIo);
  unlink(path.c_str());
  const mode_t before = umask(0777 & ~mode);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const bool bound = bind(socket.get(), generic, sizeof address) == 0;
  umask(before);
  if (bound && group && chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0) {
    unlink(path.c_str());
    return Err(Error::kPermissionDenied);
  }
  // bind gives at most what the umask leaves of 0777, which a default ACL may take away again.
  if (!bound || chmod(path.c_str(), mode) != 0 || listen(socket.get(), kBacklog) != 0) {
    return Err(Error::kIo);
  }
  return socket;
}

int PortOf(const Descriptor& socket) {
  Address address{};
  socklen_t size = sizeof address;
  if (getsockname(socket.get(), &address.any, &size) != 0) return 0;
  return ntohs(address.any.sa_family == AF_INET ? address.ipv4.sin_port : address.ipv6.sin6_port);
}

Result<Descriptor> Accept(const Descriptor& listener) {
  Descriptor connection(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (connection.get() >= 0) return connection;
  const bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
  return Err(exhausted ? Error::kNoBufferSpace : Error::kUnavailable);
}

}  // namespace keymast::api
