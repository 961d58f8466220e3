// SPDX-License-Identifier: Apache-2.0
// MSK and MTK messages, one after the other, two octets before each: kind (2 bits), length (14). As
// they stand they are never accepted and change nothing. From a sender who holds the keys they may
// be, once.
#include "base/cursor.h"
#include "tests/fuzz/receiver_messages.h"
#include "tests/fuzz/seal_message.h"

namespace {

using namespace keymast;

class Air {
 public:
  void OnMsk(Bytes octets, bool sealed) {
    const auto seen = mikey::Inspect(octets);
    if (sealed && seen) mikey::SealMessage(*seen, receiver::kFuzzUserKey, {}, octets);
    const auto before = core_.keyring().StateHash();
    const auto taken = core_.OnMsk(octets, answer_);
    Check(taken.has_value(), sealed, before);
    if (!taken) return;
    KEYMAST_CHECK(taken->answer_size <= answer_.size());
    KEYMAST_CHECK(core_.OnMsk(octets, answer_).error() == Error::kReplayed);
  }

  void OnMtk(Bytes octets, bool sealed) {
    const auto seen = mikey::Inspect(octets);
    const auto* msk = seen ? core_.keyring().msks().Find(seen->ids.msk) : nullptr;
    if (sealed && msk != nullptr) {
      mikey::SealMessage(*seen, msk->key.view(), msk->rand.view(), octets);
    }
    const auto before = core_.keyring().StateHash();
    const auto taken = core_.OnMtk(octets, now_);
    Check(taken.has_value(), sealed, before);
    if (!taken) return;
    KEYMAST_CHECK(core_.keyring().mtks().Find(taken->msk, taken->mtk) != nullptr);
    KEYMAST_CHECK(!core_.OnMtk(octets, now_));
  }

  void Pass() {
    now_ += std::chrono::seconds(1);
    core_.OnTick(now_);
    static_cast<void>(core_.keyring().RocHint(receiver::kFuzzSsrc));
  }

 private:
  void Check(bool taken, bool sealed, const std::array<uint8_t, 32>& before) {
    KEYMAST_CHECK(sealed || !taken);
    KEYMAST_CHECK(taken || core_.keyring().StateHash() == before);
  }

  receiver::Core core_ = receiver::FuzzReceiver(SrtpProfile::kAesCm128HmacSha1_80);
  std::array<uint8_t, receiver::kMaxAnswer> answer_{};
  Instant now_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Air air;
  Reader reader({data, size});
  while (!reader.empty() && reader.ok()) {
    const uint16_t head = reader.U16();
    const ByteView octets = reader.Take(std::min<size_t>(head & 0x3fff, reader.remaining()));
    const bool sealed = (head & 0x4000) != 0;
    Bytes datagram(octets.begin(), octets.end());
    if ((head & 0x8000) == 0) air.OnMsk(std::move(datagram), sealed);
    if ((head & 0x8000) != 0) air.OnMtk(std::move(datagram), sealed);
    air.Pass();
  }
  return 0;
}
