// SPDX-License-Identifier: Apache-2.0
// Commands on headends.
#include "controller/impl.h"
#include "controller/names.h"

namespace keymast::controller {
namespace {

bool TakesBoxes(const std::array<uint8_t, 32>& public_key) {
  crypto::SeededRng rng(0);  // what is sealed here is thrown away
  return crypto::SealBox(public_key, crypto::kTrafficKeyPurpose, {}, {}, rng).has_value();
}

// Meet is true when headends of both channels would send with one SSRC: on one channel always, on
// two when they share the group address too (RFC 3550 §8; RFC 3711 §9.1 for one key).
bool Meet(const groups::Channel& a, const groups::Channel& b) {
  if (a.id == b.id) return true;
  if (a.multicast.mtk.address != b.multicast.mtk.address) return false;
  return std::any_of(a.streams.begin(), a.streams.end(), [&](const groups::Stream& one) {
    return std::any_of(b.streams.begin(), b.streams.end(),
                       [&](const groups::Stream& other) { return one.ssrc == other.ssrc; });
  });
}

}  // namespace

// SsrcHolder names the enrolled headend and channel that would send with an SSRC of `channel`.
std::optional<std::string> Controller::Impl::SsrcHolder(const groups::Channel& channel) const {
  for (const auto& [id, headend] : state.headends) {
    for (const ChannelId& other : headend.channels) {
      if (!Meet(channel, state.channels.at(other).channel)) continue;
      return NameOf(id) + " for " + NameOf(other);
    }
  }
  return std::nullopt;
}

Controller::Impl::Outcome Controller::Impl::Handle(const CreateHeadend& command, Instant now,
                                                   const Moment* m) {
  groups::Headend headend = command.headend;
  const std::string name = NameOf(headend.id);
  std::vector<FieldViolation> wrong;
  if (!groups::IsResourceId(headend.id.value)) {
    wrong.push_back({"headend_id", std::string(groups::kResourceIdRule)});
  }
  if (!TakesBoxes(headend.public_key)) {
    wrong.push_back({"headend.public_key", "is no X25519 public key that can be sealed to"});
  }
  const std::set<ChannelId> ids(headend.channels.begin(), headend.channels.end());
  if (ids.size() != headend.channels.size()) {
    wrong.push_back({"headend.channels", "names a channel twice"});
  }
  if (!wrong.empty()) return RefuseFields(Error::kInvalidArgument, name, std::move(wrong));
  if (state.headends.contains(headend.id))
    return Refuse(Error::kAlreadyExists, name, "exists already");
  for (const ChannelId& id : headend.channels) {
    const Channel* channel = Find(id);
    if (channel == nullptr) return Refuse(Error::kNotFound, NameOf(id), kNotThere);
    const std::optional<std::string> holder = SsrcHolder(channel->durable->channel);
    if (holder) {
      return Refuse(Error::kSsrcInUse, name, "would send with the SSRCs of " + *holder);
    }
  }
  if (m == nullptr) return Reply{};
  headend.created = now;
  headend.revision = 1;
  headends[headend.id] = Headend{};
  for (const ChannelId& id : headend.channels) {
    At(id).headends.push_back(headend.id);
    Schedule(At(id), now);
  }
  Put(rekey::HeadendPut{std::move(headend)}, *m);
  Tell(Event::Kind::kCreated, {}, name, *m);
  return Reply{};
}

Controller::Impl::Outcome Controller::Impl::Handle(const UpdateHeadend& command, Instant now,
                                                   const Moment* m) {
  const std::string name = NameOf(command.id);
  const auto found = state.headends.find(command.id);
  if (found == state.headends.end()) return Refuse(Error::kNotFound, name, kNotThere);
  groups::Headend headend = found->second;
  if (groups::IsAnother(command.expected, headend)) {
    return Refuse(Error::kEtagMismatch, name, kIsAnother);
  }
  const std::set<ChannelId> before(headend.channels.begin(), headend.channels.end());
  const std::set<ChannelId> after(command.channels.begin(), command.channels.end());
  if (after.size() != command.channels.size()) {
    return RefuseFields(Error::kInvalidArgument, name,
                        {{"headend.channels", "names a channel twice"}});
  }
  for (const ChannelId& id : after) {
    const Channel* channel = Find(id);
    if (channel == nullptr) return Refuse(Error::kNotFound, NameOf(id), kNotThere);
    if (before.contains(id)) continue;
    if (const auto holder = SsrcHolder(channel->durable->channel)) {
      return Refuse(Error::kSsrcInUse, name, "would send with the SSRCs of " + *holder);
    }
  }
  if (m == nullptr) return Reply{};
  headend.channels = command.channels;
  ++headend.revision;
  Put(rekey::HeadendPut{std::move(headend)}, *m);
  Tell(Event::Kind::kUpdated, {}, name, *m);
  m->step.headends_to_redefine.push_back(command.id);
  for (const ChannelId& id : before) {
    if (after.contains(id)) continue;
    std::erase(At(id).headends, command.id);
    headends.at(command.id).views.erase(id);
    // Nothing holds the switch of a channel without headends.
    At(id).held = false;
    Run(At(id), *m);
  }
  // Keys follow its next report, as of one that has just connected.
  for (const ChannelId& id : after) {
    if (before.contains(id)) continue;
    At(id).headends.push_back(command.id);
    Schedule(At(id), now);
  }
  return Reply{};
}

Controller::Impl::Outcome Controller::Impl::Handle(const DeleteHeadend& command, Instant,
                                                   const Moment* m) {
  const std::string name = NameOf(command.id);
  const auto found = state.headends.find(command.id);
  if (found == state.headends.end()) {
    if (command.allow_missing) return Reply{};
    return Refuse(Error::kNotFound, name, kNotThere);
  }
  if (groups::IsAnother(command.expected, found->second)) {
    return Refuse(Error::kEtagMismatch, name, kIsAnother);
  }
  if (m == nullptr) return Reply{};
  const std::vector<ChannelId> served = found->second.channels;
  // Its connection stays known until its stream ends: the deletion may yet fail to become durable.
  m->step.headends_to_redefine.push_back(command.id);
  for (const ChannelId& id : served) std::erase(At(id).headends, command.id);
  Put(rekey::HeadendDeleted{command.id}, *m);
  Tell(Event::Kind::kDeleted, {}, name, *m);
  for (const ChannelId& id : served) {
    // Nothing holds the switch of a channel without headends.
    At(id).held = false;
    Run(At(id), *m);
  }
  return Reply{};
}

}  // namespace keymast::controller
