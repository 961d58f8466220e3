// SPDX-License-Identifier: Apache-2.0
// The server as whoever calls it may think of it: one thing after the other, nothing lost. Written
// from docs/api.md and the comments of proto/keymast/v1, and shares no code with the server.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "history.h"

namespace keymast::linear {

class Model {
 public:
  struct Done {
    Answer answer;
    bool has_changed = false;
    bool is_repeated = false;  // a request of its id was carried out before
  };
  // Do carries out a request; an answer that refuses has changed nothing.
  Done Do(const Request& request);

  // Digest differs between models that differ, but for one pair in 2^64.
  uint64_t Digest(uint64_t seed) const;
  friend bool operator==(const Model&, const Model&) = default;

 private:
  struct Member {
    uint32_t endpoint = 0;
    uint32_t end = kOpen;
    bool is_joined = false;
    uint64_t revision = 0;
    bool IsEntitled() const { return end != kPast; }
    friend bool operator==(const Member&, const Member&) = default;
  };
  struct Channel {
    uint32_t display_name = 0;
    uint32_t max_datagram = 0;
    uint32_t group = 0;
    uint64_t revision = 0;
    std::array<std::optional<Member>, kSubscribers> members;
    friend bool operator==(const Channel&, const Channel&) = default;
  };
  struct Subscriber {
    uint32_t identity = 0;
    uint32_t user_key = 0;
    friend bool operator==(const Subscriber&, const Subscriber&) = default;
  };
  // A request that was carried out: another one under its id is told so.
  struct Kept {
    bool is_kept = false;
    uint64_t content = 0;
    uint64_t remaining = 0;
    friend bool operator==(const Kept&, const Kept&) = default;
  };

  Answer Again(const Request& request, const Kept& kept) const;
  Answer Read(const Request& request) const;
  Answer Change(const Request& request);

  Answer CreateChannel(const Request& request);
  Answer UpdateChannel(const Request& request);
  Answer DeleteChannel(const Request& request);
  Answer CreateSubscriber(const Request& request);
  Answer DeleteSubscriber(const Request& request);
  Answer AddMembers(const Request& request);
  Answer UpdateMember(const Request& request);
  Answer DeleteMember(const Request& request);
  Answer Join(const Request& request);
  Answer Leave(const Request& request);
  Answer Expel(const Request& request);

  // Show answers with what a request is about, as it is; with what it asked for where that is not
  // there.
  Answer Show(const Request& request) const;
  template <class Resources>
  static Answer ListOf(const Resources& resources);
  Member* FindMember(int channel, int subscriber);
  static View ViewOf(int id, const Channel& channel);
  static View ViewOf(int id, const Subscriber& subscriber);
  static View ViewOf(int id, const Member& member);
  static uint64_t JoinedOf(const Channel& channel);
  static void EndJoin(Member& member);

  std::array<std::optional<Channel>, kChannels> channels_;
  std::array<std::optional<Subscriber>, kSubscribers> subscribers_;
  std::vector<Kept> requests_;  // by id
};

}  // namespace keymast::linear
