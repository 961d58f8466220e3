// SPDX-License-Identifier: Apache-2.0
#include "receiver/counter_file.h"

#include <charconv>

#include "base/check.h"
#include "shell/files.h"

namespace keymast::receiver {
namespace {

constexpr std::string_view kFirstLine = "keymast-receiver counters 1\n";
constexpr std::string_view kAnyFirstLine = "keymast-receiver counters ";
constexpr std::string_view kDigestName = "sha256 ";
constexpr size_t kMaxFile = 64 * 1024;
constexpr size_t kMaxRows = 64;
constexpr size_t kFingerprint = 8;

// The fingerprint tells user keys apart and gives nothing of them away.
std::string Fingerprint(const crypto::Key32& user_key) {
  static constexpr std::string_view kPurpose = "keymast counter file";
  const ByteView part = AsBytes(kPurpose);
  const auto mac = crypto::HmacSha256(user_key.view(), {&part, 1});
  return ToHex(mac.view().first(kFingerprint));
}

std::string DigestLine(std::string_view rows) {
  return std::string(kDigestName) + ToHex(crypto::Sha256(AsBytes(rows))) + "\n";
}

std::string_view CutWord(std::string_view& line) {
  const size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line = end == std::string_view::npos ? std::string_view() : line.substr(end + 1);
  return word;
}

// A row of a group's is of a sender whose name begins with an octet 0, which no identity does.
enum class GroupRow : uint8_t { kReport = 1, kKeys = 2 };
constexpr size_t kGroupDigest = 16;

Octets<255> NameOf(GroupRow row, std::string_view uri) {
  Bytes name = {0, static_cast<uint8_t>(row)};
  const auto digest = crypto::Sha256(AsBytes(uri));
  name.insert(name.end(), digest.begin(), digest.begin() + kGroupDigest);
  return Octets<255>(name);
}

bool IsGroupRow(const CounterRow& row) { return row.counter.idi.view()[0] == 0; }

// MakeRoom for `more` rows: the groups saved longest ago go first, whose T come again with the next
// join (MIKEYv2 §10, EXT 248). COUNTERs of senders come from nowhere else, and stay.
void MakeRoom(CounterRows& rows, size_t more) {
  while (rows.size() + more > kMaxRows) {
    const auto oldest = std::ranges::find_if(rows, IsGroupRow);
    if (oldest == rows.end()) return;
    rows.erase(oldest);
  }
}

}  // namespace

Result<CounterRows> CountersFromText(std::string_view text) {
  if (text.substr(0, kAnyFirstLine.size()) != kAnyFirstLine) return Err(Error::kCorrupt);
  if (text.substr(0, kFirstLine.size()) != kFirstLine) return Err(Error::kNewerFormat);
  const size_t digest_at = text.rfind(kDigestName);
  if (digest_at == std::string_view::npos ||
      text.substr(digest_at) != DigestLine(text.substr(0, digest_at))) {
    return Err(Error::kCorrupt);
  }
  CounterRows found;
  std::string_view rows = text.substr(kFirstLine.size(), digest_at - kFirstLine.size());
  while (!rows.empty()) {
    const size_t end = rows.find('\n');
    if (end == std::string_view::npos || found.size() == kMaxRows) return Err(Error::kCorrupt);
    std::string_view line = rows.substr(0, end);
    rows.remove_prefix(end + 1);
    CounterRow row;
    row.user_key = CutWord(line);
    Bytes fingerprint;
    if (!FromHex(row.user_key, fingerprint) || fingerprint.size() != kFingerprint) {
      return Err(Error::kCorrupt);
    }
    Bytes idi;
    if (!FromHex(CutWord(line), idi) || idi.empty() || idi.size() > 255) {
      return Err(Error::kCorrupt);
    }
    row.counter.idi = Octets<255>(idi);
    const char* last = line.data() + line.size();
    const auto [stop, error] = std::from_chars(line.data(), last, row.counter.highest);
    if (error != std::errc() || stop != last) return Err(Error::kCorrupt);
    found.push_back(std::move(row));
  }
  return found;
}

std::string ToText(const CounterRows& rows) {
  std::string text(kFirstLine);
  for (const CounterRow& row : rows) {
    text += row.user_key + " " + ToHex(row.counter.idi.view()) + " " +
            std::to_string(row.counter.highest) + "\n";
  }
  return text + DigestLine(text);
}

tl::expected<CounterFile, Failure> CounterFile::Open(const std::string& path,
                                                     const crypto::Key32& user_key) {
  const std::string target = shell::FollowLinks(path);
  Result<shell::FileLock> lock = shell::FileLock::Take(target);
  if (!lock && lock.error() == Error::kInUse) {
    return Fail(Error::kInUse, path + ": another keymast-receiver runs with this state file");
  }
  if (!lock) {
    return Fail(lock.error(),
                target + ".lock: cannot be made: " + std::string(ErrorName(lock.error())));
  }
  auto file = Read(path, user_key);
  if (file) file->lock_ = std::move(*lock);
  return file;
}

tl::expected<CounterFile, Failure> CounterFile::Read(const std::string& path,
                                                     const crypto::Key32& user_key) {
  CounterFile file;
  file.path_ = path;
  file.user_key_ = Fingerprint(user_key);
  const Result<std::string> text = shell::ReadFile(path, kMaxFile);
  if (!text && text.error() == Error::kNotFound) return file;
  if (!text && text.error() != Error::kTooLong) {
    return Fail(text.error(), path + ": cannot be read: " + std::string(ErrorName(text.error())));
  }
  Result<CounterRows> rows = text ? CountersFromText(*text) : Err(Error::kCorrupt);
  if (!rows) {
    return Fail(rows.error(),
                path + ": the state file is damaged or not ours (" +
                    std::string(ErrorName(rows.error())) +
                    "). Without its counters old MSK messages could be played again; remove it "
                    "only if the user key was replaced too.");
  }
  file.rows_ = std::move(*rows);
  return file;
}

std::vector<SenderCounter> CounterFile::counters() const {
  std::vector<SenderCounter> kept;
  for (const CounterRow& row : rows_) {
    const bool is_sender = row.user_key == user_key_ && !IsGroupRow(row);
    if (is_sender && kept.size() < kMaxSenders) kept.push_back(row.counter);
  }
  return kept;
}

Status CounterFile::Save(std::span<const SenderCounter> counters) {
  CounterRows rows;
  for (const CounterRow& row : rows_) {
    if (row.user_key != user_key_ || IsGroupRow(row)) rows.push_back(row);
  }
  MakeRoom(rows, counters.size());
  for (const SenderCounter& counter : counters) rows.push_back({user_key_, counter});
  return Write(std::move(rows));
}

MemberTs CounterFile::member(std::string_view uri) const {
  MemberTs ts;
  for (const CounterRow& row : rows_) {
    if (row.user_key != user_key_) continue;
    if (row.counter.idi == NameOf(GroupRow::kReport, uri)) ts.report = row.counter.highest;
    if (row.counter.idi == NameOf(GroupRow::kKeys, uri)) ts.keys = row.counter.highest;
  }
  return ts;
}

Status CounterFile::SaveMember(std::string_view uri, const MemberTs& ts) {
  const auto report = NameOf(GroupRow::kReport, uri);
  const auto keys = NameOf(GroupRow::kKeys, uri);
  CounterRows rows;
  for (const CounterRow& row : rows_) {
    const bool is_its = row.counter.idi == report || row.counter.idi == keys;
    if (row.user_key != user_key_ || !is_its) rows.push_back(row);
  }
  MakeRoom(rows, 2);
  rows.push_back({user_key_, {report, ts.report}});
  rows.push_back({user_key_, {keys, ts.keys}});
  return Write(std::move(rows));
}

Status CounterFile::Write(CounterRows rows) {
  KEYMAST_CHECK(lock_.has_value());
  if (rows.size() > kMaxRows) return Err(Error::kNoSpace);
  rows_ = std::move(rows);
  return shell::ReplaceStateFile(path_, ToText(rows_));
}

}  // namespace keymast::receiver
