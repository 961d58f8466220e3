// SPDX-License-Identifier: Apache-2.0
// Any datagrams at a server's side of MIKEYv2, behind the MAC: what is sent has version 2's form,
// never above three times what came before an address was proved, and group keys are given to whom
// they may, with their mark.
#include "tests/fuzz/keying_world.h"

namespace {

using namespace keymast;
using namespace keymast::controller;

void Check(const std::vector<Datagram>& sent, size_t came) {
  size_t octets = 0;
  for (const Datagram& datagram : sent) {
    mikey::Message message;
    KEYMAST_CHECK(mikey::ParseMessage(datagram.octets, message).has_value());
    KEYMAST_CHECK(message.header.version == mikey::kVersion2);
    octets += datagram.octets.size();
  }
  KEYMAST_CHECK(sent.size() <= 2 * mikey::v2::kMaxFragments);
  // A finish, a proved address or a RETRY: more than that no datagram brings.
  KEYMAST_CHECK(octets <= std::max<size_t>(3 * came, 2 * mikey::v2::kMaxWhole));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  KeyingWorld world(data[0]);
  Play(world, {data + 1, size - 1}, [&](ByteView datagram) {
    const size_t given = world.members.given;
    const size_t joined = world.members.joined;
    const auto sent = world.Take(datagram);
    KEYMAST_CHECK(world.members.given <= given + 1 && world.members.joined <= joined + 1);
    KEYMAST_CHECK(!world.members.frozen || world.changes == 0);
    KEYMAST_CHECK(world.keying.exchanges() <= world.config.exchanges);
    Check(sent, datagram.size());
  });
  return 0;
}
