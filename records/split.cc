// SPDX-License-Identifier: Apache-2.0
#include "records/split.h"

#include "records/audit_log.h"
#include "records/page.h"

namespace keymast::records {
namespace {

// Channels follows which channels are there while a step goes on.
class Channels {
 public:
  explicit Channels(const HasChannel& before) : before_(before) {}

  // Take is false when rekey::Apply would ignore the change.
  bool Take(const rekey::Change& change) {
    const PageName row = RowOf(change);
    if (!row.OfChannel()) return true;
    const bool made = std::holds_alternative<rekey::ChannelPut>(change);
    const bool deleted = std::holds_alternative<rekey::ChannelDeleted>(change);
    if (made || deleted) {
      now_[row.channel] = made;
      return true;
    }
    const auto known = now_.find(row.channel);
    return known == now_.end() ? before_(row.channel) : known->second;
  }

 private:
  const HasChannel& before_;
  std::map<ChannelId, bool> now_;  // those made or deleted in this step
};

}  // namespace

bool RecordRoom::Keeps(const rekey::LadderPut& put) {
  const auto end_of = [](const std::optional<rekey::Msk>& msk) {
    return msk ? msk->counter.end : uint64_t{0};
  };
  const rekey::Ladder& ladder = put.ladder;
  const Promise promise{ladder.last_key_number, ladder.epoch, end_of(ladder.msk),
                        end_of(ladder.next_msk)};
  const auto known = ladders_.find(put.id);
  if (known != ladders_.end()) return known->second == promise;
  if (retires_group_) return false;
  ladders_.emplace(put.id, promise);
  return true;
}

bool RecordRoom::Keeps(const rekey::Change& change) {
  if (const auto* ladder = std::get_if<rekey::LadderPut>(&change)) return Keeps(*ladder);
  if (std::holds_alternative<rekey::MukCounterReserved>(change)) {
    return !std::exchange(reserves_user_counter_, true);
  }
  if (std::holds_alternative<rekey::KeyGroupRetired>(change)) retires_group_ = true;
  return true;
}

bool RecordRoom::Take(const rekey::Change& change, size_t size) {
  if (size > left_ || !Keeps(change)) return false;
  left_ -= size;
  return true;
}

bool SharedRoom::Take(const std::vector<rekey::Change>& step) {
  for (const rekey::Change& change : step) {
    if (closed_) return false;
    const Result<size_t> size = SizeOf(change);
    closed_ = !size || !room_.Take(change, *size);
  }
  return !closed_;
}

Result<std::vector<Body>> Split(const std::vector<rekey::Change>& changes, size_t octets,
                                const HasChannel& has_channel) {
  std::vector<Body> bodies(1);
  crypto::SecretBytes audited;
  uint64_t last_audited = 0;
  RecordRoom room(octets);
  Channels channels(has_channel);
  for (const rekey::Change& change : changes) {
    if (!channels.Take(change)) continue;
    const Result<size_t> size = SizeOf(change);
    if (!size || *size > octets) return Err(Error::kBatchTooLarge);
    if (!room.Take(change, *size)) {
      room = RecordRoom(octets);
      KEYMAST_CHECK(room.Take(change, *size));
      bodies.emplace_back();
    }
    KEYMAST_CHECK(Append(change, bodies.back().changes).has_value());
    if (const auto* one = std::get_if<rekey::Audited>(&change)) {
      KEYMAST_CHECK(AppendAudit(one->record, audited).has_value());
      last_audited = one->record.sequence;
    }
  }
  bodies.back().audited = std::move(audited);
  bodies.back().last_audited = last_audited;
  return bodies;
}

}  // namespace keymast::records
