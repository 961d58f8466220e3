// SPDX-License-Identifier: Apache-2.0
#include "crypto/revocation_list.h"

#include <openssl/x509v3.h>

namespace keymast::crypto {
namespace {

// OpenSSL does not ask how strong the signature of a list is.
bool IsStrong(const X509_CRL* list) {
  const int signature = X509_CRL_get_signature_nid(list);
  int digest = NID_undef;
  int key = NID_undef;
  if (signature == NID_ED25519) return true;
  if (OBJ_find_sigid_algs(signature, &digest, &key) != 1) return false;
  return digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512;
}

// IsWhole: about all certificates of its issuer, in a way that OpenSSL takes in as a whole.
bool IsWhole(const X509_CRL* list) {
  for (int i = 0; i < X509_CRL_get_ext_count(list); ++i) {
    if (X509_EXTENSION_get_critical(X509_CRL_get_ext(list, i)) != 0) return false;
  }
  return X509_CRL_get_ext_by_NID(list, NID_issuing_distribution_point, -1) < 0 &&
         X509_CRL_get_ext_by_NID(list, NID_delta_crl, -1) < 0;
}

}  // namespace

Result<RevocationList> ReadRevocationList(ByteView der) {
  if (der.size() > kMaxRevocationList) return Err(Error::kTooLong);
  const ErrorsDropped dropped;
  const unsigned char* at = der.data();
  RevocationList list(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
  if (list == nullptr) return Err(Error::kMalformed);
  if (at != der.data() + der.size()) return Err(Error::kTrailingOctets);
  if (!IsStrong(list.get())) return Err(Error::kUnsupportedAlgorithm);
  if (!IsWhole(list.get())) return Err(Error::kInvalidArgument);
  return list;
}

Revoked RevokedBy(X509_CRL* list) {
  unsigned char* name = nullptr;
  const int size = i2d_X509_NAME(X509_CRL_get_issuer(list), &name);
  KEYMAST_CHECK(size > 0);
  Revoked revoked;
  revoked.issuer = Sha256(ByteView(name, static_cast<size_t>(size)));
  OPENSSL_free(name);
  const STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(list);
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    const ASN1_INTEGER* serial = X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i));
    Bytes both(revoked.issuer.begin(), revoked.issuer.end());
    const ByteView octets(ASN1_STRING_get0_data(serial),
                          static_cast<size_t>(ASN1_STRING_length(serial)));
    both.insert(both.end(), octets.begin(), octets.end());
    const Fingerprint hash = Sha256(both);
    std::copy_n(hash.begin(), 16, revoked.certificates.emplace_back().begin());
  }
  return revoked;
}

}  // namespace keymast::crypto
