// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of the fuzz targets of the step machines: make_mode_seeds tests/fuzz/corpus
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/fuzz/fake_party.h"

namespace keymast::mikey {
namespace {

void Save(const std::filesystem::path& folder, const std::string& name, uint8_t choice,
          ByteView octets) {
  std::filesystem::create_directories(folder);
  std::ofstream file(folder / name, std::ios::binary);
  file << static_cast<char>(choice) << AsText(octets);
}

// Run is one exchange between the two fuzzed machines, and an update of its bundle.
class Run {
 public:
  Run(std::filesystem::path corpus, uint8_t choice) : corpus_(std::move(corpus)), choice_(choice) {}

  void MakeSeeds() {
    const std::string name = std::to_string(choice_);
    const Mode mode = ModeOf(choice_);
    const KeyDataPayload key{KeyDataType::kTgkSalt,
                             kTgkOctets,
                             kSharedOctets,
                             {KvType::kSpi, ByteView(kTgkOctets).first(4), {}, {}}};
    const std::array<CsbSession, 1> sessions = FuzzSessions(choice_);
    const CsbPolicy policy;
    Offer offer = FuzzOffer(mode, key, sessions, {&policy, (choice_ & 0x40) != 0 ? 0u : 1u});
    offer.send_rand = (choice_ & 0x80) == 0;
    offer.cache = Cache::kCache;
    Bytes first(kMaxMessage);
    first.resize(*alice_.Start(mode, kBob, offer, kFuzzNow, rng_, first));
    Save(corpus_ / "mikey_responder", name, choice_, first);
    // The other policy takes neither algorithms nor, in some, a missing identity.
    const bool is_plain = (choice_ & 0xe0) == 0;
    if (is_plain) Save(corpus_ / "mikey_responder", name + "_other", choice_ ^ 3, first);
    Answer(first, name);
    offer.csb_id = kKnownCsb;
    Update(offer, name);
  }

 private:
  // Update is of a bundle as mikey_initiator has it.
  void Update(const Offer& offer, const std::string& name) {
    Session known = alice_.session();
    known.csb.csb_id = kKnownCsb;
    known.updates_from_us = true;
    const bool cached = known.mode == Mode::kRsar || (choice_ & 0x80) != 0;
    known.cache = cached ? Cache::kCache : Cache::kNone;
    known.shared = crypto::SecretKey<kMaxSharedKey>(ByteView(kSharedOctets));
    Stamper stamper;
    crypto::SeededRng rng(1);
    Bytes update(kMaxMessage);
    update.resize(
        *Initiator(alice_side_.party, stamper).Update(known, offer, kFuzzNow, rng, update));
    Save(corpus_ / "mikey_responder", name + "_update", choice_, update);
    known.updates_from_us = false;
    known.peer = OwnedIdentity(kAlice);
    bob_.others.known_ = &known;
    ReplayCache cache(2, std::chrono::minutes(5), kFuzzNow - std::chrono::hours(1));
    Session fresh;
    Bytes answer(kMaxMessage);
    answer.resize(Responder(bob_.party, cache).Receive(update, kFuzzNow, rng, fresh, answer).reply);
    bob_.others.known_ = nullptr;
    const bool is_update = (choice_ & 0x20) != 0;
    if (is_update && !answer.empty()) {
      Save(corpus_ / "mikey_initiator", name + "_update", choice_, answer);
    }
  }

  void Answer(const Bytes& first, const std::string& name) {
    Session fresh;
    Bytes answer(kMaxMessage);
    const auto outcome = responder_.Receive(first, kFuzzNow, rng_, fresh, answer);
    answer.resize(outcome.reply);
    if (!answer.empty()) Save(corpus_ / "mikey_initiator", name, choice_, answer);
    if (!alice_.Receive(answer, kFuzzNow)) std::fprintf(stderr, "%s: not taken\n", name.c_str());
    bob_.policy.modes = {};
    ReplayCache cache(2, std::chrono::minutes(5), kFuzzNow - std::chrono::hours(1));
    Bytes error(kMaxMessage);
    error.resize(Responder(bob_.party, cache).Receive(first, kFuzzNow, rng_, fresh, error).reply);
    if (!error.empty()) Save(corpus_ / "mikey_initiator", name + "_error", choice_, error);
    bob_.policy.modes = {true, true, true, true, true};
  }

  std::filesystem::path corpus_;
  uint8_t choice_;
  FakeSide alice_side_{kAlice, choice_};
  FakeSide bob_{kBob, choice_};
  crypto::SeededRng rng_{1};
  Initiator alice_{alice_side_.party, alice_side_.stamper};
  ReplayCache cache_{2, std::chrono::minutes(5), kFuzzNow - std::chrono::hours(1)};
  Responder responder_{bob_.party, cache_};
};

}  // namespace
}  // namespace keymast::mikey

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
    return 2;
  }
  for (int choice = 0; choice < 256; choice += 1) {
    // Of updates one policy is enough.
    if ((choice >> 2) % 8 >= 5 || ((choice & 0x20) != 0 && (choice & 3) != 0)) continue;
    keymast::mikey::Run(argv[1], static_cast<uint8_t>(choice)).MakeSeeds();
  }
  return 0;
}
