// SPDX-License-Identifier: Apache-2.0
#include "headend/options.h"

#include <algorithm>

#include "headend/key_file.h"
#include "shell/config.h"
#include "shell/process.h"

namespace keymast::headend {
namespace {

constexpr Duration kLongestOverrun = std::chrono::hours(24);

void Default(std::string& value, const std::string& fallback) {
  if (value.empty()) value = fallback;
}

tl::expected<void, Failure> AddConfig(Options& options) {
  if (options.config.empty()) return {};
  tl::expected<shell::ConfigFile, Failure> loaded = shell::ConfigFile::Load(options.config);
  if (!loaded) return tl::unexpected<Failure>(loaded.error());
  shell::ConfigFile& file = *loaded;
  Default(options.target.server, file.String("server", ""));
  Default(options.target.tls_ca, file.String("tls_ca", ""));
  Default(options.target.tls_certificate, file.String("tls_cert", ""));
  Default(options.target.tls_key, file.String("tls_key", ""));
  Default(options.name, file.String("name", ""));
  Default(options.key_file, file.String("key_file", ""));
  Default(options.state, file.String("state", ""));
  Default(options.input_interface, file.String("input_interface", ""));
  Default(options.output_interface, file.String("output_interface", ""));
  Default(options.record, file.String("record", ""));
  Default(options.max_mtk_overrun, file.String("max_mtk_overrun", ""));
  Default(options.log_level, file.String("log_level", ""));
  const std::vector<std::string> inputs = file.Strings("input");
  if (options.inputs.empty()) options.inputs = inputs;
  options.mki_with_domain =
      file.Boolean("profile.mki_with_domain", false) || options.mki_with_domain;
  return file.Finish();
}

tl::unexpected<Failure> BadInput(const std::string& text, const std::string& what) {
  return Fail(Error::kInvalidArgument, "--input " + text + ": " + what);
}

std::string LastSegment(const std::string& name) { return name.substr(name.rfind('/') + 1); }

}  // namespace

tl::expected<std::vector<Input>, Failure> ParseInputs(const std::vector<std::string>& texts) {
  std::vector<Input> inputs;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) return BadInput(text, "as video=127.0.0.1:6000");
    const std::string name = text.substr(0, equals);
    const size_t slash = name.find('/');
    Input input;
    if (slash != std::string::npos) input.channel = ChannelId(name.substr(0, slash));
    input.media = slash == std::string::npos ? name : name.substr(slash + 1);
    const Result<Endpoint> listen = ParseEndpoint(text.substr(equals + 1));
    if (input.media.empty() || slash == 0) return BadInput(text, "as one/video=127.0.0.1:6000");
    if (!listen || listen->port == 0) {
      return BadInput(text, "the address is a number with a port: 127.0.0.1:6000, [::1]:6000");
    }
    for (const Input& other : inputs) {
      if (other.listen == *listen) return BadInput(text, "another input has this endpoint");
      if (other.channel == input.channel && other.media == input.media) ++input.ordinal;
    }
    input.listen = *listen;
    inputs.push_back(std::move(input));
  }
  return inputs;
}

tl::expected<Setup, Failure> MakeSetup(Options options) {
  if (auto added = AddConfig(options); !added) return tl::unexpected<Failure>(added.error());
  Default(options.target.server, "unix:" + shell::RuntimeDirectory() + "/headend.sock");
  constexpr std::string_view kUnix = "unix:";
  if (options.target.server.starts_with(kUnix)) {
    const auto own = shell::CheckSocketFolder(options.target.server.substr(kUnix.size()));
    // A folder that is not there yet may come with the server.
    if (!own && own.error().error != Error::kNotFound) {
      return tl::unexpected<Failure>(own.error());
    }
  }
  Default(options.state, shell::StateDirectory() + "/headend.state");
  Default(options.key_file, shell::StateDirectory() + "/headend.key");
  Default(options.max_mtk_overrun, "60s");
  if (options.name.empty()) return Fail(Error::kInvalidArgument, "--name is missing");
  if (options.inputs.empty()) return Fail(Error::kInvalidArgument, "--input is missing");
  Setup setup;
  setup.settings.id = HeadendId(LastSegment(options.name));
  auto inputs = ParseInputs(options.inputs);
  if (!inputs) return tl::unexpected<Failure>(inputs.error());
  setup.settings.inputs = std::move(*inputs);
  const Result<Duration> overrun = shell::ParseDuration(options.max_mtk_overrun);
  if (!overrun || *overrun < Duration::zero() || *overrun > kLongestOverrun) {
    return Fail(Error::kInvalidArgument, "--max-mtk-overrun: a duration up to 24h, as 60s");
  }
  setup.settings.max_mtk_overrun = *overrun;
  setup.settings.mki_with_domain = options.mki_with_domain;
  tl::expected<crypto::KeyPair, Failure> keys = ReadKeyFile(options.key_file);
  if (!keys) return tl::unexpected<Failure>(keys.error());
  setup.settings.keys = std::move(*keys);
  setup.target = std::move(options.target);
  setup.state = std::move(options.state);
  setup.input_interface = std::move(options.input_interface);
  if (!options.output_interface.empty() && !ParseAddress(options.output_interface)) {
    return Fail(Error::kInvalidArgument, "--output-interface: an address, as 192.0.2.10");
  }
  setup.output_interface = std::move(options.output_interface);
  setup.record = std::move(options.record);
  setup.log_level = std::move(options.log_level);
  return setup;
}

}  // namespace keymast::headend
