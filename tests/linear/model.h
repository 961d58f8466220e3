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
  // Do carries out a request; an answer that refuses has changed nothing. When a resource was made
  // the server alone says: the model learns it from `told`, the answer that was given, if any was.
  Done Do(const Request& request, const Answer* told = nullptr);

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
  // When a resource was made; of a name, also when it is not there.
  struct Birth {
    uint64_t created = 0;  // 0: not known yet
    uint64_t latest = 0;   // known of this name
    friend bool operator==(const Birth&, const Birth&) = default;
  };
  // A request that was carried out: another one under its id is told so.
  struct Kept {
    bool is_kept = false;
    uint64_t content = 0;
    uint64_t remaining = 0;
    friend bool operator==(const Kept&, const Kept&) = default;
  };

  Done Carry(const Request& request);
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
  // BirthOf is that of what a view of an answer shows; null where it is not there.
  Birth* BirthOf(const Request& request, const View& view);
  Birth& BirthOfMember(const Request& request);
  static bool Learn(Birth& birth, uint64_t created);
  void Date(const Request& request, const Answer* told, Answer& answer);
  bool IsStale(const Request& request, uint64_t revision, Birth& birth) const;
  static View ViewOf(int id, const Channel& channel);
  static View ViewOf(int id, const Subscriber& subscriber);
  static View ViewOf(int id, const Member& member);
  static uint64_t JoinedOf(const Channel& channel);
  static void EndJoin(Member& member);

  std::array<std::optional<Channel>, kChannels> channels_;
  std::array<std::optional<Subscriber>, kSubscribers> subscribers_;
  std::array<Birth, kChannels> births_of_channels_;
  std::array<Birth, kSubscribers> births_of_subscribers_;
  std::array<std::array<Birth, kSubscribers>, kChannels> births_of_members_;
  std::vector<Kept> requests_;      // by id
  std::optional<bool> told_stale_;  // of the request at work: what its answer said of its etag
};

}  // namespace keymast::linear
