// SPDX-License-Identifier: Apache-2.0
#include "sdp/offer_answer.h"

#include <gtest/gtest.h>

namespace keymast::sdp {
namespace {

const Format kPcmu{0, "PCMU/8000", ""};
const Format kL16{96, "L16/16000", ""};
const Endpoint kThere = *ParseEndpoint("192.0.2.2:6000");

Stream Offered(Direction direction, std::vector<Format> formats = {kPcmu, kL16}) {
  Stream stream;
  stream.media = "audio";
  stream.at = *ParseEndpoint("192.0.2.1:5004");
  stream.direction = direction;
  stream.formats = std::move(formats);
  stream.ssrc = Ssrc(1);
  stream.rtcp_mux = true;
  return stream;
}

Session Offer(std::vector<Stream> streams) {
  Session offer;
  offer.origin = {"-", 5, 1, kThere};
  offer.streams = std::move(streams);
  for (size_t i = 0; i < offer.streams.size(); ++i) {
    offer.streams[i].mid = std::to_string(i + 1);
    if (!offer.streams[i].is_refused()) offer.bundle.push_back(offer.streams[i].mid);
  }
  return offer;
}

Ability Able(Direction direction, std::vector<Format> formats = {kPcmu}) {
  return {kThere, direction, std::move(formats), Ssrc(2)};
}

// RFC 3264 §6.1, table by table.
TEST(OfferAnswer, Directions) {
  using enum Direction;
  const std::tuple<Direction, Direction, Direction> rows[] = {
      {kSendRecv, kSendRecv, kSendRecv}, {kSendRecv, kRecvOnly, kRecvOnly},
      {kSendRecv, kSendOnly, kSendOnly}, {kSendRecv, kInactive, kInactive},
      {kSendOnly, kSendRecv, kRecvOnly}, {kSendOnly, kSendOnly, kInactive},
      {kRecvOnly, kSendRecv, kSendOnly}, {kRecvOnly, kRecvOnly, kInactive},
      {kInactive, kSendRecv, kInactive},
  };
  for (const auto& [offered, ours, expected] : rows) {
    const Session offer = Offer({Offered(offered)});
    const Session answer = MakeAnswer(offer, {Able(ours)});
    EXPECT_EQ(answer.streams[0].direction, expected);
    EXPECT_EQ(answer.streams[0].ssrc.has_value(), Sends(expected));
    EXPECT_TRUE(CheckAnswer(offer, answer));
  }
}

TEST(OfferAnswer, DirectionsThatWereNotOfferedAreRefused) {
  using enum Direction;
  for (const auto& [offered, answered] :
       {std::pair(kSendOnly, kSendRecv), std::pair(kSendOnly, kSendOnly),
        std::pair(kRecvOnly, kRecvOnly), std::pair(kInactive, kSendOnly)}) {
    const Session offer = Offer({Offered(offered)});
    Session answer = MakeAnswer(offer, {Able(kSendRecv)});
    answer.streams[0].direction = answered;
    EXPECT_EQ(CheckAnswer(offer, answer).error(), Error::kPolicyViolation);
  }
}

TEST(OfferAnswer, FormatsAreTheOffersInItsOrder) {
  const Session offer = Offer({Offered(Direction::kSendRecv, {{100, "l16/16000", ""}, kPcmu})});
  const Session answer = MakeAnswer(offer, {Able(Direction::kSendRecv, {kPcmu, kL16})});
  ASSERT_EQ(answer.streams[0].formats.size(), 2u);
  EXPECT_EQ(answer.streams[0].formats[0].payload_type, 100);
  Session wrong = answer;
  wrong.streams[0].formats = {{101, "L16/16000", ""}};
  EXPECT_EQ(CheckAnswer(offer, wrong).error(), Error::kPolicyViolation);
  wrong.streams[0].formats = {{100, "OPUS/48000/2", ""}};
  EXPECT_EQ(CheckAnswer(offer, wrong).error(), Error::kPolicyViolation);
  wrong.streams[0].formats = {{101, "OPUS/48000/2", ""}, kPcmu};  // RFC 3264 §6.1: more are allowed
  EXPECT_TRUE(CheckAnswer(offer, wrong));
}

TEST(OfferAnswer, WhatCannotBeDoneIsRefusedInItsPlace) {
  Stream plain = Offered(Direction::kSendRecv);
  plain.transport = "RTP/AVP";
  Stream gone = Offered(Direction::kSendRecv);
  gone.at.port = 0;
  const Stream good = Offered(Direction::kSendRecv);
  Stream text = good;
  text.media = "text";
  const Session offer =
      Offer({plain, gone, Offered(Direction::kSendRecv, {kL16}), good, good, text});
  const Ability able = Able(Direction::kSendRecv);
  const Session answer = MakeAnswer(offer, {able, able, able, able, Ability(), able});
  ASSERT_EQ(answer.streams.size(), 6u);
  for (const size_t i : {0u, 1u, 2u, 4u, 5u}) {
    EXPECT_TRUE(answer.streams[i].is_refused()) << i;
    EXPECT_FALSE(answer.streams[i].formats.empty()) << i;  // RFC 3264 §6: one at least is listed
  }
  EXPECT_FALSE(answer.streams[3].is_refused());
  EXPECT_TRUE(CheckAnswer(offer, answer));
}

TEST(OfferAnswer, AnAnswerHasTheOffersLines) {
  const Session offer = Offer({Offered(Direction::kSendRecv), Offered(Direction::kSendRecv)});
  const Ability able = Able(Direction::kSendRecv);
  const Session answer = MakeAnswer(offer, {able, able});
  Session other = answer;
  other.streams.pop_back();
  EXPECT_EQ(CheckAnswer(offer, other).error(), Error::kMalformed);
  other = answer;
  other.streams.push_back(answer.streams[0]);
  EXPECT_EQ(CheckAnswer(offer, other).error(), Error::kMalformed);
  other = answer;
  other.streams[1].media = "video";
  EXPECT_EQ(CheckAnswer(offer, other).error(), Error::kMalformed);
  other = answer;
  other.streams[1].transport = "RTP/AVP";
  EXPECT_EQ(CheckAnswer(offer, other).error(), Error::kMalformed);
}

TEST(OfferAnswer, ARefusedStreamCannotBeTaken) {
  Session offer = Offer({Offered(Direction::kSendRecv)});
  const Session answer = MakeAnswer(offer, {Able(Direction::kSendRecv)});
  offer.streams[0].at.port = 0;
  EXPECT_EQ(CheckAnswer(offer, answer).error(), Error::kPolicyViolation);
}

// RFC 5761 §5.1.1: an answer has it where the offer has, and nowhere else.
TEST(OfferAnswer, ReportsComeToThePortOfTheMediaOrNothingDoes) {
  Session offer = Offer({Offered(Direction::kSendRecv)});
  Session answer = MakeAnswer(offer, {Able(Direction::kSendRecv)});
  EXPECT_TRUE(answer.streams[0].rtcp_mux);
  answer.streams[0].rtcp_mux = false;
  EXPECT_EQ(CheckAnswer(offer, answer).error(), Error::kPolicyViolation);
  answer.streams[0].rtcp_mux = true;
  answer.streams[0].rtcp_mux_only = true;  // RFC 8858 §4.3: of offers alone
  EXPECT_EQ(CheckAnswer(offer, answer).error(), Error::kPolicyViolation);
  answer.streams[0].rtcp_mux_only = false;
  offer.streams[0].rtcp_mux = false;
  EXPECT_EQ(CheckAnswer(offer, answer).error(), Error::kPolicyViolation);
  EXPECT_TRUE(MakeAnswer(offer, {Able(Direction::kSendRecv)}).streams[0].is_refused());
}

// RFC 5761 §4: type 72 with marker bit is the octet of an SR.
TEST(OfferAnswer, TypesThatLookLikeReportsAreNotUsed) {
  for (const uint8_t type : std::initializer_list<uint8_t>{63, 64, 72, 76, 95, 96}) {
    const Session offer = Offer({Offered(Direction::kSendRecv, {{type, "PCMU/8000", ""}})});
    const Session answer = MakeAnswer(offer, {Able(Direction::kSendRecv)});
    EXPECT_EQ(answer.streams[0].is_refused(), type >= 64 && type <= 95) << int{type};
  }
  const Session offer = Offer({Offered(Direction::kSendRecv, {{72, "PCMU/8000", ""}, kPcmu})});
  const Session answer = MakeAnswer(offer, {Able(Direction::kSendRecv)});
  EXPECT_EQ(answer.streams[0].formats, std::vector<Format>{kPcmu});
}

// RFC 9143 §7.3.
TEST(OfferAnswer, ABundleIsOfWhatWasOfferedAsOne) {
  const Ability able = Able(Direction::kSendRecv);
  const Stream one = Offered(Direction::kSendRecv);
  Session offer = Offer({one, one, one});
  Session answer = MakeAnswer(offer, {able, Ability(), able});
  EXPECT_EQ(answer.bundle, (std::vector<std::string>{"1", "3"}));
  EXPECT_TRUE(CheckAnswer(offer, answer));
  // One address takes one stream, where there is no bundle.
  offer.bundle.clear();
  EXPECT_EQ(CheckAnswer(offer, answer).error(), Error::kPolicyViolation);
  answer.bundle.clear();
  EXPECT_EQ(CheckAnswer(offer, answer).error(), Error::kPolicyViolation);
  answer = MakeAnswer(offer, {able, able, able});
  EXPECT_TRUE(answer.bundle.empty());
  EXPECT_FALSE(answer.streams[0].is_refused());
  EXPECT_TRUE(answer.streams[1].is_refused());
  EXPECT_TRUE(CheckAnswer(offer, answer));
}

TEST(OfferAnswer, ABundleOnlyStreamNeedsTheBundle) {
  const Ability able = Able(Direction::kSendRecv);
  Stream only = Offered(Direction::kSendRecv);
  only.bundle_only = true;
  const Session offer = Offer({Offered(Direction::kSendRecv), only});
  Session answer = MakeAnswer(offer, {able, able});
  EXPECT_EQ(answer.bundle, (std::vector<std::string>{"1", "2"}));
  EXPECT_FALSE(answer.streams[1].bundle_only);
  EXPECT_TRUE(CheckAnswer(offer, answer));
  answer.bundle.clear();
  answer.streams[0].at = {};
  EXPECT_EQ(CheckAnswer(offer, answer).error(), Error::kPolicyViolation);
  const Session alone = MakeAnswer(offer, {Ability(), able});
  EXPECT_TRUE(alone.streams[1].is_refused());
  EXPECT_TRUE(alone.bundle.empty());
}

// RFC 3264 §8.
TEST(OfferAnswer, TheNextOffer) {
  const Session before = Offer({Offered(Direction::kSendRecv)});
  Session next = Offer({Offered(Direction::kSendRecv), Offered(Direction::kSendOnly)});
  next.origin.version = 2;
  EXPECT_TRUE(CheckNext(before, next));
  next.origin.version = 3;
  EXPECT_FALSE(CheckNext(before, next));
  next.origin = {"-", 6, 2, kThere};
  EXPECT_FALSE(CheckNext(before, next));
  next.origin = {"-", 5, 2, kThere};
  next.streams[0].media = "video";  // RFC 3264 §8.3.3
  EXPECT_TRUE(CheckNext(before, next));
  next.streams.clear();
  EXPECT_FALSE(CheckNext(before, next));
}

}  // namespace
}  // namespace keymast::sdp
