// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/oom/wire.h"

#include <sys/socket.h>

#include <array>

#include "base/check.h"

namespace keymast::oom {
namespace {

constexpr size_t kHead = 19;  // family, address, port

}  // namespace

void SendOn(int fd, const Post& post) {
  std::array<uint8_t, 70000> message{};
  KEYMAST_CHECK(post.octets.size() + kHead <= message.size());
  message[0] = static_cast<uint8_t>(post.at.family);
  std::copy(post.at.address.begin(), post.at.address.end(), message.begin() + 1);
  message[17] = static_cast<uint8_t>(post.at.port >> 8);
  message[18] = static_cast<uint8_t>(post.at.port & 0xff);
  std::copy(post.octets.begin(), post.octets.end(), message.begin() + kHead);
  // Who is gone does not read.
  (void)send(fd, message.data(), kHead + post.octets.size(), MSG_NOSIGNAL);
}

std::optional<Post> ReceiveOn(int fd) {
  std::array<uint8_t, 70000> message{};
  const ssize_t size = recv(fd, message.data(), message.size(), MSG_DONTWAIT);
  if (size < static_cast<ssize_t>(kHead)) return std::nullopt;
  Post post;
  post.at.family = static_cast<Endpoint::Family>(message[0]);
  std::copy_n(message.begin() + 1, post.at.address.size(), post.at.address.begin());
  post.at.port = static_cast<uint16_t>(message[17] << 8 | message[18]);
  post.octets.assign(message.begin() + kHead, message.begin() + size);
  return post;
}

}  // namespace keymast::oom
