// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/closing.h"

#include "mikey/v2/signing.h"

namespace keymast::mikey::v2 {
namespace {

constexpr std::array<uint8_t, 32> kNoMacYet{};
constexpr std::array<uint8_t, crypto::kMaxModulusSize> kNoSignatureYet{};

ByteView NoMac(MacAlg alg) { return ByteView(kNoMacYet).first(MacLength(alg).value_or(0)); }

}  // namespace

void Closing::AddKemac(ByteView plain) {
  std::array<uint8_t, kMaxEncrypted> encrypted;  // as far as it is written
  const size_t size = EncryptedSize(protection_.encr, plain.size());
  KEYMAST_CHECK(plain.size() <= kMaxPlain);
  Encrypt(suite_, protection_, plain, MutableBytes(encrypted).first(size));
  chain_.Add(KemacPayload{protection_.encr, ByteView(encrypted).first(size), protection_.mac,
                          NoMac(protection_.mac)});
  mac_end_ = chain_.size();
}

void Closing::AddV() {
  chain_.Add(VPayload{protection_.mac, NoMac(protection_.mac)});
  mac_end_ = chain_.size();
}

void Closing::AddSign(const Signer& signer) {
  if (!kHasCertificates) return;  // nobody of ours signs
  key_ = &signer.credential->key;
  chain_.Add(SignPayload{signer.type(), ByteView(kNoSignatureYet).first(key_->signature_size())});
}

Result<size_t> Closing::Finish() {
  if (!chain_.ok()) return Err(Error::kTooLong);
  if (mac_end_) {
    const size_t size = MacLength(protection_.mac).value_or(0);
    const size_t behind = chain_.size() - *mac_end_;
    ComputeMac(suite_, protection_, chain_.Head(behind + size),
               chain_.Tail(behind + size).first(size));
  }
  if (kHasCertificates && key_ != nullptr) {
    const size_t size = key_->signature_size();
    ComputeSign(suite_, protection_, *key_, chain_.Head(size), chain_.Tail(size));
  }
  return chain_.size();
}

size_t SizeOfV(MacAlg alg) { return 2 + MacLength(alg).value_or(0); }

size_t SizeOfSign(const Signer& signer) {
  return !kHasCertificates || signer.credential == nullptr ? 0 : 2 + signer.signature_size();
}

}  // namespace keymast::mikey::v2
