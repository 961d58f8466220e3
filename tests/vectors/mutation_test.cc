// SPDX-License-Identifier: Apache-2.0
// Every prefix of every vector is refused; every flipped bit and every value of every length field
// is refused or read as it stands. The same for the key data behind the MAC.
#include <cstdlib>
#include <iostream>
#include <set>

#include "mikey/dump.h"
#include "mikey/key_data.h"
#include "mikey/prf.h"
#include "tests/vectors/vectors.h"

namespace keymast::mikey {
namespace {

using nlohmann::json;

constexpr size_t kMaxKeys = 16;

// WorkedLines are the lines of mikey-worked.json that begin so, each its last word.
std::vector<Bytes> WorkedLines(std::initializer_list<std::string_view> titles) {
  std::vector<Bytes> found;
  const json file = vectors::Load("mikey-worked.json");
  for (const json& entry : file["worked_by_us"]) {
    std::istringstream line(entry.get<std::string>());
    std::string first;
    std::string second;
    std::string word;
    line >> first >> second;
    for (const std::string_view title : titles) {
      if (title != first + " " + second) continue;
      Bytes octets;
      while (line >> word && (!FromHex(word, octets) || octets.size() < 16)) octets.clear();
      found.push_back(octets);
    }
  }
  return found;
}

std::vector<json> PeerFiles() {
  std::vector<json> files;
  const auto folder = vectors::Folder() / "peers";
  if (!std::filesystem::exists(folder)) return files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(vectors::Load("peers/" + entry.path().filename().string()));
  }
  return files;
}

std::vector<Bytes> AllMessages() {
  std::vector<Bytes> messages;
  for (const json& file : PeerFiles()) {
    for (const auto& message : file["messages"]) messages.push_back(vectors::HexIn(message["hex"]));
  }
  if (messages.empty()) return messages;
  for (Bytes& worked : WorkedLines({"W1 I_MESSAGE", "W1 R_MESSAGE", "W3 msg"})) {
    messages.push_back(std::move(worked));
  }
  return messages;
}

// KeyData is what a KEMAC holds when it is decrypted; behind an ID in the public-key modes.
struct KeyData {
  Bytes plain;
  bool has_id = false;
};

// Decrypted of W3 is under its own transport keys: the file has it in cipher only.
Bytes DecryptedW3(const Bytes& octets) {
  Message message;
  EXPECT_TRUE(ParseMessage(octets, message));
  const CsbId csb(message.header.csb_id);
  const TransportKeys keys = DeriveTransportKeys(
      crypto::DefaultSuite(), {}, vectors::Hex("404142434445464748494a4b4c4d4e4f"), csb,
      vectors::Hex("101112131415161718191a1b1c1d1e1f"));
  const ByteView sealed = message.Get<KemacPayload>()->encr_data;
  Bytes plain(sealed.begin(), sealed.end());
  CryptKeyData(crypto::DefaultSuite(), keys, csb, *message.Get<TPayload>(), plain);
  return plain;
}

// Decrypted by the program that checked the peers' messages, by the RFC or by the peer's quirk;
// nothing when it did not decrypt to a chain.
std::optional<Bytes> DecryptedOf(const json& file) {
  if (!file.contains("checks")) return std::nullopt;
  for (const char* rule : {"quirk", "rfc3830"}) {
    const json& checks = file["checks"];
    if (checks.contains(rule) && checks[rule].contains("decrypted")) {
      return vectors::HexIn(checks[rule]["decrypted"]);
    }
  }
  return std::nullopt;
}

std::vector<KeyData> AllKeyData() {
  std::vector<KeyData> all;
  for (const json& file : PeerFiles()) {
    if (const auto plain = DecryptedOf(file)) {
      all.push_back({*plain, file["name"].get<std::string>().starts_with("pke")});
    }
  }
  for (const Bytes& octets : AllMessages()) {
    Message message;
    if (!ParseMessage(octets, message)) continue;
    const auto* kemac = message.Get<KemacPayload>();
    if (kemac == nullptr || kemac->encr_alg != EncrAlg::kNull || kemac->encr_data.empty()) continue;
    all.push_back({Bytes(kemac->encr_data.begin(), kemac->encr_data.end())});
  }
  for (const Bytes& worked : WorkedLines({"W1 keydata"})) all.push_back({worked});
  for (const Bytes& worked : WorkedLines({"W3 msg"})) all.push_back({DecryptedW3(worked)});
  return all;
}

// LengthField is a length or a count on the wire, in the low bits of one octet or two.
struct LengthField {
  size_t offset = 0;
  size_t octets = 0;
  unsigned mask = 0;
  bool ends_payload = false;  // beyond the message's end, it is refused

  void Set(Bytes& message, unsigned value) const {
    for (size_t i = 0; i < octets; ++i) {
      const unsigned shift = static_cast<unsigned>(8 * (octets - 1 - i));
      const unsigned kept = message[offset + i] & ~(mask >> shift);
      message[offset + i] = static_cast<uint8_t>(kept | (value >> shift & (mask >> shift)));
    }
  }
};

class LengthFields : public FieldSink {
 public:
  void Open(std::string_view, std::string_view, size_t) override { ++depth_; }
  void Close(size_t) override { --depth_; }
  void Add(const Field& field) override {
    const bool is_count = field.name == "cs_count" || field.name == "policies";
    const bool is_length = field.kind == Field::Kind::kLength;
    if (!is_length && !is_count) return;
    const size_t bits = field.bits == 0 ? 8 * field.length : field.bits;
    found_.push_back({field.offset, field.length, (1u << bits) - 1, is_length && depth_ == 1});
  }
  const std::vector<LengthField>& found() const { return found_; }

 private:
  int depth_ = 0;
  std::vector<LengthField> found_;
};

// ValuesOf a field: all of one octet, and all of two when KEYMAST_LONG is set. Otherwise, of two,
// all that can lie within `size` octets, some beyond, and the neighbours of the powers of two: a
// length beyond the end has no other reading, whatever its value.
std::set<unsigned> ValuesOf(const LengthField& field, size_t size) {
  std::set<unsigned> values;
  const bool all = field.mask <= 0xff || std::getenv("KEYMAST_LONG") != nullptr;
  const unsigned near = all ? field.mask : static_cast<unsigned>(size) + 32;
  for (unsigned value = 0; value <= std::min(near, field.mask); ++value) values.insert(value);
  for (unsigned power = 1; power <= field.mask; power <<= 1) {
    for (const unsigned value : {power - 1, power, power + 1, field.mask - power}) {
      if (value <= field.mask) values.insert(value);
    }
  }
  return values;
}

struct Tally {
  size_t fields = 0;
  size_t values = 0;
  size_t skipped = 0;
};

// ForEachLength calls `check(octets, field, value)` for each value of each length field.
template <class Check>
void ForEachLength(const Bytes& octets, const LengthFields& fields, Tally& tally, Check check) {
  for (const LengthField& field : fields.found()) {
    const std::set<unsigned> values = ValuesOf(field, octets.size());
    Bytes other = octets;
    for (const unsigned value : values) {
      field.Set(other, value);
      check(other, field, value);
    }
    ++tally.fields;
    tally.values += values.size();
    tally.skipped += field.mask + 1 - values.size();
  }
}

void Report(const char* what, const Tally& tally) {
  std::cout << what << ": " << tally.fields << " length fields, " << tally.values << " values run, "
            << tally.skipped << " beyond the end left out\n";
}

class Mutation : public testing::Test {
 protected:
  void SetUp() override {
    messages_ = AllMessages();
    if (!messages_.empty()) return;
    ASSERT_TRUE(vectors::MayLeaveOut("peers"));
    GTEST_SKIP() << vectors::LeftOut("peers");
  }
  std::vector<Bytes> messages_;
};

class NoSink : public FieldSink {
 public:
  void Open(std::string_view, std::string_view, size_t) override {}
  void Add(const Field&) override {}
  void Close(size_t) override {}
};

// IsRefusedOrReadAsItStands: what parses must write back to the same octets; all can be shown.
bool IsRefusedOrReadAsItStands(const Bytes& octets) {
  Message message;
  NoSink sink;
  const Status parsed = ParseMessage(octets, message);
  const Status shown = Dump(octets, sink);
  if (!parsed) return !shown && shown.error() == parsed.error();
  Bytes out(octets.size());
  return shown && WriteMessage(message, out) == Result<size_t>(out.size()) && out == octets;
}

bool IsRefusedOrReadAsItStands(ByteView plain, bool has_id) {
  std::array<KeyDataPayload, kMaxKeys> keys;
  IdPayload id;
  const auto count = has_id ? ParseIdAndKeyData(plain, id, keys) : ParseKeyData(plain, keys);
  if (!count) return count.error() == Error::kMalformed;
  Bytes out(plain.size());
  const auto size = WriteKeyData(std::span(keys).first(*count), out, has_id ? &id : nullptr);
  return size == Result<size_t>(out.size()) && Equal(out, plain);
}

TEST_F(Mutation, WholeMessagesAreRefusedOrReadAsTheyStand) {
  EXPECT_EQ(messages_.size(), 44u + 3u);
  for (const Bytes& message : messages_) EXPECT_TRUE(IsRefusedOrReadAsItStands(message));
}

TEST_F(Mutation, EveryPrefixIsRefused) {
  for (const Bytes& octets : messages_) {
    for (size_t size = 0; size < octets.size(); ++size) {
      Message message;
      ASSERT_FALSE(ParseMessage(ByteView(octets).first(size), message)) << ToHex(octets) << size;
    }
  }
}

TEST_F(Mutation, EveryFlippedBitIsRefusedOrReadAsItStands) {
  for (const Bytes& octets : messages_) {
    Bytes other = octets;
    for (size_t bit = 0; bit < 8 * octets.size(); ++bit) {
      const auto mask = static_cast<uint8_t>(1 << (bit % 8));
      other[bit / 8] ^= mask;
      ASSERT_TRUE(IsRefusedOrReadAsItStands(other)) << ToHex(other);
      other[bit / 8] ^= mask;
    }
  }
}

TEST_F(Mutation, EveryValueOfALengthIsRefusedOrReadAsItStands) {
  Tally tally;
  for (const Bytes& octets : messages_) {
    LengthFields fields;
    (void)Dump(octets, fields);
    ForEachLength(octets, fields, tally,
                  [&](const Bytes& other, const LengthField& field, unsigned value) {
                    ASSERT_TRUE(IsRefusedOrReadAsItStands(other)) << ToHex(other);
                    Message message;
                    if (field.ends_payload && value > octets.size()) {
                      ASSERT_FALSE(ParseMessage(other, message)) << ToHex(other);
                    }
                  });
  }
  Report("messages", tally);
  EXPECT_GT(tally.fields, 5 * messages_.size());
}

TEST_F(Mutation, KeyDataIsRefusedOrReadAsItStands) {
  Tally tally;
  const std::vector<KeyData> all = AllKeyData();
  EXPECT_EQ(all.size(), 7u + 8u + 2u);  // decrypted, in clear, worked
  for (const KeyData& key : all) {
    for (size_t size = 0; size <= key.plain.size(); ++size) {
      const ByteView prefix = ByteView(key.plain).first(size);
      ASSERT_TRUE(IsRefusedOrReadAsItStands(prefix, key.has_id)) << ToHex(prefix);
    }
    Bytes other = key.plain;
    for (size_t bit = 0; bit < 8 * other.size(); ++bit) {
      const auto mask = static_cast<uint8_t>(1 << (bit % 8));
      other[bit / 8] ^= mask;
      ASSERT_TRUE(IsRefusedOrReadAsItStands(other, key.has_id)) << ToHex(other);
      other[bit / 8] ^= mask;
    }
    LengthFields fields;
    (void)DumpKeyData(key.plain, 0, fields, key.has_id ? PayloadType::kId : PayloadType::kKeyData);
    ForEachLength(key.plain, fields, tally,
                  [&](const Bytes& octets, const LengthField& field, unsigned value) {
                    ASSERT_TRUE(IsRefusedOrReadAsItStands(octets, key.has_id)) << ToHex(octets);
                    std::array<KeyDataPayload, kMaxKeys> keys;
                    if (field.ends_payload && value > octets.size()) {
                      ASSERT_FALSE(ParseKeyData(octets, keys)) << ToHex(octets);
                    }
                  });
  }
  Report("key data", tally);
}

TEST_F(Mutation, TrailingOctetsAreRefused) {
  for (Bytes octets : messages_) {
    octets.push_back(0);
    Message message;
    EXPECT_FALSE(ParseMessage(octets, message));
  }
}

}  // namespace
}  // namespace keymast::mikey
