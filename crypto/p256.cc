// SPDX-License-Identifier: Apache-2.0
#include "crypto/p256.h"

#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "crypto/constant_time.h"
#include "crypto/openssl.h"

namespace keymast::crypto {
namespace {

using Group = std::unique_ptr<EC_GROUP, Freed<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Freed<EC_POINT_clear_free>>;

constexpr std::array<uint8_t, kP256Scalar> kOrder = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

// IsScalar: from 1 to n-1. Whether a value is one may be seen: those that are not are thrown away.
bool IsScalar(ByteView value) {
  uint32_t any = 0;
  uint32_t borrow = 0;  // of value - n
  for (size_t i = kP256Scalar; i-- > 0;) {
    any |= value[i];
    borrow = (uint32_t{value[i]} - kOrder[i] - borrow) >> 31;
  }
  return Declassified(~IsZero(any) & ~IsZero(borrow)) != 0;
}

// Curve is the group with what its arithmetic needs, made once per thread.
class Curve {
 public:
  Curve()
      : context_(BN_CTX_secure_new()), group_(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)) {
    KEYMAST_CHECK(context_ != nullptr && group_ != nullptr);
  }

  // Read is null unless the octets are a point of the curve: OpenSSL checks that.
  Point Read(ByteView octets) {
    const ErrorsDropped dropped;
    Point point = NewPoint();
    const bool is_point = octets.size() == kP256Point &&
                          octets[0] == POINT_CONVERSION_UNCOMPRESSED &&
                          EC_POINT_oct2point(group_.get(), point.get(), octets.data(),
                                             octets.size(), context_.get()) == 1;
    return is_point ? std::move(point) : nullptr;
  }

  // Times is scalar times base, scalar times the generator for a null base.
  Point Times(ByteView scalar, const EC_POINT* base) {
    const Bignum number(BN_secure_new());
    Point product = NewPoint();
    KEYMAST_CHECK(number != nullptr && BN_bin2bn(scalar.data(), static_cast<int>(scalar.size()),
                                                 number.get()) != nullptr);
    BN_set_flags(number.get(), BN_FLG_CONSTTIME);
    const BIGNUM* of_generator = base == nullptr ? number.get() : nullptr;
    const BIGNUM* of_base = base == nullptr ? nullptr : number.get();
    KEYMAST_CHECK(EC_POINT_mul(group_.get(), product.get(), of_generator, base, of_base,
                               context_.get()) == 1);
    return product;
  }

  // Write writes x, and y where it is wanted, 32 octets each.
  void Write(const EC_POINT* point, MutableBytes x_out, MutableBytes y_out) {
    const Bignum x(BN_secure_new());
    const Bignum y(BN_secure_new());
    KEYMAST_CHECK(x != nullptr && y != nullptr &&
                  EC_POINT_get_affine_coordinates(group_.get(), point, x.get(), y.get(),
                                                  context_.get()) == 1);
    KEYMAST_CHECK(BN_bn2binpad(x.get(), x_out.data(), kP256Scalar) >= 0);
    KEYMAST_CHECK(y_out.empty() || BN_bn2binpad(y.get(), y_out.data(), kP256Scalar) >= 0);
  }

 private:
  Point NewPoint() const {
    Point point(EC_POINT_new(group_.get()));
    KEYMAST_CHECK(point != nullptr);
    return point;
  }

  BignumContext context_;
  Group group_;
};

Curve& ThisThreads() {
  thread_local Curve curve;
  return curve;
}

}  // namespace

void P256Draw(Rng& rng, MutableBytes scalar) {
  KEYMAST_CHECK(scalar.size() == kP256Scalar);
  do {
    rng.Fill(scalar);  // one in 2^32 is drawn again
  } while (!IsScalar(scalar));
}

bool P256Public(ByteView scalar, MutableBytes point) {
  KEYMAST_CHECK(point.size() == kP256Point);
  if (scalar.size() != kP256Scalar || !IsScalar(scalar)) return false;
  Curve& curve = ThisThreads();
  point[0] = POINT_CONVERSION_UNCOMPRESSED;
  curve.Write(curve.Times(scalar, nullptr).get(), point.subspan(1, kP256Scalar),
              point.last(kP256Scalar));
  return true;
}

bool P256Agree(ByteView scalar, ByteView peer, MutableBytes x) {
  KEYMAST_CHECK(scalar.size() == kP256Scalar && IsScalar(scalar) && x.size() == kP256Scalar);
  Curve& curve = ThisThreads();
  const Point base = curve.Read(peer);
  if (base == nullptr) return false;
  curve.Write(curve.Times(scalar, base.get()).get(), x, {});
  return true;
}

}  // namespace keymast::crypto
