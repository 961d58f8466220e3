// SPDX-License-Identifier: Apache-2.0
#include "net/socket_error.h"

#include <cerrno>

namespace keymast::net {
namespace {

bool IsNoInterface(int number) {
  switch (number) {
    case ENETUNREACH:    // no route, and no interface given
    case EADDRNOTAVAIL:  // the source address went with its interface
    case ENODEV:
    case ENXIO:
    case ENETDOWN:
      return true;
    default:
      return false;
  }
}

}  // namespace

Error OpenError(int number) {
  if (number == EADDRINUSE) return Error::kInUse;
  return IsNoInterface(number) ? Error::kNoInterface : Error::kIo;
}

Error SendError(int number) {
  switch (number) {
    case ENOBUFS:  // the queue of the interface is full
    case ENOMEM:
    case EAGAIN:  // the socket's send buffer is full
      return Error::kNoBufferSpace;
    default:
      return IsNoInterface(number) ? Error::kNoInterface : Error::kSendFailed;
  }
}

bool IsAboutEarlier(int number) { return number == ECONNREFUSED || number == EPROTO; }

}  // namespace keymast::net
