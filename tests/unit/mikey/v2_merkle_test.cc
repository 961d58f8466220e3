// SPDX-License-Identifier: Apache-2.0
// The Merkle tree under a signature, and MTK messages that have one (MIKEYv2 §10).
#include <gtest/gtest.h>

#include <set>

#include "mikey/kemac.h"
#include "mikey/v2/mtk_signature.h"
#include "tests/unit/mikey/v2_group.h"

namespace keymast::mikey::v2 {
namespace {

const crypto::Suite& kSuite = crypto::DefaultSuite();

std::vector<MerkleNode> LeavesOf(size_t count) {
  std::vector<MerkleNode> leaves;
  for (size_t i = 0; i < count; ++i) {
    const std::array<ByteView, 1> body{AsBytes("body")};
    leaves.push_back(MerkleLeaf(kSuite, static_cast<uint8_t>(i), body));
  }
  return leaves;
}

TEST(Merkle, EveryLeafLeadsToTheRoot) {
  for (size_t count = 1; count <= kMaxMerkleLeaves; count += count < 20 ? 1 : 47) {
    const std::vector<MerkleNode> leaves = LeavesOf(count);
    const MerkleTree tree(kSuite, leaves);
    for (size_t i = 0; i < count; ++i) {
      Bytes path(MerklePathLength(i, count) * MerklePath::kNodeSize);
      tree.PutPath(i, path);
      EXPECT_EQ(MerkleRoot(kSuite, leaves[i], i, count, path), tree.root());
      EXPECT_NE(MerkleRoot(kSuite, leaves[0], i, count, path), i == 0 ? MerkleNode{} : tree.root());
      path.push_back(0);
      EXPECT_FALSE(MerkleRoot(kSuite, leaves[i], i, count, path));
    }
    EXPECT_FALSE(MerkleRoot(kSuite, leaves[0], count, count, {}));
  }
}

// Of three leaves the last one moves up.
TEST(Merkle, ANodeWithoutNeighbourMovesUp) {
  EXPECT_EQ(MerklePathLength(0, 1), 0u);
  EXPECT_EQ(MerklePathLength(0, 3), 2u);
  EXPECT_EQ(MerklePathLength(2, 3), 1u);
  EXPECT_EQ(MerklePathLength(4, 5), 1u);
  EXPECT_EQ(MerklePathLength(254, 255), 7u);
  EXPECT_EQ(MerklePathLength(0, 255), 8u);
}

TEST(Merkle, LeavesAndNodesAreToldApart) {
  const std::vector<MerkleNode> two = LeavesOf(2);
  const std::array<ByteView, 2> body{two[0], two[1]};
  const MerkleTree tree(kSuite, two);
  EXPECT_NE(MerkleLeaf(kSuite, two[0][0], body), tree.root());
  EXPECT_NE(two[0], two[1]);  // the index is in them
}

class SignedMtk : public testing::Test {
 protected:
  SignedMtk() {
    profile_.prf = PrfFunc::kHmacSha256;
    profile_.encr_alg = EncrAlg::kAesCm128;
    profile_.mac_alg = MacAlg::kHmacSha256_256;
  }
  MtkMessage MessageOf(uint16_t group) const {
    return {{kGroupDomain, {KeyGroup(group), KeyNumber(1)}, MtkId(5)},
            CsbId(group),
            41,
            kNonce,
            key_octets_,
            salt_};
  }
  std::vector<Bytes> Write(size_t count, const crypto::PrivateKey& key) const {
    std::vector<TickMessage> messages;
    for (size_t i = 0; i < count; ++i) {
      messages.push_back({profile_, MessageOf(static_cast<uint16_t>(i + 1)), kOldMsk});
    }
    const auto written = WriteSignedMtkMessages(kSuite, messages, {1, key});
    KEYMAST_CHECK(written.has_value());
    return *written;
  }
  std::vector<Bytes> Write(size_t count) const { return Write(count, key_); }
  Error ErrorOf(ByteView octets, VerificationKeyId id = 1) const {
    const auto unverified = Inspect(octets);
    if (!unverified) return unverified.error();
    if (unverified->kind != MessageKind::kMtk) return Error::kUnexpected;
    const auto opened =
        OpenSignedMtk(kSuite, profile_, *unverified, kOldMsk, kNonce, {id, verifier_});
    return opened ? Error::kInternal : opened.error();
  }
  // Close puts the MAC of the MSK, which every member has, under octets that somebody changed.
  Bytes Close(Bytes octets) const {
    const crypto::Key32 key = DeriveAuthKey(
        kSuite, {profile_.prf, profile_.encr_alg, profile_.mac_alg}, kOldMsk, CsbId(1), kNonce);
    const std::array<ByteView, 1> covered{ByteView(octets).first(octets.size() - 32)};
    Mac(kSuite, profile_.mac_alg, key.view(), covered, MutableBytes(octets).last(32));
    return octets;
  }

  const crypto::PrivateKey key_ = Ed25519Of(1);
  const crypto::PublicKey verifier_ = key_.PublicPart();
  const Bytes key_octets_ = Bytes(16, 0x91);
  const Bytes salt_ = Bytes(12, 0x92);
  Profile3gpp profile_;
};

TEST_F(SignedMtk, OpensForEveryGroupOfTheTick) {
  for (const size_t count : std::initializer_list<size_t>{1, 2, 3, 17}) {
    for (const Bytes& octets : Write(count)) {
      const auto unverified = Inspect(octets);
      ASSERT_TRUE(unverified);
      EXPECT_EQ(unverified->counter, 41u);
      EXPECT_EQ(unverified->ids.mtk, MtkId(5));
      const auto opened =
          OpenSignedMtk(kSuite, profile_, *unverified, kOldMsk, kNonce, {1, verifier_});
      ASSERT_TRUE(opened) << ErrorName(opened.error());
      EXPECT_TRUE(Equal(opened->key.view(), key_octets_));
      EXPECT_TRUE(Equal(opened->salt.view(), salt_));
      // Who does not ask for signatures takes it as any other.
      EXPECT_TRUE(OpenMtk(kSuite, profile_, *unverified, kOldMsk, kNonce));
    }
  }
}

TEST_F(SignedMtk, EveryFlippedOctetIsDropped) {
  const Bytes good = Write(3)[0];
  for (size_t i = 0; i < good.size(); ++i) {
    for (const uint8_t bits : std::initializer_list<uint8_t>{0x01, 0x80, 0xff}) {
      Bytes bad = good;
      bad[i] ^= bits;
      EXPECT_NE(ErrorOf(bad), Error::kInternal) << i;
    }
  }
}

// Every member can make the MAC: the signature is what binds.
TEST_F(SignedMtk, EveryOctetIsUnderTheSignature) {
  const Bytes good = Write(3)[0];
  ASSERT_EQ(ErrorOf(Close(good)), Error::kInternal);
  for (size_t i = 0; i + 32 < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= 0x01;
    EXPECT_NE(ErrorOf(Close(bad)), Error::kInternal) << i;
  }
}

TEST_F(SignedMtk, AMemberCannotForge) {
  EXPECT_EQ(ErrorOf(Write(1, Ed25519Of(3))[0]), Error::kAuthenticationFailed);
  EXPECT_EQ(ErrorOf(Write(1)[0], 2), Error::kUnknownKey);
  Bytes unsigned_one(200);
  unsigned_one.resize(*WriteMtkMessage(kSuite, profile_, MessageOf(1), kOldMsk, unsigned_one));
  EXPECT_EQ(ErrorOf(unsigned_one), Error::kPayloadMissing);
}

TEST_F(SignedMtk, HasItsForm) {
  const Bytes good = Write(1)[0];
  Message message;
  ASSERT_TRUE(ParseMessage(good, message));
  const auto forged = [&](auto change) {
    std::vector<Payload> payloads(message.chain().begin(), message.chain().end());
    change(payloads);
    Bytes out(500);
    ChainWriter chain(out, message.header);
    for (const Payload& payload : payloads) {
      std::visit([&chain](const auto& p) { chain.Add(p); }, payload);
    }
    out.resize(chain.size());
    return ErrorOf(Close(out));
  };
  EXPECT_EQ(forged([](auto& payloads) { std::swap(payloads[1], payloads[2]); }),
            Error::kPayloadUnexpected);
  EXPECT_EQ(forged([](auto& payloads) { payloads.insert(payloads.begin() + 2, payloads[2]); }),
            Error::kPayloadUnexpected);
  EXPECT_EQ(forged([](auto& payloads) {
              std::get<ExtPayload>(payloads[2]).ext_type = ExtType::kVendorId;
            }),
            Error::kPayloadUnexpected);
  Bytes data(MtkSignature::kHead + 16 + 64, 0);
  data[5] = 1;  // of one leaf
  for (const size_t size : std::initializer_list<size_t>{0, 6, 69, 71, 86}) {
    EXPECT_EQ(forged([&](auto& payloads) {
                std::get<ExtPayload>(payloads[2]).data = ByteView(data).first(size);
              }),
              Error::kMalformed)
        << size;
  }
}

// MAC, EXT 242, KEMAC: the first that is wrong gives the reason.
TEST_F(SignedMtk, ChecksHaveAnOrder) {
  Bytes octets = Write(1)[0];
  octets[octets.size() - 40] ^= 1;  // in the KEMAC's data
  EXPECT_EQ(ErrorOf(octets), Error::kAuthenticationFailed);
  EXPECT_EQ(ErrorOf(Close(octets)), Error::kAuthenticationFailed);
}

TEST_F(SignedMtk, TheWriterRefusesWhatItCannotSign) {
  const auto refused = [this](std::span<const TickMessage> messages,
                              const crypto::PrivateKey& key) {
    return WriteSignedMtkMessages(kSuite, messages, {1, key}).error();
  };
  EXPECT_EQ(refused({}, key_), Error::kInvalidArgument);
  std::vector<TickMessage> messages(256, {profile_, MessageOf(1), kOldMsk});
  EXPECT_EQ(refused(messages, key_), Error::kInvalidArgument);
  messages.resize(1, messages[0]);
  messages[0].message.salt = {};
  EXPECT_EQ(refused(messages, key_), Error::kInvalidArgument);
}

}  // namespace
}  // namespace keymast::mikey::v2
