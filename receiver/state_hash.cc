// SPDX-License-Identifier: Apache-2.0
#include "base/cursor.h"
#include "receiver/keyring.h"

namespace keymast::receiver {
namespace {

using Digest = std::array<uint8_t, 32>;

// Chain hashes a piece behind what was hashed before, so that no buffer grows with the state and
// keys pass through wiping memory alone.
class Chain {
 public:
  template <class Fill>
  void Add(Fill fill) {
    auto piece = crypto::SecretKey<255>::OfSize(255);
    Writer writer(piece.mutable_view());
    writer.Put(digest_);
    fill(writer);
    KEYMAST_CHECK(writer.ok());
    digest_ = crypto::Sha256(writer.written());
  }
  void AddOctets(ByteView octets) {
    const Digest hashed = crypto::Sha256(octets);
    Add([&](Writer& w) { w.Put(hashed); });
  }
  const Digest& digest() const { return digest_; }

 private:
  Digest digest_{};
};

void AddMsk(Chain& chain, const MskSlot& msk) {
  chain.Add([&](Writer& w) {
    w.U32(msk.id.value());
    w.U32(msk.csb_id.value);
    w.U16(msk.low.value);
    w.U16(msk.high.value);
    w.U16(msk.floor.value);
    w.U16(msk.highest.value);
    w.U64(msk.mtk_counter ? uint64_t{*msk.mtk_counter} + 1 : 0);
    w.U16(static_cast<uint16_t>(msk.profile));
    w.Put(msk.key.view());
  });
  chain.AddOctets(msk.rand.view());
  for (const mikey::StreamSync& stream : std::span(msk.streams).first(msk.stream_count)) {
    chain.Add([&](Writer& w) {
      w.U8(stream.policy);
      w.U32(stream.ssrc.value);
      w.U32(stream.roc.value);
    });
  }
}

void AddMtk(Chain& chain, const MtkSlot& mtk) {
  chain.Add([&](Writer& w) {
    w.U64(mtk.serial);
    w.U32(mtk.msk.value());
    w.U16(mtk.mtk.value);
    w.U16(static_cast<uint16_t>(mtk.profile));
    w.Put(mtk.key.view());
    w.Put(mtk.salt.view());
  });
}

}  // namespace

std::array<uint8_t, 32> Keyring::StateHash() const {
  Chain chain;
  for (const SenderCounter& sender : counters()) {
    chain.AddOctets(sender.idi.view());
    chain.Add([&](Writer& w) { w.U32(sender.highest); });
  }
  for (const MskSlot& msk : msks_.all()) {
    if (msk.order != 0) AddMsk(chain, msk);
  }
  for (const MtkSlot& mtk : mtks_.all()) {
    if (mtk.serial != 0) AddMtk(chain, mtk);
  }
  return chain.digest();
}

}  // namespace keymast::receiver
