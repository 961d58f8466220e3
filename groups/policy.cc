// SPDX-License-Identifier: Apache-2.0
// The key policy, checked as a whole: each rule keeps a promise that another timer relies on.
#include <chrono>

#include "groups/group.h"

namespace keymast::groups {
namespace {

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string InSeconds(Duration duration) {
  const int64_t ms = duration_cast<milliseconds>(duration).count();
  std::string text = std::to_string(ms / 1000);
  if (ms % 1000 != 0) {
    std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    text += "." + fraction;
  }
  return text + " s";
}

// Violations collects what is wrong under one path.
class Violations {
 public:
  // `describe` is asked only when it does not hold: a policy is checked for each new member too.
  template <class Describe>
  void Unless(bool holds, std::string_view field, const Describe& describe) {
    if (!holds) found_.push_back({"channel.policy." + std::string(field), describe()});
  }

  void Within(Duration value, Duration low, Duration high, std::string_view field) {
    Unless(low <= value && value <= high, field, [&] {
      return "is " + InSeconds(value) + "; must be from " + InSeconds(low) + " to " +
             InSeconds(high);
    });
    Unless(value % milliseconds(1) == Duration::zero(), field,
           [] { return "must be a whole number of milliseconds: keys change on a 1 ms grid"; });
  }

  std::vector<FieldViolation> Take() { return std::move(found_); }

 private:
  std::vector<FieldViolation> found_;
};

void CheckRanges(const KeyPolicy& policy, Violations& wrong) {
  wrong.Within(policy.mtk_period, milliseconds(100), hours(24), "mtk_period");
  wrong.Within(policy.mtk_lead, milliseconds(20), hours(1), "mtk_lead");
  wrong.Within(policy.mtk_repetition, milliseconds(10), hours(1), "mtk_repetition");
  wrong.Within(policy.msk_period, seconds(1), hours(24 * 366), "msk_period");
  wrong.Within(policy.msk_lead, milliseconds(500), hours(24 * 31), "msk_lead");
  const bool has_longest = policy.msk_longest_life != Duration::zero();
  if (has_longest) {
    wrong.Within(policy.msk_longest_life, seconds(1), hours(24 * 366), "msk_longest_life");
  }
  wrong.Unless(!has_longest || policy.msk_longest_life >= policy.msk_period, "msk_longest_life",
               [] { return "must be at least msk_period"; });
  wrong.Within(policy.msk_give_up, milliseconds(500), hours(1), "msk_give_up");
  // Three copies of the MTK message, 50 ms apart, go out inside it.
  wrong.Within(policy.exclusion_lead, milliseconds(150), seconds(10), "exclusion_lead");
  wrong.Within(policy.batch_window, milliseconds(100), hours(24), "batch_window");
  wrong.Unless(policy.leave >= LeavePolicy::kImmediate && policy.leave <= LeavePolicy::kNextMsk,
               "leave_policy", [] { return "must be IMMEDIATE, BATCHED or NEXT_MSK"; });
  wrong.Unless(policy.mtk_ids_per_msk >= 2, "mtk_ids_per_msk", [&] {
    return "is " + std::to_string(policy.mtk_ids_per_msk) + "; must be from 2 to 65535";
  });
  wrong.Unless(policy.max_datagram >= 256 && policy.max_datagram <= 65507, "max_datagram", [&] {
    return "is " + std::to_string(policy.max_datagram) + "; must be from 256 to 65507";
  });
  wrong.Unless(policy.msk_pacing_rate >= 1, "msk_pacing_rate",
               [] { return "is 0; must be at least 1 message a second"; });
}

// TimeToReach is how long one round of MSK messages to all members takes, with the time after which
// a silent one counts as unreachable.
Duration TimeToReach(const KeyPolicy& policy, uint64_t members) {
  const uint64_t rate = std::max<uint32_t>(policy.msk_pacing_rate, 1);
  const uint64_t sending_ms = (members * 1000 + rate - 1) / rate;
  return milliseconds(static_cast<int64_t>(sending_ms)) + policy.msk_give_up;
}

void CheckMtk(const KeyPolicy& policy, Violations& wrong) {
  wrong.Unless(policy.mtk_lead >= 2 * policy.mtk_repetition, "mtk_lead", [&] {
    return "is " + InSeconds(policy.mtk_lead) + "; must be at least twice mtk_repetition (" +
           InSeconds(2 * policy.mtk_repetition) +
           "), so that a lost announcement is repeated before the key is used";
  });
  wrong.Unless(policy.mtk_lead < policy.mtk_period, "mtk_lead", [&] {
    return "is " + InSeconds(policy.mtk_lead) + "; must be shorter than mtk_period (" +
           InSeconds(policy.mtk_period) + ")";
  });
}

void CheckMsk(const KeyPolicy& policy, uint64_t members, Violations& wrong) {
  // Compared as a quotient: period × IDs may not fit 64 bits of nanoseconds.
  const bool ids_suffice =
      policy.mtk_period > Duration::zero() &&
      (policy.msk_period + policy.mtk_period - Duration(1)) / policy.mtk_period <=
          policy.mtk_ids_per_msk;
  wrong.Unless(ids_suffice, "msk_period", [&] {
    return "is " + InSeconds(policy.msk_period) + ", longer than mtk_period × mtk_ids_per_msk";
  });
  wrong.Unless(policy.msk_lead < policy.msk_period, "msk_lead", [&] {
    return "is " + InSeconds(policy.msk_lead) + "; must be shorter than msk_period (" +
           InSeconds(policy.msk_period) + ")";
  });
  wrong.Unless(policy.msk_lead >= policy.mtk_lead, "msk_lead", [&] {
    return "is " + InSeconds(policy.msk_lead) + "; must be at least mtk_lead (" +
           InSeconds(policy.mtk_lead) + "): an MTK message is of use to holders of its MSK";
  });
  const Duration reach = TimeToReach(policy, members);
  wrong.Unless(policy.msk_lead >= reach, "msk_lead", [&] {
    return "is " + InSeconds(policy.msk_lead) +
           "; must be at least members ÷ msk_pacing_rate "
           "+ msk_give_up (" +
           InSeconds(reach) + " for " + std::to_string(members) + " members)";
  });
}

// Bounded keeps the sums of what was out of range inside 64 bits of nanoseconds.
KeyPolicy Bounded(KeyPolicy policy) {
  for (Duration* value : {&policy.mtk_period, &policy.mtk_lead, &policy.mtk_repetition,
                          &policy.msk_period, &policy.msk_lead, &policy.msk_give_up}) {
    *value = std::clamp<Duration>(*value, Duration::zero(), hours(24 * 3660));
  }
  return policy;
}

}  // namespace

std::vector<FieldViolation> CheckPolicy(const KeyPolicy& policy, uint64_t members) {
  Violations wrong;
  CheckRanges(policy, wrong);
  const KeyPolicy bounded = Bounded(policy);
  CheckMtk(bounded, wrong);
  CheckMsk(bounded, members, wrong);
  return wrong.Take();
}

}  // namespace keymast::groups
