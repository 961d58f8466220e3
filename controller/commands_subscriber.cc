// SPDX-License-Identifier: Apache-2.0
// Commands on subscribers.
#include "controller/impl.h"
#include "controller/names.h"

namespace keymast::controller {
namespace {

constexpr size_t kLeastUserKey = 16;
constexpr size_t kMostUserKey = 32;

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
    const size_t size = subscriber.user_key.size();
    if (size < kLeastUserKey || size > kMostUserKey) {
      wrong.push_back({PathOf(i, "subscriber.credential"), "must hold a key of 16 to 32 octets"});
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
    const UserKeys::Digest key = user_keys.DigestOf(subscriber.user_key.view());
    if (user_keys.Has(key) || !keys.insert(key).second) {
      return Refuse(Error::kAlreadyExists, NameOf(subscriber.id), "has the user key of another");
    }
  }
  if (m == nullptr) return Reply{};
  for (const NewSubscriber& subscriber : command.subscribers) {
    Put(rekey::SubscriberPut{{subscriber.id, subscriber.identity, now, 1}, subscriber.user_key},
        *m);
    identities.emplace(subscriber.identity, subscriber.id);
    user_keys.Add(subscriber.user_key.view());
    // Its key may have been another subscriber's that was deleted a moment ago.
    subscribers[subscriber.id].last_counter = user_counter;
    Tell(Event::Kind::kCreated, {}, NameOf(subscriber.id), *m);
  }
  return Reply{};
}

Controller::Impl::Outcome Controller::Impl::Handle(const DeleteSubscriber& command, Instant now,
                                                   const Moment* m) {
  const std::string name = NameOf(command.id);
  const auto found = state.subscribers.find(command.id);
  if (found == state.subscribers.end()) return Refuse(Error::kNotFound, name, kNotThere);
  const std::vector<ChannelId> memberships = subscribers.at(command.id).memberships;
  if (!memberships.empty() && !command.force) {
    return Refuse(
        Error::kFailedPrecondition, name,
        "is a member of " + NameOf(memberships.front()) + "; expel it first, or force it");
  }
  for (const ChannelId& id : memberships) {
    if (!CanShutOut(At(id))) return Refuse(Error::kIdsExhausted, NameOf(id), kNoNumberLeft);
  }
  if (m == nullptr) return Reply{};
  for (const ChannelId& id : memberships) {
    Channel& channel = At(id);
    Remove(channel, command.id, *m);
    ShutOut(channel, rekey::RekeyReason::kExclusion, *m);
    Schedule(channel, now);
  }
  identities.erase(found->second.subscriber.identity);
  user_keys.Remove(found->second.user_key.view());
  subscribers.erase(command.id);
  const bool has_certificates = !state.subscribers.at(command.id).subscriber.certificates.empty();
  kept_certificates -= size_t{has_certificates};
  Put(rekey::SubscriberDeleted{command.id}, *m);
  Tell(Event::Kind::kDeleted, {}, name, *m);
  return Reply{};
}

}  // namespace keymast::controller
