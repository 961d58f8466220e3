// SPDX-License-Identifier: Apache-2.0
// The receiver core through its C interface, behind the MAC: a life of datagrams, time, packets and
// starts (toy_table.h has the steps).
#include <algorithm>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "base/cursor.h"
#include "tests/fuzz/toy_table.h"

namespace {

using namespace keymast;
using fuzz::Step;

class Life {
 public:
  Life() { Start({}); }
  ~Life() { keymast_receiver_wipe(receiver_.get()); }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  void Go(Reader& reader) {
    const auto step = static_cast<Step>(reader.U8() % fuzz::kSteps);
    switch (step) {
      case Step::kReceive:
        return Receive(Sized(reader));
      case Step::kPass:
        now_ += reader.U16();
        return Tick();
      case Step::kDue:
        now_ = std::clamp(keymast_receiver_deadline(receiver_.get()), now_, now_ + 600'000);
        return Tick();
      case Step::kUsed:
        return Used(reader);
      case Step::kMissing:
        return Missing(reader);
      case Step::kJoin:
        return Join(reader.U8(), reader.U8());
      case Step::kLeave:
        keymast_receiver_leave(receiver_.get(), reader.U8() % KEYMAST_CHANNELS, now_);
        return;
      case Step::kStart:
      case Step::kCertified:
        is_certified_ = step == Step::kCertified;
        return Start({saved_.data(), saved_size_});
      case Step::kSaved: {
        const keymast_octets octets = Sized(reader);
        keymast_receiver_wipe(receiver_.get());
        Init(octets);
        return;
      }
    }
  }

  // Act takes what there is to do: it is bounded, and its pointers are what they say.
  void Act() {
    keymast_action action;
    for (int i = 0; keymast_receiver_next(receiver_.get(), &action) != 0; ++i) {
      KEYMAST_CHECK(i < 100 && action.channel < KEYMAST_CHANNELS);
      Check(action);
    }
    KEYMAST_CHECK(keymast_receiver_tick(receiver_.get(), now_) == KEYMAST_OK);
    while (keymast_receiver_next(receiver_.get(), &action) != 0) Check(action);
  }

 private:
  static keymast_octets Sized(Reader& reader) {
    const size_t size = reader.U16();
    const ByteView octets = reader.Take(std::min(size, reader.remaining()));
    return {octets.data(), octets.size()};
  }

  keymast_reason Init(keymast_octets saved) {
    const keymast_member member = {
        KEYMAST_NAI,
        {reinterpret_cast<const uint8_t*>(fuzz::kToyMember), sizeof fuzz::kToyMember - 1},
        {fuzz::kToyKey, is_certified_ ? 0 : sizeof fuzz::kToyKey},
        1,
        0,
        is_certified_ ? &fuzz::kToyCertificates : nullptr};
    return keymast_receiver_init(receiver_.get(), &table_, &member, saved);
  }
  void Start(keymast_octets saved) {
    KEYMAST_CHECK(Init(saved) == KEYMAST_OK);  // what it saved it can read
    Join(0, 0);
    Act();
    Join(1, 1);
  }

  void Join(uint8_t channel, uint8_t which) {
    const keymast_group group = fuzz::ToyGroup(which);
    keymast_receiver_join(receiver_.get(), channel % KEYMAST_CHANNELS, &group, now_);
  }
  void Receive(keymast_octets datagram) {
    const keymast_reason reason = keymast_receiver_receive(receiver_.get(), datagram, now_);
    KEYMAST_CHECK(std::strcmp(keymast_reason_name(reason), "unknown") != 0);
    KEYMAST_CHECK(reason != KEYMAST_INTERNAL && reason != KEYMAST_FAILED_PRECONDITION);
  }
  void Tick() { keymast_receiver_tick(receiver_.get(), now_); }

  void Used(Reader& reader) {
    const uint8_t channel = reader.U8() % KEYMAST_CHANNELS;
    const ByteView mki = reader.Take(6);
    const keymast_octets octets{mki.data(), mki.size()};
    const bool is_held = keymast_receiver_key(receiver_.get(), channel, octets) != nullptr;
    const keymast_reason reason = keymast_receiver_used(receiver_.get(), channel, octets, now_);
    KEYMAST_CHECK((reason == KEYMAST_OK) == is_held);
  }
  void Missing(Reader& reader) {
    const uint8_t channel = reader.U8() % KEYMAST_CHANNELS;
    const ByteView mki = reader.Take(6);
    keymast_receiver_missing(receiver_.get(), channel, {mki.data(), mki.size()}, now_);
  }

  void Check(const keymast_action& action) {
    switch (action.kind) {
      case KEYMAST_PERSIST:
        KEYMAST_CHECK(action.octets.size <= saved_.size());
        std::copy_n(action.octets.data, action.octets.size, saved_.begin());
        saved_size_ = action.octets.size;
        return;
      case KEYMAST_SEND:
        KEYMAST_CHECK(action.octets.size > 0 && action.octets.size <= KEYMAST_DATAGRAM_SIZE);
        return;
      case KEYMAST_KEY_INSTALLED: {
        const keymast_octets mki{action.key->mki, sizeof action.key->mki};
        KEYMAST_CHECK(keymast_receiver_key(receiver_.get(), action.channel, mki) == action.key);
        KEYMAST_CHECK(action.key->key_size <= 32 && action.key->salt_size <= 14);
        return;
      }
      case KEYMAST_KEY_RETIRED:
        KEYMAST_CHECK(action.octets.size == 6);
        return;
      case KEYMAST_JOINED: {
        size_t count = 0;
        keymast_receiver_streams(receiver_.get(), action.channel, &count);
        KEYMAST_CHECK(count <= KEYMAST_STREAMS);
        return;
      }
      case KEYMAST_FAILED:
        KEYMAST_CHECK(action.reason != KEYMAST_OK);
        return;
      case KEYMAST_LEFT:
        KEYMAST_CHECK(action.reason == KEYMAST_OK || action.reason == KEYMAST_UNAVAILABLE);
        return;
      case KEYMAST_NONE:
        break;
    }
    KEYMAST_CHECK(false);
  }

  uint32_t random_ = 0;
  keymast_crypto table_ = fuzz::ToyTable(random_);
  uint64_t now_ = 1'000'000;
  std::array<uint8_t, KEYMAST_SAVED_SIZE> saved_{};
  size_t saved_size_ = 0;
  bool is_certified_ = false;
  std::unique_ptr<keymast_receiver> receiver_ = std::make_unique<keymast_receiver>();
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Life life;
  life.Act();
  Reader reader({data, size});
  for (int steps = 0; !reader.empty() && steps < 200; ++steps) {
    life.Go(reader);
    life.Act();
  }
  return 0;
}
