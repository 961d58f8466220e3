// SPDX-License-Identifier: Apache-2.0
// Commands on subscribers.
#include "controller/impl.h"
#include "controller/names.h"
#include "crypto/boxes.h"

namespace keymast::controller {
namespace {

std::string PathOf(size_t index, std::string_view field) {
  return "requests[" + std::to_string(index) + "]." + std::string(field);
}

std::vector<FieldViolation> Check(const CreateSubscribers& command) {
  std::vector<FieldViolation> wrong;
  for (size_t i = 0; i < command.subscribers.size(); ++i) {
    const NewSubscriber& subscriber = command.subscribers[i];
    if (!groups::IsResourceId(subscriber.id.value)) {
      wrong.push_back({PathOf(i, "subscriber_id"), std::string(groups::kResourceIdRule)});
    }
    if (!groups::IsIdentity(subscriber.identity)) {
      wrong.push_back({PathOf(i, "subscriber.identity"), std::string(groups::kIdentityRule)});
    }
    if (!subscriber.user_key.empty() && !crypto::IsUserKeySize(subscriber.user_key.size())) {
      wrong.push_back({PathOf(i, "subscriber.sealed_credential"),
                       "must be empty, or hold a key of 16 to 32 octets"});
    }
  }
  return wrong;
}

}  // namespace

Controller::Impl::Outcome Controller::Impl::Handle(const CreateSubscribers& command, Instant now,
                                                   const Moment* m) {
  std::vector<FieldViolation> wrong = Check(command);
  if (!wrong.empty()) return RefuseFields(Error::kInvalidArgument, "", std::move(wrong));
  std::set<SubscriberId> ids;
  std::set<std::string_view> names;
  std::set<UserKeys::Digest> keys;
  for (const NewSubscriber& subscriber : command.subscribers) {
    const bool taken =
        state.subscribers.contains(subscriber.id) || !ids.insert(subscriber.id).second;
    if (taken) return Refuse(Error::kAlreadyExists, NameOf(subscriber.id), "exists already");
    // A verification message is matched to its sender by the identity alone (TS 33.246 §6.4.5.2).
    const bool known =
        identities.contains(subscriber.identity) || !names.insert(subscriber.identity).second;
    if (known) {
      return Refuse(Error::kAlreadyExists, NameOf(subscriber.id), "has the identity of another");
    }
    if (subscriber.user_key.empty()) continue;
    const UserKeys::Digest key = user_keys.DigestOf(subscriber.user_key.view());
    if (user_keys.Has(key) || !keys.insert(key).second) {
      return Refuse(Error::kAlreadyExists, NameOf(subscriber.id), "has the user key of another");
    }
  }
  if (m == nullptr) return Reply{};
  for (const NewSubscriber& subscriber : command.subscribers) {
    // Joins that one of this identity sent before it was deleted are not taken (MIKEYv2 §8).
    const auto departed = state.departed.find(rekey::DepartedPlaceOf(subscriber.identity));
    const uint32_t leaves = departed == state.departed.end() ? 0 : departed->second + 1;
    Put(rekey::SubscriberPut{{subscriber.id, subscriber.identity, now, 1, leaves},
                             subscriber.user_key},
        *m);
    identities.emplace(subscriber.identity, subscriber.id);
    user_keys.Add(subscriber.user_key.view());
    // Its key may have been another subscriber's that was deleted a moment ago.
    subscribers[subscriber.id].last_counter = user_counter;
    Tell(Event::Kind::kCreated, {}, NameOf(subscriber.id), *m);
  }
  return Reply{};
}

// Where it has joined and is pushed to it gets what it may have lost with the old key.
Controller::Impl::Outcome Controller::Impl::Handle(const UpdateSubscriber& command, Instant now,
                                                   const Moment* m) {
  const std::string name = NameOf(command.id);
  const auto found = state.subscribers.find(command.id);
  if (found == state.subscribers.end()) return Refuse(Error::kNotFound, name, kNotThere);
  groups::Subscriber subscriber = found->second.subscriber;
  if (groups::IsAnother(command.expected, subscriber)) {
    return Refuse(Error::kEtagMismatch, name, kIsAnother);
  }
  if (!crypto::IsUserKeySize(command.user_key.size())) {
    return RefuseFields(Error::kInvalidArgument, name,
                        {{"subscriber.sealed_credential", "must hold a key of 16 to 32 octets"}});
  }
  const UserKeys::Digest key = user_keys.DigestOf(command.user_key.view());
  const bool is_own = found->second.user_key == command.user_key;
  if (user_keys.Has(key) && !is_own) {
    return Refuse(Error::kAlreadyExists, name, "would have the user key of another");
  }
  if (m == nullptr || is_own) return Reply{};
  user_keys.Remove(found->second.user_key.view());
  user_keys.Add(command.user_key.view());
  keying.End(subscriber.identity);
  ++subscriber.revision;
  Put(rekey::SubscriberPut{std::move(subscriber), command.user_key}, *m);
  // The key may have been another subscriber's until a moment ago.
  subscribers[command.id].last_counter = user_counter;
  Tell(Event::Kind::kUpdated, {}, name, *m);
  for (const ChannelId& id : subscribers.at(command.id).memberships) {
    Channel& channel = At(id);
    channel.pushed.erase(command.id);  // under the key before
    groups::Member member = channel.durable->members.at(command.id);
    if (!member.joined || !IsPushedTo(member) || !member.EntitledAt(now)) continue;
    Unconfirm(channel, member);
    Put(rekey::MemberPut{id, std::move(member)}, *m);
    Deliver(channel, command.id, *m);
    Schedule(channel, now);
  }
  return Reply{};
}

// CheckDeletion gives the channels whose keys change by it.
tl::expected<std::set<ChannelId>, Failure> Controller::Impl::CheckDeletion(
    const DeleteSubscribers& command) const {
  std::set<ChannelId> touched;
  for (const SubscriberId& id : command.ids) {
    const auto found = state.subscribers.find(id);
    if (found == state.subscribers.end()) {
      if (command.allow_missing) continue;
      return Refuse(Error::kNotFound, NameOf(id), kNotThere);
    }
    if (groups::IsAnother(command.expected, found->second.subscriber)) {
      return Refuse(Error::kEtagMismatch, NameOf(id), kIsAnother);
    }
    const std::vector<ChannelId>& memberships = subscribers.at(id).memberships;
    if (!memberships.empty() && !command.force) {
      return Refuse(
          Error::kFailedPrecondition, NameOf(id),
          "is a member of " + NameOf(memberships.front()) + "; expel it first, or force it");
    }
    touched.insert(memberships.begin(), memberships.end());
  }
  for (const ChannelId& id : touched) {
    if (!CanShutOut(channels.at(id)))
      return Refuse(Error::kIdsExhausted, NameOf(id), kNoNumberLeft);
  }
  return touched;
}

// Forget takes away what there is of a subscriber that is a member of no channel any more.
void Controller::Impl::Forget(const SubscriberId& id, const Moment& m) {
  const rekey::SubscriberState& known = state.subscribers.at(id);
  const groups::Subscriber& gone = known.subscriber;
  keying.End(gone.identity);
  if (gone.leaves != 0) {
    Put(rekey::DepartedKept{rekey::DepartedPlaceOf(gone.identity), gone.leaves}, m);
  }
  identities.erase(gone.identity);
  user_keys.Remove(known.user_key.view());
  subscribers.erase(id);
  kept_certificates -= size_t{!gone.certificates.empty()};
  Put(rekey::SubscriberDeleted{id}, m);
  Tell(Event::Kind::kDeleted, {}, NameOf(id), m);
}

Controller::Impl::Outcome Controller::Impl::Handle(const DeleteSubscribers& command, Instant now,
                                                   const Moment* m) {
  const auto touched = CheckDeletion(command);
  if (!touched) return tl::unexpected(touched.error());
  if (m == nullptr) return Reply{};
  const std::set<SubscriberId> ids(command.ids.begin(), command.ids.end());
  for (const SubscriberId& id : ids) {
    if (!state.subscribers.contains(id)) continue;
    for (const ChannelId& channel : std::vector(subscribers.at(id).memberships)) {
      Remove(At(channel), id, *m);
    }
  }
  for (const ChannelId& id : *touched) {
    ShutOut(At(id), rekey::RekeyReason::kExclusion, *m);
    Schedule(At(id), now);
  }
  for (const SubscriberId& id : ids) {
    if (state.subscribers.contains(id)) Forget(id, *m);
  }
  return Reply{};
}

}  // namespace keymast::controller
