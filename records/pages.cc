// SPDX-License-Identifier: Apache-2.0
#include "records/pages.h"

#include <algorithm>

#include "base/check.h"
#include "records/codec.h"

namespace keymast::records {
namespace {

// Bounds the rows that one rewrite can add, and with them its pages.
constexpr size_t kMergedChangesPerRow = 16;

bool IsDeletion(const rekey::Change& change) {
  return std::holds_alternative<rekey::ChannelDeleted>(change);
}

template <class... T>
bool IsOneOf(const rekey::Change& change) {
  return (std::holds_alternative<T>(change) || ...);
}

// SetsKeys: the change holds keys, until another one sets or ends those of the same row.
bool SetsKeys(const rekey::Change& change) {
  return IsOneOf<rekey::LadderPut, rekey::SubscriberPut, rekey::TicketKeyPut>(change);
}
bool SetsOrEndsKeys(const rekey::Change& change) {
  return SetsKeys(change) ||
         IsOneOf<rekey::ChannelDeleted, rekey::SubscriberDeleted, rekey::TicketKeyDropped>(change);
}

// DropSetBefore takes keys out of what waits that are over with `change`: they would stay in memory
// until their page is written.
void DropSetBefore(const rekey::Change& change, crypto::SecretBytes& waiting) {
  const PageName row = RowOf(change);
  // Most pages of subscribers that are being imported have nothing of this one.
  if (HasManyRows(row.kind) && AsText(waiting).find(row.first) == std::string_view::npos) return;
  const std::string key = PageKey(row);
  crypto::SecretBytes kept;
  const Status read = ForEachChange(waiting, [&](const rekey::Change& earlier, ByteView octets) {
    if (SetsKeys(earlier) && PageKey(RowOf(earlier)) == key) return;
    kept.insert(kept.end(), octets.begin(), octets.end());
  });
  KEYMAST_CHECK(read.has_value());
  waiting = std::move(kept);
}

}  // namespace

size_t Rewrite::octets() const {
  size_t octets = deleted ? deleted->size() : 0;
  for (const auto& [put, value] : puts) octets += put.size() + value.size();
  return octets;
}

void Pages::AddStored(const PageName& name, const Fingerprint& fingerprint, uint32_t record_key) {
  if (name.kind == PageKind::kHead) channels_.insert(name.channel);
  pages_.insert_or_assign(PageKey(name), Page{name, fingerprint, record_key, 0, {}});
  Toggle(fingerprint_, fingerprint);
}

std::string Pages::KeyOfRow(const PageName& row) const {
  std::string key = PageKey(row);
  if (!HasManyRows(row.kind)) return key;
  std::string prefix = RowPrefix(row);
  const auto above = pages_.upper_bound(key);
  if (above == pages_.begin()) return prefix;
  const std::string& below = std::prev(above)->first;
  return below.starts_with(prefix) ? below : prefix;
}

// PageOf finds the page of a row, or begins one.
Pages::Page& Pages::PageOf(const PageName& row, std::string& key) {
  key = KeyOfRow(row);
  const auto [entry, fresh] = pages_.try_emplace(key);
  if (fresh) {
    entry->second.name = row;
    if (HasManyRows(row.kind)) entry->second.name.first.clear();
  }
  return entry->second;
}

void Pages::Wait(const std::string& key, Page& page, ByteView octets, uint64_t number) {
  if (page.since == 0 || number < page.since) {
    by_age_.erase({page.since, key});
    page.since = number;
    by_age_.emplace(number, key);
  }
  page.waiting.insert(page.waiting.end(), octets.begin(), octets.end());
  if (page.waiting.size() > limits_.waiting_octets) urgent_.insert(key);
}

void Pages::Touch(const rekey::Change& change, ByteView octets, uint64_t number) {
  std::string key;
  Page& page = PageOf(RowOf(change), key);
  if (SetsOrEndsKeys(change)) DropSetBefore(change, page.waiting);
  Wait(key, page, octets, number);
}

void Pages::TouchMembersOf(const ChannelId& channel, ByteView octets, uint64_t number) {
  const std::string prefix = RowPrefix({PageKind::kMembers, channel, {}});
  for (auto page = pages_.lower_bound(prefix);
       page != pages_.end() && page->first.starts_with(prefix); ++page) {
    Wait(page->first, page->second, octets, number);
  }
}

void Pages::Note(const rekey::Change& change, ByteView octets, uint64_t number) {
  const PageName row = RowOf(change);
  if (std::holds_alternative<rekey::ChannelPut>(change)) channels_.insert(row.channel);
  // rekey::Apply ignores changes of a channel that is gone, and so must its pages.
  if (row.OfChannel() && !IsDeletion(change) && !channels_.contains(row.channel)) return;
  Touch(change, octets, number);
  if (!IsDeletion(change)) return;
  TouchMembersOf(row.channel, octets, number);
  channels_.erase(row.channel);
}

std::vector<std::string> Pages::Candidates(size_t most, uint64_t until) const {
  std::vector<std::string> keys;
  for (const std::string& key : urgent_) {
    if (keys.size() < most) keys.push_back(key);
  }
  for (const auto& [since, key] : by_age_) {
    if (keys.size() >= most || since > until) break;
    if (!urgent_.contains(key)) keys.push_back(key);
  }
  return keys;
}

std::optional<uint64_t> Pages::SinceWithout(const std::vector<Rewrite>& rewrites) const {
  for (const auto& waiting : by_age_) {
    const bool written = std::any_of(rewrites.begin(), rewrites.end(), [&](const Rewrite& rewrite) {
      return rewrite.key == waiting.second && rewrite.whole;
    });
    if (!written) return waiting.first;
  }
  return std::nullopt;
}

std::vector<std::string> Pages::SealedBefore(uint32_t record_key, size_t most) const {
  std::vector<std::string> keys;
  for (const auto& [key, page] : pages_) {
    if (keys.size() == most) break;
    if (page.stored && page.record_key < record_key) keys.push_back(key);
  }
  return keys;
}

size_t Pages::stored() const {
  return static_cast<size_t>(std::count_if(
      pages_.begin(), pages_.end(), [](const auto& one) { return one.second.stored.has_value(); }));
}

bool Pages::HasOrphans() const {
  return std::any_of(pages_.begin(), pages_.end(), [this](const auto& one) {
    const Page& page = one.second;
    return page.name.kind == PageKind::kMembers && page.since == 0 &&
           !channels_.contains(page.name.channel);
  });
}

// Merge is what a page holds once the changes `taken` are in it.
Result<rekey::State> Pages::Merge(const Page& page, ByteView taken, store::Store& store,
                                  const Envelope& envelope) const {
  rekey::State rows;
  const bool members = page.name.kind == PageKind::kMembers;
  if (members) rows.channels.try_emplace(page.name.channel);
  if (page.stored) {
    const std::string key = PageKey(page.name);
    const auto found = store.Scan(key, {}, 1, 0);
    if (!found) return Err(found.error());
    const bool there = !found->empty() && found->front().key == key &&
                       envelope.FingerprintOf(key, found->front().value) == *page.stored;
    if (!there) return Err(Error::kCorrupt);
    const Result<Opened> opened = envelope.Open(EntryType::kPage, key, found->front().value);
    if (!opened) return Err(opened.error());
    const Status read = ReadPage(page.name, opened->body, rows);
    if (!read) return Err(read.error());
  }
  const Status applied = ForEachChange(taken, [&](const rekey::Change& change, ByteView) {
    if (members) rows.channels.try_emplace(page.name.channel);
    rekey::Apply(rows, change);
  });
  KEYMAST_CHECK(applied.has_value());
  return rows;
}

// TakenOf is how many octets of what waits go into one rewrite, in whole changes: a bound on the
// pages that come out of it.
size_t Pages::TakenOf(ByteView waiting) const {
  size_t taken = 0;
  size_t changes = 0;
  bool full = false;
  const Status counted = ForEachChange(waiting, [&](const rekey::Change&, ByteView octets) {
    full = full || changes == kMergedChangesPerRow * limits_.rows ||
           (changes > 0 && taken + octets.size() > limits_.merged_octets);
    if (full) return;
    ++changes;
    taken += octets.size();
  });
  KEYMAST_CHECK(counted.has_value());
  return taken;
}

Result<Rewrite> Pages::Plan(const std::string& key, store::Store& store, const Envelope& envelope,
                            const Header& header) const {
  const Page& page = pages_.at(key);
  Rewrite rewrite;
  rewrite.key = key;
  rewrite.taken = TakenOf(page.waiting);
  rewrite.whole = rewrite.taken == page.waiting.size();
  const auto rows = Merge(page, ByteView(page.waiting).first(rewrite.taken), store, envelope);
  if (!rows) return Err(rows.error());
  const std::vector<PageBody> pages = WritePages(page.name, *rows, limits_.rows);
  if (page.stored) rewrite.toggled = *page.stored;
  if (page.stored && pages.empty()) rewrite.deleted = key;
  for (const PageBody& one : pages) {
    const std::string put = PageKey(one.name);
    Bytes value = envelope.Seal(EntryType::kPage, put, header, one.body);
    Toggle(rewrite.toggled, envelope.FingerprintOf(put, value));
    rewrite.puts.emplace_back(put, std::move(value));
  }
  return rewrite;
}

void Pages::Adopt(const Rewrite& rewrite, const Envelope& envelope) {
  const Page before = std::move(pages_.at(rewrite.key));
  by_age_.erase({before.since, rewrite.key});
  urgent_.erase(rewrite.key);
  pages_.erase(rewrite.key);
  Toggle(fingerprint_, rewrite.toggled);
  for (const auto& [key, value] : rewrite.puts) {
    const Result<PageName> name = ParsePageKey(key);
    KEYMAST_CHECK(name.has_value());
    pages_[key] = Page{*name, envelope.FingerprintOf(key, value), RecordKeyOf(value), 0, {}};
  }
  const ByteView rest = ByteView(before.waiting).subspan(rewrite.taken);
  if (!rest.empty()) WaitOn(before, rest, rewrite);
}

// WaitOn lets what a rewrite did not take wait on, for the pages that came out of it: together they
// have the rows of the old one. When none came out, the old one stays, to be filled.
void Pages::WaitOn(const Page& before, ByteView rest, const Rewrite& rewrite) {
  if (rewrite.puts.empty()) {
    Wait(rewrite.key, pages_[rewrite.key] = Page{before.name, {}, 0, 0, {}}, rest, before.since);
    return;
  }
  const Status noted = ForEachChange(rest, [&](const rekey::Change& change, ByteView octets) {
    if (!IsDeletion(change)) return Touch(change, octets, before.since);
    for (const auto& put : rewrite.puts) {
      Wait(put.first, pages_.at(put.first), octets, before.since);
    }
  });
  KEYMAST_CHECK(noted.has_value());
}

}  // namespace keymast::records
