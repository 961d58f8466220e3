// SPDX-License-Identifier: Apache-2.0
#include "demo/control.h"

#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <sstream>

#include "demo/png.h"

namespace keymast::demo {
namespace {

constexpr Duration kPatience = std::chrono::seconds(20);
constexpr size_t kPublicKeyDigits = 64;

Control::Done DoneOrFailure(const tl::expected<std::string, Failure>& called) {
  if (!called) return tl::unexpected<Failure>(called.error());
  return {};
}

bool IsPublicKey(const std::string& word) {
  return word.size() == kPublicKeyDigits &&
         word.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

Result<Instant> ParseTime(const std::string& text) {
  std::tm parts{};
  std::istringstream in(text);
  char dash = 0, dash2 = 0, t = 0, colon = 0, colon2 = 0;
  in >> parts.tm_year >> dash;
  in >> parts.tm_mon >> dash2 >> parts.tm_mday >> t >> parts.tm_hour >> colon >> parts.tm_min >>
      colon2 >> parts.tm_sec;
  std::string rest;
  in >> rest;
  if (!in || dash != '-' || dash2 != '-' || t != 'T' || colon != ':' || colon2 != ':' ||
      rest.back() != 'Z') {
    return Err(Error::kMalformed);
  }
  const auto within = [](int value, int low, int high) { return value >= low && value <= high; };
  const bool is_date = within(parts.tm_year, 1970, 2261) && within(parts.tm_mon, 1, 12) &&
                       within(parts.tm_mday, 1, 31);  // in nanoseconds, 64 bits end in 2262
  const bool is_time =
      within(parts.tm_hour, 0, 23) && within(parts.tm_min, 0, 59) && within(parts.tm_sec, 0, 60);
  if (!is_date || !is_time) return Err(Error::kMalformed);
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  rest.pop_back();
  const std::string digits = rest.empty() ? "" : rest.substr(1);
  if ((!rest.empty() && rest[0] != '.') || digits.size() > 9 ||
      digits.find_first_not_of("0123456789") != std::string::npos) {
    return Err(Error::kMalformed);
  }
  const int64_t nanos = std::stoll((digits + "000000000").substr(0, 9));
  return FromUnixNanos(int64_t{timegm(&parts)} * 1'000'000'000 + nanos);
}

tl::expected<std::string, Failure> Control::Call(const Words& words) const {
  return Run(stage_.Ctl(words), stage_.Log("keymastctl"), kPatience);
}

bool Control::ServerAnswers() const {
  constexpr Duration kAnswerTime = std::chrono::seconds(5);
  return Run(stage_.Ctl({"status"}), stage_.Log("keymastctl"), kAnswerTime).has_value();
}

Control::Done Control::CreateChannel() const {
  const std::string channel(kChannel);
  auto created = Call({"channels", "create", channel, "--file", stage_.Path("channel.json")});
  if (!created) return tl::unexpected<Failure>(created.error());
  auto sdp = Call({"channels", "sdp", channel});
  if (!sdp) return tl::unexpected<Failure>(sdp.error());
  if (!WriteFile(stage_.Path("channel.sdp"), AsBytes(*sdp))) {
    return Fail(Error::kIo, stage_.Path("channel.sdp") + ": cannot be written");
  }
  return {};
}

Control::Done Control::EnrolHeadend() const {
  auto made = Run(stage_.HeadendInit(), stage_.Log("headend-init"), kPatience);
  if (!made) return tl::unexpected<Failure>(made.error());
  std::istringstream words(*made);
  for (std::string word; words >> word;) {
    if (!IsPublicKey(word)) continue;
    return DoneOrFailure(Call({"headends", "create", std::string(kHeadend), "--public-key", word,
                               "--channel", std::string(kChannel)}));
  }
  return Fail(Error::kUnavailable, "keymast-headend init printed no public key");
}

Control::Done Control::AddMember(const std::string& name, const std::string& msk_endpoint) const {
  auto key = Run(stage_.UserKey(name), stage_.Log(name + "-init"), kPatience);
  if (!key) return tl::unexpected<Failure>(key.error());
  auto subscriber = Call({"subscribers", "create", name, "--identity", stage_.Identity(name),
                          "--credential-file", stage_.Path(name + ".key")});
  if (!subscriber) return tl::unexpected<Failure>(subscriber.error());
  return DoneOrFailure(
      Call({"members", "add", std::string(kChannel), name, "--msk-endpoint", msk_endpoint}));
}

Control::Done Control::Join(const std::string& name) const {
  return DoneOrFailure(Call({"members", "join", std::string(kChannel), name}));
}

tl::expected<std::string, Failure> Control::Reachability(const std::string& name) const {
  auto called = Call({"members", "get", std::string(kChannel), name});
  if (!called) return tl::unexpected<Failure>(called.error());
  const nlohmann::json answer = nlohmann::json::parse(*called, nullptr, false);
  return answer.is_object() ? answer.value("reachability", std::string()) : std::string();
}

tl::expected<Instant, Failure> Control::Expel(const std::string& name) const {
  auto called = Call({"members", "expel", std::string(kChannel), name});
  if (!called) return tl::unexpected<Failure>(called.error());
  const nlohmann::json answer = nlohmann::json::parse(*called, nullptr, false);
  const Result<Instant> at = answer.is_object()
                                 ? ParseTime(answer.value("switchTime", std::string()))
                                 : Result<Instant>(Err(Error::kMalformed));
  if (!at) return Fail(Error::kMalformed, "keymastctl members expel told no switch time");
  return *at;
}

}  // namespace keymast::demo
