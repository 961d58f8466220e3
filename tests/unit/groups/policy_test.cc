// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "groups/group.h"

namespace keymast::groups {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::set<std::string> FieldsOf(const std::vector<FieldViolation>& violations) {
  std::set<std::string> fields;
  for (const FieldViolation& violation : violations) fields.insert(violation.field);
  return fields;
}

TEST(CheckPolicy, TakesTheDefaults) { EXPECT_TRUE(CheckPolicy(KeyPolicy{}, 0).empty()); }

TEST(CheckPolicy, TakesTheDefaultsForAHundredThousandMembers) {
  EXPECT_TRUE(CheckPolicy(KeyPolicy{}, 100'000).empty());
}

struct PolicyCase {
  const char* name;
  std::function<void(KeyPolicy&)> spoil;
  const char* field;
};

class PolicyRule : public testing::TestWithParam<PolicyCase> {};

TEST_P(PolicyRule, NamesItsField) {
  KeyPolicy policy;
  GetParam().spoil(policy);
  const std::vector<FieldViolation> violations = CheckPolicy(policy, 0);
  EXPECT_EQ(FieldsOf(violations),
            std::set<std::string>{std::string("channel.policy.") + GetParam().field});
  for (const FieldViolation& violation : violations) EXPECT_FALSE(violation.description.empty());
}

INSTANTIATE_TEST_SUITE_P(
    All, PolicyRule,
    testing::Values(
        PolicyCase{"LeadOfTwoRepetitions", [](KeyPolicy& p) { p.mtk_lead = milliseconds(999); },
                   "mtk_lead"},
        PolicyCase{"LeadBelowPeriod", [](KeyPolicy& p) { p.mtk_lead = seconds(10); }, "mtk_lead"},
        PolicyCase{"PeriodTooShort", [](KeyPolicy& p) { p.mtk_period = hours(25); }, "mtk_period"},
        PolicyCase{"IdsForTheMsk", [](KeyPolicy& p) { p.mtk_ids_per_msk = 359; }, "msk_period"},
        PolicyCase{"MskLeadBelowPeriod", [](KeyPolicy& p) { p.msk_lead = hours(1); }, "msk_lead"},
        PolicyCase{"MskLeadOfGiveUp", [](KeyPolicy& p) { p.msk_lead = seconds(7); }, "msk_lead"},
        PolicyCase{"ExclusionLead", [](KeyPolicy& p) { p.exclusion_lead = milliseconds(100); },
                   "exclusion_lead"},
        PolicyCase{"Grid", [](KeyPolicy& p) { p.mtk_period = seconds(10) + microseconds(1); },
                   "mtk_period"},
        PolicyCase{"Ids",
                   [](KeyPolicy& p) {
                     p.mtk_ids_per_msk = 1;
                     p.msk_period = seconds(61);
                     p.mtk_period = hours(2);
                   },
                   "mtk_ids_per_msk"},
        PolicyCase{"Datagram", [](KeyPolicy& p) { p.max_datagram = 255; }, "max_datagram"},
        PolicyCase{"Rate", [](KeyPolicy& p) { p.msk_pacing_rate = 0; }, "msk_pacing_rate"},
        PolicyCase{"Leave", [](KeyPolicy& p) { p.leave = static_cast<LeavePolicy>(9); },
                   "leave_policy"},
        PolicyCase{"Window", [](KeyPolicy& p) { p.batch_window = milliseconds(1); },
                   "batch_window"}),
    [](const testing::TestParamInfo<PolicyCase>& one) { return one.param.name; });

TEST(CheckPolicy, CountsTheMembersToBeReached) {
  KeyPolicy policy;
  policy.msk_pacing_rate = 100;
  EXPECT_TRUE(CheckPolicy(policy, 5'200).empty());
  const auto violations = CheckPolicy(policy, 5'201);
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].field, "channel.policy.msk_lead");
  EXPECT_NE(violations[0].description.find("5201 members"), std::string::npos);
}

TEST(CheckPolicy, NamesEveryFieldThatIsWrong) {
  KeyPolicy policy;
  policy.mtk_lead = milliseconds(1);
  policy.max_datagram = 1;
  policy.msk_give_up = hours(2);
  const std::set<std::string> fields = FieldsOf(CheckPolicy(policy, 0));
  EXPECT_EQ(fields,
            (std::set<std::string>{"channel.policy.mtk_lead", "channel.policy.max_datagram",
                                   "channel.policy.msk_give_up", "channel.policy.msk_lead"}));
}

TEST(CheckPolicy, SurvivesEachFieldAtItsEnds) {
  for (Duration KeyPolicy::*field :
       {&KeyPolicy::mtk_period, &KeyPolicy::mtk_lead, &KeyPolicy::mtk_repetition,
        &KeyPolicy::msk_period, &KeyPolicy::msk_lead, &KeyPolicy::msk_give_up,
        &KeyPolicy::exclusion_lead, &KeyPolicy::batch_window}) {
    for (const Duration end : {Duration::min(), Duration::max()}) {
      KeyPolicy policy;
      policy.*field = end;
      EXPECT_FALSE(CheckPolicy(policy, 1'000'000'000).empty());
    }
  }
}

TEST(CheckPolicy, SurvivesAbsurdValues) {
  KeyPolicy policy;
  policy.mtk_period = Duration::zero();
  policy.msk_period = Duration::max();
  policy.mtk_lead = Duration::min() / 4;
  EXPECT_FALSE(CheckPolicy(policy, 1'000'000'000).empty());
}

}  // namespace
}  // namespace keymast::groups
