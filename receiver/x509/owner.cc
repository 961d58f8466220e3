// SPDX-License-Identifier: Apache-2.0
// The ready owner of certificates (include/keymast/receiver_x509.h): MIKEYv2 §5 and §6 by the code
// that all other parties have.
#include "include/keymast/receiver_x509.h"

#include <ctime>

#include "crypto/pem.h"
#include "mikey/v2/chains.h"
#include "mikey/v2/signing.h"

namespace keymast::receiver::x509 {
namespace {

using mikey::v2::Parts;

ByteView ViewOf(const keymast_octets& octets) { return {octets.data, octets.size}; }
std::string_view TextOf(const keymast_octets& octets) { return AsText(ViewOf(octets)); }

// The library numbers what an owner may say; all else is one reason.
keymast_reason ReasonOf(Error error) {
  switch (error) {
    case Error::kUnknownIdentity:
      return KEYMAST_UNKNOWN_IDENTITY;
    case Error::kCertificateExpired:
      return KEYMAST_CERTIFICATE_EXPIRED;
    case Error::kCertificateRevoked:
      return KEYMAST_CERTIFICATE_REVOKED;
    case Error::kCertificateUntrusted:
      return KEYMAST_CERTIFICATE_UNTRUSTED;
    case Error::kUnsupportedAlgorithm:
      return KEYMAST_UNSUPPORTED_ALGORITHM;
    case Error::kTooLong:
      return KEYMAST_TOO_LONG;
    case Error::kTrailingOctets:
      return KEYMAST_TRAILING_OCTETS;
    case Error::kInvalidArgument:
      return KEYMAST_INVALID_ARGUMENT;
    default:
      return KEYMAST_MALFORMED;
  }
}

class CParts {
 public:
  CParts(const keymast_octets* parts, size_t count) {
    for (const keymast_octets& part : std::span(parts, count)) views_.Add(ViewOf(part));
  }
  std::span<const ByteView> view() const { return views_.view(); }

 private:
  FixedList<ByteView, 8> views_;
};

const crypto::PublicSuite& Pk() { return *crypto::DefaultSuite().pk; }

}  // namespace

class Owner {
 public:
  explicit Owner(const keymast_x509_settings& settings)
      : unix_time_(settings.unix_time), user_(settings.user) {}
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  Status Take(const keymast_x509_settings& settings);
  const keymast_certificates& shown() const { return shown_; }

 private:
  static const Owner& Of(void* user) { return *static_cast<const Owner*>(user); }
  static void Sign(void* user, const keymast_octets* parts, size_t count, uint8_t* out);
  static void OpenEnvelope(void* user, keymast_octets sealed, uint8_t* out);
  static keymast_reason Judge(void* user, const keymast_shown* shown, keymast_octets* leaf,
                              uint32_t* seconds);
  static int Verify(void* user, keymast_octets leaf, keymast_signature type,
                    const keymast_octets* parts, size_t count, keymast_octets signature);

  Status TakeOwn(ByteView certificates, ByteView private_key);
  Status TakeTrust(const keymast_x509_settings& settings);
  Status TakeKnown(std::string_view text);
  bool BelongTogether() const;
  void Show(bool by_hash);
  Instant Now() const;

  int64_t (*unix_time_)(void*);
  void* user_;
  std::optional<mikey::v2::Credential> own_;
  bool may_encrypt_ = false;
  mikey::v2::Trust trust_;
  std::vector<keymast_octets> chain_;
  keymast_certificates shown_{};
};

Status Owner::Take(const keymast_x509_settings& settings) {
  Status taken = TakeOwn(ViewOf(settings.certificates), ViewOf(settings.private_key));
  if (taken) taken = TakeTrust(settings);
  if (taken) Show(settings.shown_by_hash != 0);
  return taken;
}

Status Owner::TakeOwn(ByteView certificates, ByteView private_key) {
  auto chain = crypto::PemBlocks(AsText(certificates), "CERTIFICATE");
  if (!chain) return Err(chain.error());
  if (chain->empty()) return Err(Error::kMalformed);
  if (chain->size() > mikey::kMaxCertificates) return Err(Error::kTooLong);
  const auto leaf = crypto::Certificate::FromDer(chain->front());
  if (!leaf) return Err(leaf.error());
  auto key = crypto::PrivateKey::FromPem(private_key);
  if (!key) return Err(key.error());
  may_encrypt_ = leaf->MayEncrypt();
  own_.emplace(mikey::v2::Credential{*std::move(key), *std::move(chain)});
  return BelongTogether() ? Status() : Err(Error::kInvalidArgument);
}

bool Owner::BelongTogether() const {
  const std::array<ByteView, 1> parts{
      AsBytes("keymast: does this key belong to this certificate?")};
  const auto scheme = mikey::v2::SchemeOf(own_->key.kind());
  Bytes signature(own_->key.signature_size());
  const auto key = crypto::Certificate::KeyIn(own_->chain.front());
  return Pk().sign(own_->key, scheme, parts, signature) && key &&
         Pk().verify(*key, scheme, parts, signature);
}

Status Owner::TakeTrust(const keymast_x509_settings& settings) {
  const auto anchors = crypto::PemBlocks(TextOf(settings.anchors), "CERTIFICATE");
  if (!anchors) return Err(anchors.error());
  for (const Bytes& der : *anchors) {
    if (Status added = trust_.store().AddAnchor(der); !added) return added;
  }
  const auto lists = crypto::PemBlocks(TextOf(settings.revocation_lists), "X509 CRL");
  if (!lists) return Err(lists.error());
  for (const Bytes& der : *lists) {
    if (Status added = trust_.store().AddRevocationList(der); !added) return added;
  }
  for (const keymast_pin& pin : std::span(settings.pins, settings.pin_count)) {
    trust_.Pin({mikey::IdType::kUri, ViewOf(pin.group)}, std::to_array(pin.hash));
  }
  if (settings.controller_usage != nullptr) trust_.set_controller_usage(settings.controller_usage);
  return TakeKnown(TextOf(settings.known));
}

Status Owner::TakeKnown(std::string_view text) {
  auto certificates = crypto::PemBlocks(text, "CERTIFICATE");
  if (!certificates) return Err(certificates.error());
  for (auto& chain : mikey::v2::ChainsOf(std::move(*certificates))) {
    if (Status known = trust_.Know({}, std::move(chain)); !known) return known;
  }
  return {};
}

void Owner::Show(bool by_hash) {
  static constexpr std::array<uint8_t, 3> kVerifies = {KEYMAST_ED25519, KEYMAST_ECDSA_P256,
                                                       KEYMAST_RSA_PSS};
  for (const Bytes& der : own_->chain) chain_.push_back({der.data(), der.size()});
  const bool opens = own_->key.kind() == crypto::KeyKind::kRsa && may_encrypt_;
  shown_.user = this;
  shown_.chain = chain_.data();
  shown_.chain_size = chain_.size();
  shown_.shown_by_hash = by_hash ? 1 : 0;
  shown_.signs_by = static_cast<keymast_signature>(mikey::v2::TypeOf(own_->key.kind()));
  shown_.signature_size = own_->key.signature_size();
  shown_.verifies = kVerifies.data();
  shown_.verifies_size = kVerifies.size();
  shown_.sign = Sign;
  shown_.open_envelope = opens ? OpenEnvelope : nullptr;
  shown_.judge = Judge;
  shown_.verify = Verify;
}

Instant Owner::Now() const {
  const int64_t seconds = unix_time_ == nullptr ? time(nullptr) : unix_time_(user_);
  return Instant(std::chrono::seconds(seconds));
}

void Owner::Sign(void* user, const keymast_octets* parts, size_t count, uint8_t* out) {
  const crypto::PrivateKey& key = Of(user).own_->key;
  const CParts views(parts, count);
  KEYMAST_CHECK(
      Pk().sign(key, mikey::v2::SchemeOf(key.kind()), views.view(), {out, key.signature_size()}));
}

void Owner::OpenEnvelope(void* user, keymast_octets sealed, uint8_t* out) {
  const auto envelope = Pk().unwrap_oaep(Of(user).own_->key, ViewOf(sealed));
  std::copy(envelope.view().begin(), envelope.view().end(), out);
}

keymast_reason Owner::Judge(void* user, const keymast_shown* shown, keymast_octets* leaf,
                            uint32_t* seconds) {
  const Owner& owner = Of(user);
  std::vector<mikey::Payload> certificates;
  const std::span chain(shown->chain, shown->chain_size);
  for (const keymast_octets& certificate : chain) {
    certificates.emplace_back(mikey::CertPayload{mikey::CertType::kX509, ViewOf(certificate)});
  }
  mikey::ChashPayload hash{mikey::HashFunc::kSha256, {}};
  Parts parts;
  parts.certificates = certificates;
  if (shown->hash != nullptr) {
    hash.hash = {shown->hash, crypto::Fingerprint{}.size()};
    parts.chash = &hash;
  }
  const mikey::v2::Claim claim{{mikey::IdType::kUri, ViewOf(shown->group)}, true, {}};
  const Instant now = owner.Now();
  const auto proved = owner.trust_.Judge(parts, claim, now);
  if (!proved) return ReasonOf(proved.error());
  const auto* known = certificates.empty() ? owner.trust_.KnownOf(parts, claim.identity) : nullptr;
  *leaf = known != nullptr ? keymast_octets{known->front().data(), known->front().size()}
                           : chain.front();
  constexpr Duration kLongest = std::chrono::seconds(UINT32_MAX - 1);
  const bool has_end = proved->until != kNever;
  *seconds = UINT32_MAX;
  if (!has_end) return KEYMAST_OK;
  const Duration left = std::clamp(proved->until - now, Duration(0), kLongest);
  *seconds = static_cast<uint32_t>(std::chrono::floor<std::chrono::seconds>(left).count());
  return KEYMAST_OK;
}

int Owner::Verify(void*, keymast_octets leaf, keymast_signature type, const keymast_octets* parts,
                  size_t count, keymast_octets signature) {
  const auto key = crypto::Certificate::KeyIn(ViewOf(leaf));
  const bool is_of_type =
      key && mikey::v2::TypeOf(key->kind()) == static_cast<mikey::SignatureType>(type);
  if (!is_of_type) return 0;
  const CParts views(parts, count);
  const auto scheme = mikey::v2::SchemeOf(key->kind());
  return Pk().verify(*key, scheme, views.view(), ViewOf(signature)) ? 1 : 0;
}

}  // namespace keymast::receiver::x509

struct keymast_x509 {
  explicit keymast_x509(const keymast_x509_settings& settings) : owner(settings) {}
  keymast::receiver::x509::Owner owner;
};

extern "C" {

keymast_reason keymast_x509_new(const keymast_x509_settings* settings, keymast_x509** made) {
  auto owner = std::make_unique<keymast_x509>(*settings);
  const keymast::Status taken = owner->owner.Take(*settings);
  *made = taken ? owner.release() : nullptr;
  return taken ? KEYMAST_OK : keymast::receiver::x509::ReasonOf(taken.error());
}

void keymast_x509_free(keymast_x509* owner) { delete owner; }

const keymast_certificates* keymast_x509_certificates(const keymast_x509* owner) {
  return &owner->owner.shown();
}

}  // extern "C"
