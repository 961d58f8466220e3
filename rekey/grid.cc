// SPDX-License-Identifier: Apache-2.0
#include "rekey/grid.h"

namespace keymast::rekey {
namespace {

// FNV-1a, written out because the phase must be the same in every build.
uint64_t HashOf(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

Duration WholeMilliseconds(Duration period) {
  return std::max(period - period % kGridStep, kGridStep);
}

Instant CeilTo(Instant t, Duration step, Duration phase) {
  Duration past = (t.time_since_epoch() - phase) % step;
  if (past < Duration::zero()) past += step;
  return past == Duration::zero() ? t : t + (step - past);
}

}  // namespace

Instant OnGrid(Instant t) { return t == kNever ? t : CeilTo(t, kGridStep, Duration::zero()); }

Grid::Grid(const ChannelId& channel, Duration period) : period_(WholeMilliseconds(period)) {
  const auto steps = static_cast<uint64_t>(period_ / kGridStep);
  phase_ = static_cast<int64_t>(HashOf(channel.value) % steps) * kGridStep;
}

Instant Grid::AtOrAfter(Instant t) const { return CeilTo(t, period_, phase_); }

}  // namespace keymast::rekey
