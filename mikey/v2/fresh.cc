// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/fresh.h"

namespace keymast::mikey::v2 {
namespace {

int64_t PeriodOf(Instant now) { return now.time_since_epoch() / Fresh::kPeriod; }

}  // namespace

Fresh::Fresh(const crypto::Suite& suite, size_t room, crypto::Rng& rng)
    : suite_(suite), room_(room), key_(crypto::Key32::OfSize(32)) {
  rng.Fill(key_.mutable_view());
}

Fresh::Tail Fresh::MemberTail(const Identity& offerer, uint32_t leaves) {
  std::array<uint8_t, kMaxIdentity + 8> octets{};
  Writer writer(octets);
  writer.U8(static_cast<uint8_t>(offerer.type));
  writer.U16(offerer.data.size());
  writer.Put(offerer.data);
  writer.U32(leaves);
  KEYMAST_CHECK(writer.ok());
  return Tail(writer.written());
}

// MIKEYv2 §8: HMAC(key, period || ...), cut to 16 octets.
Fresh::Value Fresh::Of(int64_t period, const Tail& tail) const {
  std::array<uint8_t, 8> number{};
  Writer writer(number);
  writer.U32(static_cast<uint32_t>(period >> 32));
  writer.U32(static_cast<uint32_t>(period));
  const std::array<ByteView, 2> parts{number, tail.view()};
  auto mac = crypto::Key32::OfSize(32);
  suite_.hmac(crypto::Hash::kSha256, key_.view(), parts, mac.mutable_view());
  Value value{};
  std::copy_n(mac.view().begin(), value.size(), value.begin());
  return value;
}

Fresh::Value Fresh::Make(Instant now, const Tail& tail) const { return Of(PeriodOf(now), tail); }

bool Fresh::IsGood(ByteView fresh, Instant now, const Tail& tail) const {
  if (fresh.size() != kFreshSize) return false;
  const int64_t period = PeriodOf(now);
  return crypto::ConstantTimeEqual(Of(period, tail), fresh) ||
         crypto::ConstantTimeEqual(Of(period - 1, tail), fresh);
}

bool Fresh::Counts(const Period& period, int64_t current) {
  return period.number == current || period.number + 1 == current;
}

bool Fresh::WasAnswered(const Digest& th, Instant now) const {
  return std::ranges::any_of(periods_, [&](const Period& period) {
    return Counts(period, PeriodOf(now)) && period.answered.contains(th);
  });
}

Bytes Fresh::NameOf(const Identity& offerer) {
  Bytes name(offerer.data.begin(), offerer.data.end());
  name.push_back(static_cast<uint8_t>(offerer.type));
  return name;
}

bool Fresh::HasRoom(const Identity& offerer, Instant now) const {
  const int64_t current = PeriodOf(now);
  size_t used = 0;
  for (const Period& period : periods_) {
    if (Counts(period, current)) used += period.answered.size();
  }
  const Period& period = periods_[static_cast<size_t>(current) % periods_.size()];
  const auto share = period.shares.find(NameOf(offerer));
  const bool has_its_share =
      period.number == current && share != period.shares.end() && share->second >= kShare;
  const bool is_scarce = used >= room_ / 2;
  return used < room_ && !(is_scarce && has_its_share);
}

bool Fresh::Remember(const Digest& th, const Identity& offerer, Instant now) {
  if (WasAnswered(th, now) || !HasRoom(offerer, now)) return false;
  const int64_t current = PeriodOf(now);
  Period& period = periods_[static_cast<size_t>(current) % periods_.size()];
  if (period.number != current) period = {current, {}, {}};
  period.answered.insert(th);
  ++period.shares[NameOf(offerer)];
  return true;
}

}  // namespace keymast::mikey::v2
