// SPDX-License-Identifier: Apache-2.0
#include "mikey/prf.h"

#include <functional>

#include "base/cursor.h"
#include "mikey/key_payloads.h"

namespace keymast::mikey {
namespace {

constexpr size_t kPiece = 32;  // 256 bits, for both PRFs (RFC 3830 §4.1.2, RFC 6043 §6.1)
constexpr size_t kMaxHash = crypto::HashSize(crypto::Hash::kSha256);
constexpr size_t kMaxLabel = 256 + 9;

// P of RFC 3830 §4.1.2: the first is `out`, the others are XORed into it.
void AddP(const crypto::Suite& suite, crypto::Hash hash, ByteView secret, ByteView label,
          bool is_first, MutableBytes out) {
  const size_t size = crypto::HashSize(hash);
  crypto::SecretScratch<2 * kMaxHash> room;
  const MutableBytes both = room.Room();
  MutableBytes chain = both.first(size);
  MutableBytes block = both.last(size);
  const std::array<ByteView, 1> first{label};
  suite.hmac(hash, secret, first, chain);  // A_1 = HMAC(s, A_0), A_0 = label
  for (size_t done = 0; done < out.size(); done += size) {
    const std::array<ByteView, 2> parts{chain, label};
    suite.hmac(hash, secret, parts, block);
    const MutableBytes part = out.subspan(done, std::min(size, out.size() - done));
    if (is_first) {
      std::memcpy(part.data(), block.data(), part.size());
    } else {
      std::transform(part.begin(), part.end(), block.begin(), part.begin(), std::bit_xor());
    }
    if (done + size >= out.size()) break;
    const std::array<ByteView, 1> link{chain};
    suite.hmac(hash, secret, link, block);  // A_i = HMAC(s, A_{i-1})
    std::swap(chain, block);
  }
}

size_t EncrKeyLength(EncrAlg alg) { return alg == EncrAlg::kAesCm256 ? 32 : 16; }

}  // namespace

void Prf(const crypto::Suite& suite, PrfFunc func, ByteView inkey, ByteView label,
         MutableBytes out) {
  const auto hash = func == PrfFunc::kMikey1 ? crypto::Hash::kSha1 : crypto::Hash::kSha256;
  KEYMAST_CHECK(!inkey.empty());
  for (size_t at = 0; at < inkey.size(); at += kPiece) {
    const ByteView piece = inkey.subspan(at, std::min(kPiece, inkey.size() - at));
    AddP(suite, hash, piece, label, at == 0, out);
  }
}

void Derive(const crypto::Suite& suite, PrfFunc func, ByteView inkey, KeyConstant constant,
            uint8_t cs_id, CsbId csb_id, ByteView rand, MutableBytes out) {
  std::array<uint8_t, kMaxLabel> label;  // as far as it is written
  Writer writer(label);
  writer.U32(static_cast<uint32_t>(constant));
  writer.U8(cs_id);
  writer.U32(csb_id.value);
  writer.Put(rand);
  KEYMAST_CHECK(writer.ok());
  Prf(suite, func, inkey, writer.written(), out);
}

crypto::Key32 DeriveAuthKey(const crypto::Suite& suite, const Algorithms& algorithms, ByteView psk,
                            CsbId csb_id, ByteView rand) {
  // RFC 3830 §4.2.4: the authentication key is as long as the MAC's output.
  auto key = crypto::Key32::OfSize(MacLength(algorithms.mac).value_or(0));
  Derive(suite, algorithms.prf, psk, KeyConstant::kMikeyAuth, kMikeyOwnKeys, csb_id, rand,
         key.mutable_view());
  return key;
}

TransportKeys DeriveCipherKeys(const crypto::Suite& suite, const Algorithms& algorithms,
                               ByteView psk, CsbId csb_id, ByteView rand) {
  TransportKeys keys;
  keys.encr = crypto::Key32::OfSize(EncrKeyLength(algorithms.encr));
  keys.salt = crypto::Salt14::OfSize(14);  // RFC 3830 §4.2.3: 112 bits
  Derive(suite, algorithms.prf, psk, KeyConstant::kMikeyEncr, kMikeyOwnKeys, csb_id, rand,
         keys.encr.mutable_view());
  Derive(suite, algorithms.prf, psk, KeyConstant::kMikeySalt, kMikeyOwnKeys, csb_id, rand,
         keys.salt.mutable_view());
  return keys;
}

TransportKeys DeriveTransportKeys(const crypto::Suite& suite, const Algorithms& algorithms,
                                  ByteView psk, CsbId csb_id, ByteView rand) {
  TransportKeys keys = DeriveCipherKeys(suite, algorithms, psk, csb_id, rand);
  keys.auth = DeriveAuthKey(suite, algorithms, psk, csb_id, rand);
  return keys;
}

void CryptKeyData(const crypto::Suite& suite, const TransportKeys& keys, CsbId csb_id,
                  const TPayload& t, MutableBytes data) {
  KEYMAST_CHECK(t.value.size() <= 8);
  std::array<uint8_t, 16> mask{};
  Writer writer(mask);
  writer.U16(0);
  writer.U32(csb_id.value);
  writer.Put(FullTime(t));
  auto iv = crypto::SecretKey<16>(mask);
  const ByteView salt = keys.salt.view();
  std::transform(salt.begin(), salt.end(), mask.begin(), iv.mutable_view().begin(), std::bit_xor());
  suite.aes_ctr(keys.encr.view(), iv.view(), data);
}

void Mac(const crypto::Suite& suite, MacAlg alg, ByteView key, std::span<const ByteView> parts,
         MutableBytes out) {
  const auto hash = alg == MacAlg::kHmacSha1_160 ? crypto::Hash::kSha1 : crypto::Hash::kSha256;
  suite.hmac_once(hash, key, parts, out);
}

}  // namespace keymast::mikey
