// SPDX-License-Identifier: Apache-2.0
// OpenSSL's key objects would draw the exponents themselves, so this is its arithmetic alone.
#include "crypto/modp.h"

#include "crypto/openssl.h"

namespace keymast::crypto {
namespace {

using Montgomery = std::unique_ptr<BN_MONT_CTX, Freed<BN_MONT_CTX_free>>;

// Field is a group's prime with what makes arithmetic modulo it fast, which costs a tenth of an
// exponentiation and is made once per thread.
class Field {
 public:
  explicit Field(BIGNUM* prime)
      : context_(BN_CTX_secure_new()), prime_(prime), montgomery_(BN_MONT_CTX_new()) {
    KEYMAST_CHECK(prime_ != nullptr && context_ != nullptr && montgomery_ != nullptr &&
                  BN_MONT_CTX_set(montgomery_.get(), prime_.get(), context_.get()) == 1);
  }

  // Raise writes base^exponent mod p, padded on the left.
  void Raise(const Bignum& base, ByteView exponent, MutableBytes out) {
    const Bignum secret(BN_secure_new());
    const Bignum power(BN_secure_new());
    KEYMAST_CHECK(secret != nullptr && power != nullptr &&
                  BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), secret.get()));
    BN_set_flags(secret.get(), BN_FLG_CONSTTIME);
    KEYMAST_CHECK(BN_mod_exp_mont_consttime(power.get(), base.get(), secret.get(), prime_.get(),
                                            context_.get(), montgomery_.get()) == 1 &&
                  BN_bn2binpad(power.get(), out.data(), static_cast<int>(out.size())) >= 0);
  }

  // IsPublicValue: 0, 1 and p-1 make secrets that everybody knows (RFC 2631 §2.1.5).
  bool IsPublicValue(const Bignum& value) const {
    const Bignum last(BN_dup(prime_.get()));
    KEYMAST_CHECK(last != nullptr && BN_sub_word(last.get(), 1) == 1);
    return BN_cmp(value.get(), BN_value_one()) > 0 && BN_cmp(value.get(), last.get()) < 0;
  }

 private:
  BignumContext context_;
  Bignum prime_;
  Montgomery montgomery_;
};

Field& FieldOf(DhGroup group) {
  thread_local Field modp768(BN_get_rfc2409_prime_768(nullptr));
  thread_local Field modp1024(BN_get_rfc2409_prime_1024(nullptr));
  thread_local Field modp1536(BN_get_rfc3526_prime_1536(nullptr));
  return group == DhGroup::kModp768 ? modp768 : group == DhGroup::kModp1024 ? modp1024 : modp1536;
}

Bignum NumberOf(ByteView octets) {
  Bignum number(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
  KEYMAST_CHECK(number != nullptr);
  return number;
}

}  // namespace

void ModpGenerate(DhGroup group, Rng& rng, MutableBytes private_out, MutableBytes public_out) {
  rng.Fill(private_out);
  private_out[0] |= 0x80;
  static constexpr std::array<uint8_t, 1> kGenerator = {2};
  FieldOf(group).Raise(NumberOf(kGenerator), private_out, public_out);
}

bool ModpAgree(DhGroup group, ByteView private_value, ByteView peer_public, MutableBytes shared) {
  const Bignum peer = NumberOf(peer_public);
  if (!FieldOf(group).IsPublicValue(peer)) return false;
  FieldOf(group).Raise(peer, private_value, shared);
  return true;
}

}  // namespace keymast::crypto
