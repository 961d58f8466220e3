// SPDX-License-Identifier: Apache-2.0
// Reading, writing and showing messages takes nothing by `new`: a flood of datagrams must not reach
// the heap. What OpenSSL does behind the Suite is not counted here.
#include "bench/allocations.h"
#include "mikey/dump.h"
#include "mikey/key_data.h"
#include "tests/unit/mikey/sample.h"
#include "tests/unit/mikey/sample_io.h"

namespace keymast::mikey {
namespace {

template <class Use>
size_t AllocationsOf(Use use) {
  use();  // contexts of the suite are made once per thread
  const size_t before = bench::Allocations();
  use();
  return bench::Allocations() - before;
}

TEST(Allocation, TheCountCounts) {
  EXPECT_EQ(AllocationsOf([] { Bytes octets(100); }), 1u);
}

TEST(Allocation, NoneToReadAMessage) {
  const Bytes msk = MskOctets();
  const Bytes mtk = MtkOctets();
  const Bytes answer = VerificationOctets();
  EXPECT_EQ(AllocationsOf([&] {
              EXPECT_TRUE(OpenSample(msk));
              EXPECT_TRUE(OpenMtkSample(mtk));
              EXPECT_TRUE(CheckSample(answer));
            }),
            0u);
}

TEST(Allocation, NoneToRefuseOne) {
  Bytes msk = MskOctets();
  msk.back() ^= 1;
  EXPECT_EQ(AllocationsOf([&] {
              EXPECT_FALSE(OpenSample(msk));
              EXPECT_FALSE(Inspect(ByteView(msk).first(50)));
            }),
            0u);
}

TEST(Allocation, NoneToWriteOne) {
  Bytes out(600);
  const MskMessage msk = SampleMsk();
  const MtkMessage mtk = SampleMtk();
  EXPECT_EQ(AllocationsOf([&] {
              EXPECT_TRUE(WriteMskMessage(crypto::DefaultSuite(), {}, msk, kUserKey, out));
              EXPECT_TRUE(WriteMtkMessage(crypto::DefaultSuite(), {}, mtk, kMsk, out));
            }),
            0u);
}

// CountingSink keeps nothing of what it is shown.
class CountingSink : public FieldSink {
 public:
  void Open(std::string_view, std::string_view, size_t) override {}
  void Add(const Field&) override { ++fields_; }
  void Close(size_t) override {}
  size_t fields() const { return fields_; }

 private:
  size_t fields_ = 0;
};

// AddAll adds a payload of each type, in the order of the list: SIGN, which closes a message, is
// its last but for the opaque one.
template <size_t... I>
void AddAll(ChainWriter& chain, std::mt19937_64& random, std::deque<Bytes>& arena,
            std::index_sequence<I...>) {
  (chain.Add(Sample<std::variant_alternative_t<I, Payload>>(random, arena)), ...);
}

// AnyMessage has every payload that can be understood and an SRTP-ID or GENERIC-ID map.
Bytes AnyMessage(std::mt19937_64& random) {
  static_assert(
      std::is_same_v<std::variant_alternative_t<std::variant_size_v<Payload> - 2, Payload>,
                     SignPayload>);
  std::deque<Bytes> arena;
  Header header;
  header.version = kVersion2;  // has them all
  header.cs_count = 2;
  header.map_type = random() % 2 == 0 ? CsIdMapType::kSrtpId : CsIdMapType::kGenericId;
  const Bytes srtp(2 * kSrtpIdEntry);
  const Bytes generic = Hex("010001000004deadbeef0400000001020080000a0000000000000000000000");
  header.map = header.map_type == CsIdMapType::kSrtpId ? srtp : generic;
  Bytes out(20000);
  ChainWriter chain(out, header);
  AddAll(chain, random, arena, std::make_index_sequence<std::variant_size_v<Payload> - 1>());
  EXPECT_TRUE(chain.ok());
  out.resize(chain.size());
  return out;
}

TEST(Allocation, NoneForAMessageWithEveryPayload) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 50; ++i) {
    const Bytes octets = AnyMessage(random);
    Bytes out(octets.size());
    CountingSink sink;
    EXPECT_EQ(AllocationsOf([&] {
                Message message;
                EXPECT_TRUE(ParseMessage(octets, message));
                EXPECT_EQ(message.chain().size(), std::variant_size_v<Payload> - 1);
                EXPECT_TRUE(WriteMessage(message, out));
                EXPECT_TRUE(Dump(octets, sink));
                EXPECT_FALSE(ParseMessage(ByteView(octets).first(octets.size() - 1), message));
              }),
              0u);
    EXPECT_EQ(out, octets);
    EXPECT_GT(sink.fields(), 50u);
  }
}

TEST(Allocation, NoneForKeyData) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 50; ++i) {
    std::deque<Bytes> arena;
    std::array<KeyDataPayload, 4> keys;
    for (KeyDataPayload& key : keys) key = SampleKey(random, arena);
    const IdPayload id = Sample<IdPayload>(random, arena);
    Bytes out(8000);
    CountingSink sink;
    EXPECT_EQ(AllocationsOf([&] {
                std::array<KeyDataPayload, 4> read;
                const size_t size = WriteKeyData(keys, out).value_or(0);
                EXPECT_EQ(ParseKeyData(ByteView(out).first(size), read), Result<size_t>(4));
                EXPECT_TRUE(DumpKeyData(ByteView(out).first(size), 0, sink));
                EXPECT_FALSE(ParseKeyData(ByteView(out).first(size - 1), read));
                IdPayload read_id;
                const size_t with_id = WriteKeyData(keys, out, &id).value_or(0);
                EXPECT_EQ(ParseIdAndKeyData(ByteView(out).first(with_id), read_id, read),
                          Result<size_t>(4));
              }),
              0u);
    EXPECT_GT(sink.fields(), 16u);
  }
}

}  // namespace
}  // namespace keymast::mikey
