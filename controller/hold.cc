// SPDX-License-Identifier: Apache-2.0
// The switch instant: it passes by itself where no headend is enrolled, and is held while no
// connected headend has the key, so that the audience stays with the key that is on air.
#include "controller/impl.h"

namespace keymast::controller {
namespace {

// A headend reports at least each second: so long a box that was handed to it may be on its way.
constexpr Duration kReportGrace = std::chrono::milliseconds(1500);

KeyName NameOf(const rekey::Slot& slot) { return {slot.msk, slot.mtk}; }

}  // namespace

bool HeadendView::Has(const KeyName& key) const {
  return current == key || std::find(held.begin(), held.end(), key) != held.end();
}

bool HeadendView::WasJustGiven(const KeyName& key, Instant now) const {
  const auto given = issued.find(key);
  return given != issued.end() && now < given->second + kReportGrace;
}

const HeadendView* Controller::Impl::ViewOf(const Channel& channel,
                                            const HeadendId& headend) const {
  const Headend& at = headends.at(headend);
  const auto view = at.views.find(channel.id());
  return at.connected && view != at.views.end() ? &view->second : nullptr;
}

bool Controller::Impl::PreparedIsHeld(const Channel& channel) const {
  return std::any_of(channel.headends.begin(), channel.headends.end(), [&](const HeadendId& id) {
    const HeadendView* view = ViewOf(channel, id);
    return view != nullptr && view->Has(NameOf(*channel.ladder().prepared));
  });
}

bool Controller::Impl::PreparedIsAwaited(const Channel& channel, Instant now) const {
  const rekey::Slot& prepared = *channel.ladder().prepared;
  if (now >= prepared.switch_at + kReportGrace) return false;
  return std::any_of(channel.headends.begin(), channel.headends.end(), [&](const HeadendId& id) {
    const HeadendView* view = ViewOf(channel, id);
    return view != nullptr && view->issued.contains(NameOf(prepared));
  });
}

Instant Controller::Impl::DecideSwitchAt(const Channel& channel, Instant now) const {
  const std::optional<rekey::Slot>& prepared = channel.ladder().prepared;
  if (!prepared || channel.held) return kNever;
  if (now < prepared->switch_at || channel.headends.empty()) return prepared->switch_at;
  return prepared->switch_at + kReportGrace;
}

void Controller::Impl::TrySwitch(Channel& channel, const Moment& m) {
  if (!rekey::ShouldActivate(channel.ladder(), m.now)) return;
  if (channel.headends.empty() || PreparedIsHeld(channel)) return ActivateMtk(channel, m);
  if (channel.held || PreparedIsAwaited(channel, m.now)) return;
  channel.held = true;
  ++counters.switches_held;
}

// Resume ends a hold for a headend that came without the prepared MTK: it is announced for a new
// instant, a lead away, so that receivers have heard of it before it is used.
void Controller::Impl::Resume(Channel& channel, const Moment& m) {
  const groups::KeyPolicy& policy = channel.policy();
  rekey::Ladder ladder = channel.ladder();
  ladder.prepared->switch_at =
      rekey::OnGrid(m.now + (channel.excluding ? policy.exclusion_lead : policy.mtk_lead));
  Put(rekey::LadderPut{channel.id(), std::move(ladder)}, m);
  channel.held = false;
  Hasten(channel, m);
}

}  // namespace keymast::controller
