// SPDX-License-Identifier: Apache-2.0
// Which pages there are, what has changed in each since it was written, and how old that is. Pages
// are rewritten a few at a time: old page + changes -> new pages. The state itself is not kept.
#pragma once

#include <map>
#include <set>

#include "records/envelope.h"
#include "records/page.h"
#include "store/store.h"

namespace keymast::records {

struct PageLimits {
  size_t rows = 256;                 // of one page
  size_t waiting_octets = 64 << 10;  // of changes that wait for one page; more is urgent
  size_t merged_octets = 128 << 10;  // of changes that one rewrite takes in
};

// Rewrite is one page to be written anew, as what is to be put and deleted.
struct Rewrite {
  std::string key;
  std::vector<std::pair<std::string, Bytes>> puts;
  std::optional<std::string> deleted;
  Fingerprint toggled{};  // what it does to the fingerprint of all pages
  size_t taken = 0;       // octets of waiting changes that it holds
  bool whole = true;      // nothing waits behind it
  size_t octets() const;
  size_t operations() const { return puts.size() + (deleted ? 1 : 0); }
};

class Pages {
 public:
  explicit Pages(const PageLimits& limits) : limits_(limits) {}

  // AddStored takes a page over that the store holds.
  void AddStored(const PageName& name, const Fingerprint& fingerprint, uint32_t record_key);
  // Note lets a durable change wait for the pages that it concerns. `octets` are the change as
  // records/codec.h writes it, `number` the commit that holds it.
  void Note(const rekey::Change& change, ByteView octets, uint64_t number);

  bool HasChannel(const ChannelId& id) const { return channels_.contains(id); }
  // Candidates are at most `most` pages to be written: those for which too much waits, then those
  // for which changes of commits up to `until` wait, oldest first.
  std::vector<std::string> Candidates(size_t most, uint64_t until) const;
  // SinceWithout is the oldest commit with a change that still waits once these are written; the
  // journal is needed from there on.
  std::optional<uint64_t> SinceWithout(const std::vector<Rewrite>& rewrites) const;

  // Plan reads a page and merges what waits for it. kCorrupt when the page is not what was written.
  Result<Rewrite> Plan(const std::string& key, store::Store& store, const Envelope& envelope,
                       const Header& header) const;
  // Adopt follows when the rewrite is durable.
  void Adopt(const Rewrite& rewrite, const Envelope& envelope);

  // SealedBefore are at most `most` stored pages that an older record key than this one seals.
  std::vector<std::string> SealedBefore(uint32_t record_key, size_t most) const;
  size_t stored() const;

  const Fingerprint& fingerprint() const { return fingerprint_; }
  size_t waiting() const { return by_age_.size(); }  // pages
  size_t urgent() const { return urgent_.size(); }
  size_t size() const { return pages_.size(); }
  // Members of a channel that is not there must at least wait to be deleted.
  bool HasOrphans() const;

 private:
  struct Page {
    PageName name;
    std::optional<Fingerprint> stored;
    uint32_t record_key = 0;      // that seals what is stored
    uint64_t since = 0;           // 0: nothing waits
    crypto::SecretBytes waiting;  // encoded changes, oldest first
  };
  void Touch(const rekey::Change& change, ByteView octets, uint64_t number);
  void Wait(const std::string& key, Page& page, ByteView octets, uint64_t number);
  Page& PageOf(const PageName& row, std::string& key);
  std::string KeyOfRow(const PageName& row) const;
  void TouchMembersOf(const ChannelId& channel, ByteView octets, uint64_t number);
  void WaitOn(const Page& before, ByteView rest, const Rewrite& rewrite);
  size_t TakenOf(ByteView waiting) const;
  Result<rekey::State> Merge(const Page& page, ByteView taken, store::Store& store,
                             const Envelope& envelope) const;

  PageLimits limits_;
  std::map<std::string, Page> pages_;
  std::set<std::pair<uint64_t, std::string>> by_age_;
  std::set<std::string> urgent_;
  std::set<ChannelId> channels_;  // those that are there
  Fingerprint fingerprint_{};
};

}  // namespace keymast::records
