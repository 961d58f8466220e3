// SPDX-License-Identifier: Apache-2.0
// The numbers of a history as the API spells them, and its answers as numbers again.
#pragma once

#include <string>

#include "crypto/rng.h"
#include "history.h"
#include "keymast/v1/service.grpc.pb.h"

namespace keymast::linear {

// Spelling is of one history: its resources have names of their own, so that one server has many.
class Spelling {
 public:
  // `run` tells the request ids of this run from those of others.
  Spelling(uint64_t run, uint32_t history) : run_(run), history_(history) {}

  std::string Channel(int channel) const { return "channels/" + Id('c', channel); }
  std::string Subscriber(int subscriber) const { return "subscribers/" + Id('s', subscriber); }
  std::string Member(int channel, int subscriber) const {
    return Channel(channel) + "/members/" + Id('s', subscriber);
  }
  // ChannelFilter is met by the history's own channels, SubscriberFilter by its subscribers.
  std::string ChannelFilter() const { return "name = " + Channel(-1) + "*"; }
  std::string SubscriberFilter() const { return "name = " + Subscriber(-1) + "*"; }
  std::string RequestId(uint32_t id) const;
  static std::string Etag(const Request& request);

  v1::CreateChannelRequest NewChannel(const Request& request) const;
  v1::UpdateChannelRequest ChannelUpdate(const Request& request) const;
  // The user key is sealed to `import_key`, anew each time.
  v1::CreateSubscriberRequest NewSubscriber(const Request& request, const std::string& import_key,
                                            crypto::Rng& rng) const;
  v1::CreateMemberRequest NewMember(const Request& request, int subscriber) const;
  v1::UpdateMemberRequest MemberUpdate(const Request& request) const;

  View ViewOf(const v1::Channel& channel) const;
  View ViewOf(const v1::Subscriber& subscriber) const;
  View ViewOf(const v1::Member& member) const;

 private:
  std::string Id(char kind, int number) const;
  // NumberOf is of a name as Id makes them; -1 of a stranger's.
  int NumberOf(const std::string& name, char kind) const;
  uint32_t KeyGroup(uint32_t group) const;
  void FillMember(const Request& request, v1::Member& member) const;

  uint64_t run_;
  uint32_t history_;
};

}  // namespace keymast::linear
