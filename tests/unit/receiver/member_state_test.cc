// SPDX-License-Identifier: Apache-2.0
// What a member keeps: T in the file of COUNTERs, a ticket beside it.
#include "receiver/member_state.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "tests/unit/mikey/v2_directory.h"
#include "tests/unit/receiver/counter_folder.h"

namespace keymast::receiver {
namespace {

constexpr std::string_view kUri = "mikey://example.org/tv";

mikey::v2::Resumption Ticket() {
  mikey::v2::Resumption ticket;
  ticket.ticket = Bytes(70, 0x33);
  ticket.id = mikey::v2::TicketIdOf(crypto::DefaultSuite(), ticket.ticket);
  ticket.secret = crypto::Key32(Bytes(32, 0x44));
  ticket.offerer = mikey::OwnedIdentity(mikey::v2::kMemberId);
  ticket.answerer = mikey::OwnedIdentity(mikey::v2::kGroupId);
  ticket.expiry = mikey::v2::kStart;
  ticket.is_dh = true;
  return ticket;
}

Bytes Written(const mikey::v2::Resumption& ticket) {
  Bytes octets(kMaxTicketFile);
  const auto size = TicketToOctets(ticket, octets);
  EXPECT_TRUE(size.has_value());
  octets.resize(size.value_or(0));
  return octets;
}

TEST(TicketOctets, ComeBack) {
  const Bytes octets = Written(Ticket());
  const auto back = TicketFromOctets(crypto::DefaultSuite(), octets);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->ticket, Ticket().ticket);
  EXPECT_EQ(back->id, Ticket().id);
  EXPECT_TRUE(Equal(back->secret.view(), Ticket().secret.view()));
  EXPECT_TRUE(back->offerer.view() == mikey::v2::kMemberId);
  EXPECT_TRUE(back->answerer.view() == mikey::v2::kGroupId);
  EXPECT_EQ(back->expiry, Ticket().expiry);
  EXPECT_TRUE(back->is_dh);
  EXPECT_TRUE(back->is_sealed) << "as those of controllers are";
}

TEST(TicketOctets, EveryFlippedBitAndEveryPrefixIsRefused) {
  const Bytes good = Written(Ticket());
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(TicketFromOctets(crypto::DefaultSuite(), bad)) << "bit " << bit;
  }
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(TicketFromOctets(crypto::DefaultSuite(), ByteView(good).first(size))) << size;
  }
}

TEST(TicketOctets, WhatIsTooLongIsNotWritten) {
  mikey::v2::Resumption ticket = Ticket();
  ticket.ticket = Bytes(kMaxTicketFile, 1);
  Bytes octets(kMaxTicketFile);
  EXPECT_EQ(TicketToOctets(ticket, octets).error(), Error::kTooLong);
}

using Kept = CounterFolder;

TEST_F(Kept, TOfAGroupStandsBesideTheCounters) {
  const std::vector<SenderCounter> counters = {{Octets<255>(AsBytes("bmsc")), 9}};
  {
    CounterFile file = Open();
    MemberState state(&file, path_, std::string(kUri));
    EXPECT_EQ(state.ts(), MemberTs{});
    ASSERT_TRUE(file.Save(counters));
    ASSERT_TRUE(state.Keep({40, 7}));
    ASSERT_TRUE(file.Save(counters)) << "which leaves them";
  }
  CounterFile file = Open();
  EXPECT_EQ(file.counters().size(), 1U);
  EXPECT_EQ(MemberState(&file, path_, std::string(kUri)).ts(), (MemberTs{40, 7}));
  EXPECT_EQ(MemberState(&file, path_, "mikey://example.org/other").ts(), MemberTs{});
}

TEST_F(Kept, OfAnotherUserKeyNothingIsTaken) {
  { ASSERT_TRUE(Open(1).SaveMember(kUri, {40, 7})); }
  EXPECT_EQ(Open(2).member(kUri), MemberTs{});
}

TEST_F(Kept, ATicketIsInAFileOfItsOwnerAlone) {
  CounterFile file = Open();
  MemberState state(&file, path_, std::string(kUri));
  EXPECT_FALSE(state.ticket());
  const mikey::v2::Resumption ticket = Ticket();
  ASSERT_TRUE(state.KeepTicket(&ticket));
  struct stat info {};
  ASSERT_EQ(stat((path_ + ".ticket").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_TRUE(state.ticket());
  EXPECT_EQ(state.ticket()->ticket, ticket.ticket);
  ASSERT_EQ(chmod((path_ + ".ticket").c_str(), 0644), 0);
  EXPECT_FALSE(state.ticket()) << "others may have it";
  ASSERT_TRUE(state.KeepTicket(nullptr));
  EXPECT_FALSE(state.ticket());
  EXPECT_TRUE(MemberState(nullptr, "", std::string(kUri)).KeepTicket(&ticket)) << "in memory alone";
}

}  // namespace
}  // namespace keymast::receiver
