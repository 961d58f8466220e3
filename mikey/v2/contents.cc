// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/contents.h"

#include "mikey/v2/capabilities.h"

namespace keymast::mikey::v2 {
namespace {

// ChainOut writes payloads that know each other's type one payload late.
class ChainOut {
 public:
  explicit ChainOut(MutableBytes out) : out_(out), writer_(out) {}

  template <class P>
  void Add(const P& payload) {
    if (next_at_ && writer_.ok()) out_[*next_at_] = static_cast<uint8_t>(P::kInfo.type);
    next_at_ = writer_.size();
    WriteIo io(writer_);
    io.U8("next_payload", PayloadType::kLast);
    P::Describe(io, payload);
  }
  template <class T>
  void AddExtension(ExtType type, const T& value) {
    std::array<uint8_t, 64> octets{};
    Writer writer(octets);
    WriteIo io(writer);
    T::Describe(io, value);
    KEYMAST_CHECK(writer.ok());
    Add(ExtPayload{type, writer.written()});
  }
  Result<size_t> Finish() const {
    if (!writer_.ok()) return Err(Error::kTooLong);
    return writer_.size();
  }

 private:
  MutableBytes out_;
  Writer writer_;
  std::optional<size_t> next_at_;
};

// Rank is the place of a payload in the order of MIKEYv2 §3.5.
enum class Rank : uint8_t { kSender, kKeys, kRands, kCsbId, kMsks, kMember, kUnknown };

bool IsSymmetric(size_t size) { return size == 16 || size == 32; }

// An MSK has an interval of MTK IDs, a TGK of a session has none.
bool IsTgk(const KeyDataPayload& key) {
  if (key.kv.type == KvType::kNull) return key.key.size() == 32;
  return key.kv.type == KvType::kInterval && key.kv.from.size() == 2 && key.kv.to.size() == 2 &&
         IsSymmetric(key.key.size());
}

// Keys of neighbouring levels under one node, each with version and step.
bool ArePathKeys(const KeyDataPayload& key) {
  constexpr size_t kNode = 4;
  constexpr size_t kStep = 5;
  if (key.kv.type != KvType::kSpi || key.kv.spi.size() < kNode + kStep) return false;
  const size_t count = (key.kv.spi.size() - kNode) / kStep;
  const bool is_whole = key.kv.spi.size() == kNode + kStep * count && count <= kMaxPathKeys;
  return is_whole && key.key.size() % count == 0 && IsSymmetric(key.key.size() / count);
}

// The types of MIKEYv2 §3.5 with the lengths that their keys can have.
bool IsKnown(const KeyDataPayload& key) {
  switch (key.type) {
    case KeyDataType::kTgk:
      return IsTgk(key);
    case KeyDataType::kTreeKey:
      return ArePathKeys(key);
    case KeyDataType::kSdLabel:
      return key.key.size() == 16 && key.kv.type == KvType::kSpi && key.kv.spi.size() == 8;
    case KeyDataType::kMtk:
      return IsSymmetric(key.key.size()) && (key.salt.size() == 12 || key.salt.size() == 14) &&
             key.kv.type == KvType::kSpi && key.kv.spi.size() == 6;
    case KeyDataType::kVerificationKey:
      return key.key.size() == 32 && key.kv.type == KvType::kSpi && key.kv.spi.size() == kKeyIdSize;
    case KeyDataType::kTicket:
      return !key.key.empty() && key.key.size() <= kMaxTicket && key.kv.type == KvType::kSpi &&
             key.kv.spi.size() == 4;
    default:
      return false;
  }
}

template <class T>
bool ReadWhole(ByteView data, T& value) {
  Reader reader(data);
  ReadIo io(reader);
  T::Describe(io, value);
  return io.Finish().has_value();
}

class ContentsReader {
 public:
  ContentsReader(ByteView plain, Contents& contents)
      : reader_(plain), io_(reader_), contents_(contents) {}

  bool Read(PayloadType next) {
    while (next != PayloadType::kLast) {
      const PayloadType type = next;
      next = static_cast<PayloadType>(reader_.U8());
      if (!ReadOne(type) || !io_.ok()) return false;
    }
    if (!io_.Finish()) return false;
    // The k-th RAND and the k-th state belong to the k-th MSK.
    return contents_.rands.size() == contents_.msks.size();
  }

 private:
  bool ReadOne(PayloadType type) {
    switch (type) {
      case PayloadType::kIdr:
        return Reached(Rank::kSender) && ReadSender();
      case PayloadType::kKeyData:
        return Reached(Rank::kKeys) && ReadKey();
      case PayloadType::kRand:
        return Reached(Rank::kRands) && ReadRand();
      case PayloadType::kExt:
        return ReadExtension();
      default:
        return false;
    }
  }

  // Reached is false for what should have come earlier.
  bool Reached(Rank rank) {
    if (rank < rank_) return false;
    rank_ = rank;
    return true;
  }

  bool ReadSender() {
    contents_.sender.emplace();
    IdrPayload::Describe(io_, *contents_.sender);
    rank_ = Rank::kKeys;  // one only
    return contents_.sender->role == IdRole::kResponder;
  }
  bool ReadKey() {
    KeyDataPayload key;
    KeyDataPayload::Describe(io_, key);
    if (!io_.ok() || contents_.keys.full() || !IsKnown(key) || key.type < last_key_) return false;
    last_key_ = key.type;  // each kind in the order of the table
    contents_.keys.Add(key);
    return true;
  }
  bool ReadRand() {
    RandPayload rand;
    RandPayload::Describe(io_, rand);
    if (rand.rand.size() != kGroupRandSize || contents_.rands.full()) return false;
    contents_.rands.Add(rand.rand);
    return true;
  }

  bool ReadExtension() {
    ExtPayload ext;
    ExtPayload::Describe(io_, ext);
    if (!io_.ok()) return false;
    switch (ext.ext_type) {
      case ExtType::kCsbId:
        return Reached(Rank::kCsbId) && ReadCsbId(ext.data);
      case ExtType::kMskState:
        return Reached(Rank::kMsks) && ReadMsk(ext.data);
      case ExtType::kMemberState:
        return Reached(Rank::kMember) && ReadMember(ext.data);
      default:
        return Reached(Rank::kUnknown);
    }
  }
  bool ReadCsbId(ByteView data) {
    Reader reader(data);
    const CsbId csb_id(reader.U32());
    const bool is_first = !contents_.csb_id.has_value();
    contents_.csb_id = csb_id;
    return is_first && reader.Finish().has_value();
  }
  bool ReadMsk(ByteView data) {
    MskState state;
    if (contents_.msks.full() || !ReadWhole(data, state)) return false;
    contents_.msks.Add(state);
    return true;
  }
  bool ReadMember(ByteView data) {
    const bool is_first = !contents_.member.has_value();
    return is_first && ReadWhole(data, contents_.member.emplace());
  }

  Reader reader_;
  ReadIo io_;
  Rank rank_ = Rank::kSender;
  KeyDataType last_key_ = KeyDataType::kTgk;
  Contents& contents_;
};

// Clear makes no second one to assign from.
void Clear(Contents& contents) {
  contents.sender.reset();
  contents.keys.clear();
  contents.rands.clear();
  contents.csb_id.reset();
  contents.msks.clear();
  contents.member.reset();
}

}  // namespace

Result<size_t> WriteContents(const Contents& contents, MutableBytes out) {
  ChainOut chain(out);
  if (contents.sender) chain.Add(*contents.sender);
  for (const KeyDataPayload& key : contents.keys) chain.Add(key);
  for (const ByteView rand : contents.rands) chain.Add(RandPayload{rand});
  if (contents.csb_id) {
    std::array<uint8_t, 4> octets{};
    Writer(octets).U32(contents.csb_id->value);
    chain.Add(ExtPayload{ExtType::kCsbId, octets});
  }
  for (const MskState& state : contents.msks) chain.AddExtension(ExtType::kMskState, state);
  if (contents.member) chain.AddExtension(ExtType::kMemberState, *contents.member);
  return chain.Finish();
}

Status ReadContents(ByteView plain, bool has_sender, Contents& contents) {
  Clear(contents);
  if (plain.empty()) return has_sender ? Err(Error::kMalformed) : Status();
  const PayloadType first = has_sender ? PayloadType::kIdr : PayloadType::kKeyData;
  const bool is_read = ContentsReader(plain, contents).Read(first);
  const bool is_good = is_read && contents.sender.has_value() == has_sender;
  return is_good ? Status() : Err(Error::kMalformed);
}

Result<Contents> ReadContents(ByteView plain, bool has_sender) {
  Result<Contents> contents(tl::in_place);
  const Status read = ReadContents(plain, has_sender, *contents);
  if (!read) contents = Err(read.error());
  return contents;
}

}  // namespace keymast::mikey::v2
