// SPDX-License-Identifier: Apache-2.0
// The three messages of TS 33.246 §6.4.5, in the form of keymast's own profile (docs/mikey.md).
#include "tools/vectors.h"

namespace keymast::tools {
namespace {

constexpr const char* kKeys = "muk 000102030405060708090a0b0c0d0e0f\n";
constexpr const char* kMtkKeys =
    "muk 000102030405060708090a0b0c0d0e0f\n"
    "msk 404142434445464748494a4b4c4d4e4f\n";

// The MSK message of a deployment with one stream; others below go with it.
constexpr const char* kMskMessage =
    R"({"header": {"data_type": "Pre-shared", "v": 1, "cs_id_map_type": "SRTP-ID",
             "map": [{"ssrc": 2684354561, "roc": 3}]},
  "payloads": [
    {"type": "General Ext", "ext_type": "Key ID information", "data": [
      {"key_id_type": "MBMS Key Domain ID", "key_id": "262f01"},
      {"key_id_type": "MBMS Service Key ID", "key_id": "00010001"}]},
    {"type": "T", "ts_type": "COUNTER", "ts_value": 9},
    {"type": "RAND", "rand": "101112131415161718191a1b1c1d1e1f"},
    {"type": "ID", "id": {"text": "bmsc@example.org"}},
    {"type": "ID", "id": {"text": "ue1@example.org"}},
    {"type": "SP", "params": [
      {"type": "SRTP encr alg", "value": "AES-CM"},
      {"type": "Session encr key length", "value": 16},
      {"type": "Authentication tag length", "value": 10}]},
    {"type": "KEMAC", "seal": {"key": "muk", "keys": [
      {"type": "TGK", "kv": "Interval", "key": "404142434445464748494a4b4c4d4e4f",
       "valid_from": "0001", "valid_to": "0384"}]}}]})";

constexpr const char* kMskEmptyMap =
    R"({"header": {"data_type": "Pre-shared", "csb_id": 305419896, "cs_id_map_type": "Empty map"},
  "payloads": [
    {"type": "General Ext", "ext_type": "Key ID information", "data": [
      {"key_id_type": "MBMS Key Domain ID", "key_id": "262f01"},
      {"key_id_type": "MBMS Service Key ID", "key_id": "00020007"}]},
    {"type": "T", "ts_type": "COUNTER", "ts_value": 4294967295},
    {"type": "RAND", "rand": "101112131415161718191a1b1c1d1e1f"},
    {"type": "ID", "id": {"text": "bmsc@example.org"}},
    {"type": "ID", "id": {"text": "ue1@example.org"}},
    {"type": "KEMAC", "seal": {"key": "muk", "keys": [
      {"type": "TGK", "kv": "Interval", "valid_from": "0001", "valid_to": "ffff",
       "key": "505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f"}]}}]})";

constexpr const char* kMskSha256 =
    R"({"header": {"data_type": "Pre-shared", "prf_func": "PRF-HMAC-SHA-256",
             "cs_id_map_type": "SRTP-ID", "map": [{"ssrc": 2684354561}]},
  "payloads": [
    {"type": "General Ext", "ext_type": "Key ID information", "data": [
      {"key_id_type": "MBMS Key Domain ID", "key_id": "262f01"},
      {"key_id_type": "MBMS Service Key ID", "key_id": "00010002"}]},
    {"type": "T", "ts_type": "COUNTER", "ts_value": 10},
    {"type": "RAND", "rand": "303132333435363738393a3b3c3d3e3f"},
    {"type": "ID", "id": {"text": "bmsc@example.org"}},
    {"type": "ID", "id": {"text": "ue1@example.org"}},
    {"type": "KEMAC", "encr_alg": "AES-CM-256", "mac_alg": "HMAC-SHA-256-256",
     "seal": {"key": "muk", "keys": [
      {"type": "TGK", "kv": "Interval", "valid_from": "0001", "valid_to": "0384",
       "key": "404142434445464748494a4b4c4d4e4f"}]}}]})";

// It has no RAND: that of the MSK message enters its keys (RFC 3830 §4.5).
constexpr const char* kMtkMessage = R"({"header": {"data_type": "Pre-shared"},
  "payloads": [
    {"type": "General Ext", "ext_type": "Key ID information", "data": [
      {"key_id_type": "MBMS Key Domain ID", "key_id": "262f01"},
      {"key_id_type": "MBMS Service Key ID", "key_id": "00010001"},
      {"key_id_type": "MBMS Traffic Key ID", "key_id": "0005"}]},
    {"type": "T", "ts_type": "COUNTER", "ts_value": 7},
    {"type": "KEMAC", "seal": {"key": "msk", "rand": "101112131415161718191a1b1c1d1e1f", "keys": [
      {"type": "TEK+SALT", "key": "707172737475767778797a7b7c7d7e7f",
       "salt": "808182838485868788898a8b8c8d"}]}}]})";

constexpr const char* kMtkMessageGcm = R"({"header": {"data_type": "Pre-shared"},
  "payloads": [
    {"type": "T", "ts_type": "COUNTER", "ts_value": 8},
    {"type": "General Ext", "ext_type": "Key ID information", "data": [
      {"key_id_type": "MBMS Key Domain ID", "key_id": "262f01"},
      {"key_id_type": "MBMS Service Key ID", "key_id": "00010001"},
      {"key_id_type": "MBMS Traffic Key ID", "key_id": "0006"}]},
    {"type": "KEMAC", "seal": {"key": "msk", "rand": "101112131415161718191a1b1c1d1e1f", "keys": [
      {"type": "TEK+SALT", "salt": "b0b1b2b3b4b5b6b7b8b9babb",
       "key": "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf"}]}}]})";

constexpr const char* kAnswer =
    R"({"header": {"data_type": "PSK ver msg", "cs_id_map_type": "SRTP-ID",
             "map": [{"ssrc": 2684354561, "roc": 3}]},
  "payloads": [
    {"type": "T", "ts_type": "COUNTER", "ts_value": 9},
    {"type": "ID", "id": {"text": "ue1@example.org"}},
    {"type": "V", "seal": {"key": "muk"}}]})";

constexpr const char* kAnswerWithoutIds =
    R"({"header": {"data_type": "PSK ver msg", "cs_id_map_type": "SRTP-ID",
             "map": [{"ssrc": 2684354561, "roc": 3}]},
  "payloads": [
    {"type": "T", "ts_type": "COUNTER", "ts_value": 9},
    {"type": "ID", "id": {"text": "ue1@example.org"}},
    {"type": "V", "seal": {"key": "muk", "idi": "", "idr": ""}}]})";

constexpr const char* kAnswerOfAnotherTime =
    R"({"header": {"data_type": "PSK ver msg", "cs_id_map_type": "SRTP-ID",
             "map": [{"ssrc": 2684354561, "roc": 3}]},
  "payloads": [
    {"type": "T", "ts_type": "COUNTER", "ts_value": 9},
    {"type": "ID", "id": {"text": "ue1@example.org"}},
    {"type": "V", "seal": {"key": "muk", "timestamp": "0000000a"}}]})";

constexpr const char* kNullAnswer =
    R"({"header": {"data_type": "PSK ver msg", "cs_id_map_type": "SRTP-ID",
             "map": [{"ssrc": 2684354561, "roc": 3}]},
  "payloads": [
    {"type": "T", "ts_type": "COUNTER", "ts_value": 9},
    {"type": "ID", "id": {"text": "ue1@example.org"}},
    {"type": "V", "auth_alg": "NULL"}]})";

constexpr VectorCase kMskCases[] = {
    {"one_stream", "SEQl 1 to SEQu 900; one stream whose ROC is 3", kKeys, {kMskMessage}},
    {"empty_map",
     "The policy is known from elsewhere (RFC 4563 §5); no answer is wanted",
     kKeys,
     {kMskEmptyMap}},
    {"sha_256", "AES-CM-256, HMAC-SHA-256-256, PRF-HMAC-SHA-256", kKeys, {kMskSha256}},
};

constexpr VectorCase kMtkCases[] = {
    {"aes_cm",
     "A TEK with a salt of 14 octets, behind its MSK message",
     kMtkKeys,
     {kMskMessage, kMtkMessage}},
    {"aes_gcm",
     "A TEK of 32 octets with a salt of 12; T comes before the Key IDs",
     kMtkKeys,
     {kMskMessage, kMtkMessageGcm}},
};

constexpr VectorCase kVerificationCases[] = {
    {"msk",
     "The MSK message and its answer; V covers IDi, IDr and T",
     kKeys,
     {kMskMessage, kAnswer}},
    {"without_identities",
     "The same where a profile leaves the identities out of V",
     kKeys,
     {kMskMessage, kAnswerWithoutIds}},
    {"another_time",
     "To be refused: V covers another COUNTER than that of the MSK message",
     kKeys,
     {kMskMessage, kAnswerOfAnotherTime}},
    {"null", "To be refused: a NULL V confirms nothing", kKeys, {kMskMessage, kNullAnswer}},
};

}  // namespace

std::span<const VectorCase> MskCases() { return kMskCases; }
std::span<const VectorCase> MtkCases() { return kMtkCases; }
std::span<const VectorCase> VerificationCases() { return kVerificationCases; }

}  // namespace keymast::tools
