// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/both.h"

namespace keymast::mikey::v2 {

bool GivesWay(const Exchange& exchange, const Exchange& other) {
  const bool are_sessions = !exchange.is_join() && !other.is_join();
  const bool is_turned = exchange.offerer.view() == other.answerer.view() &&
                         exchange.answerer.view() == other.offerer.view();
  if (!are_sessions || !is_turned || !(exchange.session == other.session)) return false;
  const ByteView ours = exchange.rand_i.view();
  const ByteView theirs = other.rand_i.view();
  return std::lexicographical_compare(theirs.begin(), theirs.end(), ours.begin(), ours.end());
}

GaveWay OnVerified(const Entry& entry, Offerer& offerer, Answerer& answerer) {
  const auto state = offerer.state();
  const bool is_answered = state == Offerer::State::kAnswered ||
                           (state == Offerer::State::kDone && offerer.done() >= entry.made);
  const bool is_open = state == Offerer::State::kOffered || is_answered;
  if (is_open && GivesWay(offerer.exchange(), entry.exchange)) {
    offerer.Abandon();
    return GaveWay::kOurs;
  }
  if (!is_answered || !GivesWay(entry.exchange, offerer.exchange())) return GaveWay::kNone;
  answerer.ForgetIf([&entry](const Entry& each) { return &each == &entry; });
  return GaveWay::kTheirs;
}

bool WasOpenSince(const Entry& entry, Instant when) {
  return !entry.verified || entry.finished >= when;
}

size_t OnAnswered(const Offerer& offerer, Answerer& answerer) {
  return answerer.ForgetIf([&](const Entry& entry) {
    return WasOpenSince(entry, offerer.opened()) && GivesWay(entry.exchange, offerer.exchange());
  });
}

}  // namespace keymast::mikey::v2
