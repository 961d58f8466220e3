// SPDX-License-Identifier: Apache-2.0
// The messages that others are given have all that the codec describes.
#include "tests/interop/mikey_messages.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "mikey/dump.h"

namespace keymast::mikey {
namespace {

// Numbers collects the codes of each "group/field", and the groups.
class Numbers : public FieldSink {
 public:
  void Open(std::string_view name, std::string_view, size_t) override {
    groups_.emplace_back(name);
    seen_.insert(groups_.back());
  }
  void Add(const Field& field) override {
    codes_[groups_.back() + "/" + std::string(field.name)].insert(field.number);
  }
  void Close(size_t) override { groups_.pop_back(); }

  const std::set<std::string>& groups() const { return seen_; }
  const std::set<uint64_t>& codes(const std::string& field) { return codes_[field]; }

 private:
  std::vector<std::string> groups_;
  std::set<std::string> seen_;
  std::map<std::string, std::set<uint64_t>> codes_;
};

Numbers AllNumbers() {
  Numbers numbers;
  for (const SampleMessage& message : SampleMessages()) {
    EXPECT_TRUE(Dump(message.octets, numbers)) << message.name;
  }
  return numbers;
}

TEST(SampleMessages, AreWrittenBackAsTheyWere) {
  for (const SampleMessage& sample : SampleMessages()) {
    Message message;
    ASSERT_TRUE(ParseMessage(sample.octets, message)) << sample.name;
    Bytes out(sample.octets.size());
    EXPECT_EQ(WriteMessage(message, out), Result<size_t>(out.size())) << sample.name;
    EXPECT_EQ(out, sample.octets) << sample.name;
  }
}

template <size_t... I>
std::set<std::string> PayloadNames(std::index_sequence<I...>) {
  return {std::string(NameOf(std::variant_alternative_t<I, Payload>::kInfo.type))...};
}

TEST(SampleMessages, HaveEveryPayloadAndParameter) {
  const Numbers numbers = AllNumbers();
  std::set<std::string> wanted =
      PayloadNames(std::make_index_sequence<std::variant_size_v<Payload> - 1>());
  for (const CodePoint& point : CodePointsOf<PayloadType>()) {
    if (!IsOfVersion1(point)) wanted.erase(std::string(point.name));
  }
  wanted.insert({"Key data", "SRTP-ID", "GENERIC-ID", "Key ID", "Not understood"});
  for (const ProtType protocol : {ProtType::kSrtp, ProtType::kTesla}) {
    for (const ParamInfo& info : ParamsOf(protocol)) wanted.insert(std::string(info.name));
  }
  for (const std::string& name : wanted) EXPECT_TRUE(numbers.groups().contains(name)) << name;
}

template <class E>
void HasAll(Numbers& numbers, const std::string& field) {
  for (const CodePoint& point : Registered<E>()) {
    EXPECT_TRUE(numbers.codes(field).contains(point.value)) << field << " " << point.name;
  }
}

TEST(SampleMessages, HaveEveryNumberOfARegistry) {
  Numbers numbers = AllNumbers();
  for (uint64_t type = 0; type <= 10; ++type) {
    EXPECT_TRUE(numbers.codes("HDR/data_type").contains(type)) << type;
  }
  HasAll<PrfFunc>(numbers, "HDR/prf_func");
  HasAll<CsIdMapType>(numbers, "HDR/cs_id_map_type");
  HasAll<TsType>(numbers, "T/ts_type");
  HasAll<IdType>(numbers, "ID/id_type");
  HasAll<CertType>(numbers, "CERT/cert_type");
  HasAll<HashFunc>(numbers, "CHASH/hash_func");
  HasAll<ProtType>(numbers, "SP/prot_type");
  HasAll<EncrAlg>(numbers, "KEMAC/encr_alg");
  HasAll<MacAlg>(numbers, "KEMAC/mac_alg");
  HasAll<MacAlg>(numbers, "V/auth_alg");
  HasAll<Cache>(numbers, "PKE/cache");
  HasAll<DhGroup>(numbers, "DH/dh_group");
  HasAll<KvType>(numbers, "DH/kv");
  HasAll<SignatureType>(numbers, "SIGN/s_type");
  HasAll<ErrorNumber>(numbers, "ERR/error_no");
  HasAll<ExtType>(numbers, "General Ext/ext_type");
  HasAll<KeyIdType>(numbers, "Key ID/key_id_type");
  HasAll<KeyDataType>(numbers, "Key data/type");
  HasAll<KvType>(numbers, "Key data/kv");
  HasAll<TsRole>(numbers, "TR/ts_role");
  HasAll<IdRole>(numbers, "IDR/id_role");
  HasAll<RandRole>(numbers, "RANDR/rand_role");
}

}  // namespace
}  // namespace keymast::mikey
