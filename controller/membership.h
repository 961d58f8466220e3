// SPDX-License-Identifier: Apache-2.0
// What joins by MIKEYv2 ask of the controller: who is a member, and what is kept.
#pragma once

#include "base/endpoint.h"
#include "rekey/state.h"

namespace keymast::controller {

struct Moment;

// FirstReportT is a T that REPORTs until now were not above: of one member there is less than one a
// second, and a join tells what the first is (MIKEYv2 §10).
uint32_t FirstReportT(Instant now);

// Membership is what Keying asks of the controller.
class Membership {
 public:
  virtual ~Membership() = default;
  // Null for who and what is not there.
  virtual const rekey::SubscriberState* SubscriberNamed(std::string_view identity) const = 0;
  virtual const rekey::ChannelState* ChannelNamed(const ChannelId& id) const = 0;
  virtual bool IsEntitled(const ChannelId& channel, const SubscriberId& subscriber,
                          Instant now) const = 0;
  // GiveKeys makes the keys-given mark of who is entitled, and returns the member: kStoreClosed
  // while no mark can be made.
  virtual Result<const groups::Member*> GiveKeys(const ChannelId& channel,
                                                 const SubscriberId& subscriber,
                                                 const Moment& m) = 0;
  // ReportTOf is the T that a member's REPORTs must be above.
  virtual uint32_t ReportTOf(const groups::Member& member) const = 0;
  // KeysToldTo is the greatest T of KEYS that a subscriber was sent unasked, or one that none has.
  virtual uint32_t KeysToldTo(const SubscriberId& subscriber) const = 0;
  // FinishJoin takes a member in that was given keys. `holds` is the newest MSK that its finish
  // proves that it has; unset: none. `from` is the address that it proved; unset: none, and that of
  // before stays.
  struct Joined {
    Endpoint from;
    bool takes_msk_messages = false;
    bool takes_keys = false;  // unasked
    MskId holds;
  };
  virtual void FinishJoin(const ChannelId& channel, const SubscriberId& subscriber,
                          const Joined& joined, const Moment& m) = 0;
  // KeepCertificates keeps those of the subscriber's last join, leaf first, where there is room.
  virtual void KeepCertificates(const SubscriberId& subscriber, std::vector<Bytes> certificates,
                                const Moment& m) = 0;
  // What is kept of tickets. KeepTickets makes a change of it: false while none can be kept.
  virtual const rekey::Tickets& Tickets() const = 0;
  virtual bool KeepTickets(rekey::Change change, const Moment& m) = 0;
};

}  // namespace keymast::controller
