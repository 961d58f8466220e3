// SPDX-License-Identifier: Apache-2.0
// What keymast-peer is told.
#pragma once

#include "tools/peer_call.h"

namespace keymast::tools {

// PeerOptions as they are written; empty means not given.
struct PeerOptions {
  bool offers = false;
  std::string identity;
  std::string peer_identity;
  std::string key_file;
  std::string certificate;
  std::string private_key;
  std::string media = "127.0.0.1";
  std::string offer;
  std::string answer;
  std::string next;  // offer, answer
  std::string next_offer;
  std::string next_answer;
  std::string early;
  std::string ring;
  std::string duration;
  std::string modes;
  std::string profiles;
  std::string reveal_keys;
  std::vector<std::string> streams;
  std::vector<std::string> added;
  std::vector<std::string> sources;
  std::vector<std::string> sinks;
  std::string log_level;
  bool key_mgmt = false;
};

// StreamPlan is one stream of ours: `sendrecv`, `sendonly:L16`.
struct StreamPlan {
  sdp::Direction direction = sdp::Direction::kSendRecv;
  const ToneCodec* codec = nullptr;
};

// Place is where plain RTP comes from or goes to.
struct Place {
  enum class Kind : uint8_t { kNone, kTone, kUdp, kStandardInput, kFile };
  Kind kind = Kind::kNone;
  Endpoint udp;
  std::string path;
};

// RoundPlan is an offer and its answer.
struct RoundPlan {
  bool offers = false;
  std::string offer;  // files, pipes, or `-`
  std::string answer;
  std::vector<StreamPlan> streams;  // that this round adds
};

// PeerPlan is the same, read and checked.
struct PeerPlan {
  CallSetup setup;
  std::vector<RoundPlan> rounds;
  std::vector<Place> sources;  // by stream, from 0; those that are not there have a tone
  std::vector<Place> sinks;
  Endpoint early;  // unset: none
  Duration ring{0};
  std::optional<Duration> duration;
  std::string reveal_keys;
};

// MakePlan reads the key file; the message says what to do.
tl::expected<PeerPlan, Failure> MakePlan(const PeerOptions& options);

// ParseIdentity reads `nai:alice@example.org`, `uri:sip:alice@example.org`; without a prefix what
// has an `@` and no `:` is an NAI, all else a URI. kMalformed, also for more than 255 octets.
Result<mikey::OwnedIdentity> ParseIdentity(std::string_view text);

// ParseStream reads a StreamPlan; kMalformed.
Result<StreamPlan> ParseStream(std::string_view text);

// ParsePlaces reads `1=udp:127.0.0.1:7000` and the like; kMalformed.
Result<std::vector<Place>> ParsePlaces(const std::vector<std::string>& texts);

}  // namespace keymast::tools
