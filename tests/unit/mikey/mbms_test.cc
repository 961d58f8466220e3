// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mikey/sample.h"

namespace keymast::mikey {
namespace {

Error InspectError(const Bytes& octets) {
  const auto seen = Inspect(octets);
  return seen ? Error::kInternal : seen.error();
}

TEST(Msk, CarriesEverything) {
  const Bytes octets = MskOctets();
  const auto seen = Inspect(octets);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->kind, MessageKind::kMsk);
  EXPECT_EQ(seen->counter, 9u);
  EXPECT_EQ(seen->ids.domain, kMskIds.domain);
  EXPECT_EQ(seen->ids.msk, kMskIds.msk);
  EXPECT_FALSE(seen->ids.mtk);
  EXPECT_EQ(ToHex(seen->rand), ToHex(kRand));
  EXPECT_EQ(AsText(seen->idi), AsText(kIdi));
  EXPECT_EQ(AsText(seen->idr), AsText(kIdr));
  const auto opened = OpenSample(octets);
  ASSERT_TRUE(opened);
  ASSERT_EQ(opened->stream_count, 2u);
  EXPECT_EQ(opened->streams[0].ssrc, Ssrc(0xdeadbeef));
  EXPECT_EQ(opened->streams[0].roc, Roc(3));
  EXPECT_EQ(opened->streams[1].ssrc, Ssrc(0xcafebabe));
  ASSERT_EQ(opened->policy_count, 3u);
  EXPECT_EQ(opened->policy[2].type, 11);
  EXPECT_EQ(opened->policy[2].value, 10);
}

TEST(Msk, SizesOfTheReference) {  // download form: no stream, no SP
  MskMessage message = SampleMsk();
  message.policy = {};
  message.streams = {};
  const std::string idi(30, 'i');
  const std::string idr(60, 'r');
  message.idi = AsBytes(idi);
  message.idr = AsBytes(idr);
  EXPECT_EQ(MskOctets({}, message).size(), 198u);
  EXPECT_EQ(MtkOctets().size(), 96u);
  MtkMessage unsalted = SampleMtk();
  unsalted.salt = {};
  EXPECT_EQ(MtkOctets({}, unsalted).size(), 80u);
}

TEST(Msk, OfDownloadHasTheEmptyMap) {
  MskMessage message = SampleMsk();
  message.policy = {};
  message.streams = {};
  const Bytes octets = MskOctets({}, message);
  const auto opened = OpenSample(octets);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->stream_count, 0u);
  EXPECT_EQ(opened->policy_count, 0u);
  EXPECT_EQ(octets[9], 1);  // CS ID map type
}

TEST(Msk, PolicyNeedsStreams) {  // RFC 4563 §5
  MskMessage message = SampleMsk();
  message.streams = {};
  Bytes out(600);
  EXPECT_EQ(WriteMskMessage(crypto::DefaultSuite(), {}, message, kUserKey, out).error(),
            Error::kInvalidArgument);
  const Bytes forged = Remade(MskOctets(), [](Header& header, auto&) {
    header.map_type = CsIdMapType::kEmpty;
    header.cs_count = 0;
    header.map = {};
  });
  EXPECT_EQ(InspectError(forged), Error::kPayloadUnexpected);
}

TEST(Msk, CarriesAsManyStreamsAsItMay) {
  std::array<StreamSync, kMaxStreams> streams{};
  for (uint32_t i = 0; i < streams.size(); ++i) streams[i] = {0, Ssrc(i + 1), Roc(i)};
  MskMessage message = SampleMsk();
  message.streams = streams;
  const auto opened = OpenSample(MskOctets({}, message));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->stream_count, kMaxStreams);
  EXPECT_EQ(opened->streams.back().ssrc, Ssrc(kMaxStreams));
}

TEST(Msk, CarriesKeysOf32Octets) {
  const Bytes msk(32, 0x33);
  MskMessage message = SampleMsk();
  message.msk = msk;
  const auto opened = OpenSample(MskOctets({}, message));
  ASSERT_TRUE(opened);
  EXPECT_EQ(ToHex(opened->msk.view()), ToHex(msk));
}

TEST(Msk, RefusesToWriteWhatNoReceiverTakes) {
  Bytes out(600);
  const auto error_of = [&out](const MskMessage& message, ByteView user_key) {
    return WriteMskMessage(crypto::DefaultSuite(), {}, message, user_key, out).error();
  };
  MskMessage message = SampleMsk();
  message.msk = ByteView(kMsk).first(15);
  EXPECT_EQ(error_of(message, kUserKey), Error::kInvalidArgument);
  message = SampleMsk();
  message.rand = ByteView(kRand).first(15);
  EXPECT_EQ(error_of(message, kUserKey), Error::kMalformed);
  message = SampleMsk();
  EXPECT_EQ(error_of(message, ByteView(kUserKey).first(15)), Error::kInvalidArgument);
  const std::string identity(256, 'x');
  message.idr = AsBytes(identity);
  EXPECT_EQ(error_of(message, kUserKey), Error::kTooLong);
}

TEST(Write, EveryShorterBufferIsTooShort) {
  const size_t msk = MskOctets().size();
  const size_t mtk = MtkOctets().size();
  const size_t verification = VerificationOctets().size();
  const crypto::Suite& suite = crypto::DefaultSuite();
  for (size_t size = 0; size < msk; ++size) {
    Bytes out(size);
    EXPECT_EQ(WriteMskMessage(suite, {}, SampleMsk(), kUserKey, out).error(), Error::kTooLong);
    if (size < mtk) {
      EXPECT_EQ(WriteMtkMessage(suite, {}, SampleMtk(), kMsk, out).error(), Error::kTooLong);
    }
    if (size < verification) {
      EXPECT_EQ(WriteVerification(suite, {}, SampleVerification(), kUserKey, out).error(),
                Error::kTooLong);
    }
  }
}

TEST(Open, WithAnotherKeyFails) {
  const crypto::Suite& suite = crypto::DefaultSuite();
  const Bytes other(16, 0xee);
  const Bytes msk = MskOctets();
  EXPECT_EQ(OpenMsk(suite, {}, *Inspect(msk), other).error(), Error::kAuthenticationFailed);
  const Bytes mtk = MtkOctets();
  EXPECT_EQ(OpenMtk(suite, {}, *Inspect(mtk), other, kRand).error(), Error::kAuthenticationFailed);
  EXPECT_EQ(OpenMtk(suite, {}, *Inspect(mtk), kMsk, other).error(), Error::kAuthenticationFailed);
  const Bytes answer = VerificationOctets();
  EXPECT_EQ(CheckVerification(suite, {}, *Inspect(answer), kIdi, kRand, other).error(),
            Error::kAuthenticationFailed);
  EXPECT_EQ(CheckVerification(suite, {}, *Inspect(answer), kIdr, kRand, kUserKey).error(),
            Error::kAuthenticationFailed);
}

TEST(Counter, EntersKeystreamAndMac) {
  MtkMessage message = SampleMtk();
  const Bytes first = MtkOctets({}, message);
  ++message.counter;
  const Bytes second = MtkOctets({}, message);
  Message a;
  Message b;
  ASSERT_TRUE(ParseMessage(first, a));
  ASSERT_TRUE(ParseMessage(second, b));
  EXPECT_NE(ToHex(a.Get<KemacPayload>()->encr_data), ToHex(b.Get<KemacPayload>()->encr_data));
  EXPECT_NE(ToHex(a.Get<KemacPayload>()->mac), ToHex(b.Get<KemacPayload>()->mac));
  EXPECT_EQ(Inspect(second)->counter, 8u);
}

TEST(Mtk, SaltsOf12And14OctetsOrNone) {
  for (const size_t size : {0u, 12u, 14u}) {
    MtkMessage message = SampleMtk();
    message.salt = ByteView(kSalt).first(size);
    const auto opened = OpenMtkSample(MtkOctets({}, message));
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->salt.size(), size);
  }
  MtkMessage message = SampleMtk();
  message.salt = ByteView(kSalt).first(13);
  Bytes out(600);
  EXPECT_EQ(WriteMtkMessage(crypto::DefaultSuite(), {}, message, kMsk, out).error(),
            Error::kInvalidArgument);
}

TEST(Inspect, AnyOrderOfPayloads) {
  const Bytes turned =
      Remade(MskOctets(), [](Header&, auto& payloads) { std::swap(payloads[0], payloads[2]); });
  const auto seen = Inspect(turned);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->kind, MessageKind::kMsk);
}

TEST(Inspect, UnknownExtensionsAreKept) {
  const Bytes more = Remade(MtkOctets(), [](Header&, auto& payloads) {
    payloads.insert(payloads.begin(), ExtPayload{ExtType{241}, kIdi});
  });
  EXPECT_TRUE(Inspect(more));
}

TEST(Inspect, NamesWhatIsWrong) {
  const Bytes msk = MskOctets();
  const Bytes mtk = MtkOctets();
  const auto without = [](size_t index) {
    return [index](Header&, auto& payloads) {
      payloads.erase(payloads.begin() + static_cast<std::ptrdiff_t>(index));
    };
  };
  EXPECT_EQ(InspectError(Remade(msk, without(0))), Error::kPayloadMissing);  // Key IDs
  EXPECT_EQ(InspectError(Remade(msk, without(1))), Error::kPayloadMissing);  // T
  EXPECT_EQ(InspectError(Remade(msk, without(2))), Error::kPayloadMissing);  // RAND
  EXPECT_EQ(InspectError(Remade(msk, without(4))), Error::kPayloadMissing);  // IDr
  EXPECT_EQ(InspectError(Remade(mtk, without(2))), Error::kPayloadMissing);  // KEMAC
  EXPECT_EQ(InspectError(Remade(mtk, [](Header&, auto& p) { p.insert(p.begin(), p[0]); })),
            Error::kPayloadUnexpected);  // Key IDs twice
  EXPECT_EQ(InspectError(Remade(mtk, [](Header&, auto& p) { p.push_back(RandPayload{kRand}); })),
            Error::kPayloadUnexpected);  // RAND is the MSK message's
  EXPECT_EQ(InspectError(Remade(mtk, [](Header&, auto& p) { std::swap(p[1], p[2]); })),
            Error::kPayloadUnexpected);  // KEMAC does not close
  EXPECT_EQ(InspectError(Remade(mtk,
                                [](Header&, auto& p) {
                                  p[1] = TPayload{TsType::kNtp, ByteView(kRand).first(8)};
                                })),
            Error::kUnsupportedAlgorithm);  // no COUNTER
  EXPECT_EQ(InspectError(Remade(
                msk, [](Header&, auto& p) { p[2] = RandPayload{ByteView(kRand).first(15)}; })),
            Error::kMalformed);
}

TEST(Mutation, EveryPrefixAndEveryFlippedBitIsRefused) {
  const std::vector<Bytes> messages = {MskOctets(), MtkOctets(), VerificationOctets()};
  const auto opens = [](const Bytes& octets) {
    const auto seen = Inspect(octets);
    if (!seen) return false;
    switch (seen->kind) {
      case MessageKind::kMsk:
        return OpenSample(octets).has_value();
      case MessageKind::kMtk:
        return OpenMtkSample(octets).has_value();
      case MessageKind::kVerification:
        return CheckSample(octets).has_value();
    }
    return false;
  };
  for (const Bytes& octets : messages) {
    ASSERT_TRUE(opens(octets));
    for (size_t size = 0; size < octets.size(); ++size) {
      EXPECT_FALSE(Inspect(ByteView(octets).first(size))) << size;
    }
    for (size_t bit = 0; bit < 8 * octets.size(); ++bit) {
      Bytes other = octets;
      other[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
      EXPECT_FALSE(opens(other)) << bit;
    }
  }
}

}  // namespace
}  // namespace keymast::mikey
