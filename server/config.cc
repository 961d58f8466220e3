// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"

#include <algorithm>

#include "mikey/csb.h"
#include "mikey/profile_fields.h"
#include "shell/config_fields.h"
#include "shell/process.h"

namespace keymast::server {
namespace {

constexpr size_t kMaxIdentity = 255;  // octets of an ID payload that we send (RFC 3830 §6.7)

using mikey::v2::Mode;

constexpr std::array<std::pair<std::string_view, Mode>, 6> kModes = {
    {{"early-dh", Mode::kEarlyDh},
     {"dh", Mode::kDh},
     {"early-dhhmac", Mode::kEarlyDhhmac},
     {"dhhmac", Mode::kDhhmac},
     {"psk", Mode::kPsk},
     {"rsa", Mode::kRsa}}};

void ReadModes(shell::ConfigFile& file, const mikey::Profile3gpp& profile, bool has_certificate,
               mikey::v2::Policy& policy) {
  if (!file.Has("mikeyv2.modes")) {
    // MKIs with key domain are none of version 2's (MIKEYv2 §10).
    if (profile.mki_with_domain) return;
    for (const auto& [name, mode] : kModes) {
      if (has_certificate || mikey::v2::IsPskType(mode)) {
        policy.modes.Add(static_cast<uint8_t>(mode));
      }
    }
    return;
  }
  for (const std::string& given : file.Strings("mikeyv2.modes")) {
    const auto* known = std::find_if(kModes.begin(), kModes.end(),
                                     [&](const auto& mode) { return mode.first == given; });
    const bool is_new =
        known != kModes.end() &&
        !mikey::v2::Contains(policy.modes.view(), static_cast<uint8_t>(known->second));
    if (!is_new) {
      return file.Refuse(
          "mikeyv2.modes",
          "has each of early-dh, dh, early-dhhmac, dhhmac, psk and rsa once at most; "
          "empty: MIKEYv2 is not spoken");
    }
    if (!has_certificate && mikey::v2::IsSigned(known->second)) {
      return file.Refuse("mikeyv2.modes", "needs mikeyv2.certificates for " + given);
    }
    policy.modes.Add(static_cast<uint8_t>(known->second));
  }
  if (profile.mki_with_domain && !policy.modes.empty()) {
    file.Refuse("mikeyv2.modes", "must be empty with profile.mki_with_domain");
  }
}

std::string DomainOf(const std::string& identity) {
  return identity.substr(identity.find('@') + 1);  // all of it where there is none
}

bool IsAuthority(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '/';
  });
}

Rate RateOf(shell::ConfigFile& file, std::string_view key, int64_t fallback, Duration burst) {
  const int64_t rate = file.Integer(key, fallback, 1, 1'000'000);
  const Duration each = Duration(std::chrono::seconds(1)) / rate;
  return {static_cast<uint32_t>(std::max<int64_t>(burst / each, 1)), each};
}

// The first certificate and the first key belong together, and so on.
void ReadJoinFiles(shell::ConfigFile& file, JoinFiles& files) {
  std::vector<std::string> certificates = file.Strings("mikeyv2.certificates");
  std::vector<std::string> keys = file.Strings("mikeyv2.private_keys");
  files.anchors = file.Strings("mikeyv2.anchors");
  files.revocation_lists = file.Strings("mikeyv2.revocation_lists");
  files.known = file.Strings("mikeyv2.known_certificates");
  files.pins = file.String("mikeyv2.pins", "");
  files.shows_hash = file.Boolean("mikeyv2.show_hash", false);
  files.take_stale_lists = file.Boolean("mikeyv2.take_stale_lists", false);
  if (certificates.size() != keys.size()) {
    return file.Refuse(keys.empty() ? "mikeyv2.certificates" : "mikeyv2.private_keys",
                       "must be as many as " + std::string(keys.empty() ? "mikeyv2.private_keys"
                                                                        : "mikeyv2.certificates"));
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    files.own.push_back({std::move(certificates[i]), std::move(keys[i])});
  }
  if (!files.own.empty() && files.anchors.empty() && files.pins.empty()) {
    file.Refuse("mikeyv2.certificates",
                "needs mikeyv2.anchors or mikeyv2.pins: nobody's "
                "certificate would be believed");
  }
}

void ReadTickets(shell::ConfigFile& file, controller::KeyingConfig& keying) {
  using std::chrono::hours;
  using std::chrono::minutes;
  keying.ticket_life = file.DurationOf("mikeyv2.ticket_life", hours(24));
  keying.ticket_key_period = file.DurationOf("mikeyv2.ticket_key_period", hours(24));
  const bool is_off = keying.ticket_life == Duration(0);
  const bool is_in_range =
      keying.ticket_life >= minutes(1) && keying.ticket_life <= mikey::v2::kTicketLife;
  if (!is_off && !is_in_range) {
    file.Refuse("mikeyv2.ticket_life", "must be from 1m to 24h, or 0s: no tickets");
  }
  // So that fewer keys than there are numbers are in use at once.
  const Duration shortest = std::max<Duration>(std::chrono::seconds(1), keying.ticket_life / 200);
  if (keying.ticket_key_period < shortest || keying.ticket_key_period > hours(24 * 30)) {
    file.Refuse("mikeyv2.ticket_key_period",
                "must be from 1s, and a 200th of mikeyv2.ticket_life, to 30d");
  }
}

void ReadKeying(shell::ConfigFile& file, ServerConfig& config) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  controller::KeyingConfig& keying = config.keying;
  keying.policy = mikey::v2::Policy::OfGroup(config.profile);
  ReadJoinFiles(file, config.join_files);
  ReadTickets(file, keying);
  ReadModes(file, config.profile, !config.join_files.own.empty(), keying.policy);
  // A chain of certificates rarely fits one datagram.
  const auto& modes = keying.policy.modes;
  const bool has_chains = std::any_of(modes.begin(), modes.end(), [](uint8_t mode) {
    return mikey::v2::IsSigned(static_cast<Mode>(mode));
  });
  if (has_chains) keying.policy.fragments = mikey::v2::kMaxFragments;
  keying.authority = file.String("mikeyv2.authority", DomainOf(config.identity));
  if (!IsAuthority(keying.authority)) {
    // An identity that names no domain names no groups either.
    if (!file.Has("mikeyv2.authority") && !file.Has("mikeyv2.modes")) keying.policy.modes.clear();
    if (keying.policy.modes.empty()) return;
    file.Refuse("mikeyv2.authority", "must be a name as example.org, of at most 128 octets");
  }
  keying.exchanges = static_cast<size_t>(file.Integer("mikeyv2.exchanges", 49152, 16, 1 << 20));
  keying.waiting = static_cast<size_t>(file.Integer("mikeyv2.waiting", 4096, 16, 1 << 20));
  keying.made_ahead = static_cast<size_t>(file.Integer("mikeyv2.made_ahead", 256, 0, 4096));
  keying.kept_certificates =
      static_cast<size_t>(file.Integer("mikeyv2.kept_certificates", 16384, 0, 1 << 20));
  keying.strangers = RateOf(file, "mikeyv2.cookies_above", 1000, milliseconds(500));
  keying.address = RateOf(file, "mikeyv2.address_rate", 50, seconds(1));
  keying.identity = RateOf(file, "mikeyv2.identity_rate", 1, seconds(8));
  const std::string place = file.String("mikeyv2.place", "");
  const bool is_any = AddressToString(config.mikey_listen) == "0.0.0.0" ||
                      AddressToString(config.mikey_listen) == "::";
  if (place.empty()) {
    if (!is_any) keying.place = config.mikey_listen;
    return;
  }
  const Result<Endpoint> given = ParseEndpoint(place, config.mikey_listen.port);
  if (given && !given->IsMulticast() && given->port != 0) {
    keying.place = *given;
  } else {
    file.Refuse("mikeyv2.place", "must be an address, with a port or without, as 192.0.2.10:2269");
  }
}

// ReadMasterKeySource reads the table of a key in a token, and the name of a file, which exclude
// each other.
MasterKeySource ReadMasterKeySource(shell::ConfigFile& file, const std::string& table,
                                    const std::string& file_key) {
  MasterKeySource source;
  source.file = file.String(file_key, "");
  source.token.module = file.String(table + ".pkcs11_module", "");
  source.token.token = file.String(table + ".pkcs11_token", "");
  source.token.key = file.String(table + ".pkcs11_key", "");
  source.pin_file = file.String(table + ".pin_file", "");
  const bool has_rest = !source.token.token.empty() && !source.token.key.empty();
  if (source.IsInToken() && !has_rest) {
    file.Refuse(table + ".pkcs11_module", "needs pkcs11_token and pkcs11_key beside it");
  }
  if (source.IsInToken() && !source.file.empty()) {
    file.Refuse(file_key, "is not taken with " + table + ".pkcs11_module: one of the two");
  }
  const bool has_any = has_rest || !source.token.token.empty() || !source.token.key.empty() ||
                       !source.pin_file.empty();
  if (!source.IsInToken() && has_any) {
    file.Refuse(table, "needs pkcs11_module: the path of the token's library");
  }
  return source;
}

void ReadNextMasterKey(shell::ConfigFile& file, ServerConfig& config) {
  MasterKeySource next = ReadMasterKeySource(file, "next_master_key", "next_master_key.file");
  next.credential = "keymast-next-master-key";
  const bool is_given = next.IsInToken() || !MasterKeyFile(next, "").empty();
  if (is_given) config.next_master_key = std::move(next);
}

}  // namespace

std::string DefaultSocket() { return shell::RuntimeDirectory() + "/core.sock"; }

tl::expected<ServerConfig, Failure> ReadServerConfig(shell::ConfigFile file) {
  ServerConfig config;
  config.identity = file.String("identity", "");
  if (config.identity.empty()) {
    file.Refuse("identity", "must be set: the NAI of this server, as keymast@example.org");
  } else if (config.identity.size() > kMaxIdentity) {
    file.Refuse("identity", "is too long: " + std::to_string(config.identity.size()) +
                                " octets of at most " + std::to_string(kMaxIdentity));
  }
  config.data = file.Path("data", shell::StateDirectory() + "/data");
  config.witness = file.Path("witness", shell::StateDirectory() + "/witness");
  config.backups = file.Path("backups", shell::StateDirectory() + "/backups");
  if (file.Has("audit_sink")) config.audit_sink = file.Path("audit_sink", "");
  config.master_key = ReadMasterKeySource(file, "master_key", "master_key_file");
  ReadNextMasterKey(file, config);
  config.socket = file.Path("socket", DefaultSocket(), shell::kLongestSocketPath);
  config.socket_group = file.String("socket_group", "");
  if (config.socket_group.empty() && file.Has("socket_group")) {
    file.Refuse("socket_group", "must be the name of a group");
  }
  shell::ConfigFields fields(file);
  mikey::ReadProfile(fields, config.profile);
  if (mikey::IsCookie(config.profile.csb_id)) {
    file.Refuse("profile.csb_id", "is what STUN or ZRTP has in its place: choose another number");
  }
  const auto listen =
      ParseEndpoint(file.String("mikey_listen", "127.0.0.1"), config.profile.msk_port);
  if (listen && !listen->IsMulticast()) {
    config.mikey_listen = *listen;
  } else {
    file.Refuse("mikey_listen",
                "must be an address of this host, with a port or without, as 127.0.0.1:2269");
  }
  config.mikey_listen_place = file.Place("mikey_listen");
  ReadKeying(file, config);
  config.record = file.String("record", "");
  config.record_place = file.Place("record");
  const std::string level = file.String("log_level", "info");
  if (!shell::ParseLogLevel(level, config.log_level)) {
    file.Refuse("log_level", "must be debug, info, warning or error");
  }
  if (const auto finished = file.Finish(); !finished) {
    return tl::unexpected(finished.error());
  }
  return config;
}

}  // namespace keymast::server
