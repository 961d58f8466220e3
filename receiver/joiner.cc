// SPDX-License-Identifier: Apache-2.0
#include "receiver/joiner.h"

#include "base/cursor.h"

namespace keymast::receiver {
namespace {

using mikey::v2::Mode;
using mikey::v2::Offerer;

constexpr uint32_t kMskMessages = 1U << 5;  // feature 5 (MIKEYv2 §10)
constexpr Duration kFirstPause = std::chrono::seconds(2);
constexpr unsigned kMostDoublings = 4;  // of pauses, and of the repair window (MIKEYv2 §10)

constexpr std::array<std::pair<std::string_view, Mode>, 3> kModes = {
    {{"early-dhhmac", Mode::kEarlyDhhmac}, {"dhhmac", Mode::kDhhmac}, {"psk", Mode::kPsk}}};

}  // namespace

Result<FixedList<uint8_t, 6>> ParseJoinModes(std::string_view text) {
  FixedList<uint8_t, 6> modes;
  if (text == "all") {
    for (const auto& [name, mode] : kModes) modes.Add(static_cast<uint8_t>(mode));
    return modes;
  }
  while (true) {
    const std::string_view name = text.substr(0, text.find(','));
    const auto* known = std::find_if(kModes.begin(), kModes.end(),
                                     [&](const auto& mode) { return mode.first == name; });
    const bool is_new = known != kModes.end() &&
                        !mikey::v2::Contains(modes.view(), static_cast<uint8_t>(known->second));
    if (!is_new) return Err(Error::kInvalidArgument);
    modes.Add(static_cast<uint8_t>(known->second));
    if (name.size() == text.size()) return modes;
    text.remove_prefix(name.size() + 1);
  }
}

mikey::v2::Policy JoinPolicy(const FixedList<uint8_t, 6>& modes,
                             const mikey::Profile3gpp& profile) {
  mikey::v2::Policy policy = mikey::v2::Policy::OfGroup(profile);
  policy.modes = modes;
  policy.features = kMskMessages;
  return policy;
}

Joiner::Joiner(const crypto::Suite& suite, JoinSetup setup, Party party)
    : setup_(std::move(setup)), party_(std::move(party)), offerer_(suite, setup_.policy) {}

// Part is a random part of `most`.
Duration Joiner::Part(Duration most, crypto::Rng& rng) const {
  std::array<uint8_t, 2> random{};
  rng.Fill(random);
  return most * Reader(random).U16() / 0x10000;
}

Joiner::Outcome Joiner::Tick(Instant now, crypto::Rng& rng, MutableBytes out) {
  if (now < open_at_) return After(offerer_.Tick(now, rng, out), now, rng);
  open_at_ = kNever;
  is_new_ = true;
  mikey::v2::Wish wish;
  wish.self = party_.self.view();
  wish.peer = {mikey::IdType::kUri, AsBytes(setup_.uri)};
  wish.psk = party_.user_key.view();
  wish.join = party_.group;
  const Result<size_t> size = offerer_.Open(wish, now, rng, out);
  if (!size) return {Err(size.error())};
  return {{}, *size};
}

Joiner::Outcome Joiner::Receive(ByteView datagram, Instant now, crypto::Rng& rng,
                                MutableBytes out) {
  return After(offerer_.Receive(datagram, now, rng, out), now, rng);
}

Joiner::Outcome Joiner::After(const Offerer::Outcome& step, Instant now, crypto::Rng& rng) {
  Outcome outcome{step.status, step.send};
  if (offerer_.state() == Offerer::State::kFailed && open_at_ == kNever) {
    const Duration pause = kFirstPause * (1 << std::min(failures_++, kMostDoublings));
    open_at_ = now + pause + Part(pause, rng);
    outcome.has_failed = true;
    return outcome;
  }
  if (!offerer_.has_keys() || !is_new_) return outcome;
  is_new_ = false;
  is_joined_ = true;
  failures_ = 0;
  takes_msk_messages_ = (offerer_.exchange().choice.features & kMskMessages) != 0;
  if (offerer_.contents().member) {
    window_ =
        std::chrono::milliseconds(std::max<uint32_t>(offerer_.contents().member->window_ms, 1));
  }
  outcome.has_keys = true;
  return outcome;
}

// MIKEYv2 §10: an unknown MSK for longer than the repair window, then a random moment of the
// window, which doubles until keys are there again.
void Joiner::Missing(Instant now, crypto::Rng& rng) {
  const bool is_busy = open_at_ != kNever || offerer_.deadline() != kNever;
  if (!is_joined_ || is_busy) return;
  if (missing_since_ == kNever) missing_since_ = now;
  if (now - missing_since_ < window_) return;
  open_at_ = now + Part(window_ * (1 << std::min(repairs_++, kMostDoublings)), rng);
  missing_since_ = kNever;
}

void Joiner::Opened() {
  missing_since_ = kNever;
  repairs_ = 0;
}

}  // namespace keymast::receiver
