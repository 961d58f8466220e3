// SPDX-License-Identifier: Apache-2.0
#include "audit/record.h"

#include "base/bytes.h"
#include "crypto/primitives.h"
#include "crypto/signatures.h"

namespace keymast::audit {
namespace {

constexpr std::string_view kContext = "keymast audit checkpoint 1";
constexpr size_t kSignatureSize = crypto::kEcSignature;

// What separates lines or names cannot come from a value: two records never have one text.
void AppendValue(std::string& text, std::string_view value) {
  for (const char c : value) {
    const bool is_plain = c > 0x20 && c < 0x7f && c != '%';
    if (is_plain) {
      text.push_back(c);
    } else {
      const auto octet = static_cast<uint8_t>(c);
      text.append("%").append(ToHex(ByteView(&octet, 1)));
    }
  }
}

void AppendLine(std::string& text, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  text.append(name).push_back(' ');
  AppendValue(text, value);
  text.push_back('\n');
}

void AppendNumber(std::string& text, std::string_view name, uint64_t value) {
  if (value != 0) AppendLine(text, name, std::to_string(value));
}

}  // namespace

std::string TextOf(const Record& record) {
  std::string text;
  AppendNumber(text, "sequence", record.sequence);
  AppendLine(text, "time", std::to_string(ToUnixNanos(record.time)));
  AppendLine(text, "principal", record.principal);
  AppendLine(text, "method", record.method);
  if (record.request) AppendLine(text, "request_id", ToHex(record.request->octets));
  AppendLine(text, "resource", record.resource);
  for (const std::string& item : record.items) AppendLine(text, "item", item);
  AppendNumber(text, "revision_before", record.revision_before);
  AppendNumber(text, "revision_after", record.revision_after);
  for (const std::string& key : record.key_ids) AppendLine(text, "key_id", key);
  if (record.trace) AppendLine(text, "trace_id", ToHex(record.trace->octets));
  return text;
}

Hash ChainHash(const Hash& previous, const Record& record) {
  const std::string text = TextOf(record);
  Bytes octets(previous.begin(), previous.end());
  octets.insert(octets.end(), text.begin(), text.end());
  return crypto::Sha256(octets);
}

Bytes Sign(const crypto::PrivateKey& key, const Hash& hash) {
  Bytes signature(kSignatureSize);
  const ByteView parts[] = {AsBytes(kContext), hash};
  crypto::Ed25519Sign(key, parts, signature);
  return signature;
}

bool CheckSignature(const crypto::PublicKey& key, const Record& record) {
  const ByteView parts[] = {AsBytes(kContext), record.hash};
  return record.signature.size() == kSignatureSize &&
         crypto::Ed25519Verify(key, parts, record.signature);
}

void Follow(Head& head, const Record& record) {
  head.sequence = record.sequence;
  head.hash = record.hash;
  if (record.method != kCheckpoint) return;
  head.checkpoint = record.sequence;
  head.checkpoint_at = record.time;
}

}  // namespace keymast::audit
