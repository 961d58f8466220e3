// SPDX-License-Identifier: Apache-2.0
#include "controller/keying_tickets.h"

#include <algorithm>

#include "controller/impl.h"

namespace keymast::controller {
namespace {

using mikey::v2::Resumption;
using mikey::v2::Standing;

constexpr Duration kShortest = std::chrono::minutes(1);  // less is not worth a ticket
// A clock that is set back a little brings no spent ticket back to life.
constexpr Duration kMargin = std::chrono::minutes(1);
constexpr size_t kForgottenAtOnce = 256;
// A receiver that comes and goes spends less; 2^20 of a day are those of 3,000 that spend this.
constexpr Rate kSpending{64, std::chrono::minutes(5)};
constexpr std::string_view kPurpose = "keymast ticket generation 1";

const rekey::TicketKey* NewestOf(const rekey::Tickets& tickets) {
  const auto newest =
      std::max_element(tickets.keys.begin(), tickets.keys.end(),
                       [](const auto& a, const auto& b) { return a.second.made < b.second.made; });
  return newest == tickets.keys.end() ? nullptr : &newest->second;
}

// NextNumber is none when all are in use.
std::optional<uint8_t> NextNumber(const rekey::Tickets& tickets, uint8_t last) {
  for (unsigned step = 1; step <= 256; ++step) {
    const auto number = static_cast<uint8_t>(last + step);
    if (!tickets.keys.contains(number)) return number;
  }
  return std::nullopt;
}

}  // namespace

KeyingTickets::KeyingTickets(const Ground& ground)
    : ground_(ground), spenders_(kSpending, ground.rng) {}

void KeyingTickets::Load() {
  std::vector<const rekey::TicketKey*> keys;
  for (const auto& [number, key] : ground_.members.Tickets().keys) keys.push_back(&key);
  std::sort(keys.begin(), keys.end(),
            [](const auto* a, const auto* b) { return a->made < b->made; });
  sealer_ = {};
  for (const rekey::TicketKey* key : keys) sealer_.AddKey(key->number, key->key);
}

// What is forgotten stays past: their sealing key lives longer, and a clock may be set back.
void KeyingTickets::Expire(const Moment& m) {
  const rekey::Tickets& tickets = ground_.members.Tickets();
  std::vector<rekey::SpentTicket> past;
  for (const rekey::SpentTicket& ticket : tickets.spent) {
    if (past.size() >= kForgottenAtOnce || m.now < ticket.expiry + kMargin) break;
    past.push_back(ticket);
  }
  if (!past.empty() && past.back().expiry > tickets.past) {
    if (!ground_.members.KeepTickets(rekey::TicketsPast{past.back().expiry}, m)) return;
  }
  for (const rekey::SpentTicket& ticket : past) {
    if (!ground_.members.KeepTickets(rekey::TicketForgotten{ticket}, m)) return;
  }
  std::vector<uint8_t> ended;
  for (const auto& [number, key] : tickets.keys) {
    if (key.ends + kMargin <= m.now) ended.push_back(number);
  }
  for (const uint8_t number : ended) {
    if (!ground_.members.KeepTickets(rekey::TicketKeyDropped{number}, m)) return;
    sealer_.DropKey(number);
  }
}

const rekey::SubscriberState* KeyingTickets::OffererOf(const Resumption& resumption) const {
  if (resumption.offerer.type != ground_.profile.idr_type) return nullptr;
  return ground_.members.SubscriberNamed(AsText(resumption.offerer.data.view()));
}

// MIKEYv2 §11: raised when the subscriber is another one or has another user key and, for what a
// certificate gave, when trust was taken away.
uint32_t KeyingTickets::GenerationOf(const rekey::SubscriberState& subscriber,
                                     const Standing& standing) const {
  std::array<uint8_t, 16> since{};
  Writer writer(since);
  const auto nanos = static_cast<uint64_t>(ToUnixNanos(subscriber.subscriber.created));
  writer.U32(static_cast<uint32_t>(nanos >> 32));
  writer.U32(static_cast<uint32_t>(nanos));
  // A key that comes back brings no ticket back.
  writer.U32(static_cast<uint32_t>(subscriber.subscriber.revision >> 32));
  writer.U32(static_cast<uint32_t>(subscriber.subscriber.revision));
  const std::array<ByteView, 3> parts{AsBytes(kPurpose), since,
                                      standing.by_certificate ? ByteView(trust_) : ByteView()};
  // Nobody who holds a ticket can read it: without user key it is the instant alone that tells.
  const ByteView key = subscriber.user_key.empty() ? AsBytes(kPurpose) : subscriber.user_key.view();
  return Reader(crypto::HmacSha256(key, parts).view()).U32();
}

std::optional<Resumption> KeyingTickets::Open(ByteView ticket, Instant now) const {
  auto opened = sealer_.Open(ground_.suite, ticket);
  if (!opened) return std::nullopt;
  const Resumption& resumption = opened->resumption;
  if (now >= resumption.expiry || resumption.expiry <= ground_.members.Tickets().past) {
    return std::nullopt;
  }
  // Of a time in which the clock ran far ahead.
  const Duration longest = ground_.config.ticket_life + ground_.config.ticket_key_period;
  if (resumption.expiry > now + longest) return std::nullopt;
  // Nobody asks about the certificate again: a list that is past is one for all.
  if (resumption.standing.by_certificate && now >= trust_until_) return std::nullopt;
  const rekey::SubscriberState* subscriber = OffererOf(resumption);
  if (subscriber == nullptr) return std::nullopt;
  if (opened->generation != GenerationOf(*subscriber, resumption.standing)) return std::nullopt;
  const auto& spent = ground_.members.Tickets().spent;
  if (spent.contains({resumption.expiry, resumption.id})) return std::nullopt;
  return std::move(opened->resumption);
}

std::optional<Resumption> KeyingTickets::Look(ByteView ticket, Instant now) const {
  std::optional<Resumption> found = Open(ticket, now);
  if (!found) ++ground_.counters.tickets_refused;
  return found;
}

// A controller finds all inside the ticket, and nothing by an id.
std::optional<Resumption> KeyingTickets::Find(ByteView ticket, ByteView, Instant now) const {
  std::optional<Resumption> found = Open(ticket, now);
  const bool has_room = found && ground_.members.Tickets().spent.size() < kMostSpent &&
                        spenders_.Allows(found->offerer.data.view(), now);
  if (!has_room) found.reset();
  if (!found) ++ground_.counters.tickets_refused;
  return found;
}

// The CAP that spent it is answered from the cache alone, which is asked before: its TH need not be
// kept. What is kept here waits with the answer for the same commit.
bool KeyingTickets::Spend(const Resumption& resumption, const mikey::v2::Digest&) {
  const rekey::SpentTicket ticket{resumption.expiry, resumption.id};
  if (moment_ == nullptr || ground_.members.Tickets().spent.contains(ticket)) return false;
  if (!ground_.members.KeepTickets(rekey::TicketSpent{ticket}, *moment_)) return false;
  spenders_.Take(resumption.offerer.data.view(), moment_->now);
  ++ground_.counters.tickets_taken;
  return true;
}

bool KeyingTickets::DropAllKeys() {
  const rekey::Tickets& tickets = ground_.members.Tickets();
  while (!tickets.keys.empty()) {
    const uint8_t number = tickets.keys.begin()->first;
    if (!ground_.members.KeepTickets(rekey::TicketKeyDropped{number}, *moment_)) return false;
    sealer_.DropKey(number);
  }
  return ground_.members.KeepTickets(rekey::TicketsPast{Instant::min()}, *moment_);
}

// A clock that was set back a little goes on with the key that it has. One that had run far ahead
// leaves tickets of which nobody can tell when they end: they go with their keys.
bool KeyingTickets::HasKey(Instant now, crypto::Rng& rng) {
  const rekey::Tickets& tickets = ground_.members.Tickets();
  const Duration period = ground_.config.ticket_key_period;
  const Duration life = ground_.config.ticket_life;
  const rekey::TicketKey* newest = NewestOf(tickets);
  if (newest != nullptr && newest->made > now + period) {
    if (!DropAllKeys()) return false;
    newest = nullptr;
  }
  const bool is_in_use =
      newest != nullptr && now < newest->made + period && now + life <= newest->ends;
  if (is_in_use) return true;
  const auto number = NextNumber(tickets, newest == nullptr ? 0 : newest->number);
  if (!number) return false;
  // Later than all others, whatever the clock says: so that it is the newest.
  const Instant made = newest == nullptr ? now : std::max(now, newest->made + Duration(1));
  rekey::TicketKey key{*number, crypto::SecretKey<32>::OfSize(32), made, made + period + life};
  rng.Fill(key.key.mutable_view());
  if (!ground_.members.KeepTickets(rekey::TicketKeyPut{key}, *moment_)) return false;
  sealer_.AddKey(key.number, key.key);
  return true;
}

// MIKEYv2 §11: no longer than certificate, which bounds `fresh.expiry` already, and entitlement.
std::optional<Resumption> KeyingTickets::Give(Resumption fresh, Instant now, crypto::Rng& rng) {
  const rekey::SubscriberState* subscriber = OffererOf(fresh);
  const ChannelId group = ChannelOf(ground_.config, AsText(fresh.answerer.data.view()));
  const rekey::ChannelState* channel = ground_.members.ChannelNamed(group);
  if (moment_ == nullptr || subscriber == nullptr || channel == nullptr) return std::nullopt;
  const auto member = channel->members.find(subscriber->subscriber.id);
  if (member == channel->members.end() || !member->second.EntitledAt(now)) return std::nullopt;
  fresh.expiry =
      std::min({fresh.expiry, now + ground_.config.ticket_life, member->second.entitled_until});
  if (fresh.expiry < now + kShortest || !HasKey(now, rng)) return std::nullopt;
  if (fresh.expiry <= ground_.members.Tickets().past) return std::nullopt;  // it would not open
  auto ticket = sealer_.Seal(fresh, GenerationOf(*subscriber, fresh.standing), rng);
  if (!ticket) return std::nullopt;
  fresh.ticket = *std::move(ticket);
  fresh.id = mikey::v2::TicketIdOf(ground_.suite, fresh.ticket);
  fresh.is_sealed = true;
  ++ground_.counters.tickets_given;
  return fresh;
}

}  // namespace keymast::controller
