// SPDX-License-Identifier: Apache-2.0
// Any octets as what the public-key modes read from outside. The first octet chooses: a
// certificate, a chain (each certificate behind its 2-octet length), a private key in PEM or DER, a
// public key, a wrapped envelope, a peer's DH value, a signature, a
// revocation list, a URI.
#include "base/cursor.h"
#include "crypto/authority.h"
#include "crypto/dh.h"
#include "tests/data/ec_keys.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/make_certificate.h"

namespace {

using namespace keymast;
using namespace keymast::crypto;

const PublicSuite& Pk() { return *DefaultSuite().pk; }

void ReadsCertificate(ByteView octets) {
  const auto key = Certificate::KeyIn(octets);
  const auto spki = Certificate::SpkiIn(octets);
  KEYMAST_CHECK(!key || PublicKey::FormIn(*spki) == (KeyForm{key->kind(), key->signature_size()}));
  const auto certificate = Certificate::FromDer(octets);
  if (!certificate) return;
  KEYMAST_CHECK(key && key->kind() == certificate->public_key().kind());
  KEYMAST_CHECK(certificate->Fingerprint() == Sha256(octets));
  KEYMAST_CHECK(certificate->public_key().signature_size() >= kEcSignature);
  certificate->MaySign();
  certificate->MayEncrypt();
  KEYMAST_CHECK(!certificate->Names({}));
  certificate->Names(AsBytes("end@example.org"));
  certificate->NamesAs(Certificate::NameKind::kEmail, AsBytes("end@example.org"));
  certificate->HasExtendedUsage("1.3.6.1.5.5.7.3.1");
  certificate->NamesAuthorityOf("mikey://end.example.org:2269/a");
}

const Bytes& Anchor() {
  static const Bytes anchor = MakeCertificate(AuthorityRecipe());
  return anchor;
}

void VerifiesChain(ByteView octets) {
  static const TrustStore store = [] {
    TrustStore with_anchor;
    KEYMAST_CHECK(with_anchor.AddAnchor(Anchor()).has_value());
    return with_anchor;
  }();
  std::vector<ByteView> chain;
  Reader reader(octets);
  while (!reader.empty() && reader.ok() && chain.size() <= TrustStore::kMaxChain) {
    chain.push_back(reader.Take(reader.U16()));
  }
  const Status verified = store.Verify(chain, kTestNow);
  // Nothing is valid before its time, whatever it is.
  KEYMAST_CHECK(!verified || !store.Verify(chain, FromUnixNanos(0)));
}

// A list of the anchor's, and whether one certificate is on it.
void ReadsRevocationList(ByteView octets) {
  static const Bytes end = MakeCertificate(EndRecipe());
  TrustStore store;
  KEYMAST_CHECK(store.AddAnchor(Anchor()).has_value());
  const bool added = store.AddRevocationList(octets).has_value();
  const ByteView chain = end;
  const Status verified = store.Verify({&chain, 1}, kTestNow);
  KEYMAST_CHECK(added || verified);
}

// The octets as a URI, and as a name of a certificate beside it.
void ReadsAuthority(ByteView octets) {
  static const Certificate certificate = [] {
    CertificateRecipe recipe = EndRecipe();
    recipe.alt_names = "URI:mikey://end.example.org:2269,DNS:end.example.org";
    return *Certificate::FromDer(MakeCertificate(recipe));
  }();
  const std::string_view uri = AsText(octets);
  const std::optional<Authority> authority = AuthorityOf(uri);
  KEYMAST_CHECK(!authority || !authority->host.empty());
  KEYMAST_CHECK(authority || !certificate.NamesAuthorityOf(uri));
  if (certificate.NamesAuthorityOf(uri)) {
    KEYMAST_CHECK(IsSameHost(authority->host, "END.example.org") && !IsAddress(authority->host));
  }
}

SignatureScheme SchemeOf(KeyKind kind) {
  return kind == KeyKind::kRsa    ? SignatureScheme::kRsaPkcs1Sha256
         : kind == KeyKind::kP256 ? SignatureScheme::kEcdsaP256Sha256
                                  : SignatureScheme::kEd25519;
}

// What is accepted as a key works as one.
void UsesKey(const Result<PrivateKey>& key) {
  if (!key) return;
  const std::array<ByteView, 1> parts{AsBytes("text")};
  const SignatureScheme scheme = SchemeOf(key->kind());
  Bytes signature(key->signature_size());
  KEYMAST_CHECK(Pk().sign(*key, scheme, parts, signature).has_value());
  KEYMAST_CHECK(Pk().verify(key->PublicPart(), scheme, parts, signature));
}

void ReadsPublicKey(ByteView octets) {
  const auto key = PublicKey::FromSpki(octets);
  const bool is_raw = octets.size() == kEd25519Key;
  KEYMAST_CHECK(PublicKey::FromEd25519(octets).has_value() == is_raw);
  const auto form = PublicKey::FormIn(octets);
  if (!key) return;
  KEYMAST_CHECK(form == (KeyForm{key->kind(), key->signature_size()}));
  SeededRng rng(1);
  Bytes wrapped(key->signature_size());
  const bool is_rsa = key->kind() == KeyKind::kRsa;
  KEYMAST_CHECK(Pk().wrap(*key, Bytes(16, 1), rng, wrapped).has_value() == is_rsa);
  KEYMAST_CHECK(Pk().wrap_oaep(*key, Bytes(kOaepKey, 1), rng, wrapped).has_value() == is_rsa);
  for (const SignatureScheme scheme : {SignatureScheme::kRsaPssSha256, SchemeOf(key->kind())}) {
    Pk().verify(*key, scheme, {}, wrapped);
  }
}

void Unwraps(ByteView octets) {
  static const PrivateKey key = TestKey(testdata::kEndKey);
  const Envelope envelope = Pk().unwrap(key, octets);
  KEYMAST_CHECK(envelope.size() >= kMinEnvelope && envelope.size() <= kMaxEnvelope);
  KEYMAST_CHECK(envelope == Pk().unwrap(key, octets));
  KEYMAST_CHECK(Pk().unwrap_oaep(key, octets).size() == kOaepKey);
}

// The octets as a signature of each scheme.
void Verifies(ByteView octets) {
  static const std::array<PublicKey, 3> keys = {TestKey(testdata::kEndKey).PublicPart(),
                                                TestKey(testdata::kP256Key).PublicPart(),
                                                TestKey(testdata::kEd25519Key).PublicPart()};
  const std::array<ByteView, 2> parts{AsBytes("te"), AsBytes("xt")};
  for (const PublicKey& key : keys) {
    const bool good = Pk().verify(key, SchemeOf(key.kind()), parts, octets);
    KEYMAST_CHECK(!good || octets.size() == key.signature_size());
  }
}

// The first octet chooses the group.
void Agrees(ByteView octets) {
  if (octets.empty()) return;
  const auto group = static_cast<DhGroup>(octets[0] % 5);
  SeededRng rng(1);
  const DhKey mine(Pk(), group, rng);
  DhSecret shared;
  const bool agreed = mine.Agree(Pk(), octets.subspan(1), shared);
  KEYMAST_CHECK(!agreed || octets.size() == DhPublicSize(group) + 1);
  KEYMAST_CHECK(shared.size() == (agreed ? DhSharedSize(group) : 0));
  // Whether a value is refused is no matter of ours.
  SecretBytes other(kDhPrivateSize);
  Bytes value(DhPublicSize(group));
  SecretBytes secret(DhSharedSize(group));
  Pk().dh_generate(group, rng, other, value);
  KEYMAST_CHECK(Pk().dh_agree(group, other, octets.subspan(1), secret) == agreed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView rest = ByteView(data, size).subspan(1);
  switch (data[0] % 10) {
    case 0:
      ReadsCertificate(rest);
      break;
    case 1:
      VerifiesChain(rest);
      break;
    case 2:
      UsesKey(PrivateKey::FromPem(rest));
      break;
    case 3:
      UsesKey(PrivateKey::FromDer(rest));
      break;
    case 4:
      ReadsPublicKey(rest);
      break;
    case 5:
      Unwraps(rest);
      break;
    case 6:
      Agrees(rest);
      break;
    case 7:
      Verifies(rest);
      break;
    case 8:
      ReadsRevocationList(rest);
      break;
    default:
      ReadsAuthority(rest);
  }
  return 0;
}
