// SPDX-License-Identifier: Apache-2.0
// What concurrent clients asked for and were answered, as small values: names, texts and addresses
// are numbers here, which client.h spells for the server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace keymast::linear {

inline constexpr int kChannels = 2;
inline constexpr int kSubscribers = 3;

enum class Verb : uint8_t {
  kCreateChannel,
  kGetChannel,
  kUpdateChannel,
  kDeleteChannel,
  kListChannels,
  kCreateSubscriber,
  kGetSubscriber,
  kDeleteSubscriber,
  kListSubscribers,
  kAddMember,
  kAddMembers,  // a batch
  kGetMember,
  kUpdateMember,
  kDeleteMember,
  kJoin,
  kLeave,
  kExpel,
  kListMembers,
};
bool IsRead(Verb verb);

// Mask says which of its two fields an update changes.
enum class Mask : uint8_t { kAbsent, kFirst, kSecond, kBoth, kStar };

// Ends of a member's entitlement.
inline constexpr uint32_t kOpen = 0;
inline constexpr uint32_t kFar = 1;
inline constexpr uint32_t kPast = 2;

// Request has two values: of a channel display name and max_datagram, of a subscriber identity and
// user key, of a member endpoint and end of entitlement.
struct Request {
  Verb verb = Verb::kListChannels;
  int channel = 0;
  std::vector<int> subscribers = {};  // the one that is meant, or those of a batch
  uint32_t first = 0;
  uint32_t second = 0;
  uint32_t group = 0;  // of keys, of a channel
  Mask mask = Mask::kAbsent;
  uint64_t revision = 0;  // that the etag asks for; 0: no etag
  uint64_t created = 0;   // and when that resource was made
  bool force = false;
  bool allow_missing = false;
  bool join = false;
  bool validate_only = false;
  uint32_t request_id = 0;  // 0: none
  friend bool operator==(const Request&, const Request&) = default;
};

// Content is a digest of all that makes it this request, other than its id.
uint64_t ContentOf(const Request& request);

// View is a resource as an answer shows it; of what the server alone decides only what etags rest
// on.
struct View {
  int id = 0;
  uint32_t first = 0;
  uint32_t second = 0;
  uint32_t group = 0;
  uint64_t revision = 0;
  uint64_t members = 0;  // of a channel
  uint64_t joined = 0;   // members of a channel; of a member 1 when it has
  uint64_t created = 0;  // an instant that the server chose: no other resource of this name has it
  friend bool operator==(const View&, const View&) = default;
};

struct Answer {
  std::optional<Error> error;  // why it was refused
  std::vector<View> views = {};
  uint64_t remaining = 0;  // of an expulsion
  friend bool operator==(const Answer&, const Answer&) = default;
};

inline constexpr int64_t kUnknown = INT64_MAX;

// Operation is one call. Its instants are of one monotonic clock, in nanoseconds. Without an answer
// it may have been carried out at any instant behind `called`, or never.
struct Operation {
  Request request;
  int client = 0;
  int64_t called = 0;
  int64_t answered = kUnknown;
  std::optional<Answer> answer = std::nullopt;
};
using History = std::vector<Operation>;

std::string ToText(const Request& request);
std::string ToText(const Answer& answer);
std::string ToText(const Operation& operation);

}  // namespace keymast::linear
