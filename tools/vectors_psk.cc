// SPDX-License-Identifier: Apache-2.0
#include "tools/vectors.h"

namespace keymast::tools {
namespace {

constexpr const char* kKeys =
    "psk 000102030405060708090a0b0c0d0e0f\n"
    "psk32 202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f\n";

constexpr const char* kMandatory =
    R"({"header": {"data_type": "Pre-shared", "v": 1, "csb_id": 305419896,
             "cs_id_map_type": "SRTP-ID",
             "map": [{"policy_no": 0, "ssrc": 3735928559, "roc": 0}]},
  "payloads": [
    {"type": "T", "ts_type": "NTP-UTC", "ts_value": "e5a1b2c300000001"},
    {"type": "RAND", "rand": "101112131415161718191a1b1c1d1e1f"},
    {"type": "ID", "id": {"text": "bmsc@example.org"}},
    {"type": "ID", "id": {"text": "ue1@example.org"}},
    {"type": "SP", "params": [
      {"type": "SRTP encr alg", "value": "AES-CM"},
      {"type": "Session encr key length", "value": 16},
      {"type": "SRTP auth alg", "value": "HMAC-SHA-1"},
      {"type": "Session auth key length", "value": 20},
      {"type": "Session salt key length", "value": 14},
      {"type": "SRTP encryption", "value": "on"}, {"type": "SRTCP encryption", "value": "on"},
      {"type": "SRTP authentication", "value": "on"},
      {"type": "Authentication tag length", "value": 10}]},
    {"type": "KEMAC", "seal": {"key": "psk", "keys": [
      {"type": "TGK+SALT", "kv": "SPI", "key": "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
       "salt": "c0c1c2c3c4c5c6c7c8c9cacbcccd", "spi": "00000001"}]}}]})";

constexpr const char* kSha256 =
    R"({"header": {"data_type": "Pre-shared", "prf_func": "PRF-HMAC-SHA-256", "csb_id": 1,
             "cs_id_map_type": "SRTP-ID",
             "map": [{"ssrc": 1, "roc": 2}, {"policy_no": 1, "ssrc": 3, "roc": 4}]},
  "payloads": [
    {"type": "T", "ts_type": "NTP", "ts_value": "e5a1b2c380000000"},
    {"type": "RAND", "rand": "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f"},
    {"type": "SP", "policy_no": 0, "params": [
      {"type": "SRTP encr alg", "value": "AES-CM"},
      {"type": "Session encr key length", "value": 32}]},
    {"type": "SP", "policy_no": 1, "params": [
      {"type": "SRTP encr alg", "value": "AES-GCM"},
      {"type": "Session encr key length", "value": 32},
      {"type": "AEAD authentication tag length", "value": 16}]},
    {"type": "KEMAC", "encr_alg": "AES-CM-256", "mac_alg": "HMAC-SHA-256-256",
     "seal": {"key": "psk32", "keys": [
      {"type": "TGK",
       "key": "505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f"}]}}]})";

constexpr const char* kFirst = R"({"header": {"data_type": "Pre-shared", "csb_id": 7},
  "payloads": [
    {"type": "T", "ts_type": "COUNTER", "ts_value": 1},
    {"type": "RAND", "rand": "101112131415161718191a1b1c1d1e1f"},
    {"type": "KEMAC", "seal": {"key": "psk", "keys": [
      {"type": "TGK", "key": "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"}]}}]})";

constexpr const char* kUpdate = R"({"header": {"data_type": "Pre-shared", "csb_id": 7},
  "payloads": [
    {"type": "T", "ts_type": "COUNTER", "ts_value": 2},
    {"type": "KEMAC", "seal": {"key": "psk", "keys": [
      {"type": "TEK+SALT", "kv": "Interval", "key": "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf",
       "salt": "d0d1d2d3d4d5d6d7d8d9dadbdcdd", "valid_from": "000000000001",
       "valid_to": "00000000ffff"},
      {"type": "TEK", "kv": "SPI", "key": "e0e1e2e3e4e5e6e7e8e9eaebecedeeef",
       "spi": "0a"}]}}]})";

constexpr const char* kUpdateWithoutKey = R"({"header": {"data_type": "Pre-shared", "csb_id": 7},
  "payloads": [
    {"type": "T", "ts_type": "COUNTER", "ts_value": 3},
    {"type": "KEMAC", "seal": {"key": "psk"}}]})";

constexpr const char* kGenericId =
    R"({"header": {"data_type": "Pre-shared", "csb_id": 9, "cs_id_map_type": "GENERIC-ID",
             "map": [{"cs_id": 4, "s": 1, "policies": 1, "policy_no": "00",
                      "session_data": "0000000a0000000b000c", "spi": "0001"}]},
  "payloads": [
    {"type": "T", "ts_type": "COUNTER", "ts_value": 1},
    {"type": "RAND", "rand": "101112131415161718191a1b1c1d1e1f"},
    {"type": "SP", "params": []},
    {"type": "KEMAC", "seal": {"key": "psk", "keys": [
      {"type": "TGK", "kv": "SPI", "key": "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
       "spi": "0001"}]}}]})";

constexpr const char* kMacDamaged = R"({"header": {"data_type": "Pre-shared"},
  "payloads": [
    {"type": "T", "ts_type": "COUNTER", "ts_value": 1},
    {"type": "RAND", "rand": "101112131415161718191a1b1c1d1e1f"},
    {"type": "KEMAC", "seal": {"key": "psk", "keys": [
      {"type": "TGK", "key": "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"}]}}],
  "damage": [{"at": 78, "octets": "00"}]})";

constexpr const char* kKeyDataTruncated = R"({"header": {"data_type": "Pre-shared"},
  "payloads": [
    {"type": "T", "ts_type": "COUNTER", "ts_value": 1},
    {"type": "RAND", "rand": "101112131415161718191a1b1c1d1e1f"},
    {"type": "KEMAC", "seal": {"key": "psk",
      "plain": "00000010a0a1a2a3a4a5a6a7a8a9aaabacadae"}}]})";

constexpr const char* kTrailingOctet = R"({"header": {"data_type": "Pre-shared"},
  "payloads": [
    {"type": "T", "ts_type": "COUNTER", "ts_value": 1},
    {"type": "RAND", "rand": "101112131415161718191a1b1c1d1e1f"},
    {"type": "KEMAC", "seal": {"key": "psk", "keys": [
      {"type": "TGK", "key": "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"}]}}],
  "trailing": "00"})";

constexpr VectorCase kCases[] = {
    {"mandatory",
     "AES-CM-128, HMAC-SHA-1-160, MIKEY-1; one stream, a salt and an MKI",
     kKeys,
     {kMandatory}},
    {"sha_256",
     "AES-CM-256, HMAC-SHA-256-256, PRF-HMAC-SHA-256; a PSK of 32 octets; two streams",
     kKeys,
     {kSha256}},
    {"update",
     "Updates have no RAND, and need no key: what was there keeps its effect (RFC 3830 §4.5)",
     kKeys,
     {kFirst, kUpdate, kUpdateWithoutKey}},
    {"generic_id",
     "The GENERIC-ID map of RFC 6043: CS IDs of its own, MKI, ROC and SEQ",
     kKeys,
     {kGenericId}},
    {"mac_damaged", "To be refused: an octet of the MAC is another one", kKeys, {kMacDamaged}},
    {"key_data_truncated",
     "To be refused: the MAC holds, the key data end too soon",
     kKeys,
     {kKeyDataTruncated}},
    {"trailing_octet",
     "To be refused: an octet stands behind the last payload",
     kKeys,
     {kTrailingOctet}},
};

}  // namespace

std::span<const VectorCase> PskCases() { return kCases; }

}  // namespace keymast::tools
