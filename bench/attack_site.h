// SPDX-License-Identifier: Apache-2.0
// A real keymastd with channels that tick, and a keymast-api on TCP with TLS, which is ended where
// its unit would end it and started again as its unit does.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "bench/certificates.h"
#include "bench/processes.h"
#include "groups/group.h"

namespace keymast::bench {

class AttackSite {
 public:
  explicit AttackSite(size_t channels);
  ~AttackSite();

  const std::vector<groups::Channel>& channels() const { return channels_; }
  const Endpoint& group() const { return group_; }
  uint16_t tls_port() const { return tls_port_; }
  const Certified& certificate() const { return certificate_; }  // of a viewer
  std::string Socket(const char* role) const { return scratch_ / (std::string(role) + ".sock"); }

  // KillApi is kill -9; as ever it is started again a second later.
  void KillApi();
  size_t api_ended() const { return ended_; }                  // by itself, or at its limit
  double most_api_resident() const { return most_resident_; }  // octets, since the start
  double Resident();                                           // octets, of keymastd

 private:
  void Configure();
  void Populate(size_t channels);
  void KeepApi();

  const Scratch scratch_;
  const uint16_t tls_port_;
  const Endpoint group_;
  const Certified certificate_;
  std::vector<groups::Channel> channels_;
  std::unique_ptr<Child> keymastd_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> kill_ = false;
  std::atomic<size_t> ended_ = 0;
  std::atomic<double> most_resident_ = 0;
  std::thread keeper_;
};

}  // namespace keymast::bench
