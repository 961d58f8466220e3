// SPDX-License-Identifier: Apache-2.0
#include "controller/controller.h"

#include <utility>

#include "controller/impl.h"

namespace keymast::controller {

Controller::Controller(Config config, rekey::State state, crypto::Rng& rng,
                       const crypto::Suite& suite)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(state), rng, suite)) {
  // What was reserved may have been used by the run before: begin behind it.
  impl_->state.muk_counter.next = impl_->state.muk_counter.end;
  for (auto& [id, channel] : impl_->state.channels) {
    for (auto* msk : {&channel.ladder.msk, &channel.ladder.next_msk}) {
      if (*msk) (*msk)->counter.next = (*msk)->counter.end;
    }
  }
}

Controller::~Controller() = default;

Step Controller::Start(Instant now, bool new_incarnation) {
  return impl_->Start(now, new_incarnation);
}

tl::expected<Reply, Failure> Controller::Do(const Command& command, Instant now, bool validate_only,
                                            Step& step, const Asker& by) {
  const Moment moment{now, now, step};
  return impl_->Do(command, by, now, validate_only ? nullptr : &moment);
}

Step Controller::MoveOperation(const OperationId& id, rekey::Progress progress, Instant now) {
  Step step;
  impl_->MoveOperation(id, std::move(progress), {now, now, step});
  return step;
}

Step Controller::Checkpoint(Instant now) {
  Step step;
  impl_->PutCheckpoint({now, now, step});
  return step;
}

Step Controller::OnDatagram(const Endpoint& from, ByteView octets, Instant now) {
  Step step;
  const Moment moment{now, now, step};
  // The first octet is MIKEY's version (RFC 3830 §6.1).
  const bool is_version2 = !octets.empty() && octets[0] == mikey::kVersion2;
  if (is_version2 && IsSpoken(impl_->config.keying)) {
    const bool is_report = octets.size() > 1 && octets[1] == uint8_t(mikey::DataType::kReport);
    if (is_report) {
      impl_->reports.Take(from, octets, moment);
    } else {
      impl_->keying.Take(from, octets, moment);
    }
    return step;
  }
  const Status status = impl_->Verify(octets, moment);
  if (!status) ++impl_->counters.discards[static_cast<size_t>(status.error())];
  return step;
}

Step Controller::Serve(Instant now) {
  Step step;
  impl_->keying.Serve({now, now, step});
  return step;
}

void Controller::UseCredentials(std::shared_ptr<const JoinCredentials> credentials) {
  impl_->keying.UseCredentials(std::move(credentials));
}

size_t Controller::Waiting() const { return impl_->keying.waiting(); }
size_t Controller::Exchanges() const { return impl_->keying.exchanges(); }
bool Controller::MakeAhead() { return impl_->keying.MakeAhead(); }
bool Controller::HasRoomAhead() const { return impl_->keying.HasRoomAhead(); }
size_t Controller::MadeAhead(crypto::DhGroup group) const { return impl_->keying.MadeAhead(group); }
size_t Controller::KeptCertificates() const { return impl_->kept_certificates; }

Step Controller::Tick(Instant now, size_t most) {
  Step step;
  for (size_t channels = 0; channels < most && impl_->deadlines.Next() <= now; ++channels) {
    const Instant due = impl_->deadlines.Next();
    Channel& channel = impl_->deadlines.Pop();
    impl_->Run(channel, {now, due, step});
  }
  if (impl_->next_operation <= now) impl_->RunOperations({now, now, step});
  if (impl_->OwnRecordDue() <= now) impl_->PutOwnRecord({now, now, step});
  impl_->keying.Expire({now, now, step});
  return step;
}

void Controller::Anticipate() { impl_->Anticipate(); }

Instant Controller::NextDeadline() const {
  return std::min({impl_->deadlines.Next(), impl_->next_operation, impl_->OwnRecordDue()});
}

void Controller::Jumped(Instant now) {
  for (auto& [id, channel] : impl_->channels) {
    if (channel.deadline < now) impl_->deadlines.Set(channel, now);
  }
}

void Controller::Freeze(bool frozen, Instant now) {
  const bool was = std::exchange(impl_->frozen, frozen);
  impl_->keying.set_frozen(frozen);
  if (!was || frozen) return;
  for (auto& [id, channel] : impl_->channels) impl_->deadlines.Set(channel, now);
  impl_->next_operation = now;
}

void Controller::HoldRecords(bool held) {
  const bool was = std::exchange(impl_->records_held, held);
  if (was && !held) impl_->next_operation = Instant::min();  // steps of operations may have waited
}

const Config& Controller::config() const { return impl_->config; }
const rekey::State& Controller::state() const { return impl_->state; }
const Counters& Controller::counters() const { return impl_->counters; }

Reachability Controller::ReachabilityOf(const ChannelId& channel,
                                        const SubscriberId& subscriber) const {
  const auto found = impl_->channels.find(channel);
  if (found == impl_->channels.end()) return Reachability::kIdle;
  const Channel& at = found->second;
  const auto member = at.durable->members.find(subscriber);
  if (member == at.durable->members.end() || !member->second.joined) return Reachability::kIdle;
  bool pending = false;
  for (const std::optional<Delivery>* delivery : {&at.current, &at.next}) {
    if (!*delivery || !(*delivery)->Holds(subscriber)) continue;
    if ((*delivery)->IsUnreachable(subscriber)) return Reachability::kUnreachable;
    pending = true;
  }
  if (pending) return Reachability::kPending;
  const bool holds = member->second.confirmed >= at.ladder().msk->id;
  return holds ? Reachability::kConfirmed : Reachability::kIdle;
}

uint64_t Controller::JoinedCount(const ChannelId& channel) const {
  const auto found = impl_->channels.find(channel);
  return found == impl_->channels.end() ? 0 : found->second.joined;
}

uint64_t Controller::ConfirmedCount(const ChannelId& channel) const {
  const auto found = impl_->channels.find(channel);
  return found == impl_->channels.end() ? 0 : found->second.confirmed;
}

bool Controller::HeadendIsConnected(const HeadendId& headend) const {
  const auto found = impl_->headends.find(headend);
  return found != impl_->headends.end() && found->second.connected;
}

bool Controller::SwitchIsHeld(const ChannelId& channel) const {
  const auto found = impl_->channels.find(channel);
  return found != impl_->channels.end() && found->second.held;
}

}  // namespace keymast::controller
