// SPDX-License-Identifier: Apache-2.0
// MSK messages: pacing, counters and what goes into each.
#include "controller/impl.h"
#include "controller/names.h"
#include "rekey/messages.h"

namespace keymast::controller {
namespace {

constexpr uint64_t kLowWater = rekey::kMukCounterBlock / 4;

}  // namespace

// TakeUserCounter gives a COUNTER that this subscriber's key never saw. All subscribers share one
// value, which moves on only when someone would see it twice: keys differ from user to user, and
// the IV of a message is made of its COUNTER, CSB ID and the keys' own RAND (RFC 3830 §4.2.3), so
// that equal values of different users never meet. One record reserves a block for the whole
// server.
std::optional<uint32_t> Controller::Impl::TakeUserCounter(Subscriber& subscriber, const Moment& m) {
  if (user_counter == 0 || subscriber.last_counter >= user_counter) {
    rekey::Reserved& reserved = state.muk_counter;
    if (reserved.next > UINT32_MAX) return std::nullopt;
    if (frozen && reserved.Empty()) return std::nullopt;
    if (!frozen && reserved.end - reserved.next <= kLowWater) {
      Put(rekey::MukCounterReserved{reserved.end + rekey::kMukCounterBlock}, m);
    }
    user_counter = reserved.next++;
  }
  subscriber.last_counter = user_counter;
  return static_cast<uint32_t>(user_counter);
}

// SendMsk sends nothing to whose time has ended, also while that cannot be kept; and no KEYS to
// whose time, by a clock that was set back, has not begun: it is tried again (MIKEYv2 §10).
void Controller::Impl::SendMsk(Channel& channel, Delivery& delivery, const Moment& m) {
  const SubscriberId id = *delivery.Ready();
  const rekey::SubscriberState& subscriber = state.subscribers.at(id);
  const groups::Member& member = channel.durable->members.at(id);
  const bool is_over = member.entitled_until <= m.now || !IsPushedTo(member);
  if (is_over) return StopSending(channel, id);
  const rekey::Msk* msk = rekey::MskOf(channel.ladder(), delivery.msk());
  KEYMAST_CHECK(msk != nullptr);
  const bool by_keys = member.TakesKeys();
  std::optional<uint32_t> counter;
  if (!by_keys) {
    counter = TakeUserCounter(subscribers.at(id), m);
  } else if (member.EntitledAt(m.now)) {
    counter = PushKeys(channel, id, m);
  }
  if (counter && !by_keys) {
    const rekey::MskRecipient to{config.identity, subscriber.subscriber.identity,
                                 subscriber.user_key.view(), *counter};
    Result<Bytes> octets = rekey::MskMessage(suite, config.profile, *channel.durable, *msk, to);
    KEYMAST_CHECK(octets.has_value());  // identities and streams are bounded where they come in
    m.step.datagrams.push_back({member.msk_endpoint, channel.id(), std::move(*octets), m.due, {}});
  }
  const bool first = delivery.Sent(m.now, channel.policy().msk_give_up, counter);
  if (counter && !by_keys) ++(first ? counters.msk_messages : counters.msk_retransmissions);
}

// SendMsks hands out what is due as fast as the pacing lets it, exclusions first.
void Controller::Impl::SendMsks(Channel& channel, const Moment& m) {
  std::vector<SubscriberId> given_up;
  const bool next_first = channel.excluding;
  for (auto* delivery : {next_first ? &channel.next : &channel.current,
                         next_first ? &channel.current : &channel.next}) {
    if (!*delivery) continue;
    (*delivery)->Wake(m.now, channel.policy().msk_give_up, given_up);
    while ((*delivery)->Ready() != nullptr) {
      if (!channel.pacer.Take(m.now, channel.policy().msk_pacing_rate))
        return TellGivenUp(channel, given_up, m);
      SendMsk(channel, **delivery, m);
    }
  }
  channel.pacer.Rest();
  TellGivenUp(channel, given_up, m);
}

void Controller::Impl::TellGivenUp(const Channel& channel,
                                   const std::vector<SubscriberId>& given_up, const Moment& m) {
  counters.msk_give_ups += given_up.size();
  for (const SubscriberId& id : given_up) {
    Tell(Event::Kind::kUnreachable, channel.id(), NameOf(channel.id(), id), m);
  }
}

}  // namespace keymast::controller
