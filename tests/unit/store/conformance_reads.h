// SPDX-License-Identifier: Apache-2.0
// Conformance, second half: scans and watches. Included by conformance.h.
#pragma once

#include <thread>

#include "conformance.h"

namespace keymast::store {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

inline std::vector<std::string> KeysOf(const Result<std::vector<Entry>>& entries) {
  std::vector<std::string> keys;
  for (const Entry& entry : entries.value()) keys.push_back(entry.key);
  return keys;
}

TEST_P(StoreConformance, APrefixEndsWhereItShould) {
  using namespace std::string_literals;
  const std::vector<std::string> keys = {"\0"s,    "\0\0"s,  "a"s,        "a\0"s,
                                         "a\x01"s, "a\xff"s, "a\xff\0"s,  "a\xff\xff"s,
                                         "b"s,     "\xff"s,  "\xff\xff"s, "\xff\xff\x01"s};
  for (const std::string& key : keys) MustCommit(PutOf(key, "v"));
  const std::vector<std::string> prefixes = {""s,  "\0"s, "a"s,    "a\0"s,      "a\xff"s,
                                             "b"s, "c"s,  "\xff"s, "\xff\xff"s, "a\xff\xff"s};
  for (const std::string& prefix : prefixes) {
    std::vector<std::string> expected;
    for (const std::string& key : keys) {
      if (key.starts_with(prefix)) expected.push_back(key);
    }
    EXPECT_EQ(KeysOf(store_->Scan(prefix, "", SIZE_MAX, 0)), expected) << ToHex(AsBytes(prefix));
  }
}

TEST_P(StoreConformance, AfterIsExclusiveAndNeedNotExist) {
  for (const char* key : {"a", "pa", "pb", "pc", "q"}) MustCommit(PutOf(key, "v"));
  EXPECT_THAT(KeysOf(store_->Scan("p", "pa", 9, 0)), ElementsAre("pb", "pc"));
  EXPECT_THAT(KeysOf(store_->Scan("p", "pab", 9, 0)), ElementsAre("pb", "pc"));
  EXPECT_THAT(KeysOf(store_->Scan("p", "a", 9, 0)), ElementsAre("pa", "pb", "pc"));
  EXPECT_THAT(KeysOf(store_->Scan("p", "p", 9, 0)), ElementsAre("pa", "pb", "pc"));
  EXPECT_THAT(KeysOf(store_->Scan("p", "pc", 9, 0)), IsEmpty());
  EXPECT_THAT(KeysOf(store_->Scan("p", "z", 9, 0)), IsEmpty());
}

TEST_P(StoreConformance, PagesOfAnySizeMakeTheWhole) {
  for (int i = 0; i < 40; ++i) MustCommit(PutOf("k" + std::to_string(i), std::to_string(i)));
  const std::vector<Entry> whole = All("k");
  ASSERT_EQ(whole.size(), 40u);
  EXPECT_THAT(store_->Scan("k", "", 0, 0).value(), IsEmpty());
  for (size_t size = 1; size <= whole.size() + 1; ++size) {
    std::vector<Entry> pages;
    std::string after;
    for (;;) {
      const std::vector<Entry> page = store_->Scan("k", after, size, 0).value();
      ASSERT_LE(page.size(), size);
      pages.insert(pages.end(), page.begin(), page.end());
      if (page.size() < size) break;
      after = page.back().key;
    }
    EXPECT_EQ(pages, whole);
  }
}

TEST_P(StoreConformance, EmptyValuesAreValues) {
  MustCommit(PutOf("a", ""));
  EXPECT_THAT(All(), ElementsAre(Entry{"a", {}, 1}));
  EXPECT_THAT(Events(0), ElementsAre(WatchEvent{1, "a", Bytes{}}));
}

TEST_P(StoreConformance, AScanSeesTheRevisionThatItAsksFor) {
  MustCommit(PutOf("a", "1"));
  MustCommit(PutOf("b", "2"));
  MustCommit(PutOf("a", "3"));
  MustCommit(DeleteOf("b"));
  EXPECT_THAT(All("", 1), ElementsAre(Entry{"a", ValueOf("1"), 1}));
  EXPECT_THAT(All("", 2), ElementsAre(Entry{"a", ValueOf("1"), 1}, Entry{"b", ValueOf("2"), 2}));
  EXPECT_THAT(All("", 3), ElementsAre(Entry{"a", ValueOf("3"), 3}, Entry{"b", ValueOf("2"), 2}));
  EXPECT_THAT(All("", 4), ElementsAre(Entry{"a", ValueOf("3"), 3}));
  EXPECT_EQ(All("", 0), All("", 4));
  EXPECT_EQ(store_->Scan("", "", 1, 5).error(), Error::kInvalidArgument);
}

TEST_P(StoreConformance, OlderRevisionsAreForgottenOneByOne) {
  // More commits than any backend keeps.
  constexpr Revision kMany = 1100;
  for (Revision i = 1; i <= kMany; ++i) MustCommit(PutOf("k", std::to_string(i)));
  EXPECT_EQ(store_->Scan("", "", 1, 1).error(), Error::kCompacted);
  EXPECT_EQ(store_->Watch("", 1, 1).error(), Error::kCompacted);
  EXPECT_EQ(store_->Watch("", 0, 1).error(), Error::kCompacted);
  Revision kept = 1;
  while (!store_->Watch("", kept, 1)) ++kept;
  EXPECT_LT(kept, kMany);
  for (; kept <= kMany; ++kept) {
    ASSERT_THAT(All("", kept), ElementsAre(Entry{"k", ValueOf(std::to_string(kept)), kept}));
  }
}

TEST_P(StoreConformance, ReopeningForgetsOlderRevisionsOnly) {
  MustCommit(PutOf("a", "1"));
  MustCommit(PutOf("b", "2"));
  Reopen();
  EXPECT_EQ(store_->Scan("", "", 9, 1).error(), Error::kCompacted);
  EXPECT_EQ(store_->Watch("", 1, 9).error(), Error::kCompacted);
  EXPECT_EQ(All("", 2).size(), 2u);
  EXPECT_THAT(Events(2), IsEmpty());
  MustCommit(PutOf("c", "3"));
  EXPECT_THAT(Events(2), ElementsAre(WatchEvent{3, "c", ValueOf("3")}));
  EXPECT_EQ(All("", 2).size(), 2u);
}

TEST_P(StoreConformance, AWatchTellsWhatChanged) {
  MustCommit(PutOf("p1", "1"));
  MustCommit(PutOf("q", "2"));
  Batch batch = PutOf("p2", "3");
  batch.deletes = {"p1", "p9"};
  MustCommit(batch);
  MustCommit(Empty());
  EXPECT_THAT(Events(0),
              ElementsAre(WatchEvent{1, "p1", ValueOf("1")}, WatchEvent{2, "q", ValueOf("2")},
                          WatchEvent{3, "p2", ValueOf("3")}, WatchEvent{3, "p1", std::nullopt}));
  EXPECT_THAT(store_->Watch("p", 1, 9).value(),
              ElementsAre(WatchEvent{3, "p2", ValueOf("3")}, WatchEvent{3, "p1", std::nullopt}));
  EXPECT_THAT(Events(4), IsEmpty());
  EXPECT_EQ(store_->Watch("", 5, 9).error(), Error::kInvalidArgument);
}

TEST_P(StoreConformance, AWatchKeepsACommitTogether) {
  MustCommit(PutOf("a", "1"));
  Batch batch = PutOf("b", "2");
  batch.puts.emplace_back("c", ValueOf("2"));
  MustCommit(batch);
  MustCommit(PutOf("d", "3"));
  EXPECT_EQ(Events(0, 1).size(), 1u);
  EXPECT_EQ(Events(0, 2).size(), 1u);
  EXPECT_EQ(Events(0, 3).size(), 3u);
  EXPECT_EQ(Events(0, 4).size(), 4u);
  EXPECT_EQ(Events(1, 1).size(), 2u);  // a commit larger than the limit comes whole
  EXPECT_EQ(Events(2, 1).size(), 1u);
}

TEST_P(StoreConformance, ReadersBesideAWriterSeeWholeCommits) {
  constexpr int kCommits = 200;
  std::thread writer([this] {
    for (int i = 1; i <= kCommits; ++i) {
      Batch batch = PutOf("a", std::to_string(i));
      batch.puts.emplace_back("b", ValueOf(std::to_string(i)));
      MustCommit(batch);
    }
  });
  Revision seen = 0;
  while (seen < kCommits) {
    const std::vector<Entry> entries = All();
    if (entries.empty()) continue;
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[0].value, entries[1].value);
    EXPECT_EQ(entries[0].revision, entries[1].revision);
    EXPECT_GE(entries[0].revision, seen);
    seen = entries[0].revision;
  }
  writer.join();
  EXPECT_EQ(Events(0).size(), 2u * kCommits);
}

}  // namespace keymast::store
