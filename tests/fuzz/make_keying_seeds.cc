// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of controller_keying: make_keying_seeds tests/fuzz/corpus/controller_keying
#include <filesystem>
#include <fstream>

#include "mikey/v2/offerer.h"
#include "tests/fuzz/keying_world.h"

namespace keymast::controller {
namespace {

using mikey::v2::Offerer;
using mikey::v2::Resumption;
using mikey::v2::Wish;

// Scene takes down what a member sends to the server that the fuzzer will play.
class Scene {
 public:
  explicit Scene(uint8_t choice) : world_(choice), input_{choice} {}

  void Do(Meanwhile what) {
    input_.insert(input_.end(), {0, 0, static_cast<uint8_t>(what)});
    world_.Do(what);
  }
  // Join runs an exchange; each datagram is sent `times`.
  std::optional<Resumption> Join(std::string_view name, Mode mode, const Resumption* resume = {},
                                 int times = 1, bool finishes = true) {
    mikey::v2::Policy policy = mikey::v2::Policy::OfGroup({});
    policy.modes.Add(static_cast<uint8_t>(mode));
    policy.features = mikey::v2::kTicketFeature;
    if (mikey::v2::IsSigned(mode)) policy.fragments = mikey::v2::kMaxFragments;
    static const mikey::v2::Pair pair(crypto::KeyKind::kEd25519);
    Offerer offerer(crypto::DefaultSuite(), policy, &pair.member);
    Wish wish{{mikey::IdType::kNai, AsBytes(name)},
              mikey::v2::kGroupId,
              {},
              mikey::v2::kAnyGroup,
              {},
              {}};
    if (resume == nullptr && !mikey::v2::IsSigned(mode)) wish.psk = mikey::v2::kPskOctets;
    wish.resume = resume;
    wish.takes_fragments = true;
    Bytes out(mikey::v2::kMaxWhole);
    size_t size = *offerer.Open(wish, world_.now, rng_, out);
    for (int turn = 0; turn < 4 && size > 0; ++turn) {
      const auto came = Send(Cut(out, size, offerer.more()), times);
      size = 0;
      for (const Datagram& datagram : came) {
        const size_t more = offerer.Receive(datagram.octets, world_.now, rng_, out).send;
        if (more > 0) size = more;
      }
      if (!finishes) break;
    }
    return offerer.resumption();
  }
  void Save(const std::filesystem::path& folder, const std::string& name) const {
    std::ofstream(folder / name, std::ios::binary) << AsText(input_);
  }

 private:
  static std::vector<Bytes> Cut(const Bytes& out, size_t first,
                                const mikey::v2::MoreDatagrams& more) {
    std::vector<Bytes> all;
    auto at = out.begin();
    const auto take = [&](size_t size) {
      all.emplace_back(at, at + static_cast<ptrdiff_t>(size));
      at += static_cast<ptrdiff_t>(size);
    };
    take(first);
    for (const uint16_t size : more) take(size);
    return all;
  }
  std::vector<Datagram> Send(const std::vector<Bytes>& datagrams, int times) {
    std::vector<Datagram> came;
    for (int i = 0; i < times; ++i) {
      for (const Bytes& datagram : datagrams) {
        input_.push_back(static_cast<uint8_t>(datagram.size() >> 8));
        input_.push_back(static_cast<uint8_t>(datagram.size()));
        input_.insert(input_.end(), datagram.begin(), datagram.end());
        world_.now += std::chrono::milliseconds(300);
        auto back = world_.Take(datagram);
        if (i == 0) std::move(back.begin(), back.end(), std::back_inserter(came));
      }
    }
    return came;
  }

  KeyingWorld world_;
  crypto::SeededRng rng_{2};
  Bytes input_;
};

constexpr std::string_view kMember = "member@example.org";
constexpr std::string_view kSecond = "second@example.org";

void SaveAll(const std::filesystem::path& to) {
  std::filesystem::create_directories(to);
  for (const Mode mode :
       {Mode::kPsk, Mode::kDhhmac, Mode::kEarlyDhhmac, Mode::kDh, Mode::kEarlyDh}) {
    const bool is_signed = mikey::v2::IsSigned(mode);
    const uint8_t choice = static_cast<uint8_t>((is_signed ? kFuzzSigned : 0) |
                                                (mikey::v2::IsEarly(mode) ? kFuzzEarly : 0));
    const Mode by_ticket = mode == Mode::kPsk         ? Mode::kPsk
                           : mikey::v2::IsEarly(mode) ? Mode::kEarlyDhhmac
                                                      : Mode::kDhhmac;
    const std::string name = "mode_" + std::to_string(static_cast<int>(mode));
    {
      Scene scene(choice);
      const auto ticket = scene.Join(kMember, mode, nullptr, 2);
      if (ticket) {
        scene.Join(kMember, by_ticket, &*ticket, 2);
        scene.Join(kMember, by_ticket, &*ticket);  // spent
      }
      scene.Save(to, name + "_ticket");
    }
    {
      Scene scene(choice);
      const auto ticket = scene.Join(kMember, mode);
      scene.Do(Meanwhile::kRevoke);
      if (ticket) scene.Join(kMember, by_ticket, &*ticket);
      scene.Join(kMember, mode);
      for (int i = 0; i < 26; ++i) scene.Do(Meanwhile::kHour);
      if (ticket) scene.Join(kMember, by_ticket, &*ticket);
      scene.Join(kMember, mode);
      scene.Do(Meanwhile::kForget);
      scene.Save(to, name + "_later");
    }
    {
      Scene scene(choice);
      scene.Do(Meanwhile::kLeave);
      scene.Join(kMember, mode);
      scene.Join(kSecond, mode);
      scene.Join("nobody@example.org", mode);
      scene.Do(Meanwhile::kEnd);
      scene.Join(kMember, mode);
      scene.Save(to, name + "_left");
    }
    {
      Scene scene(choice);
      scene.Do(Meanwhile::kFreeze);
      scene.Join(kMember, mode);
      scene.Do(Meanwhile::kThaw);
      scene.Join(kMember, mode, nullptr, 1, false);
      scene.Do(Meanwhile::kFreeze);
      scene.Join(kMember, mode);
      scene.Save(to, name + "_frozen");
    }
    {
      Scene scene(choice | kFuzzCrowded | kFuzzFew | kFuzzNoTickets);
      for (int i = 0; i < 4; ++i) scene.Join(kMember, mode, nullptr, 1, i > 2);
      scene.Save(to, name + "_crowd");
    }
  }
}

}  // namespace
}  // namespace keymast::controller

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  keymast::controller::SaveAll(argv[1]);
  return 0;
}
