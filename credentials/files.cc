// SPDX-License-Identifier: Apache-2.0
#include "credentials/files.h"

#include <algorithm>

#include "crypto/pem.h"
#include "mikey/v2/chains.h"
#include "shell/files.h"

namespace keymast::credentials {
namespace {

using Loaded = tl::expected<void, Failure>;

constexpr size_t kMaxCertificates = 1 << 20;                  // octets of a file
constexpr size_t kMaxLists = 2 * crypto::kMaxRevocationList;  // PEM is a third longer
constexpr size_t kMaxPins = 16 << 20;
constexpr size_t kMaxKnown = 64 << 20;
constexpr size_t kMaxKey = 32 << 10;
constexpr std::string_view kProbe = "keymast: does this key belong to this certificate?";

tl::unexpected<Failure> Bad(Error error, const std::string& file, const std::string& what) {
  return Fail(error, file + ": " + what);
}

tl::expected<std::string, Failure> Text(const std::string& file, size_t limit) {
  auto text = shell::ReadFile(file, limit);
  if (!text) return Bad(text.error(), file, shell::WhyNot(text.error()));
  return *std::move(text);
}

// Blocks of a file, one at least.
tl::expected<std::vector<Bytes>, Failure> Certificates(const std::string& file,
                                                       size_t most = kMaxCertificates) {
  const auto text = Text(file, most);
  if (!text) return tl::unexpected(text.error());
  auto blocks = crypto::PemBlocks(*text, "CERTIFICATE");
  if (!blocks || blocks->empty()) return Bad(Error::kMalformed, file, "no certificates in PEM");
  return *std::move(blocks);
}

tl::expected<crypto::PrivateKey, Failure> Key(const std::string& file) {
  crypto::SecretBytes pem(kMaxKey);
  const Result<size_t> size = shell::ReadSecretFile(file, pem);
  if (!size) {
    return Bad(size.error(), file,
               size.error() == Error::kPermissionDenied
                   ? "must be readable by its owner alone (chmod 0600)"
                   : shell::WhyNot(size.error()));
  }
  auto key = crypto::PrivateKey::FromPem(ByteView(pem).first(*size));
  if (key) return *std::move(key);
  return Bad(key.error(), file,
             "no private key in PEM that can be used: RSA of 2048 to 4096 bits, P-256 or Ed25519, "
             "without passphrase (" +
                 std::string(ErrorName(key.error())) + ")");
}

crypto::SignatureScheme SchemeOf(crypto::KeyKind kind) {
  return kind == crypto::KeyKind::kRsa    ? crypto::SignatureScheme::kRsaPssSha256
         : kind == crypto::KeyKind::kP256 ? crypto::SignatureScheme::kEcdsaP256Sha256
                                          : crypto::SignatureScheme::kEd25519;
}

bool BelongTogether(const crypto::PrivateKey& key, const crypto::PublicKey& of_certificate) {
  if (key.kind() != of_certificate.kind()) return false;
  const crypto::PublicSuite& pk = *crypto::DefaultSuite().pk;
  const std::array<ByteView, 1> parts{AsBytes(kProbe)};
  Bytes signature(key.signature_size());
  const auto size = pk.sign(key, SchemeOf(key.kind()), parts, signature);
  return size &&
         pk.verify(of_certificate, SchemeOf(key.kind()), parts, ByteView(signature).first(*size));
}

Loaded AddOwn(const Files::Own& own, mikey::v2::Credentials& all, Instant& end) {
  auto chain = Certificates(own.certificates);
  if (!chain) return tl::unexpected(chain.error());
  if (chain->size() > mikey::kMaxCertificates) {
    return Bad(Error::kTooLong, own.certificates, "has more than 4 certificates");
  }
  for (const Bytes& der : *chain) {
    const auto certificate = crypto::Certificate::FromDer(der);
    if (!certificate) {
      return Bad(
          certificate.error(), own.certificates,
          "a certificate cannot be used (" + std::string(ErrorName(certificate.error())) + ")");
    }
    end = std::min(end, certificate->NotAfter());
  }
  auto key = Key(own.private_key);
  if (!key) return tl::unexpected(key.error());
  if (!BelongTogether(*key, crypto::Certificate::FromDer(chain->front())->public_key())) {
    return Bad(Error::kInvalidArgument, own.private_key,
               "is not the key of the first certificate of " + own.certificates);
  }
  all.own.push_back({*std::move(key), *std::move(chain)});
  return {};
}

Loaded AddAnchors(const std::string& file, mikey::v2::Trust& trust) {
  const auto certificates = Certificates(file);
  if (!certificates) return tl::unexpected(certificates.error());
  for (const Bytes& der : *certificates) {
    if (const Status added = trust.store().AddAnchor(der); !added) {
      return Bad(added.error(), file,
                 "a certificate is not one of an authority (" +
                     std::string(ErrorName(added.error())) + ")");
    }
  }
  return {};
}

Loaded AddLists(const std::string& file, mikey::v2::Trust& trust) {
  const auto text = Text(file, kMaxLists);
  if (!text) return tl::unexpected(text.error());
  auto lists = crypto::PemBlocks(*text, "X509 CRL");
  if (!lists) return Bad(lists.error(), file, "is damaged");
  const ByteView der = AsBytes(*text);
  if (lists->empty()) lists->emplace_back(der.begin(), der.end());
  for (const Bytes& list : *lists) {
    if (const Status added = trust.store().AddRevocationList(list); !added) {
      return Bad(added.error(), file,
                 "a revocation list cannot be used: it must be whole, and signed over SHA-256 or "
                 "better (" +
                     std::string(ErrorName(added.error())) + ")");
    }
  }
  return {};
}

Loaded AddKnown(const std::string& file, mikey::v2::Trust& trust) {
  auto certificates = Certificates(file, kMaxKnown);
  if (!certificates) return tl::unexpected(certificates.error());
  for (auto& chain : mikey::v2::ChainsOf(std::move(*certificates))) {
    const size_t size = chain.size();
    if (const Status known = trust.Know({}, std::move(chain)); !known) {
      return Bad(known.error(), file,
                 size > mikey::kMaxCertificates ? "has more than 3 authorities behind a certificate"
                                                : "a certificate cannot be used (" +
                                                      std::string(ErrorName(known.error())) + ")");
    }
  }
  return {};
}

// A pin is a line of an identity and 64 hexadecimal digits; what begins with `#` is skipped.
bool AddPin(std::string_view line, mikey::IdType type, mikey::v2::Trust& trust) {
  const size_t gap = line.find_last_of(" \t");
  if (gap == std::string_view::npos) return false;
  std::string_view identity = line.substr(0, gap);
  identity = identity.substr(0, identity.find_last_not_of(" \t") + 1);
  const auto fingerprint = ReadPin(line.substr(gap + 1));
  if (!fingerprint || identity.empty() || identity.size() > mikey::kMaxIdentity) return false;
  trust.Pin({type, AsBytes(identity)}, *fingerprint);
  return true;
}

Loaded AddPins(const std::string& file, mikey::IdType type, mikey::v2::Trust& trust) {
  const auto text = Text(file, kMaxPins);
  if (!text) return tl::unexpected(text.error());
  std::string_view rest(*text);
  for (size_t number = 1; !rest.empty(); ++number) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    if (line.empty() || line.starts_with('#') || AddPin(line, type, trust)) continue;
    return Bad(Error::kMalformed, file + ":" + std::to_string(number),
               "must be an identity and SHA-256 of its certificate as 64 hexadecimal digits");
  }
  return {};
}

}  // namespace

Result<crypto::Fingerprint> ReadPin(std::string_view text) {
  Bytes hash;
  crypto::Fingerprint fingerprint{};
  if (!FromHex(text, hash) || hash.size() != fingerprint.size()) return Err(Error::kMalformed);
  std::copy(hash.begin(), hash.end(), fingerprint.begin());
  return fingerprint;
}

tl::expected<Instant, Failure> Load(const Files& files, mikey::IdType pinned,
                                    mikey::v2::Credentials& all) {
  Instant end = kNever;
  Loaded done;
  for (const Files::Own& own : files.own) {
    if (done) done = AddOwn(own, all, end);
  }
  for (const std::string& file : files.anchors) {
    if (done) done = AddAnchors(file, all.trust);
  }
  for (const std::string& file : files.revocation_lists) {
    if (done) done = AddLists(file, all.trust);
  }
  for (const std::string& file : files.known) {
    if (done) done = AddKnown(file, all.trust);
  }
  if (done && !files.pins.empty()) done = AddPins(files.pins, pinned, all.trust);
  if (!done) return tl::unexpected(done.error());
  if (files.shows_hash) all.shown = mikey::v2::Shown::kHash;
  if (files.take_stale_lists) all.trust.store().TakeStaleLists();
  return end;
}

}  // namespace keymast::credentials
