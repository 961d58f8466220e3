// SPDX-License-Identifier: Apache-2.0
#include "server/audit_sink.h"

#include <google/protobuf/util/json_util.h>

#include "keymast/v1/audit.pb.h"
#include "server/translate.h"
#include "shell/log.h"

namespace keymast::server {
namespace {

constexpr size_t kPiece = 64 << 10;
// So far back the end of what the store has is looked for: what lies behind it was not committed,
// or was lost with a rollback.
constexpr uint64_t kFarthest = 8 << 20;  // without a checkpoint of this store
constexpr size_t kLineBegin = 8;         // octets by which a line of ours is known
constexpr size_t kRecordsAtOnce = 256;

// Lines gives the whole lines of a sink up to `end`, the last first.
class Lines {
 public:
  Lines(const Sink& sink, uint64_t end) : sink_(sink), at_(end) {}

  // Next is the line that ends where the one before it began, without its end; absent: there are no
  // more.
  tl::expected<std::optional<std::string>, Failure> Next() {
    for (;;) {
      if (text_.empty() && at_ == 0) return std::nullopt;
      const size_t end = text_.size() < 2 ? std::string::npos : text_.rfind('\n', text_.size() - 2);
      if (end == std::string::npos && at_ > 0) {
        const uint64_t count = std::min<uint64_t>(kPiece, at_);
        auto piece = sink_.Read(at_ - count, count);
        if (!piece) return tl::unexpected(piece.error());
        at_ -= count;
        text_.insert(0, *piece);
        continue;
      }
      const size_t begin = end == std::string::npos ? 0 : end + 1;
      std::string line = text_.substr(begin, text_.size() - begin - 1);
      text_.resize(begin);
      return line;
    }
  }
  // Where the line that was given last begins.
  uint64_t at() const { return at_ + text_.size(); }

 private:
  const Sink& sink_;
  uint64_t at_;
  std::string text_;  // from there on, up to what was given
};

bool IsSigned(const v1::AuditRecord& record, const crypto::PublicKey& key) {
  if (record.method() != audit::kCheckpoint) return false;
  audit::Record of;
  if (record.hash().size() != of.hash.size()) return false;
  std::copy(record.hash().begin(), record.hash().end(), of.hash.begin());
  of.signature.assign(record.signature().begin(), record.signature().end());
  return audit::CheckSignature(key, of);
}

}  // namespace

std::string LineOf(const audit::Record& record) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string line;
  KEYMAST_CHECK(google::protobuf::util::MessageToJsonString(ToProto(record), &line, options).ok());
  line.push_back('\n');
  return line;
}

AuditSink::AuditSink(Config config, ReadLog log)
    : config_(std::move(config)), log_(std::move(log)) {}

tl::unexpected<Failure> AuditSink::Blocked(const std::string& what) const {
  return Fail(Error::kAuditBlocked, "audit_sink " + config_.path + ": " + what);
}

AuditSink::Done AuditSink::Run(std::function<Done()> job) {
  // It may come to its end when nobody waits for it any more.
  auto done = std::make_shared<Done>();
  if (thread_.Run([done, job = std::move(job)] { *done = job(); }, config_.patience)) {
    return std::move(*done);
  }
  return Blocked("does not answer");
}

AuditSink::Done AuditSink::Take(const std::vector<audit::Record>& records) {
  std::string lines;
  for (const audit::Record& record : records) lines += LineOf(record);
  const uint64_t first = records.front().sequence;
  const uint64_t last = records.back().sequence;
  return Run([this, first, last, lines = std::move(lines)] { return TakeNow(first, last, lines); });
}

AuditSink::Done AuditSink::Probe() {
  return Run([this]() -> Done {
    if (auto ready = Ready(); !ready) return ready;
    return sink_->HasRoom(wanted_);
  });
}

AuditSink::Done AuditSink::TakeNow(uint64_t first, uint64_t last, const std::string& lines) {
  const bool was_left_out = sink_ != nullptr && sink_->Keeps() && first > position_ + 1;
  if (was_left_out) is_whole_ = false;
  if (auto ready = Ready(); !ready) return ready;
  auto taken = sink_->Append(lines);
  wanted_ = taken ? 0 : lines.size();
  if (taken) position_ = last;
  return taken;
}

// Ready has the sink open, joined to the store's log, and up to its end.
AuditSink::Done AuditSink::Ready() {
  if (sink_ != nullptr && !sink_->IsInPlace()) sink_ = nullptr;
  if (sink_ == nullptr) {
    auto opened = Sink::Open(config_.path, config_.patience / 2);
    if (!opened) return tl::unexpected(opened.error());
    sink_ = std::move(*opened);
    is_whole_ = !sink_->Keeps();
    if (auto joined = is_whole_ ? Done() : Join(); !joined) {
      sink_ = nullptr;
      return joined;
    }
  }
  return is_whole_ ? Done() : CatchUp();
}

// Join finds the last record in a file that the store has too. A file that is not of this store is
// left as it is.
AuditSink::Done AuditSink::Join() {
  const auto end = EndOfLines();
  if (!end) return tl::unexpected(end.error());
  position_ = 0;
  is_of_store_ = false;
  uint64_t ahead = 0;
  Lines lines(*sink_, *end);
  for (;;) {
    const auto line = lines.Next();
    if (!line) return tl::unexpected(line.error());
    if (!*line) break;
    const auto is_in_log = IsInLog(**line, position_);
    if (!is_in_log) return tl::unexpected(is_in_log.error());
    if (*is_in_log) break;
    ++ahead;
    const bool is_far = *end - lines.at() > kFarthest;
    if (is_far && !is_of_store_) return Blocked("is not of this store's log");
  }
  // Before the first commit of all nothing else tells whose records they are.
  if (position_ == 0 && ahead > 0 && !is_of_store_) return Blocked("is not of this store's log");
  if (ahead > 0) {
    shell::Log(shell::LogLevel::kWarning, "audit_sink_ahead",
               {{"audit_sink", config_.path},
                {"behind", std::to_string(position_)},
                {"records", std::to_string(ahead)},
                {"reason", "they are in no commit that the store has"}});
  }
  return *end == sink_->size() ? Done() : sink_->Cut(*end);
}

tl::expected<uint64_t, Failure> AuditSink::EndOfLines() {
  for (uint64_t end = sink_->size(); end > 0;) {
    const uint64_t count = std::min<uint64_t>(kPiece, end);
    const auto piece = sink_->Read(end - count, count);
    if (!piece) return tl::unexpected(piece.error());
    const size_t last = piece->rfind('\n');
    end -= count;
    if (last != std::string::npos) return end + last + 1;
    // Of a file that has no line the beginning must be a record's.
    const std::string begin = LineOf({}).substr(0, kLineBegin);
    if (end == 0 && !begin.starts_with(std::string_view(*piece).substr(0, begin.size()))) {
      return Blocked("holds a line that is no audit record");
    }
  }
  return 0;
}

tl::expected<bool, Failure> AuditSink::IsInLog(std::string_view line, uint64_t& at) {
  v1::AuditRecord record;
  const bool is_one =
      google::protobuf::util::JsonStringToMessage({line.data(), line.size()}, &record).ok() &&
      record.sequence() != 0;
  if (!is_one) return Blocked("holds a line that is no audit record");
  is_of_store_ = is_of_store_ || IsSigned(record, config_.key);
  const auto known = log_(record.sequence() - 1, 1);
  if (!known) return Blocked("cannot be compared: the store's log cannot be read");
  if (known->empty() || known->front().sequence != record.sequence()) return false;
  if (AsText(known->front().hash) != record.hash()) return false;
  at = record.sequence();
  return true;
}

// CatchUp gives a file what the store has and it has not, for a short while: commits wait for it.
AuditSink::Done AuditSink::CatchUp() {
  const auto until = std::chrono::steady_clock::now() + config_.patience / 20;
  for (;;) {
    const auto records = log_(position_, kRecordsAtOnce);
    if (!records) return Blocked("cannot be filled: the store's log cannot be read");
    if (records->empty()) break;
    std::string lines;
    for (const audit::Record& record : *records) lines += LineOf(record);
    wanted_ = lines.size();
    if (auto taken = sink_->Append(lines); !taken) return taken;
    wanted_ = 0;
    position_ = records->back().sequence;
    if (std::chrono::steady_clock::now() < until) continue;
    return Fail(Error::kUnavailable,
                "audit_sink " + config_.path + ": is being given what the store has");
  }
  is_whole_ = true;
  return {};
}

}  // namespace keymast::server
