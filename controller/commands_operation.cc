// SPDX-License-Identifier: Apache-2.0
// Operations: begun, cancelled and forgotten by command. What changes the keys of many channels is
// carried out here, one channel at its time; the others by whoever has the store.
#include <algorithm>

#include "controller/impl.h"
#include "controller/names.h"
#include "controller/target.h"

namespace keymast::controller {
namespace {

using rekey::Operation;
using rekey::OperationKind;

// As the API names the call that began it.
constexpr std::string_view kRekeyMethod = "Rekeys.RekeyChannels";

rekey::Progress Ended(rekey::Progress progress, Instant now) {
  progress.ended = now;
  return progress;
}

// StepAt is when the next channel of an operation is due: they are spread evenly.
Instant StepAt(const Operation& operation) {
  const auto total = static_cast<int64_t>(std::max<size_t>(operation.targets.size(), 1));
  const auto done = static_cast<int64_t>(operation.progress.done);
  // In two parts, so that a long spread of many channels stays within 64 bits.
  const Duration each = operation.spread / total;
  return operation.begun + each * done;
}

// NextStepAt is later than now: what is due was done.
Instant NextStepAt(const Operation& operation, Instant now) {
  return std::max(StepAt(operation), now + Duration(1));
}

bool IsOurs(const Operation& operation) {
  return operation.kind == OperationKind::kRekeyChannels && !operation.progress.IsDone();
}

}  // namespace

Controller::Impl::Outcome Controller::Impl::Handle(const BeginOperation& command, Instant now,
                                                   const Moment* m) {
  Operation operation = command.operation;
  const std::string name = NameOf(operation.id);
  if (state.operations.contains(operation.id)) {
    return Refuse(Error::kAlreadyExists, name, "exists already");
  }
  for (const auto& [id, other] : state.operations) {
    const bool is_one_at_a_time = operation.kind != OperationKind::kRekeyChannels;
    if (!is_one_at_a_time || other.kind != operation.kind || other.progress.IsDone()) continue;
    return Refuse(Error::kFailedPrecondition, NameOf(id), "is still under way");
  }
  if (m == nullptr) return Reply{};
  operation.begun = now;
  operation.progress = {};
  if (operation.kind == OperationKind::kRekeyChannels) {
    operation.progress.total = operation.targets.size();
  }
  Reply reply;
  reply.made = operation.id.value;
  ForgetOldOperations(*m);
  Tell(Event::Kind::kCreated, {}, name, *m);
  const OperationId id = operation.id;
  Put(rekey::OperationPut{std::move(operation)}, *m);
  // Nothing of other operations is done here: it would stand in the record of this command.
  const Operation& begun = state.operations.at(id);
  if (IsOurs(begun)) RekeyNext(begun, *m);
  if (IsOurs(begun)) next_operation = std::min(next_operation, NextStepAt(begun, now));
  return reply;
}

// ForgetOldOperations makes room for one more that will be done.
void Controller::Impl::ForgetOldOperations(const Moment& m) {
  std::vector<std::pair<Instant, OperationId>> done;
  for (const auto& [id, operation] : state.operations) {
    if (operation.progress.IsDone()) done.emplace_back(operation.progress.ended, id);
  }
  if (done.size() < rekey::kKeptOperations) return;
  std::sort(done.begin(), done.end());
  for (size_t i = 0; i + rekey::kKeptOperations <= done.size(); ++i) {
    Put(rekey::OperationForgotten{done[i].second}, m);
  }
}

Controller::Impl::Outcome Controller::Impl::Handle(const CancelOperation& command, Instant now,
                                                   const Moment* m) {
  const std::string name = NameOf(command.id);
  const auto found = state.operations.find(command.id);
  if (found == state.operations.end()) return Refuse(Error::kNotFound, name, kNotThere);
  if (m == nullptr || found->second.progress.IsDone()) return Reply{};
  rekey::Progress progress = found->second.progress;
  progress.cancelling = true;
  if (found->second.kind == OperationKind::kRekeyChannels) {
    progress.failed = true;
    progress.error = Error::kCancelled;
    progress.message = "was cancelled; what was done stays done";
    progress = Ended(std::move(progress), now);
  }
  MoveOperation(command.id, std::move(progress), *m);
  return Reply{};
}

Controller::Impl::Outcome Controller::Impl::Handle(const DeleteOperation& command, Instant,
                                                   const Moment* m) {
  const std::string name = NameOf(command.id);
  const auto found = state.operations.find(command.id);
  if (found == state.operations.end()) {
    if (command.allow_missing) return Reply{};
    return Refuse(Error::kNotFound, name, kNotThere);
  }
  if (!found->second.progress.IsDone()) {
    return Refuse(Error::kFailedPrecondition, name, "is still under way; cancel it first");
  }
  if (m == nullptr) return Reply{};
  Put(rekey::OperationForgotten{command.id}, *m);
  Tell(Event::Kind::kDeleted, {}, name, *m);
  return Reply{};
}

void Controller::Impl::MoveOperation(const OperationId& id, rekey::Progress progress,
                                     const Moment& m) {
  if (!state.operations.contains(id)) return;
  Put(rekey::OperationMoved{id, std::move(progress)}, m);
  Tell(Event::Kind::kUpdated, {}, NameOf(id), m);
}

// RunOperations does what is due of operations on channels. Each step is on record: they wait while
// no record can be.
void Controller::Impl::RunOperations(const Moment& m) {
  next_operation = kNever;
  if (frozen || records_held) return;
  for (auto& [id, operation] : state.operations) {
    if (!IsOurs(operation)) continue;
    if (StepAt(operation) <= m.now) RekeyNext(operation, m);
    if (IsOurs(operation)) next_operation = std::min(next_operation, NextStepAt(operation, m.now));
  }
}

// RekeyNext changes the keys of one channel more. The first one's are in the record of the command
// that began it; each other channel has a record of who asked, whose request is known by that one.
void Controller::Impl::RekeyNext(const Operation& operation, const Moment& m) {
  const size_t first_change = m.step.changes.size();
  rekey::Progress progress = operation.progress;
  if (progress.done < operation.targets.size()) {
    const ChannelId channel(operation.targets[progress.done]);
    const auto level = operation.subject == "msk" ? rekey::KeyLevel::kMsk : rekey::KeyLevel::kMtk;
    const Outcome done = Handle(RekeyNow{channel, level}, m.now, &m);
    if (!done) {
      rekey::AddRefusal(progress,
                        NameOf(channel) + ": " + std::string(ErrorName(done.error().error)));
    }
    if (done && progress.done > 0 && config.audit.key != nullptr) {
      audit::Record record;
      record.principal = operation.principal;
      record.method = kRekeyMethod;
      record.resource = NameOf(operation.id);
      record.items = {channel.value};
      record.key_ids = KeysMade(std::span(m.step.changes).subspan(first_change));
      Record(std::move(record), m);
    }
    ++progress.done;
  }
  if (progress.done >= operation.targets.size()) progress = Ended(std::move(progress), m.now);
  MoveOperation(operation.id, std::move(progress), m);
}

}  // namespace keymast::controller
