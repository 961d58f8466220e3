// SPDX-License-Identifier: Apache-2.0
// What a rekey would send, before it is done.
#include <algorithm>
#include <set>

#include "controller/impl.h"
#include "controller/names.h"
#include "rekey/calendar.h"
#include "rekey/ladder.h"
#include "rekey/messages.h"

namespace keymast::controller {
namespace {

using rekey::KeyLevel;

constexpr uint64_t kExclusionCopies = 3;

// MskMessageSize is the octets of an MSK message to a member: one to a made-up member tells all.
uint64_t MskMessageSize(const crypto::Suite& suite, const Config& config,
                        const rekey::ChannelState& channel, std::string_view identity) {
  const crypto::Key32 nobodys = crypto::Key32::OfSize(16);
  const Result<Bytes> octets =
      rekey::MskMessage(suite, config.profile, channel, *channel.ladder.msk,
                        {config.identity, std::string(identity), nobodys.view(), 1});
  return octets ? octets->size() : 0;
}

// SwitchUnderWay is when a change of keys takes over that is on its way already.
std::optional<Instant> SwitchUnderWay(const rekey::Ladder& ladder, KeyLevel level) {
  const auto prepared = ladder.prepared ? std::optional(ladder.prepared->switch_at) : std::nullopt;
  if (level == KeyLevel::kMtk) return prepared;
  if (!ladder.next_msk) return std::nullopt;
  const bool is_prepared = prepared && ladder.prepared->msk == ladder.next_msk->id;
  return is_prepared ? prepared : ladder.next_msk_change;
}

bool PiercesBlackout(const rekey::ChannelState& channel, KeyLevel level, Instant switch_at) {
  return level == KeyLevel::kMsk && rekey::IsInBlackout(channel.schedules, switch_at);
}

}  // namespace

tl::expected<RekeyPlan, Failure> Controller::Plan(const ChannelId& id, KeyLevel level,
                                                  const std::vector<SubscriberId>& expelled,
                                                  Instant now) const {
  const auto found = impl_->channels.find(id);
  if (found == impl_->channels.end()) return Refuse(Error::kNotFound, NameOf(id), kNotThere);
  const Channel& channel = found->second;
  const std::set<SubscriberId> gone(expelled.begin(), expelled.end());
  for (const SubscriberId& one : gone) {
    if (channel.durable->members.contains(one)) continue;
    return Refuse(Error::kNotFound, NameOf(id, one), kNotThere);
  }
  return impl_->Plan(channel, gone.empty() ? level : KeyLevel::kMsk, gone, now);
}

tl::expected<RekeyPlan, Failure> Controller::Impl::Plan(const Channel& channel, KeyLevel level,
                                                        const std::set<SubscriberId>& gone,
                                                        Instant now) const {
  const rekey::Ladder& ladder = channel.ladder();
  const groups::KeyPolicy& policy = channel.policy();
  RekeyPlan plan;
  const std::optional<Instant> under_way = SwitchUnderWay(ladder, level);
  plan.joins_another = gone.empty() ? under_way.has_value() : channel.excluding;
  const bool needs_number = level == KeyLevel::kMsk && !plan.joins_another;
  if (needs_number && !rekey::CanMakeMsk(ladder)) {
    return Refuse(Error::kIdsExhausted, NameOf(channel.id()), kNoNumberLeft);
  }
  if (gone.empty() && under_way) {
    // Nothing is sent for it: it is answered with the change that is under way.
    plan.switch_at = *under_way;
    plan.pierces_blackout = PiercesBlackout(*channel.durable, level, plan.switch_at);
    return plan;
  }
  const bool excludes =
      !gone.empty() || (level == KeyLevel::kMsk && rekey::Excludes(ladder.next_msk_reason));
  if (level == KeyLevel::kMsk) PlanUnicast(channel, gone, plan);
  plan.switch_at = PlannedSwitch(channel, level, excludes, now);
  plan.pierces_blackout = PiercesBlackout(*channel.durable, level, plan.switch_at);
  // Of the new MTK; the one on air goes on being repeated as ever.
  const Duration announced = excludes ? policy.exclusion_lead : policy.mtk_lead;
  plan.multicast_messages =
      static_cast<uint64_t>(announced / policy.mtk_repetition) + (excludes ? kExclusionCopies : 1);
  const rekey::Slot& slot = *ladder.active;
  plan.multicast_octets = plan.multicast_messages * BuildMtk(channel, slot, 1).size();
  return plan;
}

// PlannedSwitch is when a rekey takes over that begins now, and joins none that is under way.
Instant Controller::Impl::PlannedSwitch(const Channel& channel, KeyLevel level, bool excludes,
                                        Instant now) const {
  const groups::KeyPolicy& policy = channel.policy();
  const Duration lead = excludes ? policy.exclusion_lead
                                 : (level == KeyLevel::kMsk ? policy.msk_lead : policy.mtk_lead);
  // An exclusion goes right behind one that is under way, and takes the place of one that is held.
  const bool is_behind = excludes && channel.excluding && !channel.held;
  const Instant begins =
      is_behind ? std::max(channel.ladder().prepared->switch_at, rekey::OnGrid(now)) : now;
  return rekey::OnGrid(begins + lead);
}

void Controller::Impl::PlanUnicast(const Channel& channel, const std::set<SubscriberId>& gone,
                                   RekeyPlan& plan) const {
  const uint64_t empty = MskMessageSize(suite, config, *channel.durable, "x") - 1;
  std::optional<uint64_t> keys;  // octets of KEYS: the same for all members
  for (const auto& [id, member] : channel.durable->members) {
    if (!member.joined || gone.contains(id)) continue;
    if (!IsPushedTo(member)) {
      ++plan.asking;
      continue;
    }
    ++plan.recipients;
    if (member.TakesMskMessages()) {
      plan.unicast_octets += empty + state.subscribers.at(id).subscriber.identity.size();
      continue;
    }
    if (!keys) keys = SizeOfKeys(channel, id);
    plan.unicast_octets += *keys;
  }
  const uint64_t rate = std::max<uint32_t>(channel.policy().msk_pacing_rate, 1);
  plan.unicast_time = std::chrono::milliseconds((plan.recipients * 1000 + rate - 1) / rate);
}

}  // namespace keymast::controller
