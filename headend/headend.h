// SPDX-License-Identifier: Apache-2.0
// The whole headend without I/O: the server's directives and the encoders' datagrams in, reports
// and protected datagrams out.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "headend/channel.h"
#include "headend/directives.h"

namespace keymast::headend {

// Input is one `--input`: the encoder that feeds a stream.
struct Input {
  ChannelId channel;  // empty: the only channel
  std::string media;
  size_t ordinal = 0;  // which stream of that media, from 0
  Endpoint listen;
};

// Discards counts by reason what was refused.
using Discards = std::array<uint64_t, kErrorCount>;

// LinkState is where the conversation with the server stands.
enum class LinkState : uint8_t { kAway, kGreeting, kProving, kConnected };

struct Settings {
  HeadendId id;
  crypto::KeyPair keys;
  std::vector<Input> inputs;
  Duration max_mtk_overrun = std::chrono::seconds(60);
  bool mki_with_domain = false;
};

// Packet is a datagram that goes out.
struct Packet {
  const Channel* channel = nullptr;
  Endpoint to;
  size_t length = 0;
};

class Headend {
 public:
  // A channel that the server does not name again within kForgetAfter of a new connection is gone:
  // it was taken from us while we were not connected.
  static constexpr Duration kForgetAfter = std::chrono::seconds(5);

  // Goes on above what `kept` says was used.
  Headend(Settings settings, State kept, crypto::Rng& rng);

  // Hello begins a conversation: the report to send first.
  v1::HeadendReport Hello();
  // OnDirective takes what the server says, and gives the report to answer at once, if any. Errors
  // are counted, remembered as last_error, and change nothing.
  Result<std::optional<v1::HeadendReport>> OnDirective(const v1::HeadendDirective& directive,
                                                       Instant now);
  // OnReported says that a report was sent a while after the proof and the server did not object.
  void OnReported();
  // OnAway ends the conversation. `revoked`: the server knows us no more, and all keys are
  // forgotten.
  void OnAway(bool revoked, Instant now);
  // Report is due each second and at each switch while connected.
  v1::HeadendReport Report() const;

  // Tick switches keys whose instants have come. Due at NextSwitch and each second.
  void Tick(Instant now);
  Instant NextSwitch() const;

  // OnDatagram protects in place what came for an input; see Channel::OnDatagram for the room
  // behind it. kUnknownChannel: no stream is fed by this input.
  Result<Packet> OnDatagram(size_t input, MutableBytes buffer, size_t length, Instant now);

  // StateToSave is what should be made durable next; nothing if all of it is.
  std::optional<State> StateToSave() const;
  void OnSaved(const State& state);
  // FinalState gives back what was reserved and not used. Nothing may be sent after it.
  State FinalState() const;

  // StateHash covers definitions, keys and positions: what a bad datagram must not change.
  std::array<uint8_t, 32> StateHash() const;

  LinkState link() const { return link_; }
  const Settings& settings() const { return settings_; }
  const std::map<ChannelId, std::unique_ptr<Channel>>& channels() const { return channels_; }
  const Discards& discards() const { return discards_; }
  const Discards& directive_discards() const { return directive_discards_; }
  // last_error is the newest one, and when it was: it may be over.
  const std::string& last_error() const { return last_error_; }
  Instant last_error_at() const { return last_error_at_; }
  void NoteError(std::string text, Instant now) {
    last_error_ = std::move(text);
    last_error_at_ = now;
  }

 private:
  struct Route {
    Channel* channel = nullptr;
    size_t stream = 0;
  };
  Result<std::optional<v1::HeadendReport>> Take(const v1::HeadendDirective& directive, Instant now);
  void AddKept(v1::HeadendReport& report) const;
  Result<v1::HeadendReport> Prove(const v1::HeadendChallenge& challenge);
  Status TakeKey(const v1::TrafficKeyBox& box, Instant now);
  Status TakeChannel(const v1::ChannelDefinition& message);
  void Drop(const ChannelId& channel);
  void Connected();
  Route RouteOf(const Input& input) const;
  void PlanRoutes();

  Settings settings_;
  State kept_;
  crypto::Rng& rng_;
  LinkState link_ = LinkState::kAway;
  Instant connected_at_ = kNever;
  std::map<ChannelId, std::unique_ptr<Channel>> channels_;
  std::set<ChannelId> named_;  // in this conversation
  std::vector<Route> routes_;  // of each input
  Discards discards_{};
  Discards directive_discards_{};
  std::string last_error_;
  Instant last_error_at_ = kNever;
};

}  // namespace keymast::headend
