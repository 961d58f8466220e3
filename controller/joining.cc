// SPDX-License-Identifier: Apache-2.0
// What the controller does for joins by MIKEYv2. Keys are given with the answer or, in mode 4, with
// KEYS; that a receiver has them is known by its finish.
#include "controller/impl.h"
#include "controller/names.h"

namespace keymast::controller {
namespace {

// Octets of a subscriber's certificates: a page of records has 256 subscribers and must fit a batch
// of the store (store::Limits), with what is merged into it.
constexpr size_t kMostKept = 1024;
static_assert(kMostKept <= groups::kMaxKeptCertificates);

}  // namespace

const rekey::SubscriberState* Controller::Impl::SubscriberNamed(std::string_view identity) const {
  const auto id = identities.find(std::string(identity));
  return id == identities.end() ? nullptr : &state.subscribers.at(id->second);
}

const rekey::ChannelState* Controller::Impl::ChannelNamed(const ChannelId& id) const {
  const auto found = state.channels.find(id);
  return found == state.channels.end() ? nullptr : &found->second;
}

bool Controller::Impl::IsEntitled(const ChannelId& channel, const SubscriberId& subscriber,
                                  Instant now) const {
  const rekey::ChannelState* found = ChannelNamed(channel);
  if (found == nullptr) return false;
  const auto member = found->members.find(subscriber);
  return member != found->members.end() && member->second.EntitledAt(now);
}

// GiveKeys: a member with the mark of this MSK needs no other one, however often it asks.
Result<const groups::Member*> Controller::Impl::GiveKeys(const ChannelId& channel_id,
                                                         const SubscriberId& subscriber,
                                                         const Moment& m) {
  Channel& channel = At(channel_id);
  groups::Member member = channel.durable->members.at(subscriber);
  const MskId newest = rekey::NewestMsk(channel.ladder());
  if (member.given < newest) {
    if (frozen) return Err(Error::kStoreClosed);
    member.given = newest;
    if (member.entitled_until != kNever) {
      channel.window_ends.emplace(member.entitled_until, subscriber);
    }
    Put(rekey::MemberPut{channel_id, std::move(member)}, m);
    Schedule(channel, m.now);
  }
  return &channel.durable->members.at(subscriber);
}

// FinishJoin: MSKs that the exchange brought are not sent again, newer ones are, to where the
// member proved to be. Its mark may be newer than those, by another exchange that was answered
// since.
void Controller::Impl::FinishJoin(const ChannelId& channel_id, const SubscriberId& subscriber,
                                  const Joined& joined, const Moment& m) {
  // Whoever left, or was removed, since its answer has no mark any more.
  if (!IsEntitled(channel_id, subscriber, m.now)) return;
  Channel& channel = At(channel_id);
  groups::Member member = channel.durable->members.at(subscriber);
  if (member.given == MskId{}) return;
  const bool is_new = MarkJoined(channel, member, m);
  const bool is_silent = !joined.takes_msk_messages;
  const bool was_silent = std::exchange(member.no_msk_messages, is_silent);
  const bool took_keys = std::exchange(member.takes_keys, joined.takes_keys);
  const Endpoint from = joined.from.IsUnset() ? member.msk_endpoint : joined.from;
  const Endpoint before = std::exchange(member.msk_endpoint, from);
  if (is_new || was_silent != is_silent || took_keys != joined.takes_keys || before != from) {
    if (!is_new) ++member.revision;
    Put(rekey::MemberPut{channel_id, std::move(member)}, m);
  }
  const bool is_pushed_to = IsPushedTo(channel.durable->members.at(subscriber));
  channel.pushed.erase(subscriber);
  for (auto* delivery : {&channel.current, &channel.next}) {
    if (!*delivery) continue;
    const bool has_it = (*delivery)->msk() <= joined.holds;
    (*delivery)->Remove(subscriber);
    if (!has_it && is_pushed_to) (*delivery)->Add(subscriber);
  }
  if (joined.holds != MskId{}) KeepConfirmed(channel, subscriber, joined.holds, m);
  SendMsks(channel, m);
  Schedule(channel, m.now);
}

void Controller::Impl::KeepCertificates(const SubscriberId& id, std::vector<Bytes> certificates,
                                        const Moment& m) {
  const rekey::SubscriberState& known = state.subscribers.at(id);
  size_t octets = 0;
  for (const Bytes& certificate : certificates) octets += certificate.size();
  const bool is_new = known.subscriber.certificates.empty();
  const bool has_room = !is_new || kept_certificates < config.keying.kept_certificates;
  if (octets > kMostKept || !has_room) return;
  if (known.subscriber.certificates == certificates) return;
  groups::Subscriber subscriber = known.subscriber;
  subscriber.certificates = std::move(certificates);
  kept_certificates += size_t{is_new};
  Put(rekey::SubscriberPut{std::move(subscriber), known.user_key}, m);
}

bool Controller::Impl::KeepTickets(rekey::Change change, const Moment& m) {
  if (frozen) return false;
  Put(std::move(change), m);
  return true;
}

}  // namespace keymast::controller
