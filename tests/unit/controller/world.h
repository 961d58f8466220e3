// SPDX-License-Identifier: Apache-2.0
// A world of virtual time around one controller: members that open what they are sent and answer,
// a capture of everything sent, and an operator's hand. Nothing here sleeps.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

#include "controller/controller.h"
#include "mikey/mbms.h"

namespace keymast::controller {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

inline constexpr Instant kBegin = Instant(seconds(1'800'000'000));
inline const ChannelId kNews{"news"};
inline constexpr std::string_view kServer = "bmsc@example.org";

groups::Channel NewsChannel();
groups::Channel OtherChannel();
// FewMtkIds is a policy by which an MSK has 20 MTK IDs.
groups::KeyPolicy FewMtkIds();
groups::Headend NewHeadend(crypto::Rng& rng);  // enrolled for no channel
Endpoint EndpointOf(int member);
SubscriberId IdOf(int member);
std::string IdentityOf(int member);
crypto::Key32 UserKeyOf(int member);
inline MskId MskNo(uint16_t number) { return {KeyGroup(7), KeyNumber(number)}; }

// Sent is one datagram as it left, with what its header says.
struct Sent {
  Instant at;
  Endpoint to;
  Bytes octets;
  mikey::MessageKind kind;
  uint32_t counter = 0;
  MskId msk;
  MtkId mtk;  // 0 in MSK messages
  Instant due{};
  bool waits = false;  // for a commit: its step changes something
};

// FakeMember holds what a member may hold: it opens MSK messages under its key and MTK messages
// under every MSK it ever had.
class FakeMember {
 public:
  explicit FakeMember(int number) : FakeMember(number, number) {}
  // With the user key that member `key` began with.
  FakeMember(int number, int key) : number_(number), user_key_(UserKeyOf(key)) {}

  bool answers = true;    // whether it sends verification messages
  bool reachable = true;  // whether datagrams to it arrive
  MskId refuses;          // messages with this MSK do not arrive

  // Take handles one datagram; the answer is empty when there is none.
  Bytes Take(ByteView octets);

  bool HasMsk(MskId id) const { return msks_.contains(id); }
  bool HasMtk(MskId msk, MtkId mtk) const { return mtks_.contains({msk, mtk}); }
  const mikey::OpenedMsk& Msk(MskId id) const { return msks_.at(id).opened; }
  const mikey::OpenedMtk& Mtk(MskId msk, MtkId mtk) const { return mtks_.at({msk, mtk}); }
  const Bytes& last_answer() const { return last_answer_; }

 private:
  struct Held {
    mikey::OpenedMsk opened;
    Bytes rand;
  };
  Bytes Answer(const mikey::Unverified& message, const mikey::OpenedMsk& opened);
  void TakeMtk(const mikey::Unverified& message);

  int number_;
  crypto::Key32 user_key_;
  std::map<MskId, Held> msks_;
  std::map<std::pair<MskId, MtkId>, mikey::OpenedMtk> mtks_;
  uint32_t highest_ = 0;
  Bytes last_answer_;
};

class World {
 public:
  explicit World(uint64_t seed = 1, rekey::State state = {}, mikey::Profile3gpp profile = {},
                 KeyingConfig keying = {}, AuditConfig audit = {});

  // Do expects success and returns the reply; Refused expects failure.
  Reply Do(const Command& command, const Asker& by = {});
  Failure Refused(const Command& command, const Asker& by = {});
  void MakeChannel(const groups::KeyPolicy& policy = {});
  void AddMembers(int first, int last, bool join = true);
  // Pass lets `duration` go by, tick after tick.
  void Pass(Duration duration) { PassUntil(now + duration); }
  void PassUntil(Instant instant);
  void Deliver(Step step);

  // Crash keeps what was handed out as changes, and nothing else; Restart begins from it.
  void Restart(Duration down, bool new_incarnation = false);

  Step Report(const HeadendReport& report);
  void Connect(const HeadendId& headend);
  void Disconnect(const HeadendId& headend);

  const rekey::ChannelState& channel() const { return core->state().channels.at(kNews); }
  const rekey::Ladder& ladder() const { return channel().ladder; }
  std::vector<Sent> MtksOf(MskId msk, MtkId mtk) const;
  std::vector<Sent> MsksTo(int member) const;
  size_t CountOf(Event::Kind kind) const;
  // SpendMtkIds takes, as an operator, IDs that the schedule counted on: by FewMtkIds they run out.
  void SpendMtkIds();

  Instant now = kBegin;
  mikey::Profile3gpp profile;              // of the next start
  KeyingConfig keying;                     // too
  AuditConfig audit;                       // too
  Ahead ahead;                             // too
  bool anticipates = true;                 // builds messages ahead, as keymastd does
  std::unique_ptr<crypto::SeededRng> rng;  // outlives a move of the world
  std::unique_ptr<Controller> core;
  rekey::State durable;  // the fold of all changes handed out
  std::map<int, FakeMember> members;
  std::vector<Sent> sent;
  std::vector<Datagram> of_version2;
  std::vector<HeadendKey> boxes;
  std::vector<Event> events;
  std::vector<rekey::Change> changes;
  std::vector<rekey::Slot> used;  // MTKs of the channel that became active, in order

 private:
  int MemberAt(const Endpoint& endpoint) const;
};

}  // namespace keymast::controller
