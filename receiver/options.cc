// SPDX-License-Identifier: Apache-2.0
#include "receiver/options.h"

#include "credentials/files.h"
#include "crypto/boxes.h"
#include "mikey/profile_fields.h"
#include "shell/config_fields.h"
#include "shell/files.h"

namespace keymast::receiver {
namespace {

void Default(std::string& value, const std::string& fallback) {
  if (value.empty()) value = fallback;
}

constexpr std::string_view kModes =
    ": `all`, or some of early-dh, early-dhhmac, dh, dhhmac, rsa, psk with commas between them";

// Usable are the modes that can be offered with what there is; a mode that was named must be one.
tl::expected<FixedList<uint8_t, 6>, Failure> Usable(const Options& options) {
  const auto parsed = ParseJoinModes(options.join);
  if (!parsed) {
    return Fail(Error::kInvalidArgument, "--join " + options.join + std::string(kModes));
  }
  FixedList<uint8_t, 6> usable;
  for (const uint8_t number : *parsed) {
    const bool is_signed = mikey::v2::IsSigned(static_cast<mikey::v2::Mode>(number));
    const bool has = is_signed ? !options.join_certificate.empty() : !options.key_file.empty();
    if (has) {
      usable.Add(number);
    } else if (options.join != "all") {
      return Fail(Error::kInvalidArgument,
                  "--join " + options.join +
                      (is_signed ? ": modes by certificate need --join-certificate and "
                                   "--join-private-key"
                                 : ": modes by user key need --key-file"));
    }
  }
  return usable;
}

// CredentialsOf the files, for the group with this URI; null without certificate.
tl::expected<std::shared_ptr<const mikey::v2::Credentials>, Failure> CredentialsOf(
    const Options& options, const std::string& uri) {
  if (options.join_certificate.empty()) return nullptr;
  if (options.join_private_key.empty()) {
    return Fail(Error::kInvalidArgument, "--join-private-key is missing");
  }
  const bool by_anchor = !options.join_anchors.empty() && !options.join_controller_use.empty();
  if (!by_anchor && options.join_pin.empty()) {
    return Fail(Error::kInvalidArgument,
                "no controller could be believed: give --join-pin, or --join-anchors and "
                "--join-controller-use");
  }
  credentials::Files files;
  files.own = {{options.join_certificate, options.join_private_key}};
  files.anchors = options.join_anchors;
  files.revocation_lists = options.join_revocation_lists;
  files.known = options.join_known_certificates;
  auto all = std::make_shared<mikey::v2::Credentials>();
  const auto loaded = credentials::Load(files, mikey::IdType::kUri, *all);
  if (!loaded) return tl::unexpected<Failure>(loaded.error());
  all->trust.set_controller_usage(options.join_controller_use);
  if (options.join_pin.empty()) return all;
  const auto pin = credentials::ReadPin(options.join_pin);
  if (!pin) {
    return Fail(Error::kMalformed,
                "--join-pin " + options.join_pin + ": SHA-256 as 64 hexadecimal digits");
  }
  all->trust.Pin({mikey::IdType::kUri, AsBytes(uri)}, *pin);
  return all;
}

// JoinOf is where the session description says that the channel is joined.
tl::expected<JoinSetup, Failure> JoinOf(const Options& options, const ChannelSdp& channel,
                                        const mikey::Profile3gpp& profile) {
  const auto modes = Usable(options);
  if (!modes) return tl::unexpected<Failure>(modes.error());
  if (channel.join_uri.empty()) {
    return Fail(Error::kNotFound,
                "the session description has no a=mikeyv2-join: keymastd's mikeyv2.modes are "
                "empty, or mikeyv2.place is missing; leave --join out to be sent MSK messages");
  }
  Result<Endpoint> server = ParseAddress(channel.join_host);
  if (!server || profile.mki_with_domain) {
    return Fail(Error::kUnsupportedPolicy,
                server ? "--join does not go with profile.mki_with_domain"
                       : "a=mikeyv2-join: " + channel.join_host + " is no address");
  }
  server->port = channel.join_port;
  auto credentials = CredentialsOf(options, channel.join_uri);
  if (!credentials) return tl::unexpected<Failure>(credentials.error());
  // MSK messages are under the user key.
  const bool takes_msk_messages = !options.no_msk_messages && !options.key_file.empty();
  return JoinSetup{JoinPolicy(*modes, profile, takes_msk_messages), *server, channel.join_uri,
                   std::move(*credentials), options.join_by_hash};
}

}  // namespace

tl::expected<void, Failure> AddConfig(Options& options, mikey::Profile3gpp& profile) {
  if (options.config.empty()) return {};
  tl::expected<shell::ConfigFile, Failure> loaded = shell::ConfigFile::Load(options.config);
  if (!loaded) return tl::unexpected<Failure>(loaded.error());
  shell::ConfigFile& file = *loaded;
  Default(options.sdp, file.String("sdp", ""));
  Default(options.key_file, file.String("key_file", ""));
  Default(options.identity, file.String("identity", ""));
  Default(options.listen, file.String("listen", ""));
  Default(options.interface_address, file.String("interface", ""));
  Default(options.record, file.String("record", ""));
  Default(options.state, file.String("state", ""));
  Default(options.write_sdp, file.String("write_sdp", ""));
  Default(options.log_level, file.String("log_level", ""));
  Default(options.join, file.String("join", ""));
  options.leave = file.Boolean("leave", false) || options.leave;
  options.no_msk_messages = file.Boolean("no_msk_messages", false) || options.no_msk_messages;
  Default(options.join_certificate, file.String("join_certificate", ""));
  Default(options.join_private_key, file.String("join_private_key", ""));
  Default(options.join_pin, file.String("join_pin", ""));
  Default(options.join_controller_use, file.String("join_controller_use", ""));
  options.join_by_hash = file.Boolean("join_by_hash", false) || options.join_by_hash;
  for (const auto& [list, key] :
       {std::pair(&options.join_anchors, "join_anchors"),
        std::pair(&options.join_known_certificates, "join_known_certificates"),
        std::pair(&options.join_revocation_lists, "join_revocation_lists")}) {
    const std::vector<std::string> files = file.Strings(key);
    if (list->empty()) *list = files;
  }
  const std::vector<std::string> forward = file.Strings("forward");
  if (options.forward.empty()) options.forward = forward;
  shell::ConfigFields fields(file);
  mikey::ReadProfile(fields, profile);
  return file.Finish();
}

tl::expected<crypto::Key32, Failure> ReadUserKey(const std::string& path) {
  auto key = crypto::SecretKey<33>::OfSize(33);
  const Result<size_t> size = shell::ReadSecretFile(path, key.mutable_view());
  if (!size) {
    const std::string reason =
        size.error() == Error::kPermissionDenied ? "others can read it: chmod 600 " + path
        : size.error() == Error::kNotFound
            ? "there is none: make one with `keymast-receiver init --key-file " + path + "`"
            : std::string(ErrorName(size.error()));
    return Fail(size.error(), "key file " + path + ": " + reason);
  }
  if (!crypto::IsUserKeySize(*size)) {
    return Fail(Error::kMalformed, "key file " + path + ": a user key has 16 to 32 octets");
  }
  return crypto::Key32(key.view().first(*size));
}

tl::expected<ChannelSdp, Failure> ReadSdpFile(const std::string& path) {
  const auto text = shell::ReadFile(path, kMaxSdp);
  if (!text) {
    return Fail(text.error(), "session description " + path + ": cannot be read (" +
                                  shell::WhyNot(text.error()) +
                                  "); get it with `keymastctl channels sdp CHANNEL > FILE`");
  }
  tl::expected<ChannelSdp, Failure> channel = ParseSdp(*text);
  if (!channel) channel.error().message = path + ": " + channel.error().message;
  return channel;
}

tl::expected<std::shared_ptr<const mikey::v2::Credentials>, Failure> ReadJoinCredentials(
    Options options, const std::string& uri) {
  mikey::Profile3gpp ignored;
  if (auto added = AddConfig(options, ignored); !added) {
    return tl::unexpected<Failure>(added.error());
  }
  return CredentialsOf(options, uri);
}

tl::expected<Setup, Failure> MakeSetup(Options options) {
  Setup setup;
  if (auto added = AddConfig(options, setup.profile); !added) {
    return tl::unexpected<Failure>(added.error());
  }
  Default(options.listen, std::string(kDefaultListen));
  Default(options.interface_address, std::string(kDefaultInterface));
  const bool by_certificate = !options.join.empty() && !options.join_certificate.empty();
  for (const auto& [value, name] :
       {std::pair(&options.sdp, "--sdp"), std::pair(&options.key_file, "--key-file"),
        std::pair(&options.identity, "--identity")}) {
    if (value == &options.key_file && by_certificate) continue;
    if (value->empty()) return Fail(Error::kInvalidArgument, std::string(name) + " is missing");
  }
  if (options.identity.size() > 255) {
    return Fail(Error::kTooLong, "--identity has at most 255 octets");
  }
  tl::expected<ChannelSdp, Failure> channel = ReadSdpFile(options.sdp);
  if (!channel) return tl::unexpected<Failure>(channel.error());
  tl::expected<crypto::Key32, Failure> user_key;  // none without a file
  if (!options.key_file.empty()) user_key = ReadUserKey(options.key_file);
  if (!user_key) return tl::unexpected<Failure>(user_key.error());
  const Result<Endpoint> listen = ParseEndpoint(options.listen, setup.profile.msk_port);
  if (!listen)
    return Fail(Error::kMalformed, "--listen " + options.listen + ": not ADDRESS or ADDRESS:PORT");
  auto targets = ParseTargets(options.forward, *channel);
  if (!targets) return tl::unexpected<Failure>(targets.error());

  if (!options.join.empty()) {
    auto join = JoinOf(options, *channel, setup.profile);
    if (!join) return tl::unexpected<Failure>(join.error());
    if (join->server.family != listen->family) {
      return Fail(Error::kInvalidArgument,
                  "--listen " + options.listen + ": not of the family of " +
                      AddressToString(join->server) + ", where the channel is joined");
    }
    setup.join = std::move(*join);
  }
  setup.channel = std::move(*channel);
  setup.credential = {*user_key, Octets<255>(AsBytes(options.identity))};
  setup.listen = *listen;
  setup.interface_address = options.interface_address;
  setup.targets = std::move(*targets);
  setup.record = options.record;
  setup.state = options.state;
  setup.write_sdp = options.write_sdp;
  setup.log_level = options.log_level;
  setup.print_sdp = options.print_sdp;
  setup.leaves = options.leave;
  return setup;
}

}  // namespace keymast::receiver
