// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/controller/joiner.h"

namespace keymast::controller {

KeyingConfig KeyingWith(const mikey::Profile3gpp& profile) {
  KeyingConfig config;
  config.policy = mikey::v2::Policy::OfGroup(profile);
  for (const Mode mode : {Mode::kEarlyDhhmac, Mode::kDhhmac, Mode::kPsk}) {
    config.policy.modes.Add(static_cast<uint8_t>(mode));
  }
  config.authority = "example.org";
  config.exchanges = 64;
  config.waiting = 16;
  return config;
}

Receiver::Receiver(World& in, int member, Mode mode, uint32_t features,
                   const mikey::v2::Credentials* credentials)
    : world(in),
      address(EndpointOf(member)),
      key(UserKeyOf(member)),
      identity(IdentityOf(member)),
      policy(mikey::v2::Policy::OfGroup(in.profile)),
      offerer(crypto::DefaultSuite(), policy, credentials) {
  policy.modes.Add(static_cast<uint8_t>(mode));
  policy.features = features;
}

Bytes Receiver::Cap(std::string_view uri) {
  mikey::v2::Wish wish;
  wish.self = {mikey::IdType::kNai, AsBytes(identity)};
  wish.peer = {mikey::IdType::kUri, AsBytes(uri)};
  if (resume == nullptr) wish.psk = key.view();
  wish.fresh = fresh;
  wish.resume = resume;
  wish.join = group;
  wish.shown = shown;
  Bytes out(mikey::v2::kMaxOneDatagram);
  const auto size = offerer.Open(wish, world.now, *world.rng, out);
  EXPECT_TRUE(size.has_value());
  out.resize(size.value_or(0));
  return out;
}

void Receiver::Run() {
  Bytes next = Cap();
  for (int i = 0; i < 4 && !next.empty(); ++i) next = Take(Ask(next));
}

Bytes Receiver::Ask(const Bytes& datagram) {
  const size_t before = world.of_version2.size();
  step = world.core->OnDatagram(address, datagram, world.now);
  if (world.core->Waiting() > 0) step = world.core->Serve(world.now);
  world.Deliver(step);
  if (world.of_version2.size() == before) return {};
  EXPECT_EQ(world.of_version2.size(), before + 1);
  EXPECT_EQ(world.of_version2.back().to, address);
  return world.of_version2.back().octets;
}

Bytes Receiver::Take(const Bytes& datagram) {
  if (datagram.empty()) return {};
  Bytes out(mikey::v2::kMaxOneDatagram);
  const auto outcome = offerer.Receive(datagram, world.now, *world.rng, out);
  out.resize(outcome.send);
  return out;
}

}  // namespace keymast::controller
