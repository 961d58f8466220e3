// SPDX-License-Identifier: Apache-2.0
// What each step of the doctor looks at, and what it then says.
#include <string>

#include "receiver/doctor.h"

namespace keymast::receiver {
namespace {

// 2025-01-01 and 2100-01-01 UTC, in nanoseconds: outside of them a clock was never set.
constexpr int64_t kEarliest = 1'735'689'600'000'000'000;
constexpr int64_t kLatest = 4'102'444'800'000'000'000;

Step Make(size_t place, StepResult result, std::string finding, std::string advice = "") {
  return {std::string(kStepNames[place]), result, std::move(finding), std::move(advice)};
}

std::string Reasons(const Discards& discards) {
  std::string text;
  for (size_t i = 0; i < discards.size(); ++i) {
    if (discards[i] == 0) continue;
    if (!text.empty()) text += ", ";
    text += std::to_string(discards[i]) + " " + std::string(ErrorName(static_cast<Error>(i)));
  }
  return text.empty() ? "nothing came" : "discarded: " + text;
}

uint64_t Of(const Discards& discards, Error error) { return discards[static_cast<size_t>(error)]; }

std::string MskAdvice(const Core& core, const Endpoint& listen) {
  const Discards& discards = core.key_discards();
  if (Of(discards, Error::kAuthenticationFailed) != 0) {
    return "the server holds another user key for this identity: create the subscriber again with "
           "this key file";
  }
  if (Of(discards, Error::kUnknownIdentity) != 0) {
    return "messages are for another identity: compare --identity with `keymastctl subscribers "
           "get`";
  }
  if (Of(discards, Error::kUnknownChannel) != 0) {
    return "messages are for another channel: fetch the session description anew";
  }
  if (Of(discards, Error::kReplayed) != 0) {
    return "only old messages came: the server must send a new one (`keymastctl members join`)";
  }
  return "check that the member joined, that its MSK endpoint is " + ToString(listen) +
         ", and that no firewall drops UDP to it";
}

uint64_t Opened(const Core& core) {
  uint64_t opened = 0;
  for (const std::optional<Stream>& stream : core.streams()) opened += stream->counters().opened;
  return opened;
}

uint64_t Packets(const Core& core) {
  uint64_t packets = 0;
  for (const std::optional<Stream>& stream : core.streams()) packets += stream->counters().packets;
  return packets;
}

}  // namespace

Step CheckClock(Instant now) {
  const int64_t nanos = ToUnixNanos(now);
  if (nanos < kEarliest || nanos > kLatest) {
    return Make(1, StepResult::kFailed, "the clock says " + std::to_string(nanos / 1'000'000'000),
                "set the clock (NTP); records and switch instants are UTC");
  }
  return Make(1, StepResult::kGood, "plausible");
}

Step JudgeMsk(const Core& core, const Endpoint& listen) {
  if (const MskSlot* msk = core.keyring().msks().Newest()) {
    return Make(5, StepResult::kGood,
                "verified, MSK ID " + std::to_string(msk->id.value()) +
                    "; not answered, so the server sends it again");
  }
  return Make(5, StepResult::kFailed, Reasons(core.key_discards()), MskAdvice(core, listen));
}

Step JudgeJoin(const Core& core, const Endpoint& server) {
  if (const MskSlot* msk = core.keyring().msks().Newest()) {
    return Make(5, StepResult::kGood, "joined, MSK ID " + std::to_string(msk->id.value()));
  }
  return Make(5, StepResult::kFailed, Reasons(core.key_discards()),
              "the log says how the join went. No answer: does UDP reach " + ToString(server) +
                  ", are identity and key file those of the subscriber, is [profile] the server's? "
                  "Refused: is the subscriber a member that is entitled now?");
}

Step JudgeMtk(const Core& core, const Endpoint& mtk) {
  if (const MtkSlot* key = core.keyring().mtks().Current()) {
    return Make(6, StepResult::kGood, "MTK ID " + std::to_string(key->mtk.value));
  }
  const Discards& discards = core.key_discards();
  if (Of(discards, Error::kUnknownKey) != 0) {
    return Make(6, StepResult::kFailed, Reasons(discards),
                "MTK messages are under an MSK that this receiver was not given: it is not (or no "
                "longer) entitled, or its MSK message is still to come");
  }
  if (Of(discards, Error::kOutsideInterval) != 0) {
    return Make(6, StepResult::kFailed, Reasons(discards),
                "MTK IDs are outside of the interval that the MSK message gave");
  }
  return Make(6, StepResult::kFailed, Reasons(discards),
              "no MTK message on " + ToString(mtk) +
                  ": is the server running, does its multicast reach this interface?");
}

Step JudgeMki(const Core& core) {
  if (Opened(core) != 0 || Of(core.media_discards(), Error::kAuthenticationFailed) != 0) {
    return Make(7, StepResult::kGood, "packets name a key that is held");
  }
  if (Packets(core) == 0) {
    return Make(7, StepResult::kFailed, Reasons(core.media_discards()),
                "no packet of this channel's SSRCs: is the headend sending, does its multicast "
                "reach this interface?");
  }
  return Make(7, StepResult::kFailed, Reasons(core.media_discards()),
              "packets are under keys that are not held: the headend is not on the key of the "
              "server, or this receiver was expelled");
}

Step JudgeRoc(const Core& core) {
  if (Opened(core) != 0) {
    return Make(8, StepResult::kGood, std::to_string(Opened(core)) + " packets opened");
  }
  return Make(8, StepResult::kFailed, Reasons(core.media_discards()),
              "packets name a key that is held and fail under it: the ROC of the MSK message is "
              "wrong, or the profile differs; compare `keymastctl headends get`");
}

}  // namespace keymast::receiver
