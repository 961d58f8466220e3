// SPDX-License-Identifier: Apache-2.0
#include "records/recovery.h"

#include <algorithm>
#include <functional>
#include <map>
#include <thread>

#include "records/codec.h"
#include "records/meta.h"

namespace keymast::records {
namespace {

using Outcome = tl::expected<void, Failure>;

constexpr size_t kEntriesAScan = 64;

std::string Printable(std::string_view key) {
  const bool printable =
      std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  return printable ? std::string(key) : "0x" + ToHex(AsBytes(key));
}

tl::unexpected<Failure> NoPage(const std::string& data, std::string_view key) {
  return Damaged(data, "key " + Printable(key) + " is no page's");
}

// Range is the keys that begin with `prefix`, but for those that begin with `without`.
struct Range {
  std::string_view prefix;
  std::string_view without = {};
};

Outcome ForEachEntry(store::Store& store, const Range& range, const std::string& data,
                     const std::function<Outcome(const store::Entry&)>& take) {
  std::string after;
  for (;;) {
    const auto entries = store.Scan(range.prefix, after, kEntriesAScan, 0);
    if (!entries) {
      const bool is_first = after.empty();
      return ReadFailure(entries.error(), data,
                         is_first ? "what begins with " + Printable(range.prefix)
                                  : "what follows key " + Printable(after));
    }
    for (const store::Entry& entry : *entries) {
      if (!range.without.empty() && entry.key.starts_with(range.without)) {
        // No id goes on with this octet. One that does would be found again behind every skip.
        const std::string behind = std::string(range.without) + '\xff';
        if (entry.key >= behind) return NoPage(data, entry.key);
        after = behind;
        break;
      }
      after = entry.key;
      if (auto taken = take(entry); !taken) return taken;
    }
    if (entries->empty() || (after == entries->back().key && entries->size() < kEntriesAScan)) {
      return {};
    }
  }
}

// PageReader reads the pages of a range into a state of its own, for one thread.
class PageReader {
 public:
  PageReader(const Envelope& envelope, const PageLimits& limits, const std::string& data)
      : envelope_(envelope), limits_(limits), data_(data) {}

  // Read goes over the range twice: how many rows there will be is worth knowing.
  Outcome Read(store::Store& store, const Range& range) {
    auto counted = ForEachEntry(store, range, data_, [this](const store::Entry& entry) {
      if (const auto name = ParsePageKey(entry.key)) ++pages_[RowPrefix(*name)];
      return Outcome();
    });
    if (!counted) return counted;
    return ForEachEntry(store, range, data_,
                        [this](const store::Entry& entry) { return Take(entry); });
  }
  rekey::State& state() { return state_; }
  // AddTo names the pages that were read.
  void AddTo(Pages& pages) const {
    for (const ReadPageResult& page : read_) {
      pages.AddStored(page.name, page.fingerprint, page.record_key);
    }
  }

 private:
  struct ReadPageResult {
    PageName name;
    Fingerprint fingerprint;
    uint32_t record_key;
  };
  Outcome Take(const store::Entry& entry);

  const Envelope& envelope_;
  const PageLimits& limits_;
  const std::string& data_;
  std::map<std::string, size_t> pages_;  // by what their keys begin with
  rekey::State state_;
  std::vector<ReadPageResult> read_;
};

Outcome PageReader::Take(const store::Entry& entry) {
  const std::string what = "page " + Printable(entry.key);
  const Result<PageName> name = ParsePageKey(entry.key);
  if (!name) return NoPage(data_, entry.key);
  const Result<Opened> opened = envelope_.Open(EntryType::kPage, entry.key, entry.value);
  if (!opened) return ReadFailure(opened.error(), data_, what);
  const size_t expected = limits_.rows * pages_[RowPrefix(*name)];
  if (const Status read = ReadPage(*name, opened->body, state_, expected); !read) {
    return ReadFailure(read.error(), data_, what);
  }
  read_.push_back({*name, envelope_.FingerprintOf(entry.key, entry.value), opened->record_key});
  return {};
}

// ReadPages reads all pages. Subscribers are about half of a large state and touch nothing else of
// it: they are read beside the rest, since a start waits for it.
Outcome ReadPages(store::Store& store, const Envelope& envelope, const PageLimits& limits,
                  const std::string& data, Recovered& recovered) {
  const std::string of_subscribers = RowPrefix({PageKind::kSubscribers, {}, {}});
  PageReader subscribers(envelope, limits, data);
  PageReader others(envelope, limits, data);
  Outcome beside;
  std::thread thread([&] { beside = subscribers.Read(store, {of_subscribers}); });
  Outcome read = others.Read(store, {kPagePrefix, of_subscribers});
  thread.join();
  if (!read) return read;
  if (!beside) return beside;
  recovered.state = std::move(others.state());
  recovered.state.subscribers = std::move(subscribers.state().subscribers);
  others.AddTo(recovered.pages);
  subscribers.AddTo(recovered.pages);
  return {};
}

// Replay takes journal records, in order of their keys, over the pages.
class Replay {
 public:
  Replay(const Envelope& envelope, const PageLimits& limits, const std::string& data)
      : envelope_(envelope), limits_(limits), data_(data), recovered_(limits) {}

  Outcome TakePages(store::Store& store) {
    return ReadPages(store, envelope_, limits_, data_, recovered_);
  }
  Outcome TakeRecord(const store::Entry& entry);
  tl::expected<Recovered, Failure> Finish();

 private:
  // Present is a record of the step that is being read.
  struct Present {
    JournalEntry entry;
    crypto::SecretBytes body;
    ByteView changes;  // in body
  };
  Outcome CheckFollows(const Header& header, const Record& record) const;
  Outcome ApplyStep();
  static std::string Name(uint64_t number) { return "commit " + std::to_string(number); }

  const Envelope& envelope_;
  const PageLimits& limits_;
  const std::string& data_;
  Recovered recovered_;
  std::vector<Present> step_;
  bool is_start_ = false;            // step_ is a start's
  bool begins_incarnation_ = false;  // and the first of its incarnation
  // Of the newest record read.
  Header header_;
  Record record_;
  Hash hash_{};
  uint64_t first_ = 0;
};

// Each record names the one before it and its hash; numbers jump where a start says so only.
Outcome Replay::CheckFollows(const Header& header, const Record& record) const {
  const bool jumps = record.start && step_.empty();
  const bool number =
      header.number == header_.number + 1 || (jumps && header.number > header_.number);
  const bool incarnation = header.incarnation == header_.incarnation ||
                           (jumps && header.incarnation > header_.incarnation);
  if (record.previous != header_.number || !number) {
    return Damaged(data_, "the journal goes from " + Name(header_.number) + " to " +
                              Name(header.number) + ": what lay between is missing");
  }
  if (record.previous_hash != hash_ || !incarnation) {
    return Damaged(data_, Name(header.number) + " does not follow the " + Name(header_.number) +
                              " that is there");
  }
  return {};
}

Outcome Replay::TakeRecord(const store::Entry& entry) {
  const Result<uint64_t> number = NumberOf(entry.key);
  if (!number) return Damaged(data_, "key " + Printable(entry.key) + " is no journal record's");
  const std::string what = "journal record of " + Name(*number);
  Result<Opened> opened = envelope_.Open(EntryType::kRecord, entry.key, entry.value);
  if (!opened) return ReadFailure(opened.error(), data_, what);
  if (opened->header.number != *number) return Damaged(data_, what + " is damaged");
  const Result<ReadRecordResult> read = ReadRecord(opened->body);
  if (!read) return ReadFailure(read.error(), data_, what);
  if (first_ == 0) {
    first_ = *number;
  } else if (auto follows = CheckFollows(opened->header, read->record); !follows) {
    return follows;
  }
  if (step_.empty()) {
    is_start_ = read->record.start;
    const bool is_first = first_ == *number;
    begins_incarnation_ = !is_first && opened->header.incarnation > header_.incarnation;
  }
  header_ = opened->header;
  record_ = read->record;
  hash_ = crypto::Sha256(entry.value);
  step_.push_back(
      {{*number, entry.value.size(), opened->record_key}, std::move(opened->body), read->changes});
  return record_.more ? Outcome() : ApplyStep();
}

Outcome Replay::ApplyStep() {
  const bool has_changes = std::any_of(
      step_.begin(), step_.end(), [](const Present& present) { return !present.changes.empty(); });
  for (const Present& present : step_) {
    const Status applied =
        ForEachChange(present.changes, [&](const rekey::Change& change, ByteView octets) {
          rekey::Apply(recovered_.state, change);
          recovered_.pages.Note(change, octets, present.entry.number);
        });
    if (!applied) {
      return ReadFailure(applied.error(), data_, "journal record of " + Name(present.entry.number));
    }
    recovered_.journal.push_back(present.entry);
  }
  step_.clear();
  // What an incarnation begins with is followed by new MSKs, in the first step of its server.
  if (begins_incarnation_) {
    recovered_.is_only_begun = true;
  } else if (has_changes && !is_start_) {
    recovered_.is_only_begun = false;
  }
  recovered_.incarnation = header_.incarnation;
  recovered_.last_hash = hash_;
  return {};
}

tl::expected<Recovered, Failure> Replay::Finish() {
  for (const Present& present : step_) recovered_.tail.push_back(present.entry.number);
  if (recovered_.journal.empty()) return Damaged(data_, "its journal is missing");
  if (record_.begin != first_) {
    return Damaged(
        data_, "the journal begins with " + Name(first_) + " instead of " + Name(record_.begin));
  }
  if (record_.pages != recovered_.pages.fingerprint() || recovered_.pages.HasOrphans()) {
    return Damaged(data_, "pages are not those that " + Name(header_.number) +
                              " left: one is missing, additional or of another time");
  }
  return std::move(recovered_);
}

}  // namespace

tl::expected<Recovered, Failure> Recover(store::Store& store, const Envelope& envelope,
                                         const PageLimits& limits, const std::string& data) {
  Replay replay(envelope, limits, data);
  auto taken = replay.TakePages(store);
  if (taken) {
    taken = ForEachEntry(store, {kJournalPrefix}, data,
                         [&](const store::Entry& entry) { return replay.TakeRecord(entry); });
  }
  if (!taken) return tl::unexpected(taken.error());
  return replay.Finish();
}

}  // namespace keymast::records
