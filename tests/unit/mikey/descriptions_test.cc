// SPDX-License-Identifier: Apache-2.0
// Every description of the codec, enumerated: what it writes it reads and shows octet for octet,
// and the fuzzers' dictionary is made of it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "mikey/dump.h"
#include "mikey/extensions.h"
#include "mikey/key_data.h"
#include "mikey/v2/capabilities.h"
#include "mikey/v2/extensions.h"
#include "tests/unit/mikey/sample_io.h"

namespace keymast::mikey {
namespace {

constexpr int kSamples = 300;

// Shown collects what a dump says of each octet.
class Shown : public FieldSink {
 public:
  explicit Shown(size_t size) : bits_(size) {}
  void Open(std::string_view name, std::string_view clause, size_t) override {
    EXPECT_FALSE(name.empty());
    groups_.insert(std::string(name));
    EXPECT_FALSE(clause.empty()) << name;
  }
  void Add(const Field& field) override {
    EXPECT_FALSE(field.name.empty());
    if (field.kind == Field::Kind::kOctets) {
      EXPECT_EQ(field.octets.size(), field.length);
    }
    ASSERT_LE(field.offset + field.length, bits_.size());
    // Two fields that share octets have all bits of them between them.
    size_t bits = field.bits == 0 ? 8 * field.length : field.bits;
    for (size_t at = field.offset; at < field.offset + field.length && bits > 0; ++at) {
      const size_t room = 8 - std::min<size_t>(bits_[at], 8);
      const size_t here = field.bits == 0 ? 8 : std::min(bits, room);
      bits_[at] += here;
      bits -= std::min(bits, here);
    }
  }
  void Close(size_t) override {}

  // CoversAll is true when every octet was shown, whatever was shown twice because it has a
  // structure.
  bool CoversAll() const {
    return std::all_of(bits_.begin(), bits_.end(), [](size_t bits) { return bits >= 8; });
  }
  const std::set<std::string>& groups() const { return groups_; }

 private:
  std::vector<size_t> bits_;
  std::set<std::string> groups_;
};

Bytes MessageOf(const Payload& payload) {
  Bytes out(2000);
  Header header;
  if (!IsOfVersion(TypeOf(payload), kVersion1)) header.version = kVersion2;
  ChainWriter chain(out, header);
  std::visit([&chain](const auto& p) { chain.Add(p); }, payload);
  EXPECT_TRUE(chain.ok());
  out.resize(chain.size());
  return out;
}

void WritesReadsAndShows(const Bytes& octets, PayloadType type) {
  Message message;
  ASSERT_TRUE(ParseMessage(octets, message)) << ToHex(octets);
  ASSERT_EQ(message.chain().size(), 1u);
  EXPECT_EQ(TypeOf(message.chain()[0]), type);
  EXPECT_EQ(message.Get<OpaquePayload>(), nullptr);
  Bytes out(octets.size());
  ASSERT_EQ(WriteMessage(message, out), Result<size_t>(octets.size()));
  ASSERT_EQ(ToHex(out), ToHex(octets));
  Shown shown(octets.size());
  EXPECT_TRUE(Dump(octets, shown));
  EXPECT_TRUE(shown.CoversAll()) << ToHex(octets);
  EXPECT_TRUE(shown.groups().contains(std::string(NameOf(type))));
  EXPECT_FALSE(shown.groups().contains("Not understood"));
}

// ForEachPayload calls `visit` with a default value of every payload but the opaque one.
template <class Visit, size_t... I>
void ForEach(Visit visit, std::index_sequence<I...>) {
  (visit(std::variant_alternative_t<I, Payload>{}), ...);
}
template <class Visit>
void ForEachPayload(Visit visit) {
  ForEach(visit, std::make_index_sequence<std::variant_size_v<Payload> - 1>());
}

TEST(Descriptions, EveryPayloadIsReadAndShownAsItIsWritten) {
  std::mt19937_64 random(1);
  ForEachPayload([&random](const auto& example) {
    using P = std::decay_t<decltype(example)>;
    SCOPED_TRACE(NameOf(P::kInfo.type));
    EXPECT_NE(FindCodePoint(CodePointsOf<PayloadType>(), uint64_t(P::kInfo.type)), nullptr);
    for (int i = 0; i < kSamples; ++i) {
      std::deque<Bytes> arena;
      WritesReadsAndShows(MessageOf(Sample<P>(random, arena)), P::kInfo.type);
    }
  });
}

TEST(Descriptions, EveryPayloadHasANumberOfItsOwn) {
  std::set<PayloadType> types{PayloadType::kKeyData};
  ForEachPayload([&types](const auto& example) {
    EXPECT_TRUE(types.insert(std::decay_t<decltype(example)>::kInfo.type).second);
  });
}

TEST(Descriptions, KeyDataIsReadAndShownAsItIsWritten) {
  std::mt19937_64 random(2);
  for (int i = 0; i < kSamples; ++i) {
    std::deque<Bytes> arena;
    std::vector<KeyDataPayload> keys(1 + static_cast<size_t>(i) % 4);
    for (KeyDataPayload& key : keys) key = SampleKey(random, arena);
    const IdPayload id = Sample<IdPayload>(random, arena);
    for (const IdPayload* front : {static_cast<const IdPayload*>(nullptr), &id}) {
      Bytes out(4000);
      out.resize(*WriteKeyData(keys, out, front));
      std::array<KeyDataPayload, 4> read;
      IdPayload read_id;
      const auto count = front ? ParseIdAndKeyData(out, read_id, read) : ParseKeyData(out, read);
      ASSERT_EQ(count, Result<size_t>(keys.size())) << ToHex(out);
      Bytes again(out.size());
      const auto used = std::span(read).first(*count);
      ASSERT_EQ(WriteKeyData(used, again, front ? &read_id : nullptr), Result<size_t>(out.size()));
      ASSERT_EQ(ToHex(again), ToHex(out));
      Shown shown(out.size());
      EXPECT_TRUE(DumpKeyData(out, 0, shown, front ? PayloadType::kId : PayloadType::kKeyData));
      EXPECT_TRUE(shown.CoversAll());
    }
  }
}

TEST(Descriptions, NoOctetsAreNoKeyData) {
  std::array<KeyDataPayload, 1> keys;
  IdPayload id;
  Shown shown(0);
  EXPECT_EQ(ParseKeyData({}, keys), Result<size_t>(0));
  EXPECT_TRUE(DumpKeyData({}, 0, shown));
  EXPECT_FALSE(ParseIdAndKeyData({}, id, keys));
  EXPECT_FALSE(DumpKeyData({}, 0, shown, PayloadType::kId));
}

template <class T>
void ReadsAsWritten(uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < kSamples; ++i) {
    std::deque<Bytes> arena;
    const T sample = Sample<T>(random, arena);
    Bytes octets(2000);
    Writer writer(octets);
    WriteIo write(writer);
    T::Describe(write, sample);
    ASSERT_TRUE(writer.ok());
    octets.resize(writer.size());
    Reader reader(octets);
    ReadIo read(reader);
    T value;
    T::Describe(read, value);
    ASSERT_TRUE(read.Finish()) << ToHex(octets);
    Bytes again(octets.size());
    Writer rewriter(again);
    WriteIo rewrite(rewriter);
    T::Describe(rewrite, value);
    ASSERT_EQ(ToHex(again), ToHex(octets));
  }
}

// One line of a libFuzzer dictionary.
std::string DictionaryLine(std::string_view name, ByteView octets) {
  std::ostringstream line;
  for (const char letter : name) line << (std::isalnum(letter) != 0 ? letter : '_');
  line << "=\"";
  for (const uint8_t octet : octets) line << "\\x" << ToHex({&octet, 1});
  line << "\"\n";
  return line.str();
}

template <class T>
std::string LineOfPart(std::string_view name) {
  std::mt19937_64 random(9);
  Bytes smallest;
  for (int i = 0; i < 50; ++i) {
    std::deque<Bytes> arena;
    Bytes octets(2000);
    Writer writer(octets);
    WriteIo io(writer);
    const T sample = Sample<T>(random, arena);
    T::Describe(io, sample);
    octets.resize(writer.size());
    if (smallest.empty() || octets.size() < smallest.size()) smallest = octets;
  }
  smallest.resize(std::min<size_t>(smallest.size(), 64));
  return DictionaryLine(name, smallest);
}

// Part is a structure inside of payloads.
struct Part {
  std::string_view name;
  void (*reads_as_written)(uint64_t seed);
  std::string (*line)(std::string_view name);
};
template <class T>
Part PartOf(std::string_view name) {
  return {name, ReadsAsWritten<T>, LineOfPart<T>};
}

// Session data is drawn without position, which Csb's tests have.
const Part kParts[] = {
    PartOf<SrtpIdEntry>("SrtpIdEntry"),
    PartOf<GenericIdEntry>("GenericIdEntry"),
    PartOf<SrtpSessionData>("SrtpSessionData"),
    PartOf<KeyIdEntry>("KeyIdEntry"),
    PartOf<CsbIdExtension>("CsbIdExtension"),
    PartOf<OmaExtension>("OmaExtension"),
    PartOf<Param>("Param"),
    PartOf<v2::Tlv>("Tlv"),
    PartOf<v2::MskState>("MskState"),
    PartOf<v2::MemberState>("MemberState"),
    PartOf<v2::UpdateHead>("UpdateHead"),
    PartOf<v2::ReportBody>("ReportBody"),
    PartOf<v2::MerklePath>("MerklePath"),
    PartOf<v2::FilterMac>("FilterMac"),
    PartOf<v2::KeyRoll>("KeyRoll"),
};

TEST(Descriptions, PartsOfPayloadsAreReadAsWritten) {
  uint64_t seed = 3;
  for (const Part& part : kParts) {
    SCOPED_TRACE(part.name);
    part.reads_as_written(seed++);
  }
}

// Names of the structs of a header that have a description.
void AddDescribed(const std::filesystem::path& header, std::set<std::string>& names) {
  std::ifstream file(header);
  std::string line;
  std::string name;
  while (std::getline(file, line)) {
    if (line.starts_with("struct ")) name = line.substr(7, line.find(' ', 7) - 7);
    if (line.find("static void Describe(") != std::string::npos) names.insert(name);
  }
}

TEST(Descriptions, NoneIsMissingHere) {
  std::set<std::string> described;
  for (const char* folder : {"/mikey", "/mikey/v2"}) {
    const std::string path = std::string(KEYMAST_SOURCE_DIR) + folder;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (entry.path().extension() == ".h") AddDescribed(entry.path(), described);
    }
  }
  std::erase_if(described, [](const std::string& name) { return name.ends_with("Payload"); });
  std::set<std::string> tested{"KeyValidity",    // of key data and DH, which are tested with it
                               "MtkSignature"};  // no octets drawn at random have its form:
                                                 // MtkSignature's tests, and vectors
  for (const Part& part : kParts) tested.emplace(part.name);
  EXPECT_EQ(described, tested);
}

TEST(Descriptions, NumbersOfARegistryAreDistinct) {
  const auto check = [](std::span<const CodePoint> registry) {
    std::set<uint8_t> values;
    for (const CodePoint& point : registry) {
      EXPECT_TRUE(values.insert(point.value).second) << point.name;
      EXPECT_FALSE(point.source.empty()) << point.name;
    }
  };
  const auto check_all = [&check]<class... E>() { (check(CodePointsOf<E>()), ...); };
  check_all.
  operator()<DataType, PayloadType, PrfFunc, CsIdMapType, EncrAlg, MacAlg, Cache, DhGroup,
             SignatureType, TsType, IdType, CertType, HashFunc, ProtType, ErrorNumber, KeyDataType,
             KvType, ExtType, KeyIdType, OmaSubtype, TsRole, IdRole, RandRole, SrtpEncrAlg,
             SrtpAuthAlg, SrtpPrf, FecOrder, Switch, TeslaPrf, TeslaMac, TlvType, ExchangeMode>();
  for (const ProtType protocol : {ProtType::kSrtp, ProtType::kTesla}) {
    std::set<uint8_t> types;
    for (const ParamInfo& info : ParamsOf(protocol)) {
      EXPECT_TRUE(types.insert(info.type).second) << info.name;
    }
  }
}

// Dictionary has a small payload of each type, as the end of a chain and as a link of one, a
// parameter and an extension of each type, key data and the parts of payloads.
std::string Dictionary() {
  std::ostringstream text;
  text << "# The codec's descriptions as fuzzing tokens. Made by tests/unit/mikey/"
          "descriptions_test.cc.\n";
  std::mt19937_64 random(9);
  ForEachPayload([&](const auto& example) {
    using P = std::decay_t<decltype(example)>;
    Bytes smallest;
    for (int i = 0; i < 200; ++i) {
      std::deque<Bytes> arena;
      const Bytes octets = MessageOf(Sample<P>(random, arena));
      if (smallest.empty() || octets.size() < smallest.size()) smallest = octets;
    }
    const uint8_t type = static_cast<uint8_t>(P::kInfo.type);
    const ByteView payload = ByteView(smallest).subspan(10);
    text << DictionaryLine("type_" + std::string(NameOf(P::kInfo.type)), {&type, 1});
    text << DictionaryLine("payload_" + std::string(NameOf(P::kInfo.type)),
                           payload.first(std::min<size_t>(payload.size(), 64)));
  });
  for (const CodePoint& point : CodePointsOf<DataType>()) {
    const bool is_new = point.value >= static_cast<uint8_t>(DataType::kCap);
    const std::array<uint8_t, 2> start{is_new ? kVersion2 : kVersion1, point.value};
    text << DictionaryLine("message_" + std::string(point.name), start);
  }
  for (const ProtType protocol : {ProtType::kSrtp, ProtType::kTesla}) {
    for (const ParamInfo& info : ParamsOf(protocol)) {
      Bytes param{info.type, static_cast<uint8_t>(std::max<size_t>(info.octets, 1))};
      param.resize(param.size() + param[1], 1);
      text << DictionaryLine("param_" + std::string(info.name), param);
    }
  }
  for (const CodePoint& point : CodePointsOf<ExtType>()) {
    const std::array<uint8_t, 3> head{point.value, 0, 4};
    text << DictionaryLine("ext_" + std::string(point.name), head);
  }
  for (const CodePoint& point : CodePointsOf<KeyDataType>()) {
    for (const CodePoint& validity : CodePointsOf<KvType>()) {
      const auto type = static_cast<uint8_t>(point.value << 4 | validity.value);
      const std::array<uint8_t, 5> head{0, type, 0, 1, 1};
      text << DictionaryLine("key_" + std::string(point.name) + "_" + std::string(validity.name),
                             head);
    }
  }
  for (const Part& part : kParts) text << part.line("part_" + std::string(part.name));
  return text.str();
}

// KEYMAST_WRITE_DICTIONARY=1 writes the file anew.
TEST(Descriptions, TheFuzzersDictionaryIsMadeOfThem) {
  const std::string path = std::string(KEYMAST_SOURCE_DIR) + "/tests/fuzz/mikey.dict";
  if (std::getenv("KEYMAST_WRITE_DICTIONARY") != nullptr) std::ofstream(path) << Dictionary();
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, Dictionary()) << "run mikey_test with KEYMAST_WRITE_DICTIONARY=1";
}

}  // namespace
}  // namespace keymast::mikey
