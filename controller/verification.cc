// SPDX-License-Identifier: Apache-2.0
// Verification messages (TS 33.246 §6.4.5.2): checked in the order of what a check costs, so that
// noise is cheap; nothing changes before the MAC verified.
#include "controller/impl.h"
#include "controller/names.h"
#include "mikey/mbms.h"

namespace keymast::controller {
namespace {

constexpr size_t kLeastVerification = 10;  // HDR without CS ID map (RFC 3830 §6.1)
constexpr size_t kMostVerification = 600;
// MACs that fail: whoever sends them in another's name costs the server a few a second and no more.
constexpr Rate kFailures{8, std::chrono::milliseconds(250)};

// Pending is the push that a COUNTER answers.
struct Pending {
  Channel* channel = nullptr;
  Delivery* delivery = nullptr;
};

}  // namespace

Status Controller::Impl::Verify(ByteView octets, const Moment& m) {
  if (octets.size() < kLeastVerification) return Err(Error::kTruncated);
  if (octets.size() > kMostVerification) return Err(Error::kTooLong);
  const Result<mikey::Unverified> message = mikey::Inspect(octets);
  if (!message) return Err(message.error());
  if (message->kind != mikey::MessageKind::kVerification) return Err(Error::kUnexpected);
  const auto identity = identities.find(std::string(AsText(message->idr)));
  if (identity == identities.end()) return Err(Error::kUnknownIdentity);
  const SubscriberId& id = identity->second;
  Subscriber& subscriber = subscribers.at(id);
  if (!subscriber.failures.Allows(kFailures, m.now)) return Err(Error::kRateLimited);

  Pending pending;
  bool awaited = false;
  for (const ChannelId& channel_id : subscriber.memberships) {
    Channel& channel = At(channel_id);
    for (auto* delivery : {&channel.current, &channel.next}) {
      if (!*delivery || !(*delivery)->Holds(id)) continue;
      awaited = true;
      if ((*delivery)->IsPending(id, message->counter)) pending = {&channel, &**delivery};
    }
  }
  if (pending.channel == nullptr) return Err(awaited ? Error::kReplayed : Error::kUnexpected);

  const MskId confirmed = pending.delivery->msk();
  const rekey::Msk& msk = *rekey::MskOf(pending.channel->ladder(), confirmed);
  if (message->csb_id != msk.csb_id) return Err(Error::kWrongCsb);
  const Status mac =
      mikey::CheckVerification(suite, config.profile, *message, AsBytes(config.identity), msk.rand,
                               state.subscribers.at(id).user_key.view());
  if (!mac) {
    subscriber.failures.Count(kFailures, m.now);
    return mac;
  }
  // It could not be kept; the push goes on, so that it comes again.
  if (frozen) return Err(Error::kStoreClosed);
  Confirm(*pending.channel, *pending.delivery, id, m);
  return {};
}

void Controller::Impl::Confirm(Channel& channel, Delivery& delivery, const SubscriberId& id,
                               const Moment& m) {
  delivery.Remove(id);
  ++counters.msk_verifications;
  KeepConfirmed(channel, id, rekey::NewestMsk(channel.ladder()), m);
}

// KeepConfirmed makes durable what a member holds: the newest MSK up to `told`, the last one that
// it can have, with none outstanding before it, for a later one does not stand for the one in use.
void Controller::Impl::KeepConfirmed(Channel& channel, const SubscriberId& id, MskId told,
                                     const Moment& m) {
  MskId held;
  for (const auto* delivery : {&channel.current, &channel.next}) {
    if (!*delivery) continue;
    if ((*delivery)->Holds(id) || (*delivery)->msk() > told) break;
    held = (*delivery)->msk();
  }
  const MskId before = channel.durable->members.at(id).confirmed;
  if (held <= before) return;
  Put(rekey::MemberConfirmed{channel.id(), id, held}, m);
  const MskId needed = channel.ladder().msk->id;
  if (before < needed && held >= needed) ++channel.confirmed;
  Tell(Event::Kind::kConfirmed, channel.id(), NameOf(channel.id(), id), m);
}

}  // namespace keymast::controller
