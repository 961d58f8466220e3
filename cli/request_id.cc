// SPDX-License-Identifier: Apache-2.0
#include "cli/request_id.h"

#include <algorithm>

#include "crypto/primitives.h"

namespace keymast::cli {
namespace {

constexpr size_t kUuid = 16;

// Puts version and variant over random octets, and spells them.
std::string UuidOf(std::array<uint8_t, kUuid> octets, uint8_t version) {
  octets[6] = static_cast<uint8_t>((octets[6] & 0x0f) | version << 4);
  octets[8] = static_cast<uint8_t>((octets[8] & 0x3f) | 0x80);
  std::string text = ToHex(octets);
  for (const size_t dash : {8U, 13U, 18U, 23U}) text.insert(dash, 1, '-');
  return text;
}

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  return text;
}

}  // namespace

std::string NewRequestId() {
  std::array<uint8_t, kUuid> octets{};
  crypto::SystemRng().Fill(octets);
  return UuidOf(octets, 4);
}

std::string PartRequestId(const std::string& id, const std::vector<std::string>& names) {
  std::string whole = LowerCase(id);
  for (const std::string& name : names) whole += '\n' + name;
  const auto digest = crypto::Sha256(AsBytes(whole));
  std::array<uint8_t, kUuid> octets{};
  std::copy_n(digest.begin(), kUuid, octets.begin());
  return UuidOf(octets, 8);
}

bool IsUuid(const std::string& text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

void AdviseRepetition(const std::string& request_id, Problem& problem) {
  if (problem.is_outcome_known) return;
  problem.advice += (problem.advice.empty() ? "" : "\n  ") +
                    std::string("it may have been done or not: run the same command again with ") +
                    "--request-id " + request_id + ", and it is done once";
}

}  // namespace keymast::cli
