// SPDX-License-Identifier: Apache-2.0
// What the operator of the demo asks of the server, by keymastctl.
#pragma once

#include "demo/stage.h"

namespace keymast::demo {

// ParseTime reads RFC 3339 in UTC, as 2026-01-31T12:00:00.5Z; kMalformed.
Result<Instant> ParseTime(const std::string& text);

class Control {
 public:
  // `stage` outlives this.
  explicit Control(const Stage& stage) : stage_(stage) {}

  using Done = tl::expected<void, Failure>;
  bool ServerAnswers() const;
  // CreateChannel also keeps the channel's session description for the receivers.
  Done CreateChannel() const;
  Done EnrolHeadend() const;
  // AddMember makes a user key, a subscriber and a member, which has not joined yet.
  Done AddMember(const std::string& name, const std::string& msk_endpoint) const;
  Done Join(const std::string& name) const;
  // Reachability is the server's word for how it stands with a member.
  tl::expected<std::string, Failure> Reachability(const std::string& name) const;
  // Expel gives the instant from which the headend uses a key that `name` does not get.
  tl::expected<Instant, Failure> Expel(const std::string& name) const;

 private:
  tl::expected<std::string, Failure> Call(const Words& words) const;
  const Stage& stage_;
};

}  // namespace keymast::demo
