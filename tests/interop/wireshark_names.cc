// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/wireshark_names.h"

#include <algorithm>
#include <ctime>

namespace keymast::mikey {
namespace {

constexpr auto kNumber = Field::Kind::kNumber;  // or a code
constexpr auto kLength = Field::Kind::kLength;
constexpr auto kOctets = Field::Kind::kOctets;

enum class Spelling {
  kDecimal,
  kHex,
  kColons,
  kText,
  kValue,  // octets as one decimal number
  kTime,
  kGroup,
};
using enum Spelling;

}  // namespace

struct WiresharkNames::Row {
  std::string_view group;
  std::string_view field;  // empty for the group itself
  Field::Kind kind;
  const char* name;  // null: Wireshark has none
  Spelling spelling = kDecimal;
};

namespace {

using Row = WiresharkNames::Row;

constexpr std::string_view kAnyField = "*";
constexpr std::string_view kAnyParam = "parameter";
constexpr std::string_view kOtherParam = "parameter without a name";

constexpr Row kRows[] = {
    {"HDR", "", kNumber, "mikey.hdr", kGroup},
    {"HDR", "version", kNumber, "mikey.version"},
    {"HDR", "data_type", kNumber, "mikey.type"},
    {"HDR", "next_payload", kNumber, "mikey.next_payload"},
    {"HDR", "v", kNumber, "mikey.v.set"},
    {"HDR", "prf_func", kNumber, "mikey.prf_func"},
    {"HDR", "csb_id", kNumber, "mikey.csb_id", kHex},
    {"HDR", "cs_count", kNumber, "mikey.cs_count"},
    {"HDR", "cs_id_map_type", kNumber, "mikey.cs_id_map_type"},
    {"SRTP-ID", "", kNumber, "mikey.srtp_id", kGroup},
    {"SRTP-ID", "policy_no", kNumber, "mikey.srtp_id.policy_no"},
    {"SRTP-ID", "ssrc", kNumber, "mikey.srtp_id.ssrc", kHex},
    {"SRTP-ID", "roc", kNumber, "mikey.srtp_id.roc", kHex},
    {"GENERIC-ID", kAnyField, kNumber, nullptr},
    {"SRTP session data", kAnyField, kNumber, nullptr},
    {"KEMAC", "", kNumber, "mikey.kemac", kGroup},
    {"KEMAC", "next_payload", kNumber, "mikey.next_payload"},
    {"KEMAC", "encr_alg", kNumber, "mikey.kemac.encr_alg"},
    {"KEMAC", "encr_data", kLength, "mikey.kemac.key_data_len"},
    {"KEMAC", "encr_data", kOctets, "mikey.kemac.key_data", kColons},
    {"KEMAC", "mac_alg", kNumber, "mikey.kemac.mac_alg"},
    {"KEMAC", "mac", kOctets, "mikey.kemac.mac", kColons},
    {"Key data", "", kNumber, "mikey.key", kGroup},
    {"Key data", "next_payload", kNumber, nullptr},
    {"Key data", "type", kNumber, "mikey.key.type"},
    {"Key data", "kv", kNumber, "mikey.key.kv"},
    {"Key data", "key", kLength, "mikey.key.data.len"},
    {"Key data", "key", kOctets, "mikey.key.data", kColons},
    {"Key data", "salt", kLength, "mikey.key.salt.len"},
    {"Key data", "salt", kOctets, "mikey.key.salt", kColons},
    {"Key data", "spi", kLength, "mikey.key.kv.spi.len"},
    {"Key data", "spi", kOctets, "mikey.key.kv.spi", kColons},
    {"Key data", "valid_from", kLength, "mikey.key.kv.from.len"},
    {"Key data", "valid_from", kOctets, "mikey.key.kv.from", kColons},
    {"Key data", "valid_to", kLength, "mikey.key.kv.to.len"},
    {"Key data", "valid_to", kOctets, "mikey.key.kv.to", kColons},
    {"PKE", "", kNumber, "mikey.pke", kGroup},
    {"PKE", "next_payload", kNumber, "mikey.next_payload"},
    {"PKE", "cache", kNumber, "mikey.pke.c"},
    {"PKE", "data", kLength, "mikey.pke.len"},
    {"PKE", "data", kOctets, "mikey.pke.data", kColons},
    {"DH", "", kNumber, "mikey.dh", kGroup},
    {"DH", "next_payload", kNumber, "mikey.next_payload"},
    {"DH", "dh_group", kNumber, "mikey.dh.group"},
    {"DH", "dh_value", kOctets, "mikey.dh.value", kColons},
    {"DH", "reserved", kNumber, "mikey.dh.reserv", kHex},
    {"DH", "kv", kNumber, "mikey.dh.kv"},
    {"DH", "spi", kLength, nullptr},
    {"DH", "spi", kOctets, nullptr},
    {"DH", "valid_from", kLength, nullptr},
    {"DH", "valid_from", kOctets, nullptr},
    {"DH", "valid_to", kLength, nullptr},
    {"DH", "valid_to", kOctets, nullptr},
    {"SIGN", "", kNumber, "mikey.sign", kGroup},
    {"SIGN", "s_type", kNumber, "mikey.sign.type"},
    {"SIGN", "signature", kLength, "mikey.sign.len"},
    {"SIGN", "signature", kOctets, "mikey.sign.data", kColons},
    {"T", "", kNumber, "mikey.t", kGroup},
    {"T", "next_payload", kNumber, "mikey.next_payload"},
    {"T", "ts_type", kNumber, "mikey.t.ts_type"},
    {"T", "ts_value", kOctets, "mikey.t.ntp", kTime},
    {"ID", "", kNumber, "mikey.id", kGroup},
    {"ID", "next_payload", kNumber, "mikey.next_payload"},
    {"ID", "id_type", kNumber, "mikey.id.type"},
    {"ID", "id", kLength, "mikey.id.len"},
    {"ID", "id", kOctets, "mikey.id.data", kText},
    {"CERT", "", kNumber, "mikey.cert", kGroup},
    {"CERT", "next_payload", kNumber, "mikey.next_payload"},
    {"CERT", "cert_type", kNumber, "mikey.cert.type"},
    {"CERT", "certificate", kLength, "mikey.cert.len"},
    {"CERT", "certificate", kOctets, "mikey.cert.data", kColons},
    {"CHASH", "", kNumber, "mikey.chash", kGroup},
    {"CHASH", "next_payload", kNumber, "mikey.next_payload"},
    {"CHASH", "hash_func", kNumber, nullptr},
    {"CHASH", "hash", kOctets, nullptr},
    {"V", "", kNumber, "mikey.v", kGroup},
    {"V", "next_payload", kNumber, "mikey.next_payload"},
    {"V", "auth_alg", kNumber, "mikey.v.auth_alg"},
    {"V", "ver_data", kOctets, "mikey.v.ver_data", kColons},
    {"SP", "", kNumber, "mikey.sp", kGroup},
    {"SP", "next_payload", kNumber, "mikey.next_payload"},
    {"SP", "policy_no", kNumber, "mikey.sp.no"},
    {"SP", "prot_type", kNumber, "mikey.sp.proto_type"},
    {"SP", "params", kLength, "mikey.sp.param_len"},
    {"SP", "params", kOctets, nullptr},
    {kAnyParam, "", kNumber, nullptr},
    {kAnyParam, "type", kNumber, "mikey.sp.param.type"},
    {kAnyParam, "value", kLength, "mikey.sp.param.len"},
    {kAnyParam, "value", kOctets, "mikey.sp.patam.value", kColons},  // spelled so in Wireshark
    {kAnyParam, "meaning", kNumber, nullptr},
    {kAnyParam, "meaning", kOctets, nullptr},
    {"SRTP encr alg", "value", kOctets, "mikey.sp.encr_alg", kValue},
    {"Session encr key length", "value", kOctets, "mikey.sp.encr_len", kValue},
    {"SRTP auth alg", "value", kOctets, "mikey.sp.auth_alg", kValue},
    {"Session auth key length", "value", kOctets, "mikey.sp.auth_key_len", kValue},
    {"Session salt key length", "value", kOctets, "mikey.sp.salt_len", kValue},
    {"SRTP PRF", "value", kOctets, "mikey.sp.prf", kValue},
    {"Key derivation rate", "value", kOctets, "mikey.sp.kd_rate", kValue},
    {"SRTP encryption", "value", kOctets, "mikey.sp.srtp_encr", kValue},
    {"SRTCP encryption", "value", kOctets, "mikey.sp.srtcp_encr", kValue},
    {"FEC order", "value", kOctets, "mikey.sp.fec", kValue},
    {"SRTP authentication", "value", kOctets, "mikey.sp.srtp_auth", kValue},
    {"Authentication tag length", "value", kOctets, "mikey.sp.auth_tag_len", kValue},
    {"SRTP prefix length", "value", kOctets, "mikey.sp.srtp_prefix", kValue},
    {"ROC transmission rate", "value", kOctets, nullptr},
    {kOtherParam, "value", kOctets, "mikey.sp.param", kColons},
    {"RAND", "", kNumber, "mikey.rand", kGroup},
    {"RAND", "next_payload", kNumber, "mikey.next_payload"},
    {"RAND", "rand", kLength, "mikey.rand.len"},
    {"RAND", "rand", kOctets, "mikey.rand.data", kColons},
    {"ERR", "", kNumber, "mikey.err", kGroup},
    {"ERR", "next_payload", kNumber, "mikey.next_payload"},
    {"ERR", "error_no", kNumber, "mikey.err.no"},
    {"ERR", "reserved", kNumber, "mikey.err.reserved", kColons},
    {"General Ext", "", kNumber, "mikey.ext", kGroup},
    {"General Ext", "next_payload", kNumber, "mikey.next_payload"},
    {"General Ext", "ext_type", kNumber, "mikey.ext.type"},
    {"General Ext", "data", kLength, "mikey.ext.len"},
    {"General Ext", "data", kOctets, "mikey.ext.data", kColons},
    {"General Ext", "data", kOctets, "mikey.ext.value", kText},
    {"General Ext", "csb_id", kNumber, nullptr},
    {"General Ext", "subtype", kNumber, nullptr},
    {"General Ext", "subtype_data", kOctets, nullptr},
    {"Key ID", kAnyField, kNumber, nullptr},
    {"IDR", "", kNumber, "mikey.idr", kGroup},
    {"IDR", "next_payload", kNumber, "mikey.next_payload"},
    {"IDR", "id_role", kNumber, "mikey.id.role"},
    {"IDR", "id_type", kNumber, "mikey.id.type"},
    {"IDR", "id", kLength, "mikey.id.len"},
    {"IDR", "id", kOctets, "mikey.id.data", kText},
    {"TR", "next_payload", kNumber, "mikey.next_payload"},
    {"TR", kAnyField, kNumber, nullptr},
    {"RANDR", "next_payload", kNumber, "mikey.next_payload"},
    {"RANDR", kAnyField, kNumber, nullptr},
    {"Not understood", "", kNumber, nullptr},
    {"Not understood", "octets", kOctets, "mikey.next_payload", kValue},  // the first of them
};

// Limit is a number above which Wireshark reads no further, since it knows neither the length of
// what follows nor, of CHASH, TR, RANDR and what we do not understand, anything at all.
struct Limit {
  std::string_view group;
  std::string_view field;
  int64_t last;
};
constexpr Limit kLimits[] = {
    {"T", "ts_type", 2},           {"KEMAC", "mac_alg", 1},
    {"V", "auth_alg", 1},          {"DH", "kv", 0},
    {"CHASH", "next_payload", -1}, {"TR", "next_payload", -1},
    {"RANDR", "next_payload", -1}, {"Not understood", "octets", -1},
};

std::string Colons(ByteView octets) {
  const std::string hex = ToHex(octets);
  std::string text;
  for (size_t i = 0; i < hex.size(); i += 2) text += (i == 0 ? "" : ":") + hex.substr(i, 2);
  return text;
}

Bytes BigEndian(uint64_t number, size_t length) {
  Bytes octets(length);
  for (size_t i = length; i > 0; --i, number >>= 8) octets[i - 1] = static_cast<uint8_t>(number);
  return octets;
}

uint64_t ValueOf(ByteView octets) {
  uint64_t value = 0;
  for (const uint8_t octet : octets) value = value << 8 | octet;
  return value;
}

// TimeText spells an NTP time of the era that ends in 2036.
std::string TimeText(ByteView ntp) {
  constexpr uint64_t kFrom1900To1970 = 2208988800;
  const auto seconds = static_cast<time_t>(ValueOf(ntp.first(4)) - kFrom1900To1970);
  const uint64_t nanoseconds = ValueOf(ntp.last(4)) * 1000000000 >> 32;
  std::tm date{};
  gmtime_r(&seconds, &date);
  std::array<char, 40> text{};
  (void)strftime(text.data(), text.size(), "%b %e, %Y %H:%M:%S.", &date);
  const std::string fraction = std::to_string(nanoseconds);
  return text.data() + std::string(9 - fraction.size(), '0') + fraction + " UTC";
}

std::string Spell(const Field& field, Spelling spelling) {
  switch (spelling) {
    case kDecimal:
      return std::to_string(field.number);
    case kHex:
      return "0x" + ToHex(BigEndian(field.number, field.length));
    case kColons:
      return Colons(field.kind == kOctets ? field.octets
                                          : ByteView(BigEndian(field.number, field.length)));
    case kText:
      return std::string(AsText(field.octets));
    case kValue:
      return std::to_string(ValueOf(field.octets));
    case kTime:
      return TimeText(field.octets);
    case kGroup:
      break;
  }
  return {};
}

bool Matches(const Row& row, std::string_view group, const Field& field) {
  if (row.group != group) return false;
  const auto kind = field.kind == Field::Kind::kCode ? kNumber : field.kind;
  return row.field == kAnyField || (row.field == field.name && row.kind == kind);
}

bool HasRow(std::string_view group, const Field& field) {
  return std::any_of(std::begin(kRows), std::end(kRows),
                     [&](const Row& row) { return Matches(row, group, field); });
}

}  // namespace

std::set<std::string> NamesOfWireshark() {
  std::set<std::string> names;
  for (const Row& row : kRows) {
    if (row.name != nullptr) names.insert(row.name);
  }
  return names;
}

void WiresharkNames::Open(std::string_view name, std::string_view, size_t) {
  groups_.emplace_back(name);
  if (groups_.size() == 1) {
    is_hidden_ = reading_ != Reading::kToItsEnd;
    keys_ = 0;
  }
  if (name == "Key data") ++keys_;
  Add({"", kNumber});
}

void WiresharkNames::Close(size_t) { groups_.pop_back(); }

uint64_t WiresharkNames::Last(const std::string& field) const {
  const auto found = last_.find(field);
  return found == last_.end() ? 0 : found->second;
}

// IsShown is what Wireshark leaves out without stopping.
bool WiresharkNames::IsShown(const Field& field) const {
  const std::string& group = groups_.back();
  const bool clear = Last("KEMAC/encr_alg") == 0 && Last("HDR/data_type") == 0;
  if (group == "KEMAC" && field.name == "encr_data" && field.kind == kOctets) return !clear;
  if (group == "T" && field.name == "ts_value") return field.length == 8;  // no COUNTER
  if (group != "Key data") return true;
  // The first key alone, in PSK messages alone; no salt of no octets, and of GTGK+SALT (RFC 6043
  // §6.2.1) nothing behind the key.
  const bool is_key = field.name == "type" || field.name == "kv" || field.name == "key";
  if (Last("Key data/type") == 5 && !is_key && !field.name.empty()) return false;
  if (field.name == "salt" && field.kind == kLength && field.number == 0) return false;
  return clear && keys_ == 1;
}

// Stop leaves out the rest of the payload, but for the keys that were read before.
void WiresharkNames::Stop(Reading reading) {
  if (reading_ == Reading::kToItsEnd) reading_ = reading;
  is_cut_ = true;
}

void WiresharkNames::ApplyLimits(const Field& field) {
  const std::string& group = groups_.back();
  for (const Limit& limit : kLimits) {
    if (limit.group != group || limit.field != field.name) continue;
    if (static_cast<int64_t>(field.number) > limit.last) Stop(Reading::kStopped);
  }
  const bool is_generic = group == "HDR" && field.name == "cs_id_map_type" && field.number == 2;
  if (is_generic && Last("HDR/cs_count") > 0) Stop(Reading::kAstray);
  const bool is_validity = group == "Key data" && field.name == "kv" && field.number != 0;
  if (is_validity && Last("Key data/type") == 5) Stop(Reading::kAstray);
  // A URL is read as if it were a certificate.
  const bool is_url = group == "CERT" && Last("CERT/cert_type") == 1;
  if (is_url && field.kind == kLength) Stop(Reading::kMalformed);
}

// Put names a field of a row that matches it.
void WiresharkNames::Put(const Row& row, Field field) {
  const std::string& group = groups_.back();
  if (row.name == nullptr) return;
  // SDP IDs are text, other extensions are octets.
  const bool is_text = Last("General Ext/ext_type") == 1;
  if (row.name == std::string_view("mikey.ext.data") && is_text) return;
  if (row.name == std::string_view("mikey.ext.value") && !is_text) return;
  // Wireshark takes the length of a certificate from the octet before it.
  if (group == "CERT" && field.kind == kLength) {
    field.number = Last("CERT/cert_type") << 8 | field.number >> 8;
  }
  if (group == "Not understood") field.octets = field.octets.first(1);
  fields_[row.name].push_back(Spell(field, row.spelling));
}

void WiresharkNames::Add(const Field& field) {
  const std::string& group = groups_.back();
  const bool is_param = groups_.size() == 2 && groups_[0] == "SP" && HasRow(kAnyParam, field);
  const bool is_listed = HasRow(group, field);
  if (!is_listed && !is_param) unlisted_.insert(group + "/" + std::string(field.name));
  last_[group + "/" + std::string(field.name)] = field.number;
  if (is_hidden_ || (is_cut_ && group != "Key data") || !IsShown(field)) return;
  for (const Row& row : kRows) {
    if (Matches(row, group, field)) Put(row, field);
    if (is_param && Matches(row, kAnyParam, field)) Put(row, field);
    if (is_param && !is_listed && Matches(row, kOtherParam, field)) Put(row, field);
  }
  ApplyLimits(field);
}

}  // namespace keymast::mikey
