// SPDX-License-Identifier: Apache-2.0
// A page: some rows of the state under one key. What fills it is a rekey::State with these rows
// alone, so that changes reach a page by the same rekey::Apply that the server and recovery use.
//
//   p/c/CHANNEL           head: definition, ladder, positions, history
//   p/d/FIRST             leaves of subscribers that were deleted, by place
//   p/h/HEADEND           a headend
//   p/k/NUMBER            a key that seals tickets
//   p/m/CHANNEL/FIRST     members of a channel from FIRST to the next page's, in order of id
//   p/n/                  numbers that belong to no channel, and the head of the audit log
//   p/o/OPERATION         an operation
//   p/q/FIRST             requests that were carried out lately, in order of age
//   p/r/FIRST             retired key groups
//   p/s/FIRST             subscribers
//   p/t/FIRST             spent tickets, in order of expiry
//
// Heads come first in key order. Kinds `d`, `m`, `q`, `r`, `s` and `t` have many rows to a page,
// the first page of each begins with the empty id.
#pragma once

#include "crypto/secret.h"
#include "rekey/state.h"

namespace keymast::records {

inline constexpr std::string_view kPagePrefix = "p/";

enum class PageKind : char {
  kHead = 'c',
  kDeparted = 'd',
  kHeadend = 'h',
  kTicketKey = 'k',
  kMembers = 'm',
  kNumbers = 'n',
  kOperation = 'o',
  kRequests = 'q',
  kRetired = 'r',
  kSubscribers = 's',
  kSpentTickets = 't',
};
inline bool HasManyRows(PageKind kind) {
  return kind == PageKind::kDeparted || kind == PageKind::kMembers || kind == PageKind::kRetired ||
         kind == PageKind::kSubscribers || kind == PageKind::kSpentTickets ||
         kind == PageKind::kRequests;
}

struct PageName {
  PageKind kind = PageKind::kNumbers;
  ChannelId channel;  // of kHead and kMembers
  std::string first;  // id of kHeadend and kOperation, number of kTicketKey; first row of others
  bool OfChannel() const { return kind == PageKind::kHead || kind == PageKind::kMembers; }
};
std::string PageKey(const PageName& name);
// RowPrefix is what the keys of all pages that `name` may be a page of begin with.
std::string RowPrefix(const PageName& name);
// ParsePageKey is kCorrupt for what is no page's key.
Result<PageName> ParsePageKey(std::string_view key);

// RowOf names the row that a change belongs to, as if a page began with it; ChannelDeleted, which
// concerns many, as its head.
PageName RowOf(const rekey::Change& change);

// RetiredRow is a key group as the id of a row.
std::string RetiredRow(const rekey::KeyGroupName& group);
// DepartedRow is a place of leaves as one.
std::string DepartedRow(uint32_t place);
// SpentRow is a spent ticket as one, SealingRow the number of a key that seals tickets.
std::string SpentRow(const rekey::SpentTicket& ticket);
std::string SealingRow(uint8_t number);
// RequestRow is a request that was kept, by its sequence.
std::string RequestRow(uint64_t sequence);

// ReadPage adds the rows of a page to `state`; members of a channel that `state` has not are
// ignored. kCorrupt when a row is malformed, out of order or below the page's first.
// `expected`: how many rows of this kind, and of this channel, there will be; 0: not known.
Status ReadPage(const PageName& name, ByteView body, rekey::State& state, size_t expected = 0);

// WritePage is the pages that hold what `rows` has of a page with this name: none when it has
// nothing, several, with at most `most` rows each, when it has more. The first keeps the name.
struct PageBody {
  PageName name;
  crypto::SecretBytes body;
};
std::vector<PageBody> WritePages(const PageName& name, const rekey::State& rows, size_t most);

}  // namespace keymast::records
