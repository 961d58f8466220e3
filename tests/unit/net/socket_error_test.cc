// SPDX-License-Identifier: Apache-2.0
#include "net/socket_error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace keymast::net {
namespace {

TEST(SocketError, SendErrorsTellWhetherToWaitOrToOpenAnew) {
  for (const int number : {ENOBUFS, ENOMEM, EAGAIN}) {
    EXPECT_EQ(SendError(number), Error::kNoBufferSpace) << number;
  }
  for (const int number : {ENETUNREACH, EADDRNOTAVAIL, ENODEV, ENETDOWN}) {
    EXPECT_EQ(SendError(number), Error::kNoInterface) << number;
  }
  for (const int number : {EMSGSIZE, EPERM, EHOSTUNREACH, ECONNREFUSED, EINVAL}) {
    EXPECT_EQ(SendError(number), Error::kSendFailed) << number;
  }
}

TEST(SocketError, OpenErrorsTellWhatToChange) {
  EXPECT_EQ(OpenError(EADDRINUSE), Error::kInUse);
  for (const int number : {EADDRNOTAVAIL, ENODEV, ENETUNREACH}) {
    EXPECT_EQ(OpenError(number), Error::kNoInterface) << number;
  }
  for (const int number : {EMFILE, EACCES, ENOBUFS}) {
    EXPECT_EQ(OpenError(number), Error::kIo) << number;
  }
}

TEST(SocketError, OnlyIcmpIsAboutEarlierDatagrams) {
  EXPECT_TRUE(IsAboutEarlier(ECONNREFUSED));
  for (const int number : {ENETUNREACH, EMSGSIZE, EAGAIN, EINTR}) {
    EXPECT_FALSE(IsAboutEarlier(number)) << number;
  }
}

}  // namespace
}  // namespace keymast::net
