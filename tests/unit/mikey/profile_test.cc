// SPDX-License-Identifier: Apache-2.0
// Every field of Profile3gpp that the codec obeys, seen on the wire and at the receiver.
// strict_seqs and the ports belong to those who keep state and sockets.
#include "tests/unit/mikey/sample.h"

namespace keymast::mikey {
namespace {

// Wire holds octets and what was parsed of them.
struct Wire {
  explicit Wire(Bytes written) : octets(std::move(written)) {
    EXPECT_TRUE(ParseMessage(octets, message));
  }
  Bytes octets;
  Message message;
};

// BothEnds: the receiver with the same profile opens all three, one with the default profile
// refuses those that it should.
void OpensWithTheSameProfile(const Profile3gpp& profile) {
  MskMessage carrier = SampleMsk();
  carrier.csb_id = profile.csb_id;
  MtkMessage mtk = SampleMtk();
  mtk.csb_id = profile.csb_id;
  Verification verification = SampleVerification();
  verification.csb_id = profile.csb_id;
  const auto msk = OpenSample(MskOctets(profile, carrier), profile);
  ASSERT_TRUE(msk) << ErrorName(msk.error());
  EXPECT_EQ(ToHex(msk->msk.view()), ToHex(kMsk));
  EXPECT_EQ(msk->low, MtkId(4));
  EXPECT_EQ(msk->high, MtkId(900));
  const auto opened = OpenMtkSample(MtkOctets(profile, mtk), profile);
  ASSERT_TRUE(opened) << ErrorName(opened.error());
  EXPECT_EQ(ToHex(opened->key.view()), ToHex(kMtk));
  EXPECT_TRUE(CheckSample(VerificationOctets(profile, verification), profile));
}

TEST(Profile, Default) { OpensWithTheSameProfile({}); }

TEST(Profile, CsbId) {
  Profile3gpp profile;
  profile.csb_id = CsbId(0x01020304);
  OpensWithTheSameProfile(profile);
  MskMessage carrier = SampleMsk();
  carrier.csb_id = profile.csb_id;
  const Wire wire(MskOctets(profile, carrier));
  EXPECT_EQ(wire.message.header.csb_id, 0x01020304u);
  // A receiver uses the one that came, whatever its own profile says.
  EXPECT_TRUE(OpenSample(wire.octets));
  EXPECT_EQ(Inspect(wire.octets)->csb_id, CsbId(0x01020304));
}

TEST(Profile, Prf) {
  Profile3gpp profile;
  profile.prf = PrfFunc::kHmacSha256;
  OpensWithTheSameProfile(profile);
  for (const Bytes& octets :
       {MskOctets(profile), MtkOctets(profile), VerificationOctets(profile)}) {
    EXPECT_EQ(Wire(octets).message.header.prf, PrfFunc::kHmacSha256);
  }
  EXPECT_EQ(OpenSample(MskOctets(profile)).error(), Error::kUnsupportedAlgorithm);
  EXPECT_EQ(OpenMtkSample(MtkOctets(profile)).error(), Error::kUnsupportedAlgorithm);
  EXPECT_EQ(CheckSample(VerificationOctets(profile)).error(), Error::kUnsupportedAlgorithm);
}

TEST(Profile, EncrAlg) {
  Profile3gpp profile;
  profile.encr_alg = EncrAlg::kAesCm256;
  OpensWithTheSameProfile(profile);
  EXPECT_EQ(Wire(MskOctets(profile)).message.Get<KemacPayload>()->encr_alg, EncrAlg::kAesCm256);
  EXPECT_EQ(OpenSample(MskOctets(profile)).error(), Error::kUnsupportedAlgorithm);
  EXPECT_EQ(OpenMtkSample(MtkOctets(profile)).error(), Error::kUnsupportedAlgorithm);
}

TEST(Profile, MacAlg) {
  Profile3gpp profile;
  profile.mac_alg = MacAlg::kHmacSha256_256;
  OpensWithTheSameProfile(profile);
  EXPECT_EQ(Wire(MskOctets(profile)).message.Get<KemacPayload>()->mac.size(), 32u);
  EXPECT_EQ(Wire(VerificationOctets(profile)).message.Get<VPayload>()->ver_data.size(), 32u);
  EXPECT_EQ(OpenSample(MskOctets(profile)).error(), Error::kUnsupportedAlgorithm);
  EXPECT_EQ(CheckSample(VerificationOctets(profile)).error(), Error::kUnsupportedAlgorithm);
}

TEST(Profile, AllAlgorithmsTogether) {
  Profile3gpp profile;
  profile.prf = PrfFunc::kHmacSha256;
  profile.encr_alg = EncrAlg::kAesCm256;
  profile.mac_alg = MacAlg::kHmacSha256_256;
  OpensWithTheSameProfile(profile);
}

TEST(Profile, NullAlgorithmsAreNeverWrittenNorRead) {
  for (const bool encr : {true, false}) {
    Profile3gpp profile;
    if (encr) profile.encr_alg = EncrAlg::kNull;
    if (!encr) profile.mac_alg = MacAlg::kNull;
    Bytes out(600);
    EXPECT_EQ(WriteMskMessage(crypto::DefaultSuite(), profile, SampleMsk(), kUserKey, out).error(),
              Error::kUnsupportedAlgorithm);
    EXPECT_EQ(WriteMtkMessage(crypto::DefaultSuite(), profile, SampleMtk(), kMsk, out).error(),
              Error::kUnsupportedAlgorithm);
    EXPECT_EQ(
        WriteVerification(crypto::DefaultSuite(), profile, SampleVerification(), kUserKey, out)
            .error(),
        Error::kUnsupportedAlgorithm);
    EXPECT_EQ(OpenSample(MskOctets(), profile).error(), Error::kUnsupportedAlgorithm);
  }
}

TEST(Profile, MskKeyType) {
  Profile3gpp profile;
  profile.msk_key_type = KeyDataType::kTek;
  OpensWithTheSameProfile(profile);
  // The type lies behind the encryption: the default receiver sees a key that is no MSK.
  EXPECT_EQ(OpenSample(MskOctets(profile)).error(), Error::kDecryptionFailed);
}

TEST(Profile, IdentityTypes) {
  Profile3gpp profile;
  profile.idi_type = IdType::kUri;
  OpensWithTheSameProfile(profile);
  EXPECT_EQ(Wire(MskOctets(profile)).message.Get<IdPayload>(0)->id_type, IdType::kUri);
  EXPECT_EQ(Wire(MskOctets(profile)).message.Get<IdPayload>(1)->id_type, IdType::kNai);
  EXPECT_EQ(OpenSample(MskOctets(profile)).error(), Error::kUnsupportedPolicy);

  profile = {};
  profile.idr_type = IdType::kUri;
  OpensWithTheSameProfile(profile);
  EXPECT_EQ(Wire(MskOctets(profile)).message.Get<IdPayload>(1)->id_type, IdType::kUri);
  EXPECT_EQ(Wire(VerificationOctets(profile)).message.Get<IdPayload>()->id_type, IdType::kUri);
  EXPECT_EQ(OpenSample(MskOctets(profile)).error(), Error::kUnsupportedPolicy);
  EXPECT_EQ(CheckSample(VerificationOctets(profile)).error(), Error::kUnsupportedPolicy);
}

TEST(Profile, IntervalWidth) {
  const size_t two = MskOctets().size();
  for (const uint8_t width : {uint8_t{2}, uint8_t{3}, uint8_t{4}, uint8_t{5}, uint8_t{6}}) {
    Profile3gpp profile;
    profile.interval_width = width;
    OpensWithTheSameProfile(profile);
    EXPECT_EQ(MskOctets(profile).size(), two + 2 * (width - 2u));
    const auto opened = OpenSample(MskOctets(profile));  // any width is taken
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->high, MtkId(900));
  }
}

TEST(Profile, IntervalOfOneOctetHoldsSmallIdsOnly) {
  Profile3gpp profile;
  profile.interval_width = 1;
  MskMessage message = SampleMsk();
  message.high = MtkId(255);
  const auto opened = OpenSample(MskOctets(profile, message));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->high, MtkId(255));
  message.high = MtkId(256);
  Bytes out(600);
  EXPECT_EQ(WriteMskMessage(crypto::DefaultSuite(), profile, message, kUserKey, out).error(),
            Error::kInvalidArgument);
}

TEST(Profile, IntervalWidthOutsideItsRange) {
  for (const uint8_t width : {uint8_t{0}, uint8_t{7}}) {
    Profile3gpp profile;
    profile.interval_width = width;
    Bytes out(600);
    EXPECT_EQ(WriteMskMessage(crypto::DefaultSuite(), profile, SampleMsk(), kUserKey, out).error(),
              Error::kInvalidArgument);
  }
}

TEST(Profile, MtkMap) {
  Profile3gpp profile;
  profile.mtk_map = CsIdMapType::kSrtpId;
  OpensWithTheSameProfile(profile);
  EXPECT_EQ(Wire(MtkOctets(profile)).message.header.map_type, CsIdMapType::kSrtpId);
  EXPECT_EQ(Wire(MtkOctets(profile)).message.header.cs_count, 0);
  EXPECT_EQ(OpenMtkSample(MtkOctets(profile)).error(), Error::kUnsupportedPolicy);
  EXPECT_EQ(OpenMtkSample(MtkOctets(), profile).error(), Error::kUnsupportedPolicy);
}

TEST(Profile, KeyIdBeforeT) {
  for (const bool before : {true, false}) {
    Profile3gpp profile;
    profile.key_id_before_t = before;
    OpensWithTheSameProfile(profile);
    for (const Bytes& octets : {MskOctets(profile), MtkOctets(profile)}) {
      const Wire wire(octets);
      const auto first = TypeOf(wire.message.chain()[0]);
      EXPECT_EQ(first, before ? PayloadType::kExt : PayloadType::kT);
    }
    EXPECT_TRUE(OpenSample(MskOctets(profile)));  // any order is taken
    EXPECT_TRUE(OpenMtkSample(MtkOctets(profile)));
  }
}

TEST(Profile, WantVerification) {
  for (const bool wanted : {true, false}) {
    Profile3gpp profile;
    profile.want_verification = wanted;
    OpensWithTheSameProfile(profile);
    EXPECT_EQ(MskOctets(profile)[3] & 0x80, wanted ? 0x80 : 0);
    EXPECT_EQ(Inspect(MskOctets(profile))->wants_verification, wanted);
    EXPECT_FALSE(Inspect(MtkOctets(profile))->wants_verification);
  }
}

TEST(Profile, IdsInVerification) {
  Profile3gpp profile;
  profile.ids_in_verification = false;
  OpensWithTheSameProfile(profile);
  EXPECT_EQ(CheckSample(VerificationOctets(profile)).error(), Error::kAuthenticationFailed);
  EXPECT_EQ(CheckSample(VerificationOctets(), profile).error(), Error::kAuthenticationFailed);
}

TEST(Profile, MkiWithDomain) {
  std::array<uint8_t, 9> mki{};
  EXPECT_EQ(WriteMki({}, kMtkIds, mki), 6u);
  EXPECT_EQ(ToHex(ByteView(mki).first(6)), "000100010005");
  Profile3gpp profile;
  profile.mki_with_domain = true;
  EXPECT_EQ(WriteMki(profile, kMtkIds, mki), 9u);
  EXPECT_EQ(ToHex(mki), "262f01000100010005");
}

}  // namespace
}  // namespace keymast::mikey
