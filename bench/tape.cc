// SPDX-License-Identifier: Apache-2.0
#include "bench/tape.h"

#include <memory>

namespace keymast::bench {
namespace {

using crypto::DefaultSuite;

Tape* running = nullptr;

Bytes Copy(ByteView octets) { return {octets.begin(), octets.end()}; }

// Kept is the parts of an input, owned.
struct Kept {
  explicit Kept(std::span<const ByteView> parts) {
    for (const ByteView part : parts) octets.push_back(Copy(part));
    for (const Bytes& part : octets) views.emplace_back(part);
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  std::vector<Bytes> octets;
  std::vector<ByteView> views;
};

// What is played again draws from here: the values differ, the work does not.
crypto::Rng& Draws() {
  static crypto::SeededRng rng(1);
  return rng;
}

template <class Call>
void Write(Call call) {
  if (running != nullptr) running->Add(std::move(call));
}

template <auto kHmac>  // of crypto::Suite
void Hmac(const void*, crypto::Hash hash, ByteView key, std::span<const ByteView> parts,
          MutableBytes out) {
  (DefaultSuite().*kHmac)(hash, key, parts, out);
  Write([hash, key = Copy(key), kept = std::make_shared<Kept>(parts),
         out = Bytes(out.size())]() mutable {
    (DefaultSuite().*kHmac)(hash, key, kept->views, out);
  });
}

void Sha256(const void*, std::span<const ByteView> parts, MutableBytes out) {
  DefaultSuite().sha256(parts, out);
  Write([kept = std::make_shared<Kept>(parts), out = Bytes(out.size())]() mutable {
    DefaultSuite().sha256(kept->views, out);
  });
}

void AesCtr(const void*, ByteView key, ByteView iv, MutableBytes data) {
  Write([key = Copy(key), iv = Copy(iv), data = Copy(data)]() mutable {
    DefaultSuite().aes_ctr(key, iv, data);
  });
  DefaultSuite().aes_ctr(key, iv, data);
}

void KeyWrap(ByteView key, ByteView plain, MutableBytes out) {
  DefaultSuite().key_wrap(key, plain, out);
  Write([key = Copy(key), plain = Copy(plain), out = Bytes(out.size())]() mutable {
    DefaultSuite().key_wrap(key, plain, out);
  });
}

Result<size_t> KeyUnwrap(ByteView key, ByteView wrapped, MutableBytes out) {
  Write([key = Copy(key), wrapped = Copy(wrapped), out = Bytes(out.size())]() mutable {
    (void)DefaultSuite().key_unwrap(key, wrapped, out);
  });
  return DefaultSuite().key_unwrap(key, wrapped, out);
}

Result<size_t> Sign(const crypto::PrivateKey& key, crypto::SignatureScheme scheme,
                    std::span<const ByteView> parts, MutableBytes out) {
  Write([&key, scheme, kept = std::make_shared<Kept>(parts), out = Bytes(out.size())]() mutable {
    (void)DefaultSuite().pk->sign(key, scheme, kept->views, out);
  });
  return DefaultSuite().pk->sign(key, scheme, parts, out);
}

bool Verify(const crypto::PublicKey& key, crypto::SignatureScheme scheme,
            std::span<const ByteView> parts, ByteView signature) {
  Write([key, scheme, kept = std::make_shared<Kept>(parts), signature = Copy(signature)] {
    (void)DefaultSuite().pk->verify(key, scheme, kept->views, signature);
  });
  return DefaultSuite().pk->verify(key, scheme, parts, signature);
}

Result<size_t> WrapOaep(const crypto::PublicKey& public_key, ByteView key, crypto::Rng& rng,
                        MutableBytes out) {
  Write([public_key, key = Copy(key), out = Bytes(out.size())]() mutable {
    (void)DefaultSuite().pk->wrap_oaep(public_key, key, Draws(), out);
  });
  return DefaultSuite().pk->wrap_oaep(public_key, key, rng, out);
}

crypto::SecretKey<crypto::kOaepKey> UnwrapOaep(const crypto::PrivateKey& key, ByteView wrapped) {
  Write([&key, wrapped = Copy(wrapped)] { (void)DefaultSuite().pk->unwrap_oaep(key, wrapped); });
  return DefaultSuite().pk->unwrap_oaep(key, wrapped);
}

void DhGenerate(crypto::DhGroup group, crypto::Rng& rng, MutableBytes private_out,
                MutableBytes public_out) {
  Write([group, own = Bytes(private_out.size()), open = Bytes(public_out.size())]() mutable {
    DefaultSuite().pk->dh_generate(group, Draws(), own, open);
  });
  DefaultSuite().pk->dh_generate(group, rng, private_out, public_out);
}

bool DhAgree(crypto::DhGroup group, ByteView private_value, ByteView peer_public,
             MutableBytes shared) {
  Write([group, own = Copy(private_value), peer = Copy(peer_public),
         out = Bytes(shared.size())]() mutable {
    (void)DefaultSuite().pk->dh_agree(group, own, peer, out);
  });
  return DefaultSuite().pk->dh_agree(group, private_value, peer_public, shared);
}

}  // namespace

const crypto::Suite& Tape::Suite() {
  static const crypto::PublicSuite pk = [] {
    crypto::PublicSuite suite = *DefaultSuite().pk;  // version 1's envelope stays as it is
    suite.sign = Sign;
    suite.verify = Verify;
    suite.wrap_oaep = WrapOaep;
    suite.unwrap_oaep = UnwrapOaep;
    suite.dh_generate = DhGenerate;
    suite.dh_agree = DhAgree;
    return suite;
  }();
  static constexpr crypto::SuiteFunctions kFunctions{Hmac<&crypto::Suite::hmac>,
                                                     Hmac<&crypto::Suite::hmac_once>,
                                                     Sha256,
                                                     AesCtr,
                                                     KeyWrap,
                                                     KeyUnwrap};
  static const crypto::Suite suite{&kFunctions, &pk};
  return suite;
}

void Tape::Start() { running = this; }

void Tape::Stop() { running = nullptr; }

void Tape::Play() const {
  for (const auto& call : calls_) call();
}

}  // namespace keymast::bench
