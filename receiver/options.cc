// SPDX-License-Identifier: Apache-2.0
#include "receiver/options.h"

#include "mikey/profile_fields.h"
#include "shell/config_fields.h"
#include "shell/files.h"

namespace keymast::receiver {
namespace {

void Default(std::string& value, const std::string& fallback) {
  if (value.empty()) value = fallback;
}

// JoinOf is where the session description says that the channel is joined.
tl::expected<JoinSetup, Failure> JoinOf(const Options& options, const ChannelSdp& channel,
                                        const mikey::Profile3gpp& profile) {
  const auto parsed = ParseJoinModes(options.join);
  if (!parsed) {
    return Fail(Error::kInvalidArgument, "--join " + options.join +
                                             ": `all`, or some of early-dh, early-dhhmac, dh, "
                                             "dhhmac, rsa, psk with commas between them");
  }
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
  const bool takes_msk_messages = !options.no_msk_messages;
  return JoinSetup{JoinPolicy(*parsed, profile, takes_msk_messages), *server, channel.join_uri,
                   nullptr};
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
  if (*size < 16 || *size > 32) {
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

tl::expected<Setup, Failure> MakeSetup(Options options) {
  Setup setup;
  if (auto added = AddConfig(options, setup.profile); !added) {
    return tl::unexpected<Failure>(added.error());
  }
  Default(options.listen, std::string(kDefaultListen));
  Default(options.interface_address, std::string(kDefaultInterface));
  for (const auto& [value, name] :
       {std::pair(&options.sdp, "--sdp"), std::pair(&options.key_file, "--key-file"),
        std::pair(&options.identity, "--identity")}) {
    if (value->empty()) return Fail(Error::kInvalidArgument, std::string(name) + " is missing");
  }
  if (options.identity.size() > 255) {
    return Fail(Error::kTooLong, "--identity has at most 255 octets");
  }
  tl::expected<ChannelSdp, Failure> channel = ReadSdpFile(options.sdp);
  if (!channel) return tl::unexpected<Failure>(channel.error());
  tl::expected<crypto::Key32, Failure> user_key = ReadUserKey(options.key_file);
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
