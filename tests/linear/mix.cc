// SPDX-License-Identifier: Apache-2.0
#include "mix.h"

#include <array>

#include "mixing.h"

namespace keymast::linear {
namespace {

struct Weight {
  Verb verb;
  uint32_t of_all;
};
constexpr std::array<Weight, 18> kWeights{{
    {Verb::kCreateChannel, 8},
    {Verb::kGetChannel, 7},
    {Verb::kUpdateChannel, 12},
    {Verb::kDeleteChannel, 2},
    {Verb::kListChannels, 4},
    {Verb::kCreateSubscriber, 9},
    {Verb::kGetSubscriber, 4},
    {Verb::kDeleteSubscriber, 2},
    {Verb::kListSubscribers, 3},
    {Verb::kAddMember, 8},
    {Verb::kAddMembers, 5},
    {Verb::kGetMember, 6},
    {Verb::kUpdateMember, 12},
    {Verb::kDeleteMember, 2},
    {Verb::kJoin, 7},
    {Verb::kLeave, 5},
    {Verb::kExpel, 2},
    {Verb::kListMembers, 4},
}};
constexpr uint32_t kAllWeights = [] {
  uint32_t sum = 0;
  for (const auto& weighted : kWeights) sum += weighted.of_all;
  return sum;
}();

constexpr uint32_t kDatagramBase = 1000;
constexpr uint32_t kSharedBase = 1000;  // of values that several want; the others are below
constexpr uint32_t kRevisions = 4;
constexpr uint32_t kRecent = 5 * kClients;

class Maker {
 public:
  Maker(uint64_t seed, bool is_rough) : dice_(seed), with_id_(is_rough ? 70 : 35) {}

  std::vector<std::vector<Request>> Make() {
    std::vector<std::vector<Request>> mix(kClients);
    for (int i = 0; i < kEach; ++i) {
      for (auto& requests : mix) requests.push_back(Next());
    }
    return mix;
  }

 private:
  Request Next() {
    Request request = Fresh();
    const bool is_change = !IsRead(request.verb);
    if (is_change && !with_ids_.empty() && dice_.Percent(20)) return Repeated(request);
    if (is_change && !request.validate_only && dice_.Percent(with_id_)) {
      request.request_id = ++last_id_;
      // Who tries again asks for the same.
      if (request.revision == kLastSeen) request.revision = Guess();
      with_ids_.push_back(request);
    }
    return request;
  }

  // Repeated is a request of some client again, most often, or another one under its id.
  Request Repeated(Request fresh) {
    const auto recent = std::min(kRecent, static_cast<uint32_t>(with_ids_.size()));
    const Request& before = with_ids_[with_ids_.size() - 1 - dice_.Below(recent)];
    if (!dice_.Percent(20)) return before;
    fresh.request_id = before.request_id;
    fresh.validate_only = false;
    if (fresh.revision == kLastSeen) fresh.revision = Guess();
    return fresh;
  }

  Request Fresh() {
    Request request;
    request.verb = VerbOf(dice_.Below(kAllWeights));
    request.channel = static_cast<int>(dice_.Below(kChannels));
    ++tag_;
    switch (request.verb) {
      case Verb::kListChannels:
      case Verb::kListSubscribers:
        request.channel = 0;
        return request;
      case Verb::kCreateChannel:
      case Verb::kUpdateChannel:
      case Verb::kGetChannel:
      case Verb::kDeleteChannel:
        OfChannel(request);
        break;
      case Verb::kCreateSubscriber:
      case Verb::kGetSubscriber:
      case Verb::kDeleteSubscriber:
        OfSubscriber(request);
        break;
      case Verb::kListMembers:
        return request;
      default:
        OfMember(request);
        break;
    }
    return request;
  }

  static Verb VerbOf(uint32_t throw_of_dice) {
    for (const Weight& weight : kWeights) {
      if (throw_of_dice < weight.of_all) return weight.verb;
      throw_of_dice -= weight.of_all;
    }
    return Verb::kListMembers;
  }

  void OfChannel(Request& request) {
    const auto own = static_cast<uint32_t>(request.channel);
    if (request.verb == Verb::kCreateChannel || request.verb == Verb::kUpdateChannel) {
      request.first = tag_;
      request.second = kDatagramBase + tag_;
    }
    if (request.verb == Verb::kCreateChannel) {
      request.group = 1 + (dice_.Percent(90) ? own : dice_.Below(kChannels));
    }
    if (request.verb == Verb::kUpdateChannel) request.mask = SomeMask();
    if (request.verb == Verb::kDeleteChannel) Deletion(request);
    Check(request);
  }

  void OfSubscriber(Request& request) {
    request.channel = 0;
    request.subscribers = {SomeSubscriber()};
    if (request.verb == Verb::kCreateSubscriber) {
      request.first = Contended();
      request.second = Contended();
    }
    if (request.verb == Verb::kDeleteSubscriber) Deletion(request);
    Check(request);
  }

  void OfMember(Request& request) {
    request.subscribers = {SomeSubscriber()};
    const bool is_update = request.verb == Verb::kUpdateMember;
    const bool is_new = request.verb == Verb::kAddMember || request.verb == Verb::kAddMembers;
    const bool are_many = request.verb == Verb::kAddMembers || request.verb == Verb::kExpel;
    if (are_many && dice_.Percent(60)) {
      request.subscribers.push_back((request.subscribers[0] + 1) % kSubscribers);
    }
    if (is_new || is_update) {
      request.first = tag_;
      const uint32_t at = dice_.Below(100);
      request.second = at < 60 ? kOpen : at < 85 ? kFar : kPast;
    }
    if (is_new) request.join = dice_.Percent(50);
    if (is_update) request.mask = SomeMask();
    if (is_update) request.revision = SomeEtag();
    if (request.verb == Verb::kDeleteMember) {
      Deletion(request);
      request.force = false;
    }
    Check(request);
  }

  // What checks alone; a batch cannot.
  void Check(Request& request) {
    const bool may = !IsRead(request.verb) && request.verb != Verb::kAddMembers;
    request.validate_only = may && dice_.Percent(8);
    if (request.verb == Verb::kUpdateChannel) request.revision = SomeEtag();
  }

  void Deletion(Request& request) {
    request.force = dice_.Percent(50);
    request.allow_missing = dice_.Percent(30);
    request.revision = SomeEtag();
  }

  uint64_t SomeEtag() {
    const uint32_t at = dice_.Below(100);
    return at < 60 ? 0 : at < 70 ? Guess() : kLastSeen;
  }
  uint64_t Guess() { return 1 + dice_.Below(kRevisions); }
  int SomeSubscriber() { return static_cast<int>(dice_.Below(kSubscribers)); }
  Mask SomeMask() { return static_cast<Mask>(dice_.Below(5)); }
  uint32_t Contended() { return dice_.Percent(65) ? tag_ : kSharedBase + dice_.Below(2); }

  Dice dice_;
  const uint32_t with_id_;
  uint32_t tag_ = 0;  // new for each request: a read tells by it whose write it saw
  uint32_t last_id_ = 0;
  std::vector<Request> with_ids_;
};

}  // namespace

std::vector<std::vector<Request>> MixOf(uint64_t seed, bool is_rough) {
  return Maker(seed, is_rough).Make();
}

}  // namespace keymast::linear
