// SPDX-License-Identifier: Apache-2.0
// Mutual TLS: certificates are made here by the openssl program; roles come from their names.
#include <fstream>

#include "front_fixture.h"

namespace keymast::api {
namespace {

class MutualTls : public FrontTest {
 protected:
  void SetUp() override {
    Openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout ca.key "
        "-out ca.pem -subj /CN=test-ca");
    Certificate("server", "ca", "server.example.org", "IP:127.0.0.1");
    config_.tls = TlsConfig{"127.0.0.1:0",
                            folder_ / "server.pem",
                            folder_ / "server.key",
                            folder_ / "ca.pem",
                            {{"alice", Role::kOperator},
                             {"view.example.org", Role::kViewer},
                             {"headend-1", Role::kHeadend}}};
  }

  void Openssl(const std::string& arguments) {
    const std::string command =
        "cd " + folder_.path() + " && openssl " + arguments + " > openssl.log 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << arguments;
  }

  // NAME.pem and NAME.key, signed by `ca`.
  void Certificate(const std::string& name, const std::string& ca, const std::string& common_name,
                   const std::string& alternative = "") {
    std::ofstream(folder_ / "extensions")
        << "basicConstraints=CA:FALSE\n"
        << (alternative.empty() ? "" : "subjectAltName=" + alternative + "\n");
    Openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout " + name +
            ".key -out " + name + ".csr -subj /CN=" + common_name);
    Openssl("x509 -req -in " + name + ".csr -CA " + ca + ".pem -CAkey " + ca +
            ".key -CAcreateserial -days 2 -extfile extensions -out " + name + ".pem");
  }

  std::string Text(const std::string& file) {
    std::ifstream in(folder_ / file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  // Asks for a channel with the certificate `name`, or with none.
  grpc::StatusCode Ask(const std::string& name, const std::string& method = "Channels.GetChannel") {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = Text("ca.pem");
    if (!name.empty()) {
      options.pem_cert_chain = Text(name + ".pem");
      options.pem_private_key = Text(name + ".key");
    }
    const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(front_->tls_port()),
                                             grpc::SslCredentials(options));
    v1::GetChannelRequest request;
    return Call(*channel, method, request).error_code();
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
