// SPDX-License-Identifier: Apache-2.0
// What the step machines of version 1 really send: every message of every mode.
#include "tests/interop/mikey_messages.h"
#include "tests/unit/mikey/v1_world.h"

namespace keymast::mikey {
namespace {

using List = std::vector<SampleMessage>;

// AddRsarUpdate is from the Responder, who gave the keys, if there is a key to update under.
void AddRsarUpdate(World& world, Offer offer, const std::string& name, List& list) {
  if (!world.BobsSession().UpdatesByPsk()) return;
  offer.policies = {};
  offer.keys = {&world.key, 1};
  Initiator bobs(world.bob.party, world.bob.stamper);
  Bytes update(kMaxMessage);
  update.resize(*bobs.Update(world.BobsSession(), offer, kNow, world.rng, update));
  list.push_back({name + ", update", update});
}

void AddRun(Mode mode, bool legacy, Cache cache, const std::string& name, List& list) {
  World world;
  if (legacy) world.alice.policy = world.bob.policy = V1Policy::Legacy();
  Grant grant;
  grant.keys = {&world.key, 1};
  grant.policies = {&world.policy, 1};
  grant.cache = cache;
  world.bob.others.grant_ = grant;
  Offer offer = world.OfferOf(mode);
  offer.cache = cache;
  const Bytes first = world.Start(mode, offer);
  const Bytes answer = world.ToBob(first);
  EXPECT_TRUE(world.initiator.Receive(answer, kNow));
  list.push_back({name + ", first message", first});
  list.push_back({name + ", answer", answer});
  world.bob.policy.modes = {};
  list.push_back({name + ", error", world.ToBob(first)});
  world.bob.policy.modes = {true, true, true, true, true};
  if (mode == Mode::kRsar) return AddRsarUpdate(world, offer, name, list);
  const Bytes update = world.Update(offer);
  list.push_back({name + ", update", update});
  list.push_back({name + ", answer to the update", world.ToBob(update)});
  EXPECT_TRUE(world.status);
}

// AddRefusal has an error message that is proven and lists policies.
void AddRefusal(Mode mode, const std::string& name, List& list) {
  World world;
  world.alice.policy = world.bob.policy = V1Policy::Legacy();
  CsbPolicy ours;
  ours.params =
      Octets<255>(Hex("000101"
                      "010110"));
  world.bob.others.supported_ = {ours};
  world.policy.prot_type = ProtType::kTesla;
  world.policy.params = {};
  list.push_back({name + ", refusal with proof", world.ToBob(world.Start(mode))});
}

void AddGroup(List& list) {
  World world;
  Grant grant;
  grant.group = true;
  grant.csb_id = CsbId(0x47524f55);
  grant.rand = kRand;
  grant.keys = {&world.key, 1};
  grant.policies = {&world.policy, 1};
  grant.sessions = world.sessions;
  world.bob.others.grant_ = grant;
  Offer listener;
  listener.csb_id = CsbId(0x11111111);
  const Bytes first = world.Start(Mode::kRsar, listener);
  list.push_back({"RSA-R for a group, first message", first});
  list.push_back({"RSA-R for a group, answer", world.ToBob(first)});
}

}  // namespace

std::vector<SampleMessage> ModeMessages() {
  List list;
  constexpr std::pair<Mode, const char*> kModes[] = {{Mode::kPsk, "PSK"},
                                                     {Mode::kPk, "PK"},
                                                     {Mode::kDh, "DH"},
                                                     {Mode::kDhhmac, "DHHMAC"},
                                                     {Mode::kRsar, "RSA-R"}};
  for (const auto& [mode, name] : kModes) {
    AddRun(mode, false, Cache::kNone, name, list);
    AddRun(mode, true, Cache::kNone, std::string(name) + " with SHA-1", list);
    AddRefusal(mode, name, list);
  }
  AddRun(Mode::kPk, true, Cache::kCache, "PK with a cached key", list);
  AddRun(Mode::kRsar, true, Cache::kForCsb, "RSA-R with a cached key", list);
  AddGroup(list);
  return list;
}

}  // namespace keymast::mikey
