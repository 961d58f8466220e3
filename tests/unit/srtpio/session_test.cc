// SPDX-License-Identifier: Apache-2.0
#include "srtpio/session.h"

#include "tests/unit/srtpio/packets.h"

namespace keymast::srtpio {
namespace {

class EveryProfile : public testing::TestWithParam<SrtpProfile> {
 protected:
  const srtp::ProfileInfo& info() const { return srtp::InfoOf(GetParam()); }
  TrafficKey key_ = KeyNumber(GetParam(), 1);
  Session sender_ = Make(key_, Session::Direction::kSend);
  Session receiver_ = Make(key_, Session::Direction::kReceive);

  Bytes Protected(uint16_t sequence) {
    const auto sealed = Apply(sender_, &Session::Protect, RtpPacket(sequence));
    EXPECT_TRUE(sealed);
    return sealed.value_or(Bytes());
  }
};

std::vector<SrtpProfile> AllProfiles() {
  std::vector<SrtpProfile> all;
  for (const srtp::ProfileInfo& info : srtp::Profiles()) all.push_back(info.profile);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Srtp, EveryProfile, testing::ValuesIn(AllProfiles()),
                         [](const auto& chosen) {
                           return std::string(srtp::InfoOf(chosen.param).name);
                         });

TEST_P(EveryProfile, RtpRoundTripAndLengths) {
  const Bytes sealed = Protected(5);
  EXPECT_EQ(sealed.size(), 52 + key_.mki.size() + info().rtp_tag_length);
  const auto plain = Apply(receiver_, &Session::Unprotect, sealed);
  ASSERT_TRUE(plain);
  EXPECT_EQ(*plain, RtpPacket(5));
}

TEST_P(EveryProfile, RtcpRoundTripAndLengths) {
  const auto sealed = Apply(sender_, &Session::ProtectRtcp, SenderReport());
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->size(), 28 + 4 + key_.mki.size() + info().rtcp_tag_length);
  const auto plain = Apply(receiver_, &Session::UnprotectRtcp, *sealed);
  ASSERT_TRUE(plain);
  EXPECT_EQ(*plain, SenderReport());
  EXPECT_EQ(Apply(receiver_, &Session::UnprotectRtcp, *sealed), Err(Error::kReplayed));
}

TEST_P(EveryProfile, ReplaysAreRefused) {
  const Bytes sealed = Protected(5);
  ASSERT_TRUE(Apply(receiver_, &Session::Unprotect, sealed));
  EXPECT_EQ(Apply(receiver_, &Session::Unprotect, sealed), Err(Error::kReplayed));
}

TEST_P(EveryProfile, AnIndexIsNeverSentTwice) {
  Protected(5);
  EXPECT_EQ(Apply(sender_, &Session::Protect, RtpPacket(5)), Err(Error::kReplayed));
  EXPECT_TRUE(Apply(sender_, &Session::Protect, RtpPacket(6)));
}

TEST_P(EveryProfile, AnIndexThatWasLeftOutMayBeSentLater) {
  Protected(2000);
  Protected(3000);
  for (const uint16_t late : std::initializer_list<uint16_t>{2999, 2001, 1977}) {
    const auto sealed = Apply(sender_, &Session::Protect, RtpPacket(late));
    ASSERT_TRUE(sealed) << late;
    EXPECT_TRUE(Apply(receiver_, &Session::Unprotect, *sealed)) << late;
    EXPECT_EQ(Apply(sender_, &Session::Protect, RtpPacket(late)), Err(Error::kReplayed)) << late;
  }
  EXPECT_EQ(Apply(sender_, &Session::Protect, RtpPacket(2000)), Err(Error::kReplayed));
  EXPECT_EQ(Apply(sender_, &Session::Protect, RtpPacket(1976)), Err(Error::kReplayed));
}

TEST_P(EveryProfile, EveryFlippedBitIsRefusedAndChangesNothing) {
  const Bytes sealed = Protected(5);
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes flipped = sealed;
    flipped[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    EXPECT_FALSE(Apply(receiver_, &Session::Unprotect, flipped)) << "bit " << bit;
  }
  EXPECT_TRUE(Apply(receiver_, &Session::Unprotect, sealed));
}

TEST_P(EveryProfile, EveryPrefixIsRefused) {
  const Bytes sealed = Protected(5);
  const auto report = Apply(sender_, &Session::ProtectRtcp, SenderReport());
  for (size_t length = 0; length < sealed.size(); ++length) {
    Bytes cut(sealed.begin(), sealed.begin() + static_cast<long>(length));
    EXPECT_FALSE(Apply(receiver_, &Session::Unprotect, cut)) << length;
  }
  for (size_t length = 0; length < report->size(); ++length) {
    Bytes cut(report->begin(), report->begin() + static_cast<long>(length));
    EXPECT_FALSE(Apply(receiver_, &Session::UnprotectRtcp, cut)) << length;
  }
}

TEST_P(EveryProfile, AnotherMkiIsAnUnknownKey) {
  Bytes sealed = Protected(5);
  const size_t end = sealed.size() - (info().aead ? 0 : info().rtp_tag_length);
  sealed[end - 1] ^= 1;
  EXPECT_EQ(Apply(receiver_, &Session::Unprotect, sealed), Err(Error::kUnknownKey));
}

TEST_P(EveryProfile, AnotherKeyUnderTheSameMkiFails) {
  TrafficKey other = KeyNumber(GetParam(), 2);
  other.mki = key_.mki;
  Session receiver = Make(other, Session::Direction::kReceive);
  EXPECT_EQ(Apply(receiver, &Session::Unprotect, Protected(5)), Err(Error::kAuthenticationFailed));
}

TEST_P(EveryProfile, AnotherSsrcHasNoKey) {
  Session other = Make(key_, Session::Direction::kSend, Roc(0), Ssrc(7));
  const auto sealed = Apply(other, &Session::Protect, RtpPacket(5, 40, Ssrc(7)));
  ASSERT_TRUE(sealed);
  EXPECT_EQ(Apply(receiver_, &Session::Unprotect, *sealed), Err(Error::kUnknownKey));
}

TEST_P(EveryProfile, TheRocEntersAuthentication) {
  Session late = Make(key_, Session::Direction::kReceive, Roc(1));
  const Bytes sealed = Protected(5);
  EXPECT_EQ(Apply(late, &Session::Unprotect, sealed), Err(Error::kAuthenticationFailed));
  late.SetRoc(Roc(0));
  EXPECT_TRUE(Apply(late, &Session::Unprotect, sealed));
}

TEST_P(EveryProfile, AHighRocIsTakenFromTheFirstPacketOn) {
  Session sender = Make(key_, Session::Direction::kSend, Roc(0xfffffffe));
  Session receiver = Make(key_, Session::Direction::kReceive, Roc(0xfffffffe));
  for (const uint16_t sequence : std::initializer_list<uint16_t>{3, 4, 0x7000, 0xe000, 0xffff}) {
    const auto sealed = Apply(sender, &Session::Protect, RtpPacket(sequence));
    ASSERT_TRUE(sealed) << sequence;
    EXPECT_TRUE(Apply(receiver, &Session::Unprotect, *sealed)) << sequence;
  }
}

TEST(Session, MkiMayBeAbsent) {
  TrafficKey key = KeyNumber(SrtpProfile::kAeadAes256Gcm, 1);
  key.mki.clear();
  Session sender = Make(key, Session::Direction::kSend);
  Session receiver = Make(key, Session::Direction::kReceive);
  const auto sealed = Apply(sender, &Session::Protect, RtpPacket(9));
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->size(), 52u + 16u);
  EXPECT_TRUE(Apply(receiver, &Session::Unprotect, *sealed));
}

TEST(Session, LengthsThatDoNotFitTheProfileAreRefused) {
  TrafficKey key = KeyNumber(SrtpProfile::kAeadAes128Gcm, 1);
  key.master_salt = crypto::Salt14(Bytes(14, 1));
  EXPECT_EQ(Session::Create(key, kSsrc, Session::Direction::kSend).error(),
            Error::kInvalidArgument);
  key = KeyNumber(SrtpProfile::kAesCm256HmacSha1_80, 1);
  key.master_key = crypto::Key32(Bytes(16, 1));
  EXPECT_EQ(Session::Create(key, kSsrc, Session::Direction::kSend).error(),
            Error::kInvalidArgument);
  key = KeyNumber(SrtpProfile::kAesCm128HmacSha1_80, 1);
  key.mki = Bytes(17, 1);
  EXPECT_EQ(Session::Create(key, kSsrc, Session::Direction::kSend).error(),
            Error::kInvalidArgument);
}

TEST(Session, ABufferWithoutRoomForTheTrailerIsRefused) {
  Session sender = Make(KeyNumber(SrtpProfile::kAesCm128HmacSha1_80, 1), Session::Direction::kSend);
  Bytes packet = RtpPacket(1);
  EXPECT_EQ(sender.Protect(packet, packet.size()), Err(Error::kTooLong));
}

}  // namespace
}  // namespace keymast::srtpio
