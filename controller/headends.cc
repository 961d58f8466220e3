// SPDX-License-Identifier: Apache-2.0
// Connected headends, and what their reports say of positions and keys.
#include "controller/impl.h"
#include "controller/names.h"
#include "srtp/index.h"

namespace keymast::controller {
namespace {

bool IsEnrolled(const groups::Headend& headend, const ChannelId& channel) {
  return std::find(headend.channels.begin(), headend.channels.end(), channel) !=
         headend.channels.end();
}

bool HasStream(const groups::Channel& channel, Ssrc ssrc) {
  return std::any_of(channel.streams.begin(), channel.streams.end(),
                     [&](const groups::Stream& stream) { return stream.ssrc == ssrc; });
}

// What a start of the server may have forgotten of a position: another headend then begins within
// the reach of receivers' guesses all the same.
constexpr int kDurableBits = 13;
// No headend sends that many packets between two reports: what claims it is not believed, or one
// report could use up all indexes of a stream.
constexpr uint64_t kMaxRise = uint64_t{1} << 32;

struct Rise {
  bool durable = false;  // it is to be kept
  bool jump = false;     // by more than a wrap: the guess of receivers cannot follow it
};

// Raise takes a position over when it is news, and adds to `rise` what follows from it. `sent`: it
// is that of a packet, which receivers have followed, and not of one to come.
void Raise(Channel& channel, Ssrc ssrc, const rekey::Position& said, bool sent, Rise& rise) {
  std::map<Ssrc, rekey::Position>& positions = channel.durable->positions;
  const auto known = positions.find(ssrc);
  const bool is_first = known == positions.end();
  const uint64_t before = is_first ? 0 : known->second.index.value;
  const uint64_t after = said.index.value;
  if ((!is_first && after <= before) || after - before > kMaxRise) return;
  positions[ssrc] = said;
  rise.durable |= is_first || after >> kDurableBits > before >> kDurableBits;
  const Roc roc = srtp::RocOf(said.index);
  Roc& followed = channel.followed[ssrc];
  const bool jump = roc.value > followed.value + uint64_t{1};
  if (jump || sent) followed = roc;
  rise.jump |= jump;
}

// EndsOf is what the headend's state file has of the channel's streams. An end of 0 says nothing.
std::map<Ssrc, PacketIndex> EndsOf(const HeadendReport& report,
                                   const rekey::ChannelState& channel) {
  std::map<Ssrc, PacketIndex> ends;
  for (const HeadendReport::Kept& kept : report.kept) {
    if (kept.channel != channel.channel.id || kept.created != channel.channel.created) continue;
    if (HasStream(channel.channel, kept.ssrc) && kept.end.value > 0) ends[kept.ssrc] = kept.end;
  }
  return ends;
}

bool IsWhole(const std::map<Ssrc, PacketIndex>& ends, const rekey::ChannelState& channel) {
  const std::vector<groups::Stream>& streams = channel.channel.streams;
  return std::all_of(streams.begin(), streams.end(), [&](const groups::Stream& stream) {
    const auto end = ends.find(stream.ssrc);
    const auto known = channel.positions.find(stream.ssrc);
    return end != ends.end() &&
           (known == channel.positions.end() || end->second > known->second.index);
  });
}

}  // namespace

void Controller::Impl::TakePositions(const HeadendReport& report, const Moment& m) {
  const groups::Headend& enrolled = state.headends.at(report.headend);
  std::map<ChannelId, Rise> rises;
  for (const HeadendReport::PositionOf& said : report.positions) {
    Channel* channel = Find(said.channel);
    if (channel == nullptr || !IsEnrolled(enrolled, said.channel)) continue;
    if (!HasStream(channel->durable->channel, said.ssrc)) continue;
    HeadendView& view = headends.at(report.headend).views[said.channel];
    const KeyName key{said.position.msk, said.position.mtk};
    view.current = view.current ? std::max(*view.current, key) : key;
    if (frozen) continue;  // it could not be kept
    Raise(*channel, said.ssrc, said.position, true, rises[said.channel]);
  }
  for (const auto& [id, rise] : rises) Keep(At(id), rise.durable, rise.jump, m);
}

// Keep makes raised positions durable. After a jump members are told the ROC by another MSK
// message, since their guess cannot find it.
void Controller::Impl::Keep(Channel& channel, bool durable, bool jump, const Moment& m) {
  if (durable) Put(rekey::PositionsPut{channel.id(), channel.durable->positions}, m);
  if (!jump) return;
  for (auto* delivery : {&channel.current, &channel.next}) {
    if (*delivery) DeliverToAll(channel, **delivery);
  }
  SendMsks(channel, m);
}

// TakeKept judges the state file of a headend that just connected: it is whole when no packet that
// anyone reported is above the end of what it has as used. One that is not on air goes on at these
// ends, so that members who join before its first packet are told the right ROC.
void Controller::Impl::TakeKept(const HeadendReport& report, const Moment& m) {
  for (const ChannelId& id : state.headends.at(report.headend).channels) {
    rekey::ChannelState& channel = *At(id).durable;
    const std::map<Ssrc, PacketIndex> ends = EndsOf(report, channel);
    HeadendView& view = headends.at(report.headend).views[id];
    view.continues = IsWhole(ends, channel);
    for (const HeadendReport::Kept& kept : report.kept) {
      if (kept.channel != id || kept.created != channel.channel.created) continue;
      view.newest = std::max(view.newest, KeyName(kept.msk, kept.mtk));
    }
    const bool is_on_air = std::any_of(report.positions.begin(), report.positions.end(),
                                       [&](const auto& one) { return one.channel == id; });
    if (!view.continues || is_on_air || frozen) continue;
    const rekey::Slot& active = *channel.ladder.active;
    Rise rise;
    for (const auto& [ssrc, end] : ends) {
      const rekey::Position last{PacketIndex(end.value - 1), active.msk, active.mtk};
      Raise(At(id), ssrc, last, false, rise);
    }
    Keep(At(id), rise.durable, rise.jump, m);
  }
}

void Controller::Impl::TakeHeld(const HeadendReport& report, Headend& headend) {
  const groups::Headend& enrolled = state.headends.at(report.headend);
  for (const ChannelId& id : enrolled.channels) {
    HeadendView& view = headend.views[id];
    view.held.clear();
    view.current.reset();
    // Boxes are remembered as long as their MSK is in the ladder.
    const Channel* channel = Find(id);
    std::erase_if(view.issued, [&](const auto& one) {
      return channel == nullptr || rekey::MskOf(channel->ladder(), one.first.first) == nullptr;
    });
  }
  for (const HeadendReport::Held& held : report.held) {
    if (!IsEnrolled(enrolled, held.channel)) continue;
    headend.views[held.channel].held.emplace_back(held.msk, held.mtk);
  }
}

Step Controller::OnHeadendConnected(const HeadendId& id, Instant now) {
  Step step;
  if (!impl_->state.headends.contains(id)) return step;
  impl_->headends[id] = Headend{true, false, {}};
  step.headends_to_redefine.push_back(id);
  impl_->Tell(Event::Kind::kHeadendConnected, {}, NameOf(id), {now, now, step});
  return step;
}

Step Controller::OnHeadendDisconnected(const HeadendId& id, Instant now) {
  Step step;
  const auto found = impl_->headends.find(id);
  if (found == impl_->headends.end() || !found->second.connected) return step;
  found->second = Headend{};
  if (!impl_->state.headends.contains(id)) impl_->headends.erase(found);
  impl_->Tell(Event::Kind::kHeadendDisconnected, {}, NameOf(id), {now, now, step});
  return step;
}

Step Controller::OnHeadendReport(const HeadendReport& report, Instant now) {
  Step step;
  const Moment m{now, now, step};
  const auto found = impl_->headends.find(report.headend);
  if (found == impl_->headends.end() || !found->second.connected) return step;
  if (!impl_->state.headends.contains(report.headend)) return step;  // it is being deleted
  if (!found->second.reported) impl_->TakeKept(report, m);
  found->second.reported = true;
  impl_->TakeHeld(report, found->second);
  impl_->TakePositions(report, m);
  for (const ChannelId& id : impl_->state.headends.at(report.headend).channels) {
    Channel* channel = impl_->Find(id);
    if (channel == nullptr) continue;
    impl_->Reconcile(*channel, report.headend, m);
    impl_->Run(*channel, m);
  }
  return step;
}

}  // namespace keymast::controller
