// SPDX-License-Identifier: Apache-2.0
// GROUP_REKEY and its receiver: each check of MIKEYv2 §10, in its order, by a packet that it alone
// stands against.
#include <gtest/gtest.h>

#include "tests/unit/mikey/v2_group.h"

namespace keymast::mikey::v2 {
namespace {

class GroupRekey : public testing::Test, public Group {
 protected:
  // Under neither of the group's MSKs nor with a filter MAC.
  Rekey Unfiltered(size_t packets = 1) const {
    Rekey rekey = RekeyOf(packets);
    rekey.before.reset();
    return rekey;
  }
};

TEST_F(GroupRekey, AnyPacketOfAnUpdateIsEnough) {
  for (const size_t count : std::initializer_list<size_t>{1, 2, 3, 4, 5, 11, 16}) {
    const auto packets = Write(RekeyOf(count));
    for (size_t i = 0; i < count; ++i) {
      Group member;
      const auto outcome = member.Take(packets[i]);
      ASSERT_TRUE(outcome.status) << ErrorName(outcome.status.error());
      EXPECT_EQ(outcome.event, Event::kApplied);
      EXPECT_EQ(member.tree_.seen_, Bytes(30, static_cast<uint8_t>(i)));
      EXPECT_EQ(member.tree_.commits_, 1);
      EXPECT_EQ(member.reader_.epoch(), 5u);
      EXPECT_EQ(member.reader_.t(), 10u);
      const GivenMsk& msk = member.reader_.msk();
      EXPECT_EQ(msk.id.value(), kNewMskId);
      EXPECT_TRUE(Equal(msk.key.view(), kNewMsk));
      EXPECT_TRUE(Equal(msk.rand, kNonce));
      EXPECT_EQ(msk.low, MtkId(1));
      EXPECT_EQ(msk.high, MtkId(0xffff));
      EXPECT_EQ(msk.first_use_ms, 2500u);
      EXPECT_EQ(member.reader_.window(), std::chrono::milliseconds(1000));
      EXPECT_EQ(member.ErrorOf(packets[i]), Error::kAlreadyHeld);
    }
  }
}

TEST_F(GroupRekey, EveryEncryptionOfAGroup) {
  for (const EncrAlg encr : {EncrAlg::kAesCm128, EncrAlg::kAesCm256, EncrAlg::kAesKwp256}) {
    Rekey rekey = RekeyOf();
    rekey.encr = encr;
    GroupName name = kGroupName;
    name.encr = encr;
    FakeTree tree;
    RekeyReader reader(suite_, name, tree);
    ASSERT_TRUE(reader.Install(Place(), true));
    EXPECT_EQ(reader.Receive(One(rekey), now_).event, Event::kApplied);
    EXPECT_TRUE(Equal(reader.msk().key.view(), kNewMsk));
  }
}

TEST_F(GroupRekey, EveryFlippedOctetIsDropped) {
  Rekey rolling = RekeyOf(3);
  rolling.next_signer = &next_;
  for (const Bytes& good : {Write(rolling)[1], Write(Unfiltered(3))[2], One(RekeyOf(0))}) {
    for (size_t i = 0; i < good.size(); ++i) {
      for (const uint8_t bits : std::initializer_list<uint8_t>{0x01, 0x80, 0xff}) {
        Bytes bad = good;
        bad[i] ^= bits;
        now_ += FailureLimit::kIn;
        EXPECT_NE(ErrorOf(bad), Error::kInternal) << i;
      }
    }
    EXPECT_TRUE(Group().Take(good).status);
  }
}

TEST_F(GroupRekey, EveryOtherLengthIsDropped) {
  const Bytes good = One(RekeyOf());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(ErrorOf(ByteView(good).first(size)), Error::kInternal) << size;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(ErrorOf(longer), Error::kTrailingOctets);
}

TEST_F(GroupRekey, NothingIsTakenBeforeTheMemberHasJoined) {
  FakeTree tree;
  RekeyReader reader(suite_, kGroupName, tree);
  EXPECT_EQ(reader.Receive(One(RekeyOf()), now_).status.error(), Error::kUnknownChannel);
  EXPECT_EQ(reader.Install(Place(), false).error(), Error::kUnexpected);
}

TEST_F(GroupRekey, OfAnotherGroup) {
  Rekey rekey = RekeyOf();
  rekey.head.ids.domain.octets[2] = 4;
  EXPECT_EQ(ErrorOf(One(rekey)), Error::kUnknownChannel);
  rekey = RekeyOf();
  rekey.head.ids.msk.group = KeyGroup(8);
  EXPECT_EQ(ErrorOf(One(rekey)), Error::kUnknownChannel);
  rekey = RekeyOf();
  rekey.head.csb_id = CsbId(0x4e);
  EXPECT_EQ(ErrorOf(One(rekey)), Error::kUnknownChannel);
}

// Each packet is wrong in one more than the last: the first check names the reason.
TEST_F(GroupRekey, ChecksHaveAnOrder) {
  Rekey rekey = RekeyOf();
  const Bytes wrong_msk(16, 0x99);
  tree_.root_ = Bytes(32, 0x41);
  EXPECT_EQ(Group::Take(One(rekey)).event, Event::kKeysStale);
  EXPECT_EQ(ErrorOf(Write(rekey, stranger_)[0]), Error::kAuthenticationFailed);
  rekey.before->key = wrong_msk;
  EXPECT_EQ(ErrorOf(Write(rekey, stranger_)[0]), Error::kAuthenticationFailed);
  rekey.head.t = 9;
  EXPECT_EQ(ErrorOf(Write(rekey, stranger_)[0]), Error::kReplayed);
  rekey.head.update.epoch = 4;
  EXPECT_EQ(ErrorOf(Write(rekey, stranger_)[0]), Error::kAlreadyHeld);
  rekey.head.update.tree_id = kOtherTreeId;
  EXPECT_EQ(ErrorOf(Write(rekey, stranger_)[0]), Error::kUnexpected);
  rekey.head.csb_id = CsbId(0x4e);
  EXPECT_EQ(ErrorOf(Write(rekey, stranger_)[0]), Error::kUnknownChannel);
}

TEST_F(GroupRekey, OldEpochsAndOldTsAreNotTaken) {
  EXPECT_EQ(ErrorOf(One(RekeyOf(1, 4, 11))), Error::kAlreadyHeld);
  EXPECT_EQ(ErrorOf(One(RekeyOf(1, 3, 11))), Error::kAlreadyHeld);
  EXPECT_EQ(ErrorOf(One(RekeyOf(1, 6, 9))), Error::kReplayed);
  EXPECT_EQ(ErrorOf(One(RekeyOf(1, 6, 8))), Error::kReplayed);
  EXPECT_EQ(Take(One(RekeyOf(1, 6, 10))).event, Event::kApplied);
  // The one of the skipped epoch is too late now.
  EXPECT_EQ(ErrorOf(One(RekeyOf(1, 5, 11))), Error::kAlreadyHeld);
}

TEST_F(GroupRekey, AWrongFilterMacCostsNoSignature) {
  Rekey rekey = RekeyOf();
  const Bytes wrong_msk(16, 0x99);
  rekey.before->key = wrong_msk;
  const Bytes bad = One(rekey);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(ErrorOf(bad), Error::kAuthenticationFailed);
  // None of them has counted.
  EXPECT_EQ(Take(One(Unfiltered())).event, Event::kApplied);
}

TEST_F(GroupRekey, AFilterMacOfAnMskThatIsNotHeldIsNone) {
  Rekey rekey = RekeyOf();
  rekey.before->id = MskId::FromValue(0x00070009);
  EXPECT_EQ(Take(One(rekey)).event, Event::kApplied);
}

TEST_F(GroupRekey, TwentyWrongSignaturesASecondAreComputed) {
  const Bytes bad = Write(Unfiltered(), stranger_)[0];
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(ErrorOf(bad), Error::kAuthenticationFailed);
    now_ += std::chrono::milliseconds(10);
  }
  const Bytes good = One(Unfiltered());
  EXPECT_EQ(ErrorOf(good), Error::kRateLimited);
  // A good filter MAC is computed, whatever others send.
  EXPECT_EQ(ErrorOf(Write(RekeyOf(), stranger_)[0]), Error::kAuthenticationFailed);
  Group other;
  EXPECT_EQ(other.Take(good).event, Event::kApplied);
  // The first failure is a second ago.
  now_ = kGroupNow + FailureLimit::kIn;
  EXPECT_EQ(ErrorOf(bad), Error::kAuthenticationFailed);
  EXPECT_EQ(ErrorOf(good), Error::kRateLimited);
  EXPECT_EQ(Take(One(RekeyOf())).event, Event::kApplied);
}

TEST_F(GroupRekey, AnotherVerificationKey) {
  EXPECT_EQ(ErrorOf(Write(RekeyOf(), next_)[0]), Error::kUnknownKey);
  // Not computed: it does not count either.
  for (int i = 0; i < 30; ++i)
    EXPECT_EQ(ErrorOf(Write(Unfiltered(), next_)[0]), Error::kUnknownKey);
}

TEST_F(GroupRekey, APacketOfAnotherPlaceIsNotThisOne) {
  const auto packets = Write(Unfiltered(4));
  const auto at_path = [](const Bytes& packet) { return packet.size() - 66 - 2 * 16 - 2; };
  for (const uint8_t place : std::initializer_list<uint8_t>{0, 1, 3}) {
    Bytes moved = packets[2];
    moved[at_path(moved)] = place;
    EXPECT_EQ(ErrorOf(moved), Error::kAuthenticationFailed);
  }
  // The path of another packet, and that of another number of leaves.
  Bytes swapped = packets[2];
  std::copy_n(packets[3].end() - 66 - 32, 32, swapped.end() - 66 - 32);
  EXPECT_EQ(ErrorOf(swapped), Error::kAuthenticationFailed);
  for (const uint8_t leaves : std::initializer_list<uint8_t>{2, 3, 16, 17}) {
    Bytes of_more = packets[2];
    of_more[at_path(of_more) + 1] = leaves;
    EXPECT_EQ(ErrorOf(of_more), Error::kMalformed);
  }
}

TEST_F(GroupRekey, AnAnnouncementMovesNothing) {
  const Bytes said = One(RekeyOf(0));
  for (int i = 0; i < 2; ++i) {
    const auto outcome = Take(said);
    EXPECT_EQ(outcome.event, Event::kAnnounced);
    EXPECT_EQ(outcome.head.update.window_ms, 1000u);
    EXPECT_FALSE(outcome.WantsMissing());
  }
  EXPECT_EQ(reader_.t(), 9u);
  EXPECT_EQ(ErrorOf(Write(RekeyOf(0), stranger_)[0]), Error::kAuthenticationFailed);
  EXPECT_EQ(Take(One(RekeyOf())).event, Event::kApplied);
  EXPECT_EQ(ErrorOf(said), Error::kAlreadyHeld);
}

TEST_F(GroupRekey, EveryVerifiedPacketTellsTheWindow) {
  const auto window = [&] { return reader_.window() / std::chrono::milliseconds(1); };
  const auto at = [&](Rekey rekey, uint32_t ms) {
    rekey.head.update.window_ms = ms;
    return rekey;
  };
  EXPECT_EQ(window(), Place().member->window_ms);
  const Bytes lower = One(at(RekeyOf(0, 5, 10), 20));
  for (const auto event : {Event::kAnnounced, Event::kKept, Event::kNothingHere}) {
    const bool is_kept = event == Event::kKept;
    tree_.found_ = is_kept ? TreeKeys::Found::kNotYet : TreeKeys::Found::kNothingHere;
    const uint32_t ms = 30 + static_cast<uint32_t>(event);
    EXPECT_EQ(Take(One(at(RekeyOf(event == Event::kAnnounced ? 0 : 1, 5, 11), ms))).event, event);
    EXPECT_EQ(window(), ms);
  }
  EXPECT_EQ(Take(One(at(RekeyOf(1, 80, 12), 40))).event, Event::kFarAhead);
  EXPECT_EQ(window(), 40);
  EXPECT_EQ(ErrorOf(Write(at(RekeyOf(0, 5, 13), 50), stranger_)[0]), Error::kAuthenticationFailed);
  // Who plays an older one again takes nothing back.
  EXPECT_EQ(Take(lower).event, Event::kAnnounced);
  EXPECT_EQ(window(), 40);
  // None at all would have it ask without a pause.
  EXPECT_EQ(Take(One(at(RekeyOf(0, 5, 14), 0))).event, Event::kAnnounced);
  EXPECT_EQ(window(), 1);
}

TEST_F(GroupRekey, AnAnnouncementOfAnotherTreeCountsOnce) {
  Rekey said = RekeyOf(0, 1, 10);
  said.head.update.tree_id = kOtherTreeId;
  EXPECT_EQ(ErrorOf(Write(said, stranger_)[0]), Error::kAuthenticationFailed);
  const auto outcome = Take(One(said));
  EXPECT_EQ(outcome.event, Event::kOtherTree);
  EXPECT_TRUE(outcome.WantsMissing());
  EXPECT_EQ(ErrorOf(One(said)), Error::kReplayed);
  said.head.t = 12;
  EXPECT_EQ(Take(One(said)).event, Event::kOtherTree);
  said.head.t = 11;
  EXPECT_EQ(ErrorOf(One(said)), Error::kReplayed);
  // Of the tree that is held nothing has moved.
  EXPECT_EQ(Take(One(RekeyOf())).event, Event::kApplied);
  said.head.t = 10;
  EXPECT_EQ(ErrorOf(One(said)), Error::kReplayed);
}

TEST_F(GroupRekey, AnotherTreeIsAnnouncedWithANewT) {
  Rekey said = RekeyOf(0, 1, 9);
  said.head.update.tree_id = kOtherTreeId;
  EXPECT_EQ(ErrorOf(One(said)), Error::kReplayed);  // that of the last applied update
  said.head.t = 10;
  EXPECT_EQ(Take(One(said)).event, Event::kOtherTree);
}

TEST_F(GroupRekey, WhoIsTooFarBehindIsStale) {
  EXPECT_EQ(Take(One(RekeyOf(1, 4 + 64))).event, Event::kApplied);
  Group behind;
  const auto outcome = behind.Take(One(RekeyOf(1, 4 + 65)));
  EXPECT_EQ(outcome.event, Event::kFarAhead);
  EXPECT_TRUE(outcome.WantsMissing());
  EXPECT_EQ(behind.reader_.t(), 9u);
  EXPECT_EQ(behind.reader_.pending(), 0u);
  EXPECT_EQ(behind.ErrorOf(Write(RekeyOf(1, 4 + 65), stranger_)[0]), Error::kAuthenticationFailed);
}

TEST_F(GroupRekey, AnotherRootMeansStaleKeys) {
  tree_.root_ = Bytes(32, 0x41);
  const auto outcome = Take(One(RekeyOf()));
  EXPECT_TRUE(outcome.status);
  EXPECT_EQ(outcome.event, Event::kKeysStale);
  EXPECT_TRUE(outcome.WantsMissing());
  EXPECT_EQ(tree_.commits_, 0);
  EXPECT_EQ(reader_.t(), 9u);
  tree_.root_ = kNewRoot;
  EXPECT_EQ(Take(One(RekeyOf())).event, Event::kApplied);
}

TEST_F(GroupRekey, APacketForOthersIsNotKept) {
  tree_.found_ = TreeKeys::Found::kNothingHere;
  EXPECT_EQ(Take(One(RekeyOf())).event, Event::kNothingHere);
  EXPECT_EQ(reader_.pending(), 0u);
  EXPECT_EQ(reader_.t(), 9u);
}

// What an update cannot do, although it is signed and its keys are the group's.
TEST_F(GroupRekey, ContentIsJudged) {
  const Bytes good = One(RekeyOf());
  EXPECT_EQ(Group().Take(Forge(good, [](Header&, std::vector<Payload>&) {})).event,
            Event::kApplied);
  const auto forged = [&](const Change& change) { return ErrorOf(Forge(good, change)); };
  EXPECT_EQ(forged([](Header& header, auto&) { header.prf = PrfFunc::kMikey1; }),
            Error::kMalformed);
  EXPECT_EQ(forged([](Header&, auto& payloads) {
              std::get<KemacPayload>(payloads[4]).encr_alg = EncrAlg::kAesCm128;
            }),
            Error::kUnsupportedAlgorithm);
  EXPECT_EQ(forged([](Header&, auto& payloads) {
              auto& kemac = std::get<KemacPayload>(payloads[4]);
              kemac.mac_alg = MacAlg::kHmacSha1_160;
              kemac.mac = kemac.mac.first(20);
            }),
            Error::kUnsupportedAlgorithm);
  EXPECT_EQ(forged([](Header&, auto& payloads) { payloads.erase(payloads.begin() + 4); }),
            Error::kMalformed);  // no KEMAC
  EXPECT_EQ(forged([](Header&, auto& payloads) { payloads.erase(payloads.begin() + 3); }),
            Error::kMalformed);  // no tree update
  EXPECT_EQ(forged([](Header&, auto& payloads) { payloads.erase(payloads.begin() + 2); }),
            Error::kPayloadMissing);
  EXPECT_EQ(forged([](Header&, auto& payloads) { std::swap(payloads[3], payloads[4]); }),
            Error::kPayloadMissing);
}

TEST_F(GroupRekey, ExtensionsHaveTheirForm) {
  const Bytes good = One(RekeyOf());
  // EXT 3, 246, 243, 245: an octet less, an octet more.
  for (const size_t place : std::initializer_list<size_t>{1, 2, 5, 6}) {
    for (const int more : {-1, 1}) {
      Bytes data;
      const Bytes bad = Forge(good, [&](Header&, std::vector<Payload>& payloads) {
        auto& ext = std::get<ExtPayload>(payloads[place]);
        data.assign(ext.data.begin(), ext.data.end());
        data.resize(data.size() + static_cast<size_t>(more));
        ext.data = data;
      });
      EXPECT_EQ(ErrorOf(bad), Error::kMalformed) << place;
    }
  }
  for (const uint8_t kind : std::initializer_list<uint8_t>{0, 4, 255}) {
    Bytes data;
    const Bytes bad = Forge(good, [&](Header&, std::vector<Payload>& payloads) {
      auto& ext = std::get<ExtPayload>(payloads[2]);
      data.assign(ext.data.begin(), ext.data.end());
      data[0] = kind;
      ext.data = data;
    });
    EXPECT_EQ(ErrorOf(bad), Error::kMalformed);
  }
  const Bytes with_mtk = Forge(good, [&](Header&, std::vector<Payload>& payloads) {
    static const Bytes kIds{0, 3, 1, 2, 3, 1, 4, 0, 7, 0, 2, 2, 2, 0, 1};
    std::get<ExtPayload>(payloads[1]).data = kIds;
  });
  EXPECT_EQ(ErrorOf(with_mtk), Error::kMalformed);
  const Bytes announced = Forge(One(RekeyOf(0)), [](Header&, std::vector<Payload>& payloads) {
    payloads.insert(payloads.begin() + 3, ExtPayload{ExtType::kTreeUpdate, {}});
  });
  EXPECT_EQ(ErrorOf(announced), Error::kMalformed);
  const Bytes by_other = Forge(good, [](Header&, std::vector<Payload>& payloads) {
    std::get<SignPayload>(payloads.back()).s_type = SignatureType::kEcdsaP256;
  });
  EXPECT_EQ(ErrorOf(by_other), Error::kUnsupportedAlgorithm);
  const Bytes cut = Forge(good, [](Header&, std::vector<Payload>& payloads) {
    auto& sign = std::get<SignPayload>(payloads.back());
    sign.signature = sign.signature.first(63);
  });
  EXPECT_EQ(ErrorOf(cut), Error::kUnsupportedAlgorithm);
}

TEST_F(GroupRekey, TheKemacHasTheNewMskAlone) {
  Contents good;
  good.keys.Add(MskData(kNewMsk));
  EXPECT_EQ(Group().Take(ForgeContents(good)).event, Event::kApplied);
  EXPECT_EQ(ErrorOf(ForgeContents({})), Error::kMalformed);
  Contents bad = good;
  bad.keys.Add(MskData(kNewMsk));
  EXPECT_EQ(ErrorOf(ForgeContents(bad)), Error::kMalformed);
  bad = good;
  bad.rands.Add(kNonce);
  bad.msks.Add({kGroupDomain.octets, kNewMskId, 0});
  EXPECT_EQ(ErrorOf(ForgeContents(bad)), Error::kMalformed);
  bad = good;
  bad.csb_id = kGroupCsb;
  EXPECT_EQ(ErrorOf(ForgeContents(bad)), Error::kMalformed);
  bad = good;
  bad.member = MemberState{kTreeId};
  EXPECT_EQ(ErrorOf(ForgeContents(bad)), Error::kMalformed);
  bad = {};
  bad.keys.Add({KeyDataType::kTgk, kNewMsk, {}, {}});  // no interval
  EXPECT_EQ(ErrorOf(ForgeContents(bad)), Error::kDecryptionFailed);
  bad = {};
  bad.keys.Add({KeyDataType::kTgk, kNewMsk, {}, {KvType::kInterval, {}, kFirstMtk, kNewMsk}});
  EXPECT_EQ(ErrorOf(ForgeContents(bad)), Error::kDecryptionFailed);
  bad = {};
  const Bytes id{0, 0, 0, 9};
  bad.keys.Add({KeyDataType::kVerificationKey, kNewRoot, {}, {KvType::kSpi, id, {}, {}}});
  EXPECT_EQ(ErrorOf(ForgeContents(bad)), Error::kMalformed);
  EXPECT_EQ(tree_.commits_, 0);
}

TEST_F(GroupRekey, WhatTheWriterRefuses) {
  const auto refuses = [this](const Rekey& rekey, const SigningKey& signer) {
    const auto written = WriteGroupRekey(suite_, rekey, signer);
    return written ? Error::kInternal : written.error();
  };
  EXPECT_EQ(refuses(RekeyOf(17), signer_), Error::kInvalidArgument);
  Rekey rekey = RekeyOf();
  rekey.tree_updates = {};
  EXPECT_EQ(refuses(rekey, signer_), Error::kInvalidArgument);
  rekey = RekeyOf();
  rekey.head.update.kind = UpdateKind::kAnnouncement;
  EXPECT_EQ(refuses(rekey, signer_), Error::kInvalidArgument);
  rekey = RekeyOf();
  rekey.root = {};
  EXPECT_EQ(refuses(rekey, signer_), Error::kInvalidArgument);
  rekey = RekeyOf();
  rekey.msk.kv.type = KvType::kNull;
  EXPECT_EQ(refuses(rekey, signer_), Error::kInvalidArgument);
  rekey = RekeyOf();
  rekey.encr = EncrAlg::kNull;
  EXPECT_EQ(refuses(rekey, signer_), Error::kInvalidArgument);
  rekey = RekeyOf();
  rekey.head.update.tree_id = {};
  EXPECT_EQ(refuses(rekey, signer_), Error::kInvalidArgument);
  rekey = RekeyOf();
  rekey.largest = One(rekey).size() - 1;
  EXPECT_EQ(refuses(rekey, signer_), Error::kTooLong);
  rekey.largest = 20;
  EXPECT_EQ(refuses(rekey, signer_), Error::kTooLong);
}

}  // namespace
}  // namespace keymast::mikey::v2
