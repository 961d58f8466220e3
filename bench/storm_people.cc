// SPDX-License-Identifier: Apache-2.0
#include "bench/storm_people.h"

#include <algorithm>

#include "crypto/rng.h"

namespace keymast::bench {

People::People(const StormPlan& plan) : seed_(plan.seed) {
  const auto part = [&plan](double share) {
    return static_cast<size_t>(static_cast<double>(plan.receivers) * share + 0.5);
  };
  const size_t by_ticket = part(plan.by_ticket);
  const size_t by_certificate = part(plan.by_certificate);
  const size_t strangers = part(plan.strangers) / 5;  // of each kind
  const std::array<size_t, kPersons> counts{plan.receivers - by_ticket - by_certificate,
                                            by_ticket,
                                            by_certificate,
                                            strangers,
                                            strangers,
                                            strangers,
                                            strangers,
                                            strangers};
  size_t end = 0;
  for (size_t i = 0; i < kPersons; ++i) ends_[i] = end += counts[i];
}

Person People::Of(size_t number) const {
  return static_cast<Person>(std::upper_bound(ends_.begin(), ends_.end(), number) - ends_.begin());
}

crypto::Key32 People::KeyOf(size_t number, bool is_servers) const {
  const bool is_wrong = !is_servers && Of(number) == Person::kWrongKey;
  crypto::SeededRng rng(seed_ << 32 ^ number << 1 ^ (is_wrong ? 1 : 0));
  auto key = crypto::Key32::OfSize(16);
  rng.Fill(key.mutable_view());
  return key;
}

}  // namespace keymast::bench
