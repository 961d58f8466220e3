// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keymast::server {
namespace {

using testing::HasSubstr;

tl::expected<ServerConfig, Failure> Read(std::string_view text) {
  return ReadServerConfig(std::move(*shell::ConfigFile::Parse(text, "k.toml")));
}

TEST(ServerConfig, AnIdentityIsEnough) {
  const auto config = Read("identity = \"bmsc@example.org\"\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(ToString(config->mikey_listen), "127.0.0.1:2269");
  EXPECT_EQ(config->profile.interval_width, 2);
  EXPECT_FALSE(config->accept_rollback);
}

TEST(ServerConfig, ReadsEveryKey) {
  const auto config = Read(R"(
identity = "bmsc@example.org"
data = "/d"
witness = "/w"
audit_sink = "/a"
master_key_file = "/m"
socket = "/s"
socket_group = "g"
mikey_listen = "[::1]:99"
record = "/r"
log_level = "debug"
[profile]
csb_id = 4294967295
prf = "hmac-sha-256"
encr_alg = "aes-cm-256"
mac_alg = "hmac-sha-256-256"
msk_key_type = "tek"
idi_type = "uri"
idr_type = "uri"
interval_width = 6
mtk_map = "srtp-id"
key_id_before_t = false
want_verification = false
ids_in_verification = false
mki_with_domain = true
strict_seqs = true
msk_port = 1
mtk_port = 65535
)");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->data, "/d");
  EXPECT_EQ(config->master_key.file, "/m");
  EXPECT_EQ(config->audit_sink, "/a");
  EXPECT_EQ(config->record, "/r");
  EXPECT_EQ(config->socket_group, "g");
  EXPECT_EQ(config->log_level, shell::LogLevel::kDebug);
  const mikey::Profile3gpp& profile = config->profile;
  EXPECT_EQ(profile.csb_id.value, 0xffffffff);
  EXPECT_EQ(profile.prf, mikey::PrfFunc::kHmacSha256);
  EXPECT_EQ(profile.encr_alg, mikey::EncrAlg::kAesCm256);
  EXPECT_EQ(profile.mac_alg, mikey::MacAlg::kHmacSha256_256);
  EXPECT_EQ(profile.msk_key_type, mikey::KeyDataType::kTek);
  EXPECT_EQ(profile.idr_type, mikey::IdType::kUri);
  EXPECT_EQ(profile.interval_width, 6);
  EXPECT_EQ(profile.mtk_map, mikey::CsIdMapType::kSrtpId);
  EXPECT_FALSE(profile.key_id_before_t);
  EXPECT_FALSE(profile.want_verification);
  EXPECT_TRUE(profile.mki_with_domain);
  EXPECT_EQ(profile.mtk_port, 65535);
}

TEST(ServerConfig, AMasterKeyMayBeInAToken) {
  const auto config = Read(R"(
identity = "bmsc@example.org"
[master_key]
pkcs11_module = "/lib/token.so"
pkcs11_token = "keys"
pkcs11_key = "id:01"
pin_file = "/pin"
[next_master_key]
file = "/next"
)");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->master_key.IsInToken());
  EXPECT_EQ(config->master_key.token.module, "/lib/token.so");
  EXPECT_EQ(config->master_key.token.token, "keys");
  EXPECT_EQ(config->master_key.token.key, "id:01");
  EXPECT_EQ(config->master_key.pin_file, "/pin");
  ASSERT_TRUE(config->next_master_key);
  EXPECT_EQ(config->next_master_key->file, "/next");
  EXPECT_FALSE(Read("identity = \"a@b.org\"\n")->next_master_key);
}

TEST(ServerConfig, HalfATokenIsRefused) {
  for (const std::string rest :
       {"[master_key]\npkcs11_module = \"/lib/token.so\"\n",
        "[master_key]\npkcs11_token = \"keys\"\npkcs11_key = \"master\"\n",
        "[master_key]\npin_file = \"/pin\"\n",
        "master_key_file = \"/m\"\n[master_key]\npkcs11_module = \"/lib/token.so\"\n"
        "pkcs11_token = \"keys\"\npkcs11_key = \"master\"\n"}) {
    const auto config = Read("identity = \"a@b.org\"\n" + rest);
    ASSERT_FALSE(config) << rest;
    EXPECT_NE(config.error().message.find("pkcs11_"), std::string::npos) << config.error().message;
  }
}

TEST(ServerConfig, EveryErrorHasItsPlace) {
  const auto config = Read(
      "identity = \"\"\n"
      "mikey_listen = \"nowhere\"\n"
      "log_level = \"loud\"\n"
      "accept_rollback = true\n"
      "[profile]\n"
      "prf = \"md5\"\n"
      "interval_width = 9\n");
  ASSERT_FALSE(config);
  const std::string& message = config.error().message;
  EXPECT_THAT(message, HasSubstr("k.toml:1:12: identity must be set"));
  EXPECT_THAT(message, HasSubstr("k.toml:2:16: mikey_listen must be an address"));
  EXPECT_THAT(message, HasSubstr("k.toml:3:13: log_level must be"));
  EXPECT_THAT(message, HasSubstr("k.toml:4:1: unknown key accept_rollback"));
  EXPECT_THAT(message, HasSubstr("k.toml:6:7: profile.prf must be one of mikey-1, hmac-sha-256"));
  EXPECT_THAT(message, HasSubstr("k.toml:7:18: profile.interval_width"));
}

std::string Refusal(const std::string& text) {
  const auto config = Read(text);
  EXPECT_FALSE(config) << text;
  return config ? "" : config.error().message;
}

TEST(ServerConfig, ErrorsAreOneClearSentence) {
  const std::string identity = "identity = \"a@b\"\n";
  EXPECT_EQ(Refusal("identity = 5\n"), "k.toml:1:12: identity must be a text in quotes");
  EXPECT_EQ(Refusal("identity = \"" + std::string(256, 'a') + "\"\n"),
            "k.toml:1:12: identity is too long: 256 octets of at most 255");
  EXPECT_EQ(
      Refusal(identity + "data = \"\"\n"),
      "k.toml:2:8: data must not be empty: give a path, or leave the key out for the default");
  EXPECT_EQ(Refusal(identity + "socket = \"\"\n"),
            "k.toml:2:10: socket must not be empty: give a path, or leave the key out for the "
            "default");
  EXPECT_EQ(Refusal(identity + "socket_group = \"\"\n"),
            "k.toml:2:16: socket_group must be the name of a group");
  EXPECT_EQ(Refusal(identity + "socket = \"/" + std::string(107, 's') + "\"\n"),
            "k.toml:2:10: socket is too long: 108 octets of at most 107; choose a shorter path");
}

TEST(ServerConfig, ACsbIdIsNoCookieOfStunOrZrtp) {
  for (const char* number : {"554869826", "1515344976"}) {
    const std::string text = "identity = \"a@b\"\nprofile.csb_id = " + std::string(number) + "\n";
    EXPECT_THAT(Refusal(text), HasSubstr("profile.csb_id is what STUN or ZRTP has in its place"));
  }
}

TEST(ServerConfig, SpeaksMikeyv2UnlessToldOtherwise) {
  const std::string identity = "identity = \"bmsc@example.org\"\n";
  const controller::KeyingConfig keying = Read(identity)->keying;
  EXPECT_EQ(keying.policy.modes.size(), 3U);
  EXPECT_EQ(keying.authority, "example.org");
  EXPECT_EQ(ToString(keying.place), "127.0.0.1:2269");
  EXPECT_EQ(keying.policy.macs[0], 1) << "the group's, as its profile has them";
  EXPECT_FALSE(controller::IsSpoken(Read(identity + "mikeyv2.modes = []\n")->keying));
  EXPECT_FALSE(controller::IsSpoken(Read(identity + "profile.mki_with_domain = true\n")->keying));
  EXPECT_TRUE(Read(identity + "mikey_listen = \"0.0.0.0\"\n")->keying.place.IsUnset());
}

TEST(ServerConfig, ReadsEveryKeyOfMikeyv2) {
  const auto config = Read(R"(
identity = "bmsc@example.org"
mikey_listen = "0.0.0.0:99"
[mikeyv2]
modes = ["psk"]
authority = "tv.example.com"
place = "192.0.2.10"
exchanges = 100
waiting = 200
cookies_above = 10
address_rate = 20
identity_rate = 4
)");
  ASSERT_TRUE(config) << config.error().message;
  const controller::KeyingConfig& keying = config->keying;
  EXPECT_EQ(keying.policy.modes.size(), 1U);
  EXPECT_EQ(keying.policy.modes[0], 1);
  EXPECT_EQ(keying.authority, "tv.example.com");
  EXPECT_EQ(ToString(keying.place), "192.0.2.10:99");
  EXPECT_EQ(keying.exchanges, 100U);
  EXPECT_EQ(keying.waiting, 200U);
  EXPECT_EQ(keying.strangers.each, std::chrono::milliseconds(100));
  EXPECT_EQ(keying.strangers.burst, 5U);
  EXPECT_EQ(keying.address.burst, 20U);
  EXPECT_EQ(keying.identity.burst, 32U);
}

TEST(ServerConfig, RefusesWhatMikeyv2CannotDo) {
  const std::string identity = "identity = \"a@b\"\n";
  EXPECT_THAT(Refusal(identity + "mikeyv2.modes = [\"rsa\"]\n"),
              HasSubstr("needs mikeyv2.certificates"));
  EXPECT_THAT(Refusal(identity + "mikeyv2.modes = [\"none\"]\n"), HasSubstr("mikeyv2.modes has"));
  EXPECT_THAT(Refusal(identity + "mikeyv2.modes = [\"psk\", \"psk\"]\n"), HasSubstr("once"));
  EXPECT_THAT(Refusal(identity + "mikeyv2.authority = \"a/b\"\n"), HasSubstr("must be a name"));
  EXPECT_THAT(Refusal(identity + "mikeyv2.place = \"somewhere\"\n"), HasSubstr("an address"));
  EXPECT_THAT(Refusal(identity + "mikeyv2.modes = [\"psk\"]\nprofile.mki_with_domain = true\n"),
              HasSubstr("must be empty"));
}

TEST(ServerConfig, ReadsFilesOfJoinsByCertificate) {
  const std::string files = R"(
identity = "bmsc@example.org"
[mikeyv2]
certificates = ["/a.pem", "/b.pem"]
private_keys = ["/a.key", "/b.key"]
anchors = ["/anchor.pem"]
revocation_lists = ["/list.pem"]
pins = "/pins"
take_stale_lists = true
ticket_life = "1h"
ticket_key_period = "10m"
)";
  const auto config = Read(files);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->keying.policy.modes.size(), 6U);
  EXPECT_EQ(config->keying.policy.fragments, mikey::v2::kMaxFragments);
  EXPECT_EQ(config->keying.ticket_life, std::chrono::hours(1));
  EXPECT_EQ(config->keying.ticket_key_period, std::chrono::minutes(10));
  const JoinFiles& names = config->join_files;
  ASSERT_EQ(names.own.size(), 2U);
  EXPECT_EQ(names.own[1].certificates, "/b.pem");
  EXPECT_EQ(names.own[1].private_key, "/b.key");
  EXPECT_EQ(names.anchors, std::vector<std::string>{"/anchor.pem"});
  EXPECT_EQ(names.revocation_lists, std::vector<std::string>{"/list.pem"});
  EXPECT_EQ(names.pins, "/pins");
  EXPECT_TRUE(names.take_stale_lists);
}

TEST(ServerConfig, RefusesFilesAndTicketsThatCannotBe) {
  const std::string identity = "identity = \"a@b\"\n";
  EXPECT_THAT(Refusal(identity + "mikeyv2.certificates = [\"/a\"]\n"),
              HasSubstr("must be as many as mikeyv2.private_keys"));
  EXPECT_THAT(Refusal(identity + "mikeyv2.private_keys = [\"/a\"]\n"),
              HasSubstr("must be as many as mikeyv2.certificates"));
  EXPECT_THAT(Refusal(identity + "mikeyv2.certificates = [\"/a\"]\n"
                                 "mikeyv2.private_keys = [\"/b\"]\n"),
              HasSubstr("needs mikeyv2.anchors or mikeyv2.pins"));
  EXPECT_THAT(Refusal(identity + "mikeyv2.ticket_life = \"25h\"\n"), HasSubstr("from 1m to 24h"));
  EXPECT_THAT(Refusal(identity + "mikeyv2.ticket_key_period = \"5m\"\n"), HasSubstr("to 30d"));
  EXPECT_FALSE(controller::GivesTickets(Read(identity + "mikeyv2.ticket_life = \"0s\"\n")->keying));
}

TEST(ServerConfig, ListensOnNoGroup) {
  EXPECT_FALSE(Read("identity = \"a@b\"\nmikey_listen = \"239.1.1.1:2269\"\n"));
}

}  // namespace
}  // namespace keymast::server
