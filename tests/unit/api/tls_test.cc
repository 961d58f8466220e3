// SPDX-License-Identifier: Apache-2.0
// Mutual TLS: certificates are made here by the openssl program; roles come from their names.
#include "tls_fixture.h"

namespace keymast::api {
namespace {

class MutualTls : public TlsTest {
 protected:
  void SetUp() override {
    TlsTest::SetUp();
    config_.tls->names = {{"alice", RoleForAll(Role::kOperator)},
                          {"view.example.org", RoleForAll(Role::kViewer)},
                          {"headend-1", RoleForAll(Role::kHeadend)}};
  }

  // Asks for a channel with the certificate `name`, or with none.
  grpc::StatusCode Ask(const std::string& name, const std::string& method = "Channels.GetChannel") {
    v1::GetChannelRequest request;
    return Call(*TlsChannel(name), method, request).error_code();
  }
};

TEST_F(MutualTls, TheCertificatesNameDecides) {
  Start();
  Certificate("operator", "ca", "alice");
  Certificate("viewer", "ca", "whoever", "DNS:view.example.org");
  Certificate("headend", "ca", "headend-1");
  EXPECT_EQ(Ask("operator"), grpc::StatusCode::OK);
  EXPECT_EQ(core_.WaitFor([](const auto& r) { return r.has_get_channel(); }).principal(),
            "operator:alice");
  EXPECT_EQ(Ask("operator", "Channels.DeleteChannel"), grpc::StatusCode::OK);
  EXPECT_EQ(Ask("viewer"), grpc::StatusCode::OK);
  EXPECT_EQ(Ask("viewer", "Channels.DeleteChannel"), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Ask("headend"), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(MutualTls, NamesThatTheTableDoesNotHaveAreNobody) {
  Start();
  Certificate("stranger", "ca", "mallory", "DNS:alice.example.org");
  EXPECT_EQ(Ask("stranger"), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(MutualTls, WithoutACertificateOfOursNoCallGetsIn) {
  Start();
  EXPECT_EQ(Ask(""), grpc::StatusCode::UNAVAILABLE);
  Openssl(
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout other.key "
      "-out other.pem -subj /CN=test-ca");
  Certificate("forged", "other", "alice");
  EXPECT_EQ(Ask("forged"), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(core_.CountOf(core::CoreRequest::kGetChannel), 0U);
}

TEST_F(MutualTls, AMissingFileIsToldAtTheStart) {
  config_.tls->key = folder_ / "absent.key";
  const auto front = Front::Open(config_);
  ASSERT_FALSE(front);
  EXPECT_EQ(front.error().error, Error::kNotFound);
}

}  // namespace
}  // namespace keymast::api
