// SPDX-License-Identifier: Apache-2.0
#include "api/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "read_text.h"

namespace keymast::api {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

TEST(ApiConfig, AnEmptyFileHasTheDefaults) {
  const auto config = Read("");
  ASSERT_TRUE(config);
  EXPECT_THAT(config->core_socket, HasSubstr("/core.sock"));
  EXPECT_EQ(config->http_listen, "127.0.0.1:9469");
  EXPECT_TRUE(config->reflection);
  EXPECT_EQ(config->memory_limit, uint64_t{2} << 30);
  EXPECT_EQ(config->drain_timeout, std::chrono::seconds(10));
  EXPECT_FALSE(config->tls);
}

TEST(ApiConfig, ReadsEveryKey) {
  const auto config = Read(R"(
core_socket = "/a/core.sock"
socket_directory = "/b"
http_listen = ""
reflection = false
max_calls = 70
memory_limit_mib = 0
drain_timeout = "500ms"
log_level = "debug"
[socket_group]
operator = "ops"
headend = "encoders"
[tls]
listen = "127.0.0.1:7444"
certificate = "c.pem"
key = "k.pem"
client_ca = "ca.pem"
[tls.principals]
operator = ["alice.example.org", "bob"]
headend = ["headend-1"]
)");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->core_socket, "/a/core.sock");
  EXPECT_EQ(config->socket_directory, "/b");
  EXPECT_EQ(config->http_listen, "");
  EXPECT_EQ(config->socket_groups,
            (std::map<Role, std::string>{{Role::kOperator, "ops"}, {Role::kHeadend, "encoders"}}));
  EXPECT_FALSE(config->reflection);
  EXPECT_EQ(config->max_calls, 70U);
  EXPECT_EQ(config->memory_limit, 0U);
  EXPECT_EQ(config->drain_timeout, std::chrono::milliseconds(500));
  EXPECT_EQ(config->log_level, shell::LogLevel::kDebug);
  ASSERT_TRUE(config->tls);
  EXPECT_EQ(config->tls->listen, "127.0.0.1:7444");
  ASSERT_EQ(config->tls->names.size(), 3U);
  EXPECT_EQ(config->tls->names.at("alice.example.org").grants.at(0).role, Role::kOperator);
  EXPECT_EQ(config->tls->names.at("headend-1").grants.at(0).role, Role::kHeadend);
  EXPECT_FALSE(config->tls->names.at("headend-1").grants.at(0).channels);
}

TEST(ApiConfig, ErrorsNameLineAndColumn) {
  EXPECT_THAT(Refusal("reflection = maybe\n"), HasSubstr("keymast-api.toml:1:"));
  EXPECT_THAT(Refusal("\n\nmax_calls = 15\n"), HasSubstr("keymast-api.toml:3:"));
  EXPECT_THAT(Refusal("\nhttp_listen = 9469\n"), HasSubstr("keymast-api.toml:2:"));
  EXPECT_THAT(Refusal("\n\n\nhttp_lisen = \"x\"\n"), HasSubstr("keymast-api.toml:4:"));
  EXPECT_THAT(Refusal("http_lisen = \"x\"\n"), HasSubstr("http_lisen"));
}

TEST(ApiConfig, ErrorsAreOneClearSentence) {
  EXPECT_THAT(
      Refusal("memory_limit_mib = 1\n"),
      EndsWith("keymast-api.toml:1:20: memory_limit_mib must be 0, for no limit, or at least "
               "1024: it limits addresses, of which threads and gRPC need more than memory"));
  EXPECT_THAT(Refusal("socket_directory = \"/" + std::string(100, 'x') + "\"\n"),
              EndsWith("keymast-api.toml:1:20: socket_directory is too long: 101 octets of at most "
                       "93; choose a shorter path"));
  EXPECT_THAT(
      Refusal("core_socket = \"\"\n"),
      EndsWith("keymast-api.toml:1:15: core_socket must not be empty: give a path, or leave "
               "the key out for the default"));
}

TEST(ApiConfig, AGroupHasANameAndIsOfARole) {
  EXPECT_THAT(Refusal("[socket_group]\nviewer = \"\""), HasSubstr("must be the name of a group"));
  EXPECT_THAT(Refusal("[socket_group]\nowner = \"x\""), HasSubstr("owner"));
}

TEST(ApiConfig, ACollectorIsAnUrl) {
  const auto config = Read("[trace]\notlp_endpoint = \"http://127.0.0.1:4318/v1/traces\"\n");
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_TRUE(config->collector);
  EXPECT_EQ(config->collector->host, "http://127.0.0.1:4318");
  EXPECT_EQ(config->collector->path, "/v1/traces");
  EXPECT_FALSE(Read("")->collector);
  for (const char* other :
       {"", "127.0.0.1:4318", "https://a/b", "http://", "http:///x", "http://a", "http://a/b c"}) {
    EXPECT_THAT(Refusal("[trace]\notlp_endpoint = \"" + std::string(other) + "\"\n"),
                HasSubstr("keymast-api.toml:2:17: trace.otlp_endpoint must be as"))
        << other;
  }
}

TEST(ApiConfig, TlsNeedsItsFiles) {
  EXPECT_THAT(Refusal("[tls]\nlisten = \"127.0.0.1:7443\"\n"), HasSubstr("client_ca"));
}

TEST(ApiConfig, LogLevelsAreNamed) {
  EXPECT_THAT(Refusal("log_level = \"loud\"\n"), HasSubstr("debug, info, warning or error"));
}

}  // namespace
}  // namespace keymast::api
