// SPDX-License-Identifier: Apache-2.0
// `[[grants]]`, `[[sockets]]` and `[tls.principals]` of keymast-api.toml.
#include "api/read_grants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "read_text.h"

namespace keymast::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kTls = "[tls]\ncertificate = \"c\"\nkey = \"k\"\nclient_ca = \"a\"\n";

TEST(Grants, ReadsEveryKey) {
  const auto config = Read(std::string(kTls) + R"(
[tls.principals]
viewer = ["studio-a.example.org"]
[[sockets]]
name = "studio-b"
group = "studio-b"
[[grants]]
name = "studio-a.example.org"
role = "operator"
channels = ["one", "studio-a-*"]
[grants.quota]
channels = 10
members = 5000
watches = 4
requests_per_second = 50
burst = 200
[[grants]]
socket = "studio-b"
role = "auditor"
channels = ["two"]
quota.requests_per_second = 7
[[grants]]
socket = "viewer"
role = "viewer"
quota.watches = 1
)");
  ASSERT_TRUE(config) << config.error().message;
  const Rights& studio_a = config->tls->names.at("studio-a.example.org");
  ASSERT_EQ(studio_a.grants.size(), 2U);
  EXPECT_EQ(studio_a.grants[0].role, Role::kViewer);
  EXPECT_FALSE(studio_a.grants[0].channels);
  EXPECT_EQ(studio_a.grants[1].role, Role::kOperator);
  EXPECT_THAT(studio_a.grants[1].channels->patterns(), ElementsAre("one", "studio-a-*"));
  EXPECT_EQ(studio_a.limits.channels, 10U);
  EXPECT_EQ(studio_a.limits.members, 5000U);
  EXPECT_EQ(studio_a.limits.watches, 4U);
  EXPECT_EQ(studio_a.limits.requests_per_second, 50U);
  EXPECT_EQ(studio_a.limits.burst, 200U);
  ASSERT_EQ(config->sockets.size(), 1U);
  EXPECT_EQ(config->sockets[0].name, "studio-b");
  EXPECT_EQ(config->sockets[0].group, "studio-b");
  EXPECT_EQ(config->sockets[0].rights.grants.at(0).role, Role::kAuditor);
  EXPECT_EQ(config->sockets[0].rights.limits.requests_per_second, 7U);
  EXPECT_EQ(config->sockets[0].rights.limits.burst, 7U) << "a second's worth without another word";
  ASSERT_EQ(config->socket_rights.size(), 1U);
  EXPECT_EQ(config->socket_rights.at(Role::kViewer).limits.watches, 1U);
}

TEST(Grants, AGrantIsSomebodysAndHasARole) {
  EXPECT_THAT(Refusal("\n[[grants]]\nrole = \"viewer\"\n"),
              HasSubstr("keymast-api.toml:2:1: grants[0] must have a name, of a certificate, or a "
                        "socket"));
  EXPECT_THAT(Refusal("[[grants]]\nname = \"x\"\nsocket = \"viewer\"\n"),
              HasSubstr("grants[0] must have a name"));
  EXPECT_THAT(Refusal("[[grants]]\nsocket = \"viewer\"\n"),
              HasSubstr("grants[0] must have a role: operator, viewer, auditor, headend"));
  EXPECT_THAT(Refusal("[[grants]]\nsocket = \"viewer\"\nrole = \"admin\"\n"),
              HasSubstr("keymast-api.toml:3:8: grants[0].role must be one of operator"));
  EXPECT_THAT(Refusal("[[grants]]\nsocket = \"studio\"\nrole = \"viewer\"\n"),
              HasSubstr("keymast-api.toml:2:10: grants[0].socket must be a role"));
  EXPECT_THAT(
      Refusal("[[grants]]\nname = \"unix:viewer\"\nrole = \"viewer\"\n"),
      HasSubstr("keymast-api.toml:2:8: grants[0].name must not be empty or begin with unix:"));
}

TEST(Grants, UnknownKeysAreToldWithTheirPlace) {
  EXPECT_THAT(Refusal("[[grants]]\nsocket = \"viewer\"\nrole = \"viewer\"\nchannel = \"one\"\n"),
              HasSubstr("keymast-api.toml:4:1: unknown key grants[0].channel"));
  EXPECT_THAT(Refusal("[[grants]]\nsocket = \"viewer\"\nrole = \"viewer\"\nquota.watch = 1\n"),
              HasSubstr("unknown key grants[0].quota.watch"));
  EXPECT_THAT(Refusal("grants = [\"x\"]\n"),
              HasSubstr("keymast-api.toml:1:10: grants must be tables, each under [[grants]]"));
}

TEST(Grants, ChannelsAreIdsOrHowTheyBegin) {
  const std::string grant = "[[grants]]\nsocket = \"viewer\"\nrole = \"viewer\"\nchannels = ";
  EXPECT_EQ(Refusal(grant + "[\"*\"]"), "");
  EXPECT_THAT(Refusal(grant + "[]"), HasSubstr("keymast-api.toml:4:12: grants[0].channels must"));
  for (const char* other : {"channels/one", "One", "a*b", ""}) {
    EXPECT_THAT(Refusal(grant + "[\"" + other + "\"]"), HasSubstr("must be ids of channels"));
  }
  EXPECT_THAT(Refusal("[[grants]]\nsocket = \"headend\"\nrole = \"headend\"\nchannels = "
                      "[\"one\"]\n"),
              HasSubstr("is not for role headend"));
}

TEST(Grants, LimitsAreOfAPrincipalAndSaidOnce) {
  const std::string grant = "[[grants]]\nsocket = \"viewer\"\nrole = \"viewer\"\n";
  EXPECT_THAT(Refusal(grant + "quota.watches = 0\n"),
              HasSubstr("keymast-api.toml:4:17: grants[0].quota.watches must be a whole number "
                        "from 1"));
  EXPECT_THAT(Refusal(grant + "quota.burst = 5\n"), HasSubstr("needs quota.requests_per_second"));
  EXPECT_THAT(Refusal(grant + "quota.watches = 5\n[[grants]]\nsocket = \"viewer\"\nrole = "
                              "\"auditor\"\nquota.watches = 6\n"),
              HasSubstr("keymast-api.toml:8:17: grants[1].quota.watches is given twice"));
}

TEST(Grants, ARoleForAllChannelsAndForSomeIsAMistake) {
  const std::string all = std::string(kTls) + "[tls.principals]\noperator = [\"x\"]\n";
  EXPECT_THAT(Refusal(all + "[[grants]]\nname = \"x\"\nrole = \"operator\"\nchannels = "
                            "[\"one\"]\n"),
              HasSubstr("keymast-api.toml:7:1: grants[0] is of no use: \"x\" has role operator in "
                        "another place"));
  EXPECT_THAT(Refusal(std::string(kTls) + "[tls.principals]\noperator = [\"x\", \"x\"]\n"),
              HasSubstr("keymast-api.toml:6:12: tls.principals.operator is of no use"));
  EXPECT_EQ(Refusal(all + "auditor = [\"x\"]\n"), "") << "roles differ";
  EXPECT_THAT(Refusal(all + "admin = [\"x\"]\n"), HasSubstr("admin"));
}

TEST(Grants, NamesOfCertificatesNeedTls) {
  EXPECT_THAT(Refusal("[[grants]]\nname = \"x\"\nrole = \"viewer\"\n"),
              HasSubstr("[tls] needs certificate, key and client_ca"));
}

TEST(Sockets, HaveANameOfTheirOwnAndAGrant) {
  const std::string grant = "[[grants]]\nsocket = \"studio\"\nrole = \"viewer\"\n";
  EXPECT_EQ(Refusal("[[sockets]]\nname = \"studio\"\n" + grant), "");
  EXPECT_THAT(Refusal("[[sockets]]\nname = \"studio\"\n"),
              HasSubstr("keymast-api.toml:1:1: sockets[0] has no role: give [[grants]] with socket "
                        "= \"studio\""));
  for (const char* taken : {"operator", "headend", "tls", "core"}) {
    EXPECT_THAT(Refusal("[[sockets]]\nname = \"" + std::string(taken) + "\"\n"),
                HasSubstr("keymast-api.toml:2:8: sockets[0].name is taken"));
  }
  EXPECT_THAT(Refusal("socket_directory = \"/r\"\ncore_socket = \"/r/studio.sock\"\n[[sockets]]\n"
                      "name = \"studio\"\n" +
                      grant),
              HasSubstr("is taken"))
      << "it would be made in place of keymastd's";
  EXPECT_THAT(Refusal("[[sockets]]\nname = \"studio\"\n[[sockets]]\nname = \"studio\"\n" + grant),
              HasSubstr("keymast-api.toml:4:8: sockets[1].name is taken"));
  EXPECT_THAT(Refusal("[[sockets]]\nname = \"../x\"\n"), HasSubstr("sockets[0] must have a name"));
  EXPECT_THAT(Refusal("[[sockets]]\nname = \"studio\"\ngroup = \"\"\n" + grant),
              HasSubstr("keymast-api.toml:3:9: sockets[0].group must be the name of a group"));
}

}  // namespace
}  // namespace keymast::api
