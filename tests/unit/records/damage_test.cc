// SPDX-License-Identifier: Apache-2.0
// Whatever happens to the entries of a store: the acknowledged state, or a refusal that says where.
#include "records/meta.h"
#include "tests/unit/records/site.h"

namespace keymast::records {
namespace {

using Entries = std::vector<store::Entry>;

// Lived is a store after a history, as it was at two moments: half of it in pages, half of it in
// the journal.
class Lived {
 public:
  Lived() {
    Dice dice(5);
    Repository::Opened opened = site.Start();
    for (int i = 0; i < 40; ++i) {
      std::vector<rekey::Change> changes;
      for (int k = 0; k < 5; ++k) changes.push_back(dice.Event());
      EXPECT_TRUE(opened.repository->Commit(changes).has_value());
      for (const rekey::Change& change : changes) {
        rekey::Apply(model, change);
        audited += size_t{std::holds_alternative<rekey::Audited>(change)};
      }
      if (i == 25) before = EntriesOf(*site.running);
    }
    entries = EntriesOf(*site.running);
    witness_ = site.SaveWitness();
  }

  // Check starts on these entries: refused, with the error and a text, or the acknowledged state.
  std::string Check(const Entries& damaged) {
    site.disk = DiskOf(damaged);
    site.RestoreWitness(witness_);
    const auto opened = site.TryStart(false);
    if (!opened) {
      EXPECT_NE(opened.error().message.find("DATA"), std::string::npos);
      return std::string(ErrorName(opened.error().error));
    }
    EXPECT_EQ(Difference(opened->state, model), "");
    // Records of the audit log before its end are looked at when they are read.
    const auto records = opened->repository->Audit(0, SIZE_MAX);
    return records && records->size() == audited ? "started" : "audit_damaged";
  }

  // Whether this is the entry of the audit log that holds its end, or another one.
  bool IsEndOfAudit(const store::Entry& entry) const {
    return entry.key == AuditKey(model.audit.sequence);
  }
  bool IsOfAudit(const store::Entry& entry) const {
    return entry.key.starts_with(kAuditPrefix) && !IsEndOfAudit(entry);
  }

  Site site;
  rekey::State model;
  size_t audited = 0;
  Entries before;
  Entries entries;

 private:
  std::string witness_;
};

TEST(Damage, AnIntactCopyStarts) {
  Lived lived;
  EXPECT_GT(lived.entries.size(), 15U);
  EXPECT_EQ(lived.Check(lived.entries), "started");
}

TEST(Damage, EveryOctetOfEveryValueMatters) {
  Lived lived;
  Dice dice(1);
  for (size_t i = 0; i < lived.entries.size(); ++i) {
    for (size_t at = 0; at < lived.entries[i].value.size(); at += 1 + dice.Below(8)) {
      Entries damaged = lived.entries;
      uint8_t& octet = damaged[i].value[at];
      octet = static_cast<uint8_t>(octet ^ 1 << dice.Below(8));
      const std::string outcome = lived.Check(damaged);
      const bool of_audit = lived.IsOfAudit(damaged[i]);
      EXPECT_TRUE(outcome == "corrupt" || outcome == "newer_format" ||
                  (of_audit && outcome == "audit_damaged") ||
                  (damaged[i].key == kMetaKey && outcome == "wrong_master_key"))
          << outcome << " entry " << i << " octet " << at;
    }
  }
}

// Who may write to the store could make the log end earlier, or go on.
TEST(Damage, AnAuditLogThatDoesNotEndWhereTheStateSaysIsRefused) {
  Lived lived;
  const auto end = std::find_if(lived.entries.begin(), lived.entries.end(),
                                [&](const auto& entry) { return lived.IsEndOfAudit(entry); });
  ASSERT_NE(end, lived.entries.end());
  const auto told = [&](const Entries& entries) {
    lived.Check(entries);
    const Failure failure = lived.site.Failed();
    EXPECT_EQ(failure.error, Error::kCorrupt);
    return failure.message;
  };
  const std::string place = "end with record " + std::to_string(lived.model.audit.sequence);
  Entries without = lived.entries;
  without.erase(without.begin() + (end - lived.entries.begin()));
  EXPECT_NE(told(without).find(place), std::string::npos);
  Entries longer = lived.entries;
  longer.push_back({AuditKey(lived.model.audit.sequence + 3), end->value, 1});
  EXPECT_NE(told(longer).find(place), std::string::npos);
  Entries altered = lived.entries;
  altered[static_cast<size_t>(end - lived.entries.begin())].value.back() ^= 1;
  EXPECT_NE(told(altered).find(place), std::string::npos);
}

TEST(Damage, EveryMissingEntryIsNoticed) {
  Lived lived;
  for (size_t i = 0; i < lived.entries.size(); ++i) {
    Entries damaged = lived.entries;
    damaged.erase(damaged.begin() + static_cast<long>(i));
    const std::string outcome = lived.Check(damaged);
    // Without the last record all of its batch is older or damaged, as the witness knows.
    const bool of_audit = lived.IsOfAudit(lived.entries[i]);
    EXPECT_TRUE(of_audit ? outcome == "audit_damaged"
                         : outcome == "corrupt" || outcome == "rolled_back")
        << outcome << " entry " << i;
  }
}

TEST(Damage, EveryEntryOfAnotherTimeIsNoticed) {
  Lived lived;
  size_t older = 0;
  for (const store::Entry& old : lived.before) {
    Entries damaged = lived.entries;
    const auto same = std::find_if(damaged.begin(), damaged.end(),
                                   [&](const store::Entry& one) { return one.key == old.key; });
    if (same == damaged.end()) {
      damaged.push_back(old);
    } else if (same->value == old.value) {
      continue;
    } else {
      same->value = old.value;
    }
    ++older;
    EXPECT_EQ(lived.Check(damaged), "corrupt") << ToHex(AsBytes(old.key));
  }
  EXPECT_GT(older, 10U);
}

TEST(Damage, EntriesInEachOthersPlaceAreNoticed) {
  Lived lived;
  for (size_t i = 0; i + 1 < lived.entries.size(); ++i) {
    Entries damaged = lived.entries;
    std::swap(damaged[i].value, damaged[i + 1].value);
    EXPECT_NE(lived.Check(damaged), "started");
  }
}

TEST(Damage, AKeyThatIsNotOursIsNoticed) {
  Lived lived;
  for (const std::string key :
       {"p/x/", "p/m/nowhere", "p/c", "j/short", "p/s/zzz", "p/s/\xff", "p/s/\xff\xff"}) {
    Entries damaged = lived.entries;
    damaged.push_back({key, lived.entries.back().value, 0});
    EXPECT_EQ(lived.Check(damaged), "corrupt") << key;
  }
}

TEST(Damage, TheRefusalNamesThePlace) {
  Lived lived;
  for (size_t i = 0; i < lived.entries.size(); ++i) {
    if (lived.entries[i].key.starts_with(kAuditPrefix)) continue;  // not looked at by a start
    Entries damaged = lived.entries;
    damaged[i].value.back() ^= 1;
    lived.site.disk = DiskOf(damaged);
    const std::string text = lived.site.Failed().message;
    const std::string& key = damaged[i].key;
    const Result<uint64_t> number = NumberOf(key);
    const std::string place = key == kMetaKey ? "meta entry"
                              : number        ? "commit " + std::to_string(*number)
                                              : "page " + key;
    EXPECT_NE(text.find(place), std::string::npos) << text;
  }
}

TEST(Damage, APageThatChangesUnderARunningServerIsNoticed) {
  Site site;
  Dice dice(5);
  Repository::Opened opened = site.Start();
  const auto commit = [&] { return opened.repository->Commit({dice.Event(), dice.Event()}); };
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(commit().has_value());
  store::Batch batch;
  batch.fence = site.running->fence();
  for (const store::Entry& entry : EntriesOf(*site.running)) {
    if (!entry.key.starts_with(kPagePrefix)) continue;
    Bytes value = entry.value;
    value.back() ^= 1;
    batch.puts.emplace_back(entry.key, std::move(value));
  }
  ASSERT_TRUE(site.running->Commit(batch).has_value());
  Result<uint64_t> number = commit();
  for (int i = 0; i < 40 && number; ++i) number = commit();
  EXPECT_EQ(number.error(), Error::kCorrupt);
  EXPECT_EQ(opened.repository->Load().error().error, Error::kCorrupt);
}

}  // namespace
}  // namespace keymast::records
