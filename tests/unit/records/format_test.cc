// SPDX-License-Identifier: Apache-2.0
// Data of earlier record formats: tests/data/records_format_4 is what a server of format 4 had in
// its store behind 80 changes, as length of a key (1 octet), key, length of its value (2), value;
// one octet comes before. Its master key is 32 times 7.
#include <fstream>

#include "base/cursor.h"
#include "tests/unit/records/site.h"

namespace keymast::records {
namespace {

std::vector<store::Entry> EarlierEntries() {
  std::ifstream file(KEYMAST_SOURCE_DIR "/tests/data/records_format_4", std::ios::binary);
  const std::string octets{std::istreambuf_iterator<char>(file), {}};
  Reader reader(AsBytes(octets));
  reader.U8();
  std::vector<store::Entry> entries;
  while (reader.ok() && !reader.empty()) {
    const std::string key(AsText(reader.Take(reader.U8())));
    const ByteView value = reader.Take(reader.U16());
    entries.push_back({key, Bytes(value.begin(), value.end()), 0});
  }
  EXPECT_TRUE(reader.ok());
  return entries;
}

uint64_t LastCommit(const std::vector<store::Entry>& entries) {
  uint64_t last = 0;
  for (const store::Entry& entry : entries) last = std::max(last, NumberOf(entry.key).value_or(0));
  return last;
}

constexpr uint64_t kReserved = 90'000'000'000;

class Earlier : public testing::Test {
 protected:
  Earlier() {
    const auto entries = EarlierEntries();
    site_.disk = DiskOf(entries);
    auto witness = store::Witness::Open(site_.witness, site_.boot);
    EXPECT_TRUE(witness.has_value());
    EXPECT_TRUE((*witness)->Reserve(128).has_value());
    EXPECT_TRUE((*witness)->CloseClean(LastCommit(entries)).has_value());
  }
  static void ExpectTheState(const rekey::State& state) {
    EXPECT_EQ(state.channels.size(), 3U);
    EXPECT_EQ(state.subscribers.size(), 7U);
    EXPECT_EQ(state.headends.size(), 1U);
    EXPECT_EQ(state.muk_counter.end, 87'003'513'756U);
  }
  Site site_;
};

TEST_F(Earlier, AnotherMasterKeyIsNamed) {
  const std::string id = site_.master_key.id();
  site_.master_key = MasterKeyOf(8);
  const Failure failure = site_.Failed();
  EXPECT_EQ(failure.error, Error::kWrongMasterKey);
  EXPECT_NE(failure.message.find(id), std::string::npos) << failure.message;
}

TEST_F(Earlier, StartsAndGetsARecordKey) {
  Repository::Opened opened = site_.Start();
  ExpectTheState(opened.state);
  EXPECT_EQ(opened.repository->master_key_id(), site_.master_key.id());
  const auto number = opened.repository->Commit({rekey::MukCounterReserved{kReserved}});
  ASSERT_TRUE(number.has_value());
  for (const store::Entry& entry : EntriesOf(*site_.running)) {
    if (entry.key == JournalKey(*number)) {
      EXPECT_EQ(RecordKeyOf(entry.value), 1U);
    }
  }
  opened.repository.reset();
  EXPECT_EQ(site_.Start().state.muk_counter.end, kReserved);
}

TEST_F(Earlier, ARecordKeyThatCannotBeWrittenIsMadeByTheNextStart) {
  for (const bool takes_effect : {false, true}) {
    site_.fault = {1, takes_effect, Error::kStoreClosed};
    EXPECT_EQ(site_.Failed().error, Error::kStoreClosed);
  }
  ExpectTheState(site_.Start().state);
}

TEST_F(Earlier, ARotationLeavesNothingOfIt) {
  Repository::Opened opened = site_.Start();
  ASSERT_TRUE(opened.repository->BeginRotation(MasterKeyOf(8)).has_value());
  for (int i = 0; opened.repository->rotation().IsRunning(); ++i) {
    ASSERT_LT(i, 1000);
    ASSERT_TRUE(opened.repository->RotationStep().has_value());
  }
  for (const store::Entry& entry : EntriesOf(*site_.running)) {
    if (entry.key != kMetaKey) {
      EXPECT_EQ(Reader(entry.value).U16(), kFormat);
    }
  }
  opened.repository.reset();
  site_.master_key = MasterKeyOf(8);
  ExpectTheState(site_.Start().state);
}

}  // namespace
}  // namespace keymast::records
