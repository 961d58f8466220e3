// SPDX-License-Identifier: Apache-2.0
#include "audit/record.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/bytes.h"
#include "crypto/key_maker.h"
#include "crypto/primitives.h"

namespace keymast::audit {
namespace {

crypto::PrivateKey KeyOf(uint8_t seed) {
  return crypto::PrivateKey::FromEd25519(crypto::SecretKey<32>(Bytes(32, seed)));
}

crypto::PublicKey PublicOf(const crypto::PrivateKey& key) {
  return *crypto::PublicKey::FromEd25519(key.ed25519().last(32));
}

Record Expulsion() {
  Record record;
  record.sequence = 7;
  record.time = FromUnixNanos(1'800'000'000'000'000'001);
  record.principal = "operator:alice.example.org";
  record.method = "Members.ExpelMembers";
  record.request.emplace().octets.fill(0xab);
  record.resource = "channels/one";
  record.items = {"bob", "carol"};
  record.revision_before = 3;
  record.revision_after = 3;
  record.key_ids = {"00070002"};
  return record;
}

TEST(AuditRecord, ItsTextIsLinesOfNameAndValue) {
  EXPECT_EQ(TextOf(Expulsion()),
            "sequence 7\n"
            "time 1800000000000000001\n"
            "principal operator:alice.example.org\n"
            "method Members.ExpelMembers\n"
            "request_id abababababababababababababababab\n"
            "resource channels/one\n"
            "item bob\n"
            "item carol\n"
            "revision_before 3\n"
            "revision_after 3\n"
            "key_id 00070002\n");
}

// By another implementation: SHA-256 of 32 octets of zero and the text above.
TEST(AuditRecord, ItsHashIsThatOfTheRecordBeforeAndItsText) {
  EXPECT_EQ(ToHex(ChainHash(Hash{}, Expulsion())),
            "c341a6d4ba2067a5cb547c220ef76b9368832d87e97cd3641020481d14d3c737");
}

TEST(AuditRecord, NoValueCanLookLikeAnotherLine) {
  Record a = Expulsion();
  Record b = Expulsion();
  a.items = {"x\nitem y"};
  b.items = {"x", "y"};
  EXPECT_NE(TextOf(a), TextOf(b));
  EXPECT_NE(TextOf(a).find("item x%0aitem%20y\n"), std::string::npos);
  a.items = {"%0a"};
  b.items = {"\n"};
  EXPECT_NE(TextOf(a), TextOf(b));
}

TEST(AuditRecord, EveryFieldIsInTheHash) {
  const Record plain = Expulsion();
  const Hash hash = ChainHash({}, plain);
  const std::vector<std::function<void(Record&)>> changes = {
      [](Record& r) { ++r.sequence; },       [](Record& r) { r.time += Duration(1); },
      [](Record& r) { r.principal += "x"; }, [](Record& r) { r.method += "x"; },
      [](Record& r) { r.request.reset(); },  [](Record& r) { r.resource += "x"; },
      [](Record& r) { r.items.pop_back(); }, [](Record& r) { ++r.revision_before; },
      [](Record& r) { ++r.revision_after; }, [](Record& r) { r.key_ids.clear(); },
      [](Record& r) { r.trace.emplace(); }};
  for (const auto& change : changes) {
    Record other = plain;
    change(other);
    EXPECT_NE(ChainHash({}, other), hash);
  }
  EXPECT_NE(ChainHash(hash, plain), hash) << "and the hash before";
}

TEST(AuditRecord, ACheckpointIsSignedOverItsHash) {
  Record checkpoint;
  checkpoint.sequence = 1;
  checkpoint.method = kCheckpoint;
  checkpoint.hash = ChainHash({}, checkpoint);
  const crypto::PrivateKey key = KeyOf(1);
  checkpoint.signature = Sign(key, checkpoint.hash);
  EXPECT_TRUE(CheckSignature(PublicOf(key), checkpoint));
  EXPECT_FALSE(CheckSignature(PublicOf(KeyOf(2)), checkpoint));
  Record other = checkpoint;
  other.hash[31] ^= 1;
  EXPECT_FALSE(CheckSignature(PublicOf(key), other));
  other = checkpoint;
  other.signature.pop_back();
  EXPECT_FALSE(CheckSignature(PublicOf(key), other));
}

TEST(AuditHead, FollowsRecordsAndRemembersTheLastCheckpoint) {
  Head head;
  Record record = Expulsion();
  record.hash = ChainHash(head.hash, record);
  Follow(head, record);
  EXPECT_EQ(head.sequence, 7U);
  EXPECT_EQ(head.checkpoint, 0U);
  record.method = kCheckpoint;
  record.sequence = 8;
  Follow(head, record);
  EXPECT_EQ(head.checkpoint, 8U);
  EXPECT_EQ(head.checkpoint_at, record.time);
}

}  // namespace
}  // namespace keymast::audit
