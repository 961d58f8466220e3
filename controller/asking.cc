// SPDX-License-Identifier: Apache-2.0
// Around each command from outside: whether it was carried out before, what is kept of it, and its
// record in the audit log, all in the step of its changes.
#include <algorithm>

#include "controller/impl.h"
#include "controller/target.h"

namespace keymast::controller {
namespace {

// Of the oldest requests so many go with each that comes: their number falls, slowly.
constexpr int kForgottenAtOnce = 2;
constexpr uint64_t kRecordsACheckpoint = 64;
constexpr Duration kCheckpointEach = std::chrono::minutes(10);

}  // namespace

bool Scope::Has(const ChannelId& id) const {
  return is_whole || std::any_of(allows.begin(), allows.end(), [&id](const std::string& allowed) {
           if (!allowed.ends_with('*')) return allowed == id.value;
           return id.value.starts_with(std::string_view(allowed).substr(0, allowed.size() - 1));
         });
}

Failure RequestIdReused() {
  return {Error::kRequestIdReused,
          "request_id belongs to another request that was carried out",
          {{"request_id", "must be new for each request; this one asked for something else"}},
          {},
          0};
}

// AnswerAgain is the reply of a request that was carried out before.
Controller::Impl::Outcome Controller::Impl::AnswerAgain(const rekey::KeptRequest& kept) const {
  if (kept.digest != asker->digest) return tl::unexpected(RequestIdReused());
  Reply reply;
  reply.is_repeated = true;
  if (kept.rekey && rekey::KeptRequest::IsWhole(*kept.rekey)) reply.rekey = kept.rekey;
  reply.remaining = kept.remaining;
  reply.made = kept.made;
  return reply;
}

void Controller::Impl::KeepRequest(const Reply& reply, const Moment& m) {
  const auto& by_age = state.requests.by_age();
  for (int i = 0; i < kForgottenAtOnce && !by_age.empty(); ++i) {
    const rekey::KeptRequest& oldest = by_age.begin()->second;
    const bool is_past = oldest.at + rekey::kRequestLife <= m.now;
    if (!is_past && by_age.size() < rekey::kMostRequests) break;
    Put(rekey::RequestForgotten{oldest.sequence}, m);
  }
  Put(rekey::RequestKept{{state.requests.Next(), *asker->request, asker->digest, m.now, reply.rekey,
                          reply.remaining, reply.made}},
      m);
}

// Record chains a record to the log, and a checkpoint behind it when one is due.
void Controller::Impl::Record(audit::Record record, const Moment& m) {
  record.sequence = state.audit.sequence + 1;
  record.time = m.now;
  record.hash = audit::ChainHash(state.audit.hash, record);
  Put(rekey::Audited{std::move(record)}, m);
  const audit::Head& head = state.audit;
  const bool are_many = head.sequence - head.checkpoint >= kRecordsACheckpoint;
  if (are_many || CheckpointDue() <= m.now) PutCheckpoint(m);
}

// CheckpointDue is when the end of the log is signed at the latest, kNever where it is.
Instant Controller::Impl::CheckpointDue() const {
  const audit::Head& head = state.audit;
  const bool is_signed = head.checkpoint == head.sequence;
  if (config.audit.key == nullptr || frozen || records_held || is_signed) return kNever;
  return head.checkpoint_at + kCheckpointEach;
}

// OwnRecordDue is when a record is made that nobody asked for.
Instant Controller::Impl::OwnRecordDue() const {
  const bool may_record = config.audit.key != nullptr && !frozen && !records_held;
  return may_record && IsStartOwed() ? Instant::min() : CheckpointDue();
}

void Controller::Impl::PutOwnRecord(const Moment& m) {
  if (IsStartOwed()) {
    RecordStart(m);
  } else {
    PutCheckpoint(m);
  }
}

void Controller::Impl::PutCheckpoint(const Moment& m) {
  const bool is_signed = state.audit.checkpoint == state.audit.sequence;
  if (config.audit.key == nullptr || records_held || is_signed) return;
  audit::Record record;
  record.sequence = state.audit.sequence + 1;
  record.time = m.now;
  record.principal = audit::kServer;
  record.method = audit::kCheckpoint;
  record.hash = audit::ChainHash(state.audit.hash, record);
  record.signature = audit::Sign(*config.audit.key, record.hash);
  Put(rekey::Audited{std::move(record)}, m);
}

void Controller::Impl::RecordStart(const Moment& m) {
  audit::Record record;
  record.principal = audit::kServer;
  record.method = start_method;
  record.resource = config.audit.start;
  start_sequence = state.audit.sequence + 1;
  Record(std::move(record), m);
}

Controller::Impl::Outcome Controller::Impl::Do(const Command& command, const Asker& by, Instant now,
                                               const Moment* m) {
  asker = &by;
  const rekey::KeptRequest* kept =
      m != nullptr && by.request ? state.requests.Find(*by.request, now) : nullptr;
  if (kept != nullptr) return AnswerAgain(*kept);
  const bool is_remembered = m != nullptr && !by.principal.empty();
  std::optional<audit::Record> record;
  if (is_remembered && config.audit.key != nullptr) record = RecordOf(state, command, by);
  const size_t first_change = m == nullptr ? 0 : m->step.changes.size();
  Outcome done = std::visit([&](const auto& one) { return Handle(one, now, m); }, command);
  if (!done || !is_remembered) return done;
  if (record) {
    Complete(*record, state, command, std::span(m->step.changes).subspan(first_change));
    Record(std::move(*record), *m);
  }
  if (by.request) KeepRequest(*done, *m);
  return done;
}

}  // namespace keymast::controller
