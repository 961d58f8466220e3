// SPDX-License-Identifier: Apache-2.0
// Which MTKs a headend is given. No (MTK, SSRC, index) may go out twice, and only the headend knows
// the indexes it used: one that lost its state, or took another one's place, begins under an MTK
// that nobody has sent under.
#include "controller/impl.h"
#include "rekey/messages.h"

namespace keymast::controller {
namespace {

KeyName NameOf(const rekey::Slot& slot) { return {slot.msk, slot.mtk}; }

// IsOfOneState says, as the channel's history tells, whether an MTK was prepared since its headend
// was enrolled, and that headend has not lost its state since.
bool IsOfOneState(const rekey::ChannelState& channel, const rekey::Slot& slot, Instant enrolled) {
  for (auto rekey = channel.history.rbegin(); rekey != channel.history.rend(); ++rekey) {
    if (rekey->msk == slot.msk && rekey->mtk == slot.mtk) return rekey->prepared_at >= enrolled;
    if (rekey->reason == rekey::RekeyReason::kHeadend) return false;
  }
  return false;
}

}  // namespace

// MayHave: an MTK that no headend was given goes to any. One that was given goes to the process
// that had it, and to that process after a restart with its state file. A channel has one headend
// at a time, so that an MTK prepared since this one was enrolled was never another one's.
bool Controller::Impl::MayHave(const Channel& channel, const HeadendId& headend,
                               const rekey::Slot& slot) const {
  const HeadendView& view = headends.at(headend).views.at(channel.id());
  if (!channel.given.contains(NameOf(slot)) || view.issued.contains(NameOf(slot))) return true;
  return view.continues && NameOf(slot) <= view.newest &&
         IsOfOneState(*channel.durable, slot, state.headends.at(headend).created);
}

void Controller::Impl::Issue(Channel& channel, const HeadendId& headend, const rekey::Slot& slot,
                             Instant switch_at, const Moment& m) {
  const rekey::Ladder& ladder = channel.ladder();
  const rekey::Msk* msk = rekey::MskOf(ladder, slot.msk);
  if (msk == nullptr) return;
  // The prepared MTK has the ladder's epoch; an active one beside it one that is lower.
  const uint64_t epoch = ladder.epoch - (ladder.prepared && ladder.prepared != slot ? 1 : 0);
  const groups::Channel& definition = channel.durable->channel;
  const crypto::TrafficKeyContext context{channel.id(), headend, slot.msk,          slot.mtk,
                                          switch_at,    epoch,   definition.profile};
  const rekey::Mtk mtk = rekey::DeriveMtk(*msk, slot.mtk, definition);
  crypto::SecretBytes plain(mtk.key.view().begin(), mtk.key.view().end());
  plain.insert(plain.end(), mtk.salt.view().begin(), mtk.salt.view().end());
  Result<Bytes> box =
      crypto::SealBox(state.headends.at(headend).public_key, crypto::kTrafficKeyPurpose,
                      crypto::TrafficKeyAad(context), plain, rng);
  if (!box) return;
  m.step.headend_keys.push_back({headend, channel.id(), slot.msk, slot.mtk, switch_at, epoch,
                                 definition.profile, std::move(*box)});
  headends.at(headend).views[channel.id()].issued[{slot.msk, slot.mtk}] = m.now;
  channel.given.emplace(slot.msk, slot.mtk);
}

void Controller::Impl::IssuePrepared(Channel& channel, const Moment& m) {
  const rekey::Slot prepared = *channel.ladder().prepared;
  for (const HeadendId& id : channel.headends) {
    const Headend& headend = headends.at(id);
    // One that has not reported yet is given what it lacks when it does.
    if (!headend.connected || !headend.reported) continue;
    Issue(channel, id, prepared, prepared.switch_at, m);
  }
}

// Renew prepares an MTK that nobody was given, in the place of one that is prepared, for as soon as
// receivers can learn it: often nothing is on air until then.
void Controller::Impl::Renew(Channel& channel, const Moment& m) {
  const Duration lead = channel.policy().exclusion_lead;
  const Instant at = rekey::OnGrid(m.now + lead);
  if (rekey::NextSlot(channel.ladder(), at)) {
    PrepareMtk(channel, rekey::RekeyReason::kHeadend, at, m);
  } else {
    Replace(channel, rekey::RekeyReason::kHeadend, lead, m);
  }
  channel.held = false;
}

// Reconcile gives a headend what it lacks after its report.
void Controller::Impl::Reconcile(Channel& channel, const HeadendId& headend, const Moment& m) {
  const std::optional<rekey::Slot> announced = channel.ladder().prepared;
  HeadendView& view = headends.at(headend).views[channel.id()];
  // What is on air is not argued with: a headend that already sends under the prepared MTK has
  // switched, whatever became of our word of it.
  if (announced && view.current == NameOf(*announced)) ActivateMtk(channel, m);
  TrySwitch(channel, m);

  const auto lacks = [&](const rekey::Slot& slot) {
    return !view.Has(NameOf(slot)) && !view.WasJustGiven(NameOf(slot), m.now);
  };
  const auto may_have = [&](const rekey::Slot& slot) { return MayHave(channel, headend, slot); };
  const rekey::Ladder& ladder = channel.ladder();
  const rekey::Slot newest = ladder.prepared ? *ladder.prepared : *ladder.active;
  // A process without the state of its channel begins under an MTK made for it: whatever is on
  // air by then, nobody who comes back with an older state may take up its indexes.
  const bool is_new = !view.continues && !channel.durable->positions.empty() &&
                      !view.issued.contains(NameOf(newest));
  if (!frozen && lacks(newest) && (is_new || !may_have(newest))) {
    Renew(channel, m);
  } else if (!frozen && channel.held) {
    Resume(channel, m);
  }

  const std::optional<rekey::Slot> active = channel.ladder().active;
  const std::optional<rekey::Slot> prepared = channel.ladder().prepared;
  if (active && lacks(*active) && may_have(*active) && !channel.excluding) {
    const Duration lead = view.HasNothing() ? Duration::zero() : channel.policy().mtk_lead;
    const Instant at = rekey::OnGrid(m.now + lead);
    if (!prepared || at < prepared->switch_at) Issue(channel, headend, *active, at, m);
  }
  if (prepared && lacks(*prepared) && may_have(*prepared)) {
    Issue(channel, headend, *prepared, prepared->switch_at, m);
  }
}

}  // namespace keymast::controller
