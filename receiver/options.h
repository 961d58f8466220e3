// SPDX-License-Identifier: Apache-2.0
// What keymast-receiver is told: command line over configuration file over defaults.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "receiver/joiner.h"
#include "receiver/keyring.h"
#include "receiver/sdp.h"

namespace keymast::receiver {

// Options as they are written; empty means not given.
struct Options {
  std::string config;
  std::string sdp;
  std::string key_file;
  std::string identity;
  std::string listen;
  std::string interface_address;
  std::vector<std::string> forward;  // each `MEDIA=HOST:PORT`, several separated by commas
  std::string record;
  std::string state;
  std::string write_sdp;
  std::string log_level;
  std::string join;  // modes of MIKEYv2 with commas between them, or `all`
  bool print_sdp = false;
  // Of modes by certificate; files in PEM, lists of them with commas between.
  std::string join_certificate;
  std::string join_private_key;
  std::vector<std::string> join_anchors;
  std::vector<std::string> join_revocation_lists;
  std::string join_pin;             // SHA-256 of the controller's certificate
  std::string join_controller_use;  // extended key usage of controllers' certificates
  std::vector<std::string> join_known_certificates;  // of controllers, that name theirs by hash
  bool join_by_hash = false;                         // the controller has ours
  bool leave = false;
  bool no_msk_messages = false;
};

inline constexpr std::string_view kDefaultListen = "127.0.0.1:2271";
inline constexpr std::string_view kDefaultInterface = "127.0.0.1";

// AddConfig fills what the command line left open from `options.config`, when that is given.
tl::expected<void, Failure> AddConfig(Options& options, mikey::Profile3gpp& profile);

// Setup is the same, read and checked.
struct Setup {
  ChannelSdp channel;
  Credential credential;
  mikey::Profile3gpp profile;
  Endpoint listen;
  std::string interface_address;
  std::vector<PlainTarget> targets;
  std::string record;
  std::string state;
  std::string write_sdp;
  std::string log_level;
  bool print_sdp = false;
  std::optional<JoinSetup> join;  // by MIKEYv2; nothing: MSK messages come by themselves
  bool leaves = false;            // says so at the end
  bool answers = true;            // MSK messages are answered, and their COUNTERs saved to `state`
};

tl::expected<Setup, Failure> MakeSetup(Options options);

// ReadJoinCredentials reads what joins of the group with this URI by certificate rest on, once
// more: all of it, or a failure that says what to do. Null without certificate.
tl::expected<std::shared_ptr<const mikey::v2::Credentials>, Failure> ReadJoinCredentials(
    Options options, const std::string& uri);

// ReadUserKey reads the key file: 16 to 32 octets, mode 0600. The message says what to do.
tl::expected<crypto::Key32, Failure> ReadUserKey(const std::string& path);

// ReadSdpFile reads and parses a session description.
tl::expected<ChannelSdp, Failure> ReadSdpFile(const std::string& path);

// ParseTargets reads `video=127.0.0.1:7000,audio=127.0.0.1:7002`: each media name takes the next
// stream of that media. kInvalidArgument.
tl::expected<std::vector<PlainTarget>, Failure> ParseTargets(const std::vector<std::string>& texts,
                                                             const ChannelSdp& channel);

}  // namespace keymast::receiver
