// SPDX-License-Identifier: Apache-2.0
#include "server/page_token.h"

#include "crypto/primitives.h"

namespace keymast::server {
namespace {

constexpr size_t kTagSize = 8;
constexpr size_t kMaxToken = 1024;

crypto::SecretKey<32> TagOf(const crypto::SecretKey<32>& key, std::string_view list,
                            std::string_view last) {
  const std::array<uint8_t, 1> separator{0};
  const std::array<ByteView, 3> parts{AsBytes(list), ByteView(separator), AsBytes(last)};
  return crypto::HmacSha256(key.view(), parts);
}

}  // namespace

PageTokens::PageTokens(const crypto::SecretKey<32>& root) {
  const std::array<ByteView, 1> label{AsBytes("keymast page tokens 1")};
  key_ = crypto::HmacSha256(root.view(), label);
}

std::string PageTokens::Make(std::string_view list, std::string_view last) const {
  return ToHex(TagOf(key_, list, last).view().first(kTagSize)) + ToHex(AsBytes(last));
}

Result<std::string> PageTokens::Read(std::string_view list, std::string_view token) const {
  if (token.empty()) return std::string();
  Bytes octets;
  if (token.size() > kMaxToken || !FromHex(token, octets) || octets.size() <= kTagSize) {
    return Err(Error::kInvalidArgument);
  }
  const ByteView tag = ByteView(octets).first(kTagSize);
  const std::string_view last = AsText(ByteView(octets).subspan(kTagSize));
  if (!crypto::ConstantTimeEqual(tag, TagOf(key_, list, last).view().first(kTagSize))) {
    return Err(Error::kInvalidArgument);
  }
  return std::string(last);
}

}  // namespace keymast::server
