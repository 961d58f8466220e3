// SPDX-License-Identifier: Apache-2.0
// Any packets at a member that follows GROUP_REKEYs, behind filter MAC, signature and KEMAC: what
// is refused changes nothing, epoch and T only rise, and all keys of an update count or none.
#include "tests/fuzz/v2_group_party.h"

namespace {

using namespace keymast;
using namespace keymast::mikey;
using namespace keymast::mikey::v2;
using Event = RekeyReader::Event;

// Place is what must not change where a packet is refused.
struct Place {
  uint32_t epoch;
  uint32_t t;
  size_t pending;
  std::optional<VerificationKeyId> key;
  int commits;
  friend bool operator==(const Place&, const Place&) = default;
};

Place PlaceOf(const RekeyReader& reader, const FakeTree& tree) {
  return {reader.epoch(), reader.t(), reader.pending(), reader.verification_key(), tree.commits_};
}

void CheckOutcome(const RekeyReader::Outcome& outcome, const Place& before, const Place& after) {
  if (!outcome.status) {
    KEYMAST_CHECK(outcome.event == Event::kNone);
    Place rolled = after;
    rolled.key = before.key;  // by a good packet whose KEMAC has another content, or no room
    KEYMAST_CHECK(rolled == before);
  }
  const bool is_applied = outcome.event == Event::kApplied;
  KEYMAST_CHECK(is_applied ? after.epoch > before.epoch && after.t > before.t
                           : after.epoch == before.epoch && after.t == before.t);
  KEYMAST_CHECK(after.commits == before.commits + (is_applied ? 1 : 0));
  KEYMAST_CHECK(after.pending <= kMaxPending);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const crypto::Suite suite = FuzzSuite();
  FakeTree tree;
  GroupName group = kGroupName;
  if ((data[0] & 1) != 0) group.encr = EncrAlg::kAesKwp256;
  RekeyReader reader(suite, group, tree);
  KEYMAST_CHECK(reader.Install(FuzzPlace(), true).has_value());
  Instant now = kGroupNow;
  uint8_t turn = data[0];
  ForEachDatagram(ByteView(data + 1, size - 1), [&](ByteView packet) {
    turn = static_cast<uint8_t>(turn >> 1 | turn << 7);
    tree.found_ = (turn & 3) == 3   ? TreeKeys::Found::kNotYet
                  : (turn & 3) == 2 ? TreeKeys::Found::kNothingHere
                                    : TreeKeys::Found::kRoot;
    now += std::chrono::milliseconds(30);
    const Place before = PlaceOf(reader, tree);
    const auto received = reader.Receive(packet, now);
    CheckOutcome(received, before, PlaceOf(reader, tree));
    tree.found_ = TreeKeys::Found::kRoot;
    if ((turn & 4) == 0) return;
    for (bool more = true; more;) {
      const Place paused = PlaceOf(reader, tree);
      const auto outcome = reader.Resume();
      CheckOutcome(outcome, paused, PlaceOf(reader, tree));
      more = outcome.event != Event::kNone;
    }
  });
  return 0;
}
