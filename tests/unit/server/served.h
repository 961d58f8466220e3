// SPDX-License-Identifier: Apache-2.0
// A whole server in the test's own thread: commits wait and fail when told to, datagrams are
// recorded, the clock stands until it is moved, and clients come over a real socket.
#pragma once

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "server/audit_key.h"
#include "server/core_client.h"
#include "server/server.h"
#include "slow_store.h"

namespace keymast::server {

using std::chrono::milliseconds;
using std::chrono::seconds;

template <class Message>
Message Text(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}
inline core::CoreRequest Ask(const std::string& text) { return Text<core::CoreRequest>(text); }

class HandClock final : public Clock {
 public:
  Instant Now() const override { return now += per_look; }
  mutable Instant now = Instant(seconds(1'800'000'000));
  Duration per_look{};
};

// Recorder is a network that takes everything.
class Recorder final : public DatagramPort {
 public:
  void Send(const std::vector<controller::Datagram>& datagrams) override {
    counters_.sent += datagrams.size();
    sent.insert(sent.end(), datagrams.begin(), datagrams.end());
  }
  void Receive(size_t limit, const Take& take) override {
    std::vector<Bytes> taken = std::exchange(arrived, {});
    const auto rest = taken.begin() + static_cast<ptrdiff_t>(std::min(limit, taken.size()));
    arrived.assign(rest, taken.end());
    taken.erase(rest, taken.end());
    for (const Bytes& octets : taken) {
      ++counters_.received;
      take(*ParseEndpoint("127.0.0.1:2271"), octets);
    }
  }
  void Flush() override { ++flushes; }
  Counters counters() const override { return counters_; }

  // How many were sent to a group, or to members.
  size_t Mtks(const std::string& channel) const { return Count(channel, true); }
  size_t Msks(const std::string& channel) const { return Count(channel, false); }

  std::vector<controller::Datagram> sent;
  std::vector<Bytes> arrived;
  size_t flushes = 0;

 private:
  size_t Count(const std::string& channel, bool multicast) const;
  Counters counters_;
};

class Served : public testing::Test {
 protected:
  explicit Served(const controller::KeyingConfig& keying = {}, bool audits = false)
      : Served(On(), keying, audits) {}
  // On is another store than store_, with what it holds and what can be done with it as a whole.
  struct On {
    Durable* durable = nullptr;  // null: store_
    rekey::State state = {};
    StoreWork::Means means = {};
  };
  explicit Served(On on, const controller::KeyingConfig& keying = {}, bool audits = false);
  ~Served() override;

  // Connect is a further client.
  CoreClient Connect();
  // Call gives the answer; the server runs meanwhile.
  core::CoreReply Call(CoreClient& client, core::CoreRequest request);
  core::CoreReply Call(core::CoreRequest request) { return Call(client_, std::move(request)); }
  core::CoreReply Call(const std::string& text) { return Call(Ask(text)); }
  // Must expects an answer that is no error.
  core::CoreReply Must(core::CoreRequest request);
  core::CoreReply Must(const std::string& text) { return Must(Ask(text)); }
  // Refused expects an error.
  core::CoreError Refused(core::CoreRequest request);
  core::CoreError Refused(const std::string& text) { return Refused(Ask(text)); }

  // Send only sends; Next waits for a frame; Quiet says that none comes, whatever the server does.
  uint64_t Send(CoreClient& client, core::CoreRequest request);
  core::CoreReply Next(CoreClient& client);
  bool Quiet(CoreClient& client);
  bool Closed(CoreClient& client);

  // Turn lets the server do what it can without waiting; Until turns it until something is so.
  void Turn();
  bool Until(const std::function<bool()>& done);
  // Pass moves the clock from deadline to deadline.
  void Pass(Duration duration);
  // Settle lets one waiting commit end and its outcome be handled.
  void Settle(std::optional<Error> error = std::nullopt);
  uint64_t Outcomes() const;

  // Things to work with. Each channel has a key group of its own.
  void MakeChannel(const std::string& id);
  core::CoreRequest NewSubscriber(const std::string& id, size_t identity_size = 0);
  // NewSubscribers are s0, s1, ..., with long identities: a page of them has a third of a frame.
  core::CoreRequest NewSubscribers(int count);
  void AddMember(const std::string& channel, const std::string& subscriber);
  std::array<uint8_t, 32> AddHeadend(const std::string& id, const std::string& channel);
  v1::ServerStatus StatusOf() { return Must("get_server_status {}").server_status(); }

  const std::string folder_;
  HandClock clock_;
  ClockView clock_view_;
  shell::SystemClock system_clock_;
  Loop loop_{system_clock_};
  SlowStore store_{false};
  Recorder port_;
  crypto::SeededRng rng_{7};
  const crypto::KeyPair import_key_ = crypto::MakeKeyPair(rng_);
  std::map<std::string, crypto::KeyPair> headend_keys_;
  Server server_;
  CoreClient client_;

 private:
  int key_group_ = 0;
};

// Headend is the other end of a TrafficKeys stream.
class Headend {
 public:
  Headend(std::string id, crypto::KeyPair key) : id_(std::move(id)), key_(std::move(key)) {}

  // First names the headend; Proof answers the challenge.
  core::CoreRequest First(uint64_t call) const;
  core::CoreRequest Proof(uint64_t call, const core::CoreReply& challenge) const;
  // Opens says whether a box is sealed to this headend and bound to what stands around it.
  bool Opens(const v1::TrafficKeyBox& box) const;

 private:
  std::string id_;
  crypto::KeyPair key_;
};

}  // namespace keymast::server
