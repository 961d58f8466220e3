// SPDX-License-Identifier: Apache-2.0
// The server of a storm: a keymastd with one channel, its people and its certificates.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "bench/processes.h"
#include "bench/storm_people.h"
#include "mikey/v2/credentials.h"
#include "rekey/state.h"
#include "server/core_client.h"

namespace keymast::bench {

class StormSite {
 public:
  // Starts it, and waits until it answers. Receivers are reached at `receivers_port`.
  StormSite(const StormPlan& plan, const People& people, uint16_t receivers_port);

  uint16_t port() const { return port_; }
  static std::string GroupUri();
  const groups::Channel& channel() const { return channel_; }
  const rekey::Msk& msk() const { return msk_; }  // the only one during a storm

  // Of a person who has one; all have the same key.
  static Bytes CertificateOf(size_t number);
  static std::unique_ptr<mikey::v2::Credentials> CredentialsOf(const Bytes& certificate);

  // Metrics now, by `name` or `name{value of the label}`.
  std::map<std::string, double> Metrics();
  double Resident() const;  // octets
  bool Running() { return keymastd_->Running(); }

 private:
  void Populate(const People& people, uint16_t receivers_port);
  void Configure(const People& people);

  const Scratch scratch_;
  const uint16_t port_;
  groups::Channel channel_;
  rekey::Msk msk_;
  std::unique_ptr<Child> keymastd_;
  std::optional<server::CoreClient> client_;
};

}  // namespace keymast::bench
