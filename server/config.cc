// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"

#include <array>

#include "shell/process.h"

namespace keymast::server {
namespace {

constexpr size_t kMaxIdentity = 255;  // octets of an ID payload that we send (RFC 3830 §6.7)

// Reading is a file with the kinds of value that only this program has.
struct Reading {
  shell::ConfigFile file;

  // OneOf reads a name that stands for a code point.
  template <class Code, size_t N>
  void OneOf(std::string_view key, Code& value,
             const std::array<std::pair<std::string_view, Code>, N>& names) {
    if (!file.Has(key)) return;
    const std::string given = file.String(key, "");
    std::string known;
    for (const auto& [name, code] : names) {
      if (name == given) {
        value = code;
        return;
      }
      known.append(known.empty() ? "" : ", ").append(name);
    }
    file.Refuse(key, "must be one of " + known);
  }
  void Flag(std::string_view key, bool& value) { value = file.Boolean(key, value); }
  template <class Int>
  void Number(std::string_view key, Int& value, int64_t lowest, int64_t highest) {
    value = static_cast<Int>(file.Integer(key, value, lowest, highest));
  }
};

using mikey::CsIdMapType;
using mikey::EncrAlg;
using mikey::IdType;
using mikey::KeyDataType;
using mikey::MacAlg;
using mikey::PrfFunc;

template <class Code>
using Name = std::pair<std::string_view, Code>;

constexpr std::array<Name<IdType>, 2> kIdTypes{{{"nai", IdType::kNai}, {"uri", IdType::kUri}}};
constexpr std::array<Name<PrfFunc>, 2> kPrfs{
    {{"mikey-1", PrfFunc::kMikey1}, {"hmac-sha-256", PrfFunc::kHmacSha256}}};
constexpr std::array<Name<EncrAlg>, 2> kEncrAlgs{
    {{"aes-cm-128", EncrAlg::kAesCm128}, {"aes-cm-256", EncrAlg::kAesCm256}}};
constexpr std::array<Name<MacAlg>, 2> kMacAlgs{
    {{"hmac-sha-1-160", MacAlg::kHmacSha1_160}, {"hmac-sha-256-256", MacAlg::kHmacSha256_256}}};
constexpr std::array<Name<KeyDataType>, 4> kKeyTypes{{{"tgk", KeyDataType::kTgk},
                                                      {"tgk+salt", KeyDataType::kTgkSalt},
                                                      {"tek", KeyDataType::kTek},
                                                      {"tek+salt", KeyDataType::kTekSalt}}};
constexpr std::array<Name<CsIdMapType>, 2> kMaps{
    {{"srtp-id", CsIdMapType::kSrtpId}, {"empty", CsIdMapType::kEmpty}}};

void ReadProfile(Reading& from, mikey::Profile3gpp& profile) {
  from.Number("profile.csb_id", profile.csb_id.value, 0, 0xffffffff);
  from.OneOf("profile.prf", profile.prf, kPrfs);
  from.OneOf("profile.encr_alg", profile.encr_alg, kEncrAlgs);
  from.OneOf("profile.mac_alg", profile.mac_alg, kMacAlgs);
  from.OneOf("profile.msk_key_type", profile.msk_key_type, kKeyTypes);
  from.OneOf("profile.idi_type", profile.idi_type, kIdTypes);
  from.OneOf("profile.idr_type", profile.idr_type, kIdTypes);
  from.Number("profile.interval_width", profile.interval_width, 2, 6);
  from.OneOf("profile.mtk_map", profile.mtk_map, kMaps);
  from.Flag("profile.key_id_before_t", profile.key_id_before_t);
  from.Flag("profile.want_verification", profile.want_verification);
  from.Flag("profile.ids_in_verification", profile.ids_in_verification);
  from.Flag("profile.mki_with_domain", profile.mki_with_domain);
  from.Flag("profile.strict_seqs", profile.strict_seqs);
  from.Number("profile.msk_port", profile.msk_port, 1, 65535);
  from.Number("profile.mtk_port", profile.mtk_port, 1, 65535);
}

}  // namespace

tl::expected<ServerConfig, Failure> ReadServerConfig(shell::ConfigFile file) {
  Reading from{std::move(file)};
  ServerConfig config;
  config.identity = from.file.String("identity", "");
  if (config.identity.empty()) {
    from.file.Refuse("identity", "must be set: the NAI of this server, as keymast@example.org");
  } else if (config.identity.size() > kMaxIdentity) {
    from.file.Refuse("identity", "is too long: " + std::to_string(config.identity.size()) +
                                     " octets of at most " + std::to_string(kMaxIdentity));
  }
  config.data = from.file.Path("data", shell::StateDirectory() + "/data");
  config.witness = from.file.Path("witness", shell::StateDirectory() + "/witness");
  config.master_key_file = from.file.String("master_key_file", "");
  config.socket =
      from.file.Path("socket", shell::RuntimeDirectory() + "/core.sock", shell::kLongestSocketPath);
  const auto listen = ParseEndpoint(from.file.String("mikey_listen", "127.0.0.1:2269"));
  if (listen && !listen->IsMulticast()) {
    config.mikey_listen = *listen;
  } else {
    from.file.Refuse("mikey_listen", "must be an address and port of this host, as 127.0.0.1:2269");
  }
  config.mikey_listen_place = from.file.Place("mikey_listen");
  config.record = from.file.String("record", "");
  config.record_place = from.file.Place("record");
  const std::string level = from.file.String("log_level", "info");
  if (!shell::ParseLogLevel(level, config.log_level)) {
    from.file.Refuse("log_level", "must be debug, info, warning or error");
  }
  ReadProfile(from, config.profile);
  if (const auto finished = from.file.Finish(); !finished) {
    return tl::unexpected(finished.error());
  }
  return config;
}

}  // namespace keymast::server
