// SPDX-License-Identifier: Apache-2.0
#include "receiver/library/own_credentials.h"

namespace keymast::receiver::library {
namespace {

using mikey::SignatureType;

constexpr std::array<uint8_t, 3> kTypes = {KEYMAST_ED25519, KEYMAST_ECDSA_P256, KEYMAST_RSA_PSS};
static_assert(kTypes[0] == static_cast<uint8_t>(SignatureType::kEd25519) &&
              kTypes[1] == static_cast<uint8_t>(SignatureType::kEcdsaP256) &&
              kTypes[2] == static_cast<uint8_t>(SignatureType::kRsaPss));

bool IsType(unsigned type) { return std::ranges::find(kTypes, type) != kTypes.end(); }

// MIKEYv2 §3.3: without repetition.
bool IsList(ByteView types) {
  for (size_t i = 0; i < types.size(); ++i) {
    const ByteView before = types.first(i);
    if (!IsType(types[i])) return false;
    if (std::ranges::find(before, types[i]) != before.end()) return false;
  }
  return !types.empty();
}

bool IsChain(const keymast_octets* chain, size_t size) {
  if (chain == nullptr || size == 0 || size > KEYMAST_CHAIN_SIZE) return false;
  return std::ranges::all_of(std::span(chain, size), [](const keymast_octets& certificate) {
    return certificate.data != nullptr && certificate.size != 0;
  });
}

}  // namespace

bool IsGood(const keymast_certificates& certificates) {
  const bool is_rsa = certificates.signs_by == KEYMAST_RSA_PSS;
  const size_t size = certificates.signature_size;
  const bool is_sized = is_rsa
                            ? size >= crypto::kMinModulusBits / 8 && size <= crypto::kMaxModulusSize
                            : size == crypto::kEcSignature;
  return IsChain(certificates.chain, certificates.chain_size) && IsType(certificates.signs_by) &&
         is_sized && (is_rsa || certificates.open_envelope == nullptr) &&
         certificates.verifies != nullptr && certificates.verifies_size <= kTypes.size() &&
         IsList({certificates.verifies, certificates.verifies_size}) &&
         certificates.sign != nullptr && certificates.judge != nullptr &&
         certificates.verify != nullptr;
}

TheCredentials::TheCredentials(const TablePk& pk) {
  const keymast_certificates* owner = pk.certificates;
  if (owner == nullptr) return;
  mikey::v2::Credential own;
  own.key = {static_cast<SignatureType>(owner->signs_by),
             static_cast<uint16_t>(owner->signature_size)};
  for (const keymast_octets& certificate : std::span(owner->chain, owner->chain_size)) {
    own.chain.Add(ViewOf(certificate));
  }
  made_.emplace(mikey::v2::Credentials{own, mikey::v2::Trust(pk)});
  if (owner->shown_by_hash != 0) shown_ = mikey::v2::Shown::kHash;
}

}  // namespace keymast::receiver::library
