// SPDX-License-Identifier: Apache-2.0
// The durable state of the server as values, and the changes that lead from one to the next.
// State is the fold of every acknowledged Change; `records` stores both.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <variant>

#include "audit/record.h"
#include "crypto/secret.h"
#include "groups/group.h"
#include "groups/schedule.h"
#include "rekey/operation.h"
#include "rekey/rekey.h"
#include "rekey/requests.h"

namespace keymast::rekey {

// Reserved is a counter whose values up to `end` are durably reserved. Values in [next, end) may be
// used without a commit. After a start `next` is `end`: what was reserved may have been used.
struct Reserved {
  uint64_t next = 1;
  uint64_t end = 1;
  bool Empty() const { return next >= end; }
};

// Msk is one service key with everything that hangs on it. MTKs are derived from `seed`, which
// never leaves the server: an MTK ID under an MSK has one key for ever, also after lost commits.
struct Msk {
  MskId id;
  crypto::Key32 key;               // TGK of the MSK message
  crypto::SecretKey<32> seed;      // MTK = KDF(seed, MTK ID)
  std::array<uint8_t, 16> rand{};  // group RAND, also used for all keys below the MSK
  MtkId low{1};                    // SEQl
  MtkId high{65535};               // SEQu
  Reserved counter;                // COUNTER of MTK messages under this MSK
  MtkId last_mtk;                  // highest MTK ID ever prepared; 0: none
  CsbId csb_id;                    // of the MSK message, and of all that refers to it
  Instant made{};
  Instant ends{};  // planned last instant of use
};

// Slot is an MTK in a slot of the ladder: which key, and since or from when.
struct Slot {
  MskId msk;
  MtkId mtk;
  Instant switch_at{};
  friend bool operator==(const Slot&, const Slot&) = default;
};

// MskOrigin is where a planned change of the MSK comes from.
struct MskOrigin {
  ScheduleId schedule;             // of the calendar; empty: the end of the MSK's period
  Instant deferred_from = kNever;  // was planned for then, and is put off
  friend bool operator==(const MskOrigin&, const MskOrigin&) = default;
};

// Ladder is a channel's keys. At most two MSKs live at once (TS 31.102 §4.2.80): the one of the
// active MTK and its successor.
struct Ladder {
  std::optional<Msk> msk;       // of the active MTK
  std::optional<Msk> next_msk;  // delivered ahead, or of the prepared MTK
  std::optional<Slot> active;
  std::optional<Slot> prepared;
  std::optional<Slot> old;
  KeyNumber last_key_number;  // highest Key Number ever given out
  uint64_t epoch = 0;         // rises with each MTK prepared
  Instant next_msk_change = kNever;
  RekeyReason next_msk_reason = RekeyReason::kSchedule;
  MskOrigin next_msk_origin;  // of a change by plan
};

// Position is the highest packet index of an SSRC that a headend reported.
struct Position {
  PacketIndex index;
  MskId msk;
  MtkId mtk;
};

using Schedules = std::map<ScheduleId, groups::Schedule>;

struct ChannelState {
  groups::Channel channel;
  Ladder ladder;
  Schedules schedules;
  std::map<Ssrc, Position> positions;
  std::deque<Rekey> history;  // newest last, at most kHistory
  std::unordered_map<SubscriberId, groups::Member> members;
};
inline constexpr size_t kHistory = 256;

struct SubscriberState {
  groups::Subscriber subscriber;
  crypto::Key32 user_key;  // MUK
};

// TicketKey seals tickets (MIKEYv2 §11).
struct TicketKey {
  uint8_t number = 0;
  crypto::SecretKey<32> key;
  Instant made{};
  Instant ends{};  // no ticket under it lives longer
};

// SpentTicket has opened its exchange.
struct SpentTicket {
  Instant expiry;  // the ticket's
  std::array<uint8_t, 16> id{};
  friend auto operator<=>(const SpentTicket&, const SpentTicket&) = default;
};

// Tickets are what a server keeps of those that it gave.
struct Tickets {
  std::map<uint8_t, TicketKey> keys;  // by number
  std::set<SpentTicket> spent;        // those that have not ended
  // Tickets that end at it or before are past, whatever a clock that was set back says: of those
  // that were spent nothing is kept any more.
  Instant past = Instant::min();
};

// KeyGroupName is a key group within its domain: what an MSK ID is unique in.
using KeyGroupName = std::pair<KeyDomainId, KeyGroup>;

// DepartedPlaceOf is where the leaves of a subscriber that was deleted are kept: many share a
// place, so that there is a bound. It hangs on the identity, which recorded joins name.
inline constexpr uint32_t kDepartedPlaces = 1U << 18;
uint32_t DepartedPlaceOf(std::string_view identity);

// State is everything that must survive a crash.
struct State {
  std::map<ChannelId, ChannelState> channels;
  std::unordered_map<SubscriberId, SubscriberState> subscribers;
  std::map<HeadendId, groups::Headend> headends;
  // COUNTER of MSK messages, one for all user keys: it moves on only when a subscriber would
  // otherwise see a value twice, so that reserving it costs one record for the whole server.
  Reserved muk_counter;
  // Highest Key Number ever given out in groups without a channel, and what a group of which
  // nothing is known may have given out: a new channel of the group goes on behind it.
  std::map<KeyGroupName, KeyNumber> retired;
  KeyNumber unknown_groups;
  Tickets tickets;
  // The most leaves of a deleted subscriber, by place (DepartedPlaceOf): who is made anew there
  // goes on behind them (MIKEYv2 §8).
  std::map<uint32_t, uint32_t> departed;
  // REPORTs up to this T count for nobody: some may have been taken in commits that were lost.
  uint32_t lost_report_t = 0;
  Requests requests;
  std::map<OperationId, Operation> operations;
  audit::Head audit;  // the records themselves are in the store alone
};

// Changes hold absolute values, so that a tail of them applied again, also over a state that has
// some of it already, leads to the same state.
struct ChannelPut {
  groups::Channel channel;
};
struct ChannelDeleted {
  ChannelId id;
};
struct LadderPut {
  ChannelId id;
  Ladder ladder;
};
struct PositionsPut {
  ChannelId id;
  std::map<Ssrc, Position> positions;
};
struct RekeyRecorded {
  ChannelId id;
  Rekey rekey;
};
struct SubscriberPut {
  groups::Subscriber subscriber;
  crypto::Key32 user_key;
};
struct SubscriberDeleted {
  SubscriberId id;
};
struct MemberPut {
  ChannelId id;
  groups::Member member;
};
struct MemberDeleted {
  ChannelId id;
  SubscriberId subscriber;
};
struct MemberConfirmed {
  ChannelId id;
  SubscriberId subscriber;
  MskId msk;
};
struct HeadendPut {
  groups::Headend headend;
};
struct HeadendDeleted {
  HeadendId id;
};
struct MukCounterReserved {
  uint64_t end = 0;
};
struct KeyGroupRetired {
  KeyGroupName group;
  KeyNumber last;
};
struct UnknownGroupsSkipped {
  KeyNumber last;
};
struct TicketKeyPut {
  TicketKey key;
};
struct TicketKeyDropped {
  uint8_t number = 0;
};
struct TicketSpent {
  SpentTicket ticket;
};
struct TicketForgotten {
  SpentTicket ticket;
};
struct TicketsPast {
  Instant until;
};
struct DepartedKept {
  uint32_t place = 0;
  uint32_t leaves = 0;
};
struct ReportsSkipped {
  uint32_t t = 0;
};
struct SchedulePut {
  ChannelId id;
  groups::Schedule schedule;
};
struct ScheduleDeleted {
  ChannelId id;
  ScheduleId schedule;
};
struct RequestKept {
  KeptRequest request;
};
struct RequestForgotten {
  uint64_t sequence = 0;
};
struct Audited {
  audit::Record record;
};
struct OperationPut {
  Operation operation;
};
struct OperationMoved {
  OperationId id;
  Progress progress;
};
struct OperationForgotten {
  OperationId id;
};

using Change =
    std::variant<ChannelPut, ChannelDeleted, LadderPut, PositionsPut, RekeyRecorded, SubscriberPut,
                 SubscriberDeleted, MemberPut, MemberDeleted, MemberConfirmed, HeadendPut,
                 HeadendDeleted, MukCounterReserved, KeyGroupRetired, UnknownGroupsSkipped,
                 TicketKeyPut, TicketKeyDropped, TicketSpent, TicketForgotten, TicketsPast,
                 DepartedKept, ReportsSkipped, SchedulePut, ScheduleDeleted, RequestKept,
                 RequestForgotten, Audited, OperationPut, OperationMoved, OperationForgotten>;

// Sizes of the blocks in which counters are reserved. A LadderPut reserves at most one block under
// each MSK and makes at most one MSK, a MukCounterReserved reserves one block; `records` writes at
// most one such step of each counter in a commit.
inline constexpr uint64_t kMukCounterBlock = 256;
// That of an MSK lasts for a day of repetitions each 750 ms, two keys at a time, and for a quarter
// of an hour each 10 ms: so long keys on air are repeated by a server that cannot write.
inline constexpr uint64_t kMtkCounterBlock = uint64_t{1} << 18;

// Apply folds one change in. Changes of a channel or subscriber that is gone are ignored.
void Apply(State& state, const Change& change);

// LastKeyNumber is the highest Key Number that a group without a channel may have given out.
KeyNumber LastKeyNumber(const State& state, const KeyGroupName& group);

// SkipLost is the changes that move every counter, epoch and Key Number of `state` behind whatever
// `commits` lost commits can have given out, and end all tickets: one may have been spent. Without
// a `limit` they are exact: what reaches the end of its range is used up. kHalf takes at most half
// of what is left of each range, so that a store that is far behind can go on.
enum class SkipLimit : uint8_t { kNone, kHalf };
std::vector<Change> SkipLost(const State& state, uint64_t commits, SkipLimit limit);

}  // namespace keymast::rekey
