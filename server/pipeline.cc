// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline.h"

#include <utility>

#include "base/check.h"

namespace keymast::server {
namespace {

// kNobody stands for changes that nothing that is sent rests on.
const ChannelId kNobody;

// ChannelOf names the channel that a change belongs to; null: none, all that is sent may rest on
// it.
struct ChannelOf {
  const ChannelId* operator()(const rekey::ChannelPut& change) const { return &change.channel.id; }
  const ChannelId* operator()(const rekey::ChannelDeleted& change) const { return &change.id; }
  const ChannelId* operator()(const rekey::LadderPut& change) const { return &change.id; }
  const ChannelId* operator()(const rekey::PositionsPut& change) const { return &change.id; }
  const ChannelId* operator()(const rekey::RekeyRecorded& change) const { return &change.id; }
  const ChannelId* operator()(const rekey::MemberPut& change) const { return &change.id; }
  const ChannelId* operator()(const rekey::MemberDeleted& change) const { return &change.id; }
  const ChannelId* operator()(const rekey::MemberConfirmed& change) const { return &change.id; }
  const ChannelId* operator()(const rekey::SubscriberPut&) const { return nullptr; }
  const ChannelId* operator()(const rekey::SubscriberDeleted&) const { return nullptr; }
  const ChannelId* operator()(const rekey::HeadendPut&) const { return nullptr; }
  const ChannelId* operator()(const rekey::HeadendDeleted&) const { return nullptr; }
  const ChannelId* operator()(const rekey::MukCounterReserved&) const { return nullptr; }
  const ChannelId* operator()(const rekey::KeyGroupRetired&) const { return nullptr; }
  const ChannelId* operator()(const rekey::UnknownGroupsSkipped&) const { return nullptr; }
  const ChannelId* operator()(const rekey::TicketKeyPut&) const { return nullptr; }
  const ChannelId* operator()(const rekey::TicketKeyDropped&) const { return nullptr; }
  const ChannelId* operator()(const rekey::TicketSpent&) const { return nullptr; }
  const ChannelId* operator()(const rekey::TicketForgotten&) const { return nullptr; }
  const ChannelId* operator()(const rekey::TicketsPast&) const { return nullptr; }
  const ChannelId* operator()(const rekey::DepartedKept&) const { return nullptr; }
  const ChannelId* operator()(const rekey::ReportsSkipped&) const { return nullptr; }
  const ChannelId* operator()(const rekey::SchedulePut& change) const { return &change.id; }
  const ChannelId* operator()(const rekey::ScheduleDeleted& change) const { return &change.id; }
  const ChannelId* operator()(const rekey::RequestKept&) const { return &kNobody; }
  const ChannelId* operator()(const rekey::RequestForgotten&) const { return &kNobody; }
  const ChannelId* operator()(const rekey::Audited&) const { return &kNobody; }
  const ChannelId* operator()(const rekey::OperationPut&) const { return &kNobody; }
  const ChannelId* operator()(const rekey::OperationMoved&) const { return &kNobody; }
  const ChannelId* operator()(const rekey::OperationForgotten&) const { return &kNobody; }
};

}  // namespace

Pipeline::~Pipeline() {
  if (IsBusy()) committer_.Wait();
}

std::optional<Pipeline::Place> Pipeline::LastOf(const ChannelId& channel) const {
  const auto last = channels_.find(channel);
  if (last == channels_.end() || last->second < first_) return std::nullopt;
  return last->second;
}

std::optional<Pipeline::Place> Pipeline::LastShared() const {
  return shared_ && *shared_ >= first_ ? shared_ : std::nullopt;
}

Pipeline::Batch& Pipeline::OpenBatch(const std::vector<rekey::Change>& changes) {
  const bool none_open = batches_.size() == (in_flight_ ? 1U : 0U);
  if (none_open || !batches_.back().room->Take(changes)) {
    batches_.push_back({durable_.NewRoom(), {}, {}});
    batches_.back().room->Take(changes);
  }
  return batches_.back();
}

void Pipeline::Append(std::vector<rekey::Change> changes, Effect effect) {
  if (changes.empty()) {
    if (Idle()) return effect({});
    batches_.back().effects.push_back(std::move(effect));
    return;
  }
  Batch& batch = OpenBatch(changes);
  const Place place = first_ + batches_.size() - 1;
  for (const rekey::Change& change : changes) {
    const ChannelId* channel = std::visit(ChannelOf{}, change);
    if (channel == nullptr) {
      shared_ = place;
    } else if (channel != &kNobody) {
      channels_[*channel] = place;
    }
  }
  std::move(changes.begin(), changes.end(), std::back_inserter(batch.changes));
  if (effect) batch.effects.push_back(std::move(effect));
}

void Pipeline::Behind(Place place, Effect effect) {
  KEYMAST_CHECK(place >= first_ && place - first_ < batches_.size());
  batches_[place - first_].effects.push_back(std::move(effect));
}

void Pipeline::Flush() {
  if (IsBusy()) return;
  if (job_) return committer_.StartJob(std::exchange(job_, nullptr));
  if (batches_.empty()) return;
  in_flight_ = true;
  committer_.Start(batches_.front().changes);
}

bool Pipeline::Do(std::function<void()> job, std::function<void()> then) {
  if (then_) return false;
  job_ = std::move(job);
  then_ = std::move(then);
  Flush();
  return true;
}

// EndJob calls what was to follow, which may append.
void Pipeline::EndJob() { std::exchange(then_, nullptr)(); }

bool Pipeline::Probe() {
  if (IsBusy()) return false;
  KEYMAST_CHECK(Idle());
  probing_ = true;
  committer_.Start(nothing_);
  return true;
}

Pipeline::Outcome Pipeline::Settle(const Committer::Done& done) {
  const Status status = done.revision ? Status() : Err(done.revision.error());
  if (done.revision) revision_ = *done.revision;
  if (std::exchange(probing_, false)) return {status, done.took, 0, true};
  KEYMAST_CHECK(in_flight_);
  in_flight_ = false;
  const Outcome outcome{status, done.took, batches_.front().changes.size()};
  const size_t settled = status ? 1 : batches_.size();
  for (size_t i = 0; i < settled; ++i) {
    const Batch batch = std::move(batches_.front());
    batches_.pop_front();
    ++first_;
    if (Idle()) channels_.clear();
    for (const Effect& effect : batch.effects) effect(status);
  }
  return outcome;
}

std::optional<Pipeline::Outcome> Pipeline::Collect() {
  if (IsJobUnderWay() && committer_.Take()) EndJob();
  if (!in_flight_ && !probing_) return std::nullopt;
  const auto done = committer_.Take();
  if (!done) return std::nullopt;
  return Settle(*done);
}

Status Pipeline::Drain() {
  if (probing_) Settle(committer_.Wait());
  if (IsJobUnderWay()) {
    committer_.Wait();
    EndJob();
  }
  job_ = then_ = nullptr;  // one that only waited is begun by the next start
  while (!Idle()) {
    Flush();
    const Outcome outcome = Settle(committer_.Wait());
    if (!outcome.status) return outcome.status;
  }
  return {};
}

}  // namespace keymast::server
