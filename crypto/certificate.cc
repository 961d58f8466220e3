// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate.h"

#include <openssl/x509v3.h>

namespace keymast::crypto {
namespace {

using GeneralNames = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

// TextOf is empty for the kinds of name that we do not compare.
ByteView TextOf(const GENERAL_NAME* name) {
  int type = 0;
  const void* value = GENERAL_NAME_get0_value(name, &type);
  if (type != GEN_URI && type != GEN_EMAIL && type != GEN_DNS) return {};
  const auto* text = static_cast<const ASN1_IA5STRING*>(value);
  return {ASN1_STRING_get0_data(text), static_cast<size_t>(ASN1_STRING_length(text))};
}

Result<PublicKey> KeyIn(const X509* certificate) {
  unsigned char* spki = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
  if (size <= 0) return Err(Error::kMalformed);
  Result<PublicKey> key = PublicKey::FromSpki({spki, static_cast<size_t>(size)});
  OPENSSL_free(spki);
  return key;
}

}  // namespace

Result<X509Handle> ReadX509(ByteView der) {
  if (der.size() > kMaxCertificate) return Err(Error::kTooLong);
  const ErrorsDropped dropped;
  const unsigned char* at = der.data();
  X509Handle certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (certificate == nullptr) return Err(Error::kMalformed);
  if (at != der.data() + der.size()) return Err(Error::kTrailingOctets);
  return certificate;
}

Result<Certificate> Certificate::FromDer(ByteView der) {
  Result<X509Handle> certificate = ReadX509(der);
  if (!certificate) return Err(certificate.error());
  const ErrorsDropped dropped;
  Result<PublicKey> key = KeyIn(certificate->get());
  if (!key) return Err(key.error());
  return Certificate(*std::move(certificate), *std::move(key), Sha256(der));
}

bool Certificate::Names(ByteView identity) const {
  if (identity.empty()) return false;
  const ErrorsDropped dropped;
  const GeneralNames names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate_.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    if (Equal(TextOf(sk_GENERAL_NAME_value(names.get(), i)), identity)) return true;
  }
  return false;
}

bool Certificate::MaySign() const {
  const ErrorsDropped dropped;
  return (X509_get_key_usage(certificate_.get()) & KU_DIGITAL_SIGNATURE) != 0;
}

bool Certificate::MayEncrypt() const {
  const ErrorsDropped dropped;
  return (X509_get_key_usage(certificate_.get()) & KU_KEY_ENCIPHERMENT) != 0;
}

}  // namespace keymast::crypto
