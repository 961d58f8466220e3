// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>
#include <optional>

#include "crypto/primitives.h"
#include "headend/state.h"
#include "srtp/index.h"

namespace keymast::headend {
namespace {

constexpr std::string_view kFirstLine = "keymast-headend state 1\n";
constexpr std::string_view kAnyFirstLine = "keymast-headend state ";
constexpr std::string_view kDigestName = "sha256 ";
constexpr std::string_view kIndexRow = "index";
constexpr std::string_view kClaimRow = "rtcp";

std::string DigestLine(std::string_view rows) {
  return std::string(kDigestName) + ToHex(crypto::Sha256(AsBytes(rows))) + "\n";
}

// Words cuts a line at its spaces; reading past the end, or what is no number, is remembered.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  std::string_view Next() {
    const size_t end = rest_.find(' ');
    const std::string_view word = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    ok_ = ok_ && !word.empty();
    return word;
  }
  template <class Int>
  Int Number(Int highest) {
    const std::string_view word = Next();
    Int value = 0;
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, value);
    ok_ = ok_ && error == std::errc() && stop == end && value <= highest;
    return value;
  }
  bool Finished() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

bool ReadRow(std::string_view line, State& state) {
  Words words(line);
  const std::string_view kind = words.Next();
  const ChannelId channel{std::string(words.Next())};
  if (kind == kIndexRow) {
    const auto created = words.Number<int64_t>(INT64_MAX);
    const Ssrc ssrc(words.Number<uint32_t>(UINT32_MAX));
    const End end{created, PacketIndex(words.Number<uint64_t>(srtp::kIndexMask + 1))};
    return words.Finished() && state.ends.emplace(StreamName(channel, ssrc), end).second;
  }
  Claim claim;
  claim.created = words.Number<int64_t>(INT64_MAX);
  claim.key.msk = MskId::FromValue(words.Number<uint32_t>(UINT32_MAX));
  claim.key.mtk = MtkId(words.Number<uint16_t>(UINT16_MAX));
  return kind == kClaimRow && words.Finished() && state.claims.emplace(channel, claim).second;
}

}  // namespace

std::string ToText(const State& state) {
  std::string text(kFirstLine);
  for (const auto& [stream, end] : state.ends) {
    text += std::string(kIndexRow) + " " + stream.first.value + " " + std::to_string(end.created) +
            " " + std::to_string(stream.second.value) + " " + std::to_string(end.index.value) +
            "\n";
  }
  for (const auto& [channel, claim] : state.claims) {
    text += std::string(kClaimRow) + " " + channel.value + " " + std::to_string(claim.created) +
            " " + std::to_string(claim.key.msk.value()) + " " +
            std::to_string(claim.key.mtk.value) + "\n";
  }
  return text + DigestLine(text);
}

Result<State> StateFromText(std::string_view text) {
  if (text.size() > kMaxStateFile || !text.starts_with(kAnyFirstLine)) return Err(Error::kCorrupt);
  if (!text.starts_with(kFirstLine)) return Err(Error::kNewerFormat);
  const size_t digest_at = text.rfind(kDigestName);
  if (digest_at == std::string_view::npos || digest_at < kFirstLine.size() ||
      text.substr(digest_at) != DigestLine(text.substr(0, digest_at))) {
    return Err(Error::kCorrupt);
  }
  State state;
  std::string_view rows = text.substr(kFirstLine.size(), digest_at - kFirstLine.size());
  while (!rows.empty()) {
    const size_t end = rows.find('\n');
    if (end == std::string_view::npos || !ReadRow(rows.substr(0, end), state) ||
        state.ends.size() + state.claims.size() > kMaxStateRows) {
      return Err(Error::kCorrupt);
    }
    rows.remove_prefix(end + 1);
  }
  return state;
}

}  // namespace keymast::headend
