// SPDX-License-Identifier: Apache-2.0
// What a member does between its joins: when it reports, what it takes, what it keeps first.
#include "mikey/v2/loose_keys.h"
#include "tests/unit/mikey/v2_group.h"
#include "tests/unit/receiver/join_world.h"

namespace keymast::receiver {
namespace {

using mikey::v2::ReportKind;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kWindow = milliseconds(3100);  // as the test's group says
constexpr KeyNumber kHeld{2};                     // as a join brings it
constexpr KeyNumber kMissed{3};

// Members is what the controller of the test knows.
struct Members : mikey::v2::ReportDirectory {
  using Report = mikey::v2::Report;
  bool Serves(const Report&) const override { return true; }
  const crypto::Key32* ReportKeyOf(const Report&) const override { return &r; }
  uint32_t LastT(const Report&) const override { return last_t; }
  Status CheckTicket(const Report&) const override { return {}; }
  Status CheckMember(const Report&) const override { return {}; }
  void Take(const Report& report) override {
    last_t = report.t;
    kind = report.body.kind;
    newest = report.body.msk;
  }
  crypto::Key32 r;
  uint32_t last_t = 0;
  ReportKind kind = ReportKind::kAcknowledge;
  uint32_t newest = 0;
};

struct Reporting : testing::Test, JoinWorld {
  Reporting() : JoinWorld("psk"), taker(crypto::DefaultSuite(), members, rng) {
    others.features = kReportFeature;
    members.r = mikey::v2::ReportKey(crypto::DefaultSuite(),
                                     mikey::v2::PskV2(crypto::DefaultSuite(), mikey::v2::kPskOctets,
                                                      mikey::v2::kMemberId, mikey::v2::kGroupId)
                                         .view());
  }
  void SetUp() override { ASSERT_EQ(Join(), 1); }

  // Misses keys for so long that a REPORT is due; what is sent then.
  Bytes Miss() {
    joiner->Missing(kMissed, now, rng);
    now += kWindow;
    joiner->Missing(kMissed, now, rng);
    EXPECT_GE(joiner->deadline(), now);
    EXPECT_LT(joiner->deadline(), now + kWindow);
    now = std::max(now, joiner->deadline());
    return Tick();
  }
  // Acknowledges is true when that is what is due, of these KEYS (MIKEYv2 §10).
  bool Acknowledges(const Bytes& keys) {
    EXPECT_EQ(joiner->deadline(), now);
    const Bytes report = Tick();
    const auto taken = taker.Receive(report);
    return step.reports == ReportKind::kAcknowledge && taken &&
           Equal(taken->report.rand, crypto::Sha256(keys));
  }
  // What the group gives, as KEYS to a REPORT or unasked.
  mikey::v2::Grant Given() {
    const mikey::v2::Capabilities offer;
    return *others.GrantTo({mikey::v2::kMemberId, mikey::v2::kGroupId, mikey::v2::kAnyGroup, offer},
                           {});
  }
  // The same, and that the group's controller signs with the key of number 1.
  mikey::v2::Grant GivenBy(const crypto::PublicKey& verifier) {
    static constexpr uint8_t kKeyId[] = {0, 0, 0, 1};
    mikey::v2::Grant given = Given();
    given.contents.keys.Add({mikey::KeyDataType::kVerificationKey,
                             verifier.ed25519(),
                             {},
                             {mikey::KvType::kSpi, kKeyId, {}, {}}});
    return given;
  }
  // An announcement of the update behind where the member stands.
  static mikey::v2::Rekey Announcement(const mikey::v2::MemberState& member) {
    mikey::v2::Rekey rekey;
    rekey.head.ids = {{{1, 2, 3}}, MskId::FromValue(0x00010003), std::nullopt};
    rekey.head.csb_id = CsbId(0xabcdef01);
    rekey.head.t = member.rekey_t + 1;
    rekey.head.update = {mikey::v2::UpdateKind::kAnnouncement,
                         member.tree_id,
                         member.epoch + 1,
                         mikey::v2::kNonce,
                         0,
                         1000};
    return rekey;
  }
  Bytes Write(const mikey::v2::ReportBinding* binding, const mikey::v2::Grant& grant, uint32_t t) {
    const Bytes rand(mikey::v2::kRandOctets, ++rands);
    const mikey::v2::KeysContent content{
        mikey::EncrAlg::kAesCm256, rand, grant.streams, grant.contents, {}};
    Bytes out(mikey::v2::kMaxOneDatagram);
    const auto size = binding != nullptr
                          ? WriteKeysToReport(crypto::DefaultSuite(), *binding, content, out)
                          : WriteUnaskedKeys(crypto::DefaultSuite(), members.r, CsbId(0xabcdef01),
                                             t, content, out);
    out.resize(size.value_or(0));
    return out;
  }
  Bytes KeysTo(const Bytes& report, bool with_keys = true) {
    const auto taken = taker.Receive(report);
    EXPECT_TRUE(taken.has_value());
    return taken ? Write(&taken->binding, with_keys ? Given() : mikey::v2::Grant{}, 0) : Bytes();
  }

  Members members;
  mikey::v2::ReportTaker taker;
  uint8_t rands = 0;
};

TEST_F(Reporting, MissingKeysAreAskedForInTheWindow) {
  const Bytes report = Miss();
  ASSERT_EQ(step.reports, ReportKind::kMissing);
  const Bytes keys = KeysTo(report);
  Take(keys);
  EXPECT_TRUE(step.has_keys);
  EXPECT_TRUE(step.is_loose);
  EXPECT_EQ(joiner->contents().msks[0].msk, 0x00010002U);
  EXPECT_EQ(joiner->streams().sessions.size(), 1U);
  EXPECT_EQ(members.kind, ReportKind::kMissing);
  EXPECT_TRUE(Acknowledges(keys));
  EXPECT_EQ(joiner->deadline(), kNever) << "it is cured";
}

// MIKEYv2 §7: its keys are good, but who gave them may not know that it has joined.
TEST_F(Reporting, AJoinWhoseFinishNobodyAnswersAsks) {
  Start();
  ASSERT_FALSE(Take(Ask(Tick())).empty());
  ASSERT_TRUE(step.has_keys);
  int finishes = 1;
  while (joiner->offerer().state() == mikey::v2::Offerer::State::kAnswered) {
    now = joiner->deadline();
    finishes += Tick().empty() ? 0 : 1;
    joiner->Opened(kHeld, now);
  }
  EXPECT_EQ(finishes, 4);
  ASSERT_GE(joiner->deadline(), now);
  ASSERT_LT(joiner->deadline(), now + kWindow);
  now = joiner->deadline();
  joiner->Opened(kHeld, now);  // which tells the controller nothing
  const Bytes report = Tick();
  ASSERT_EQ(step.reports, ReportKind::kMissing);
  const Bytes keys = KeysTo(report);
  Take(keys);
  EXPECT_TRUE(step.has_keys);
  EXPECT_TRUE(Acknowledges(keys));
  EXPECT_EQ(joiner->deadline(), kNever);
}

TEST_F(Reporting, AnAnsweredFinishAsksNothing) {
  now += seconds(60);
  joiner->Opened(kHeld, now);
  EXPECT_EQ(joiner->deadline(), kNever);
}

TEST_F(Reporting, TIsKeptBeforeItIsUsed) {
  const Bytes report = Miss();
  KeysTo(report);
  EXPECT_GE(keeper.ts.report, members.last_t);
  // A start anew goes on behind what was kept.
  const uint32_t kept = keeper.ts.report;
  Start();
  ASSERT_EQ(Join(), 1);
  KeysTo(Miss());
  EXPECT_GT(members.last_t, kept);
}

// Without T there is no REPORT; a join brings the keys as well (MIKEYv2 §10).
TEST_F(Reporting, WhoCannotKeepTJoins) {
  keeper.works = false;
  const Bytes cap = Miss();
  EXPECT_FALSE(step.reports);
  EXPECT_EQ(members.last_t, 0U);
  Take(Ask(cap));
  EXPECT_TRUE(step.has_keys);
  EXPECT_FALSE(step.is_loose);
}

TEST_F(Reporting, WhoIsNotHeardJoins) {
  Miss();
  ASSERT_EQ(step.reports, ReportKind::kMissing);
  now = joiner->deadline();
  Tick();
  ASSERT_EQ(step.reports, ReportKind::kMissing);
  now = joiner->deadline();
  const Bytes cap = Tick();
  EXPECT_FALSE(step.reports);
  Take(Ask(cap));
  EXPECT_TRUE(step.has_keys);
  EXPECT_FALSE(step.is_loose);
  EXPECT_EQ(joiner->reporter().unanswered(), 0U);
}

// MIKEYv2 §4.4: the R before is kept until the new one has served.
TEST_F(Reporting, TheKeyBeforeIsKeptUntilTheNewOneHasServed) {
  Reporter& reporter = const_cast<Reporter&>(joiner->reporter());
  const crypto::Key32 other(Bytes(32, 9));
  const crypto::Key32 before = members.r;
  reporter.SetKey(other, {});
  const auto write = [&] {
    Bytes out(mikey::v2::kMaxOneDatagram);
    out.resize(reporter.Report(ReportKind::kMissing, now, rng, out).value_or(0));
    return out;
  };
  members.r = other;
  EXPECT_TRUE(taker.Receive(write()).has_value());
  members.r = before;
  const Bytes second = write();
  EXPECT_FALSE(KeysTo(second).empty()) << "the controller has not heard of the new one";
  // KEYS that nobody asked for, too.
  EXPECT_TRUE(reporter.TakeKeys(Write(nullptr, Given(), 1007), now).has_value());
  members.r = other;
  EXPECT_TRUE(reporter.TakeKeys(Write(nullptr, Given(), 1008), now).has_value());
  members.r = before;
  EXPECT_FALSE(reporter.TakeKeys(Write(nullptr, Given(), 1009), now).has_value())
      << "the new one serves";
}

TEST_F(Reporting, WhatOpensAgainCures) {
  Miss();
  EXPECT_NE(joiner->deadline(), kNever);
  joiner->Opened(kMissed, now);
  EXPECT_EQ(joiner->deadline(), kNever);
}

// MIKEYv2 §10: anybody can play a packet of the MSK before again.
TEST_F(Reporting, WhatOpensUnderAnOlderMskDefersItAtMost) {
  const Instant begin = now;
  for (int i = 0; now - begin < 16 * kWindow || joiner->deadline() == kNever; ++i) {
    joiner->Missing(kMissed, now, rng);
    now += milliseconds(500);
    // Also when it is about to ask.
    if (now - begin < 16 * kWindow && i % 10 > 4) joiner->Opened(kHeld, now);
  }
  EXPECT_GE(now - begin, 16 * kWindow);
  EXPECT_LE(joiner->deadline() - begin, 18 * kWindow);
  joiner->Opened(kHeld, now);
  now = std::max(now, joiner->deadline());
  Tick();
  EXPECT_EQ(step.reports, ReportKind::kMissing);
}

TEST_F(Reporting, AnMskThatComesByMessageIsMissedNoLonger) {
  joiner->Holds(MskId::FromValue(0x00010002), now);
  joiner->Missing(kMissed, now, rng);
  now += kWindow;
  joiner->Missing(kMissed, now, rng);
  ASSERT_NE(joiner->deadline(), kNever);
  joiner->Holds(MskId::FromValue(0x00010002), now);
  EXPECT_NE(joiner->deadline(), kNever);
  joiner->Holds(MskId::FromValue(0x00010003), now);
  EXPECT_EQ(joiner->deadline(), kNever);
}

// MIKEYv2 §10: who withholds an answer can give it later no more.
TEST_F(Reporting, AnAnswerIsAwaitedForFourSeconds) {
  const Bytes keys = KeysTo(Miss());
  now += seconds(4);
  Take(keys);
  EXPECT_FALSE(step.has_keys);
  EXPECT_EQ(step.status.error(), Error::kUnexpected);
  now = std::max(now, joiner->deadline());
  const Bytes again = KeysTo(Tick());
  ASSERT_EQ(step.reports, ReportKind::kMissing);
  now += seconds(4) - Duration(1);
  Take(again);
  EXPECT_TRUE(step.has_keys);
}

TEST_F(Reporting, NoAnswerIsAwaitedToWhatIsCured) {
  const Bytes keys = KeysTo(Miss());
  joiner->Opened(kMissed, now);
  Take(keys);
  EXPECT_FALSE(step.has_keys);
  EXPECT_EQ(step.status.error(), Error::kUnexpected);
}

// MSKs that came by the messages of 3GPP count as well.
TEST_F(Reporting, KeysOlderThanAnMskMessageAreNotInstalled) {
  joiner->Holds(MskId::FromValue(0x00010005), now);
  Take(Write(nullptr, Given(), 9));
  EXPECT_FALSE(step.has_keys);
  EXPECT_EQ(step.status.error(), Error::kReplayed);
}

TEST_F(Reporting, AnAnswerOfTheOneBeforeIsTakenToo) {
  const Bytes first = KeysTo(Miss());
  now = joiner->deadline();  // within 4 s
  Tick();
  ASSERT_EQ(step.reports, ReportKind::kMissing);
  Take(first);
  EXPECT_TRUE(step.has_keys);
}

// A controller that does not choose REPORT sends no such KEYS.
TEST_F(Reporting, WhoCannotReportTakesNoKeys) {
  others.features = 0;
  Start();
  ASSERT_EQ(Join(), 1);
  Take(Write(nullptr, Given(), 9));
  EXPECT_FALSE(step.has_keys);
  EXPECT_EQ(step.status.error(), Error::kUnexpected);
  EXPECT_EQ(joiner->deadline(), kNever);
}

TEST_F(Reporting, ForeignKeysChangeNothing) {
  const Bytes report = Miss();
  const Bytes keys = KeysTo(report);
  for (size_t i = 0; i < keys.size(); i += 5) {
    Bytes forged = keys;
    forged[i] = static_cast<uint8_t>(forged[i] ^ 4);
    Take(forged);
    EXPECT_FALSE(step.status) << i;
    EXPECT_FALSE(step.has_keys);
  }
  Take(Write(nullptr, Given(), 0));
  EXPECT_FALSE(step.has_keys) << "a T that is not above the last one";
  Take(keys);
  EXPECT_TRUE(step.has_keys);
  Take(keys);
  EXPECT_FALSE(step.has_keys) << "one answer to a REPORT";
}

TEST_F(Reporting, UnaskedKeysAreAcknowledged) {
  mikey::v2::Grant next = Given();
  next.contents.msks.clear();
  const Bytes domain = {1, 2, 3};
  next.contents.msks.Add({domain, 0x00010003, 1});
  next.contents.member->keys_t = 9;
  const Bytes keys = Write(nullptr, next, 9);
  Take(keys);
  ASSERT_TRUE(step.status);
  EXPECT_TRUE(step.has_keys);
  EXPECT_EQ(keeper.ts.keys, 9U);
  joiner->Holds(MskId::FromValue(0x00010003), now);
  EXPECT_TRUE(Acknowledges(keys));
  EXPECT_EQ(members.newest, 0x00010003U);
  EXPECT_EQ(joiner->deadline(), kNever);
  Take(keys);
  EXPECT_EQ(step.status.error(), Error::kReplayed);
}

// MIKEYv2 §10: a key roll that was taken since the REPORT is newer than the KEYS to it.
TEST_F(Reporting, KeysFromBeforeAKeyRollDoNotUndoIt) {
  using namespace mikey::v2;
  const crypto::PrivateKey old_key = Ed25519Of(1);
  const crypto::PrivateKey next_key = Ed25519Of(2);
  const crypto::PublicKey verifier = old_key.PublicPart();
  const mikey::v2::Grant given = GivenBy(verifier);
  const auto answer = [&](const Bytes& report) {
    const auto taken = taker.Receive(report);
    ASSERT_TRUE(taken.has_value());
    const Bytes keys = Write(&taken->binding, given, 0);
    Take(keys);
    ASSERT_TRUE(step.has_keys);
    EXPECT_TRUE(Acknowledges(keys));
    joiner->Opened(KeyNumber(2), now);
  };
  others.features = kReportFeature | kSignedMtkFeature;
  Start();
  ASSERT_EQ(Join(), 1);
  answer(Miss());
  ASSERT_EQ(joiner->reporter().signer()->id, 1U);
  const Bytes report = Miss();

  const SigningKey next{2, next_key};
  Rekey roll = Announcement(*given.contents.member);
  roll.next_signer = &next;
  now += std::chrono::milliseconds(1);
  joiner->GroupRekey(WriteGroupRekey(crypto::DefaultSuite(), roll, {1, old_key})->front(), now,
                     rng);
  ASSERT_EQ(joiner->reporter().signer()->id, 2U);
  answer(report);
  EXPECT_EQ(joiner->reporter().signer()->id, 2U);
  // Who asks behind it hears who signs.
  answer(Miss());
  EXPECT_EQ(joiner->reporter().signer()->id, 1U);
}

// MIKEYv2 §10: in the window that was told last, by KEYS or by a packet that has verified. After a
// restore the whole audience must not ask within that of before.
TEST_F(Reporting, AnAnnouncementTellsTheWindowBeforeItIsAskedIn) {
  using namespace mikey::v2;
  const crypto::PrivateKey key = Ed25519Of(1);
  const crypto::PublicKey verifier = key.PublicPart();
  others.window_ms_ = 500;
  const mikey::v2::Grant given = GivenBy(verifier);
  Take(Write(nullptr, given, 9));
  ASSERT_TRUE(step.has_keys);
  EXPECT_EQ(joiner->reporter().window(), milliseconds(500));
  Tick();  // it acknowledges

  const auto say = [&](Rekey rekey, uint32_t t, uint32_t window, const SigningKey& signer) {
    rekey.head.t = t;
    rekey.head.update.window_ms = window;
    joiner->GroupRekey(WriteGroupRekey(crypto::DefaultSuite(), rekey, signer)->front(), now, rng);
  };
  const SigningKey signer{1, key};
  const crypto::PrivateKey stranger = Ed25519Of(3);
  Rekey here = Announcement(*given.contents.member);
  say(here, 8, 700, signer);
  EXPECT_EQ(joiner->reporter().window(), milliseconds(700)) << "of the tree that is held too";
  EXPECT_EQ(joiner->deadline(), kNever);
  Rekey elsewhere = here;
  elsewhere.head.update.tree_id = kOtherTreeId;
  say(elsewhere, 10, 1, {1, stranger});
  EXPECT_EQ(joiner->deadline(), kNever);
  say(elsewhere, 10, 120'000, signer);
  EXPECT_EQ(joiner->reporter().window(), milliseconds(120'000));
  EXPECT_GT(joiner->deadline(), now + milliseconds(700));
  EXPECT_LT(joiner->deadline(), now + milliseconds(120'000));
  say(here, 8, 700, signer);
  EXPECT_EQ(joiner->reporter().window(), milliseconds(120'000)) << "played again it tells nothing";
}

TEST_F(Reporting, OlderKeysAreNotInstalled) {
  mikey::v2::Grant older = Given();
  older.contents.member->epoch = 4;
  Take(Write(nullptr, older, 9));
  EXPECT_FALSE(step.has_keys);
  EXPECT_EQ(step.status.error(), Error::kReplayed);
}

TEST_F(Reporting, ALeaveIsSaidUntilItIsAnswered) {
  joiner->Leave(now);
  Tick();
  ASSERT_EQ(step.reports, ReportKind::kLeave);
  EXPECT_FALSE(joiner->has_left());
  now = joiner->deadline();
  const Bytes second = Tick();
  Take(KeysTo(second, false));
  EXPECT_TRUE(joiner->has_left());
  EXPECT_TRUE(joiner->is_left());
  EXPECT_EQ(joiner->deadline(), kNever);
}

// MIKEYv2 §10: A answers the first that it takes, and drops those after it.
TEST_F(Reporting, AnyLeaveMayBeAnswered) {
  joiner->Leave(now);
  const Bytes answer = KeysTo(Tick(), false);
  for (int i = 0; i < 3; ++i) {
    now = joiner->deadline();
    Tick();
    ASSERT_EQ(step.reports, ReportKind::kLeave);
  }
  EXPECT_FALSE(joiner->has_left());
  Take(answer);
  EXPECT_TRUE(joiner->has_left());
  EXPECT_TRUE(joiner->is_left());
}

TEST_F(Reporting, ALeaveThatNobodyAnswersEnds) {
  joiner->Leave(now);
  int sent = 0;
  while (!joiner->has_left()) {
    now = std::max(now, joiner->deadline());
    sent += Tick().empty() ? 0 : 1;
  }
  EXPECT_EQ(sent, 4);
  EXPECT_FALSE(joiner->is_left());
  joiner->Missing(kMissed, now, rng);
  now += seconds(60);
  joiner->Missing(kMissed, now, rng);
  EXPECT_EQ(joiner->deadline(), kNever);
}

TEST_F(Reporting, WhoCannotReportLeavesInSilence) {
  others.features = 0;
  Start();
  ASSERT_EQ(Join(), 1);
  joiner->Leave(now);
  EXPECT_TRUE(joiner->has_left());
  EXPECT_FALSE(joiner->is_left());
}

TEST_F(Reporting, GroupMessagesOfNobodyAreCounted) {
  joiner->GroupRekey(Bytes(40, 2), now, rng);
  uint64_t discarded = 0;
  for (const uint64_t count : joiner->reporter().counters().discards) discarded += count;
  EXPECT_EQ(discarded, 1U);
  EXPECT_EQ(joiner->reporter().counters().rekeys, 0U);
  EXPECT_EQ(joiner->deadline(), kNever);
}

}  // namespace
}  // namespace keymast::receiver
