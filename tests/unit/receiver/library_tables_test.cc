// SPDX-License-Identifier: Apache-2.0
// The tables of primitives that come with the receiver core, and what they ask of the heap.
#include <random>

#include "tests/unit/receiver/heap/heap_calls.h"
#include "tests/unit/receiver/library_world.h"

namespace keymast::receiver::library {
namespace {

using Table = const keymast_crypto* (*)();

class EachTable : public testing::TestWithParam<Table> {
 protected:
  const keymast_crypto& table = *GetParam()();
  std::mt19937_64 random{7};

  Bytes Draw(size_t size) {
    Bytes octets(size);
    for (uint8_t& octet : octets) octet = static_cast<uint8_t>(random());
    return octets;
  }
};
INSTANTIATE_TEST_SUITE_P(ReceiverCrypto, EachTable,
                         testing::Values(keymast_crypto_openssl, keymast_crypto_smartcard),
                         [](const auto& table) {
                           return table.index == 0 ? "OpenSsl" : "Smartcard";
                         });

TEST_P(EachTable, HashesAsTheSuiteDoes) {
  for (size_t size = 0; size < 200; size += 7) {
    const Bytes front = Draw(size);
    const Bytes back = Draw(size % 65);
    const Bytes key = Draw(1 + size % 64);
    const std::array<keymast_octets, 2> parts{COctets(front), COctets(back)};
    const std::array<ByteView, 2> views{front, back};
    for (const auto hash : {crypto::Hash::kSha1, crypto::Hash::kSha256}) {
      Bytes ours(crypto::HashSize(hash));
      Bytes theirs(ours.size());
      const auto number = hash == crypto::Hash::kSha1 ? KEYMAST_SHA1 : KEYMAST_SHA256;
      table.hmac(table.user, number, COctets(key), parts.data(), 2, ours.data());
      crypto::DefaultSuite().hmac(hash, key, views, theirs);
      EXPECT_EQ(ours, theirs) << size;
    }
    Bytes ours(32);
    Bytes theirs(32);
    table.sha256(table.user, parts.data(), 2, ours.data());
    crypto::DefaultSuite().sha256(views, theirs);
    EXPECT_EQ(ours, theirs) << size;
  }
}

TEST_P(EachTable, CountsUpTheWholeBlock) {
  for (const size_t key_size : {size_t{16}, size_t{32}}) {
    for (size_t size = 0; size < 100; size += 9) {
      const Bytes key = Draw(key_size);
      Bytes iv(16, 0xff);  // every octet carries
      iv[0] = static_cast<uint8_t>(size);
      Bytes ours = Draw(size);
      Bytes theirs = ours;
      table.aes_ctr(table.user, COctets(key), iv.data(), ours.data(), size);
      crypto::DefaultSuite().aes_ctr(key, iv, theirs);
      EXPECT_EQ(ours, theirs) << size;
    }
  }
}

TEST_P(EachTable, DrawsOctetsThatDiffer) {
  Bytes a(32);
  Bytes b(32);
  table.random(table.user, a.data(), a.size());
  table.random(table.user, b.data(), b.size());
  EXPECT_NE(a, b);
}

TEST_P(EachTable, JoinsAGroup) {
  LibraryWorld world(3, false, &table);
  world.server_.Add("mikey://example.org/tv");
  world.Join(0, "mikey://example.org/tv");
  EXPECT_EQ(world.Settle().joined.size(), 1u);
}

TEST(SmartcardBuild, TheCountCounts) {
  const size_t before = HeapCalls();
  Bytes octets(100);
  EXPECT_GT(HeapCalls(), before);
}

// Counted is a call's reason and what it asked of the heap.
template <class Call>
size_t CallsOf(Call call) {
  const size_t before = HeapCalls();
  call();
  return HeapCalls() - before;
}

// NextSend takes all actions and keeps what is to be sent, in place.
struct Sent {
  std::array<uint8_t, KEYMAST_DATAGRAM_SIZE> octets{};
  size_t size = 0;
};
void NextSend(keymast_receiver* receiver, Sent& sent) {
  keymast_action action;
  sent.size = 0;
  while (keymast_receiver_next(receiver, &action) != 0) {
    if (action.kind != KEYMAST_SEND) continue;
    sent.size = action.octets.size;
    std::copy_n(action.octets.data, sent.size, sent.octets.begin());
  }
}

// A whole life: init, join with a cookie, MTK messages, the next MSK by a message of 3GPP,
// refusals, time, leave, wipe. Not a call of the heap is ours or the table's.
TEST(SmartcardBuild, TouchesTheHeapNever) {
  LibraryWorld world(5, true, keymast_crypto_smartcard());
  Group& tv = world.server_.Add("mikey://example.org/tv");
  world.answerer_.set_under_load(true);
  keymast_receiver* receiver = world.context_.get();
  world.table_ = *keymast_crypto_smartcard();  // its own random numbers
  size_t calls = CallsOf([&] { world.Start(); });
  calls += CallsOf([&] { keymast_test_join_from_c(receiver, world.now_); });
  Sent sent;
  for (int i = 0; i < 3; ++i) {  // RETRY, answer, KEYS
    calls += CallsOf([&] { NextSend(receiver, sent); });
    ASSERT_GT(sent.size, 0u);
    const Bytes reply =
        world.ToServer({sent.octets.begin(), sent.octets.begin() + static_cast<long>(sent.size)});
    calls += CallsOf([&] { EXPECT_EQ(world.Receive(reply), KEYMAST_OK); });
  }
  calls += CallsOf([&] { NextSend(receiver, sent); });
  const Bytes mki = tv.Mki(2);
  const Bytes message = tv.MtkMessage(2, JoinedProfile());
  Bytes damaged = message;
  damaged.back() ^= 1;
  calls += CallsOf([&] {
    EXPECT_EQ(world.Receive(damaged), KEYMAST_AUTHENTICATION_FAILED);
    EXPECT_EQ(world.Receive(message), KEYMAST_OK);
    NextSend(receiver, sent);
    EXPECT_EQ(world.Used(0, mki), KEYMAST_OK);
    world.now_ += 10'000;
    EXPECT_EQ(world.Tick(), KEYMAST_OK);
    NextSend(receiver, sent);
  });
  ASSERT_NE(world.Key(0, mki), nullptr);
  Group next = tv.Next();
  const Bytes next_mki = next.Mki(1);
  const Bytes msk_message = next.MskMessage(1, "bmsc.example.org");
  const Bytes next_message = next.MtkMessage(1, {});
  Bytes damaged_msk = msk_message;
  damaged_msk.back() ^= 1;
  calls += CallsOf([&] {
    EXPECT_NE(world.Receive(damaged_msk), KEYMAST_OK);
    EXPECT_EQ(world.Receive(msk_message), KEYMAST_OK);
    NextSend(receiver, sent);
    EXPECT_EQ(world.Receive(next_message), KEYMAST_OK);
    NextSend(receiver, sent);
    EXPECT_EQ(world.Used(0, next_mki), KEYMAST_OK);
    EXPECT_EQ(world.Receive(msk_message), KEYMAST_REPLAYED);
  });
  ASSERT_NE(world.Key(0, next_mki), nullptr);
  calls += CallsOf([&] {
    EXPECT_EQ(keymast_receiver_leave(receiver, 0, world.now_), KEYMAST_OK);
    NextSend(receiver, sent);
  });
  EXPECT_EQ(world.Key(0, next_mki), nullptr);
  calls += CallsOf([&] { keymast_receiver_wipe(receiver); });
  EXPECT_EQ(calls, 0u);
}

}  // namespace
}  // namespace keymast::receiver::library
