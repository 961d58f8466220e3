// SPDX-License-Identifier: Apache-2.0
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/cursor.h"
#include "crypto/certificate.h"
#include "crypto/revocation_list.h"

namespace keymast::crypto {
namespace {

using StoreContext = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>>;
using Parameters = std::unique_ptr<X509_VERIFY_PARAM, Freed<X509_VERIFY_PARAM_free>>;

void FreeStack(STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); }
using Certificates = std::unique_ptr<STACK_OF(X509), Freed<FreeStack>>;

void FreeLists(STACK_OF(X509_CRL) * lists) { sk_X509_CRL_pop_free(lists, X509_CRL_free); }
using Lists = std::unique_ptr<STACK_OF(X509_CRL), Freed<FreeLists>>;

// OpenSSL's level 2: 112 bits of security, which neither SHA-1 nor MD5 nor RSA below 2048 bits
// have.
constexpr int kAuthLevel = 2;

time_t SecondsOf(Instant now) {
  return std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
}

Status ReadChain(std::span<const ByteView> chain_der, STACK_OF(X509) * chain) {
  for (const ByteView der : chain_der) {
    Result<X509Handle> certificate = ReadX509(der);
    if (!certificate) return Err(certificate.error());
    KEYMAST_CHECK(sk_X509_push(chain, certificate->release()) > 0);
  }
  return {};
}

Status CheckValidity(const X509* certificate, Instant now) {
  const Parameters parameters(X509_VERIFY_PARAM_new());
  X509_VERIFY_PARAM_set_time(parameters.get(), SecondsOf(now));
  const bool is_valid = X509_cmp_timeframe(parameters.get(), X509_get0_notBefore(certificate),
                                           X509_get0_notAfter(certificate)) == 0;
  return is_valid ? Status() : Err(Error::kCertificateExpired);
}

bool IsAuthority(X509* certificate) {
  return X509_check_ca(certificate) == 1;  // 2 and more are forms older than basicConstraints
}

Error ReasonOf(int error) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Error::kCertificateExpired;
    case X509_V_ERR_CERT_REVOKED:
      return Error::kCertificateRevoked;
    default:
      return Error::kCertificateUntrusted;
  }
}

// OpenSSL asks these about each failure: true lets it pass.
int LetPass(X509_STORE_CTX* context) {
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}

// IsListed: there is a list under the name of the issuer, though maybe one that does not fit it.
bool IsListed(X509_STORE_CTX* context) {
  const X509* certificate = X509_STORE_CTX_get_current_cert(context);
  const Lists lists(X509_STORE_CTX_get1_crls(context, X509_get_issuer_name(certificate)));
  return sk_X509_CRL_num(lists.get()) > 0;
}

// Authorities without a list are not asked about.
int WithoutList(int ok, X509_STORE_CTX* context) {
  const bool passes = ok == 0 &&
                      X509_STORE_CTX_get_error(context) == X509_V_ERR_UNABLE_TO_GET_CRL &&
                      !IsListed(context);
  return passes ? LetPass(context) : ok;
}

int WithoutOrStaleList(int ok, X509_STORE_CTX* context) {
  const bool passes = ok == 0 && X509_STORE_CTX_get_error(context) == X509_V_ERR_CRL_HAS_EXPIRED;
  return passes ? LetPass(context) : WithoutList(ok, context);
}

// VerifyPath builds and checks a path from the first certificate to an anchor (RFC 5280 §6.1).
Status VerifyPath(X509_STORE* anchors, STACK_OF(X509) * chain, Instant now,
                  X509_STORE_CTX_verify_cb list_failure) {
  const StoreContext context(X509_STORE_CTX_new());
  KEYMAST_CHECK(context != nullptr &&
                X509_STORE_CTX_init(context.get(), anchors, sk_X509_value(chain, 0), chain) == 1);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, SecondsOf(now));
  X509_VERIFY_PARAM_set_auth_level(parameters, kAuthLevel);
  X509_VERIFY_PARAM_set_depth(parameters, TrustStore::kMaxChain - 1);
  // An anchor need not be self-signed.
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  if (list_failure != nullptr) {
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    X509_STORE_CTX_set_verify_cb(context.get(), list_failure);
  }
  if (X509_verify_cert(context.get()) != 1) {
    return Err(ReasonOf(X509_STORE_CTX_get_error(context.get())));
  }
  return {};
}

}  // namespace

TrustStore::TrustStore() : anchors_(X509_STORE_new(), X509_STORE_free) {
  KEYMAST_CHECK(anchors_ != nullptr);
}

Status TrustStore::AddAnchor(ByteView der) {
  const ErrorsDropped dropped;
  const Result<X509Handle> certificate = ReadX509(der);
  if (!certificate) return Err(certificate.error());
  if (!IsAuthority(certificate->get())) return Err(Error::kInvalidArgument);
  KEYMAST_CHECK(X509_STORE_add_cert(anchors_.get(), certificate->get()) == 1);
  anchor_names_.insert(Sha256(der));
  return {};
}

Status TrustStore::AddRevocationList(ByteView der) {
  const Result<RevocationList> list = ReadRevocationList(der);
  if (!list) return Err(list.error());
  KEYMAST_CHECK(X509_STORE_add_crl(anchors_.get(), list->get()) == 1);
  const Revoked revoked = RevokedBy(list->get());
  ListTime& known = lists_[revoked.issuer];
  const Instant update = InstantOf(X509_CRL_get0_lastUpdate(list->get()));
  if (update >= known.update) {
    known = {update, InstantOf(X509_CRL_get0_nextUpdate(list->get()))};
  }
  revoked_.insert(revoked.certificates.begin(), revoked.certificates.end());
  return {};
}

std::optional<Instant> TrustStore::NextUpdate() const {
  std::optional<Instant> first;
  for (const auto& [issuer, time] : lists_) {
    if (time.next != kNever) first = std::min(first.value_or(kNever), time.next);
  }
  return first;
}

crypto::Fingerprint TrustStore::Digest() const {
  Bytes all;
  const auto add = [&all](const auto& entries) {
    std::array<uint8_t, 4> count{};
    Writer(count).U32(entries.size());
    all.insert(all.end(), count.begin(), count.end());
    for (const auto& entry : entries) all.insert(all.end(), entry.begin(), entry.end());
  };
  add(anchor_names_);
  add(pins_);
  add(revoked_);
  return Sha256(all);
}

Status TrustStore::Verify(std::span<const ByteView> chain_der, Instant now) const {
  if (chain_der.empty()) return Err(Error::kInvalidArgument);
  if (chain_der.size() > kMaxChain) return Err(Error::kTooLong);
  const ErrorsDropped dropped;
  const Certificates chain(sk_X509_new_null());
  if (Status read = ReadChain(chain_der, chain.get()); !read) return read;
  if (pins_.contains(Sha256(chain_der[0]))) {
    return CheckValidity(sk_X509_value(chain.get(), 0), now);
  }
  const auto list_failure = lists_.empty()       ? nullptr
                            : takes_stale_lists_ ? WithoutOrStaleList
                                                 : WithoutList;
  return VerifyPath(anchors_.get(), chain.get(), now, list_failure);
}

}  // namespace keymast::crypto
