// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_credentials.h"

#include "sdp/base64.h"
#include "shell/files.h"

namespace keymast::tools {
namespace {

constexpr size_t kMaxPem = 64 * 1024;
constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

}  // namespace

Result<mikey::v2::CertificateChain> ReadChain(std::string_view pem) {
  mikey::v2::CertificateChain chain;
  for (size_t at = pem.find(kBegin); at != std::string_view::npos; at = pem.find(kBegin)) {
    pem.remove_prefix(at + kBegin.size());
    const size_t end = pem.find(kEnd);
    if (end == std::string_view::npos) return Err(Error::kMalformed);
    std::string text(pem.substr(0, end));
    std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
    Bytes der;
    if (!sdp::FromBase64(text, der)) return Err(Error::kMalformed);
    if (chain.size() == mikey::kMaxCertificates) return Err(Error::kTooLong);
    const auto read = crypto::Certificate::FromDer(der);
    if (!read) return Err(read.error());
    chain.push_back(std::move(der));
  }
  if (chain.empty()) return Err(Error::kMalformed);
  return chain;
}

tl::expected<std::shared_ptr<const mikey::v2::Credentials>, Failure> LoadCredentials(
    const std::string& certificate, const std::string& key, const mikey::OwnedIdentity& self) {
  const auto text = shell::ReadFile(certificate, kMaxPem);
  if (!text) {
    return Fail(text.error(), "--certificate " + certificate + ": " + shell::WhyNot(text.error()));
  }
  Result<mikey::v2::CertificateChain> chain = ReadChain(*text);
  if (!chain) {
    return Fail(chain.error(), "--certificate " + certificate + ": no certificates in PEM (" +
                                   std::string(ErrorName(chain.error())) + ")");
  }
  crypto::SecretBytes pem(kMaxPem);
  const Result<size_t> size = shell::ReadSecretFile(key, pem);
  if (!size) {
    const bool is_open = size.error() == Error::kPermissionDenied;
    return Fail(size.error(), "--private-key " + key + ": " +
                                  (is_open ? "others can read it, or you cannot: chmod 600 " + key
                                           : shell::WhyNot(size.error())));
  }
  Result<crypto::PrivateKey> read = crypto::PrivateKey::FromPem(ByteView(pem).first(*size));
  if (!read) {
    return Fail(read.error(), "--private-key " + key + ": no key in PEM that can be used (" +
                                  std::string(ErrorName(read.error())) + ")");
  }
  auto credentials = std::make_shared<mikey::v2::Credentials>();
  credentials->own.push_back({std::move(*read), std::move(*chain)});
  credentials->self = self;
  return credentials;
}

}  // namespace keymast::tools
