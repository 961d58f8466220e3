// SPDX-License-Identifier: Apache-2.0
// A store in memory whose commits wait to be let through, and fail when told to.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "server/durable.h"

namespace keymast::server {

class SlowStore final : public Durable {
 public:
  explicit SlowStore(bool gated = true) : gated_(gated) {}

  Result<uint64_t> Commit(const std::vector<rekey::Change>& changes) override {
    std::unique_lock lock(mutex_);
    commits_behind_close_ += closed_ ? 1 : 0;
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !gated_ || !verdicts_.empty(); });
    --waiting_;
    std::optional<Error> verdict = error_;
    if (!verdicts_.empty()) {
      verdict = verdicts_.front();
      verdicts_.pop_front();
    }
    const bool has_record = std::any_of(
        changes.begin(), changes.end(),
        [](const rekey::Change& change) { return std::holds_alternative<rekey::Audited>(change); });
    if (has_record && refused_) verdict = Error::kAuditBlocked;
    // A commit whose outcome is unknown may have been made.
    const bool made = !verdict || (*verdict == Error::kOutcomeUnknown && keeps_unknown_);
    if (!made) return Err(*verdict);
    for (const rekey::Change& change : changes) {
      rekey::Apply(state_, change);
      const auto* audited = std::get_if<rekey::Audited>(&change);
      if (audited != nullptr) audited_.push_back(audited->record);
    }
    batches_.push_back(changes.size());
    ++made_;
    if (verdict) return Err(*verdict);
    return revision_ = made_;
  }
  std::unique_ptr<CommitRoom> NewRoom() const override { return std::make_unique<Room>(); }
  tl::expected<rekey::State, Failure> Load() override {
    const std::lock_guard lock(mutex_);
    ++loads_;
    if (unreadable_) return Fail(Error::kCorrupt, "a page cannot be read");
    revision_ = made_;
    return state_;
  }
  Status CloseClean() override {
    closed_ = true;
    return {};
  }
  Result<std::string> BeginBackup() override { return Err(Error::kUnimplemented); }
  Status EndBackup() override { return {}; }
  Rotation rotation() const override { return {}; }
  tl::expected<void, Failure> BeginRotation(const crypto::MasterKey&) override {
    return Fail(Error::kUnimplemented, "there is no master key");
  }
  Result<Rotation> RotationStep() override { return Err(Error::kUnimplemented); }
  Status CancelRotation() override { return Err(Error::kUnimplemented); }
  Result<std::vector<audit::Record>> Audit(uint64_t after, size_t limit) override {
    const std::lock_guard lock(mutex_);
    std::vector<audit::Record> records;
    for (const audit::Record& record : audited_) {
      if (record.sequence > after && records.size() < limit) records.push_back(record);
    }
    return records;
  }
  uint64_t revision() const override { return revision_; }

  // LetThrough decides the next commit: durable, or this error.
  void LetThrough(std::optional<Error> error = std::nullopt) {
    const std::lock_guard lock(mutex_);
    verdicts_.push_back(error);
    changed_.notify_all();
  }
  tl::expected<void, Failure> MayRecord() override {
    const std::lock_guard lock(mutex_);
    if (refused_) return Fail(why_refused_, *refused_);
    return {};
  }
  Failure Refusal() const override {
    const std::lock_guard lock(mutex_);
    return {Error::kAuditBlocked, refused_.value_or("records are refused"), {}, {}, 0};
  }
  // RefuseRecords lets no commit be made that has records of the audit log in it.
  void RefuseRecords(std::optional<std::string> why, Error error = Error::kAuditBlocked) {
    const std::lock_guard lock(mutex_);
    refused_ = std::move(why);
    why_refused_ = error;
  }
  // Ungated commits all end like this.
  void FailAll(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    error_ = error;
  }
  // Gate makes commits wait again; without it they pass, also one that waits.
  void Gate(bool gated) {
    const std::lock_guard lock(mutex_);
    gated_ = gated;
    changed_.notify_all();
  }
  void KeepUnknown() { keeps_unknown_ = true; }
  void BecomeUnreadable() { unreadable_ = true; }
  void WaitForCommit() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }
  std::vector<size_t> batches() const {
    const std::lock_guard lock(mutex_);
    return batches_;
  }
  size_t loads() const {
    const std::lock_guard lock(mutex_);
    return loads_;
  }
  bool closed() const { return closed_; }
  size_t commits_behind_close() const { return commits_behind_close_; }

 private:
  // Eight changes share a commit.
  class Room final : public CommitRoom {
   public:
    bool Take(const std::vector<rekey::Change>& step) override {
      return (taken_ += step.size()) <= 8;
    }

   private:
    size_t taken_ = 0;
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool gated_;
  int waiting_ = 0;
  std::deque<std::optional<Error>> verdicts_;
  std::optional<Error> error_;
  std::optional<std::string> refused_;
  Error why_refused_ = Error::kAuditBlocked;
  std::vector<audit::Record> audited_;
  rekey::State state_;
  std::vector<size_t> batches_;
  size_t loads_ = 0;
  uint64_t made_ = 100;
  std::atomic<uint64_t> revision_ = 100;  // as far as is known: an unknown outcome is not
  std::atomic<bool> closed_ = false;
  std::atomic<size_t> commits_behind_close_ = 0;
  std::atomic<bool> keeps_unknown_ = false;
  std::atomic<bool> unreadable_ = false;
};

}  // namespace keymast::server
