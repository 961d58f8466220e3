// SPDX-License-Identifier: Apache-2.0
#include "tls_fixture.h"

#include <fstream>

namespace keymast::api {

void TlsTest::SetUp() {
  Openssl(
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout ca.key "
      "-out ca.pem -subj /CN=test-ca");
  Certificate("server", "ca", "server.example.org", "IP:127.0.0.1");
  config_.tls = TlsConfig{
      "127.0.0.1:0", folder_ / "server.pem", folder_ / "server.key", folder_ / "ca.pem", {}};
}

void TlsTest::Openssl(const std::string& arguments) {
  const std::string command =
      "cd " + folder_.path() + " && openssl " + arguments + " > openssl.log 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0) << arguments;
}

void TlsTest::Certificate(const std::string& name, const std::string& ca,
                          const std::string& common_name, const std::string& alternative) {
  std::ofstream(folder_ / "extensions")
      << "basicConstraints=CA:FALSE\n"
      << (alternative.empty() ? "" : "subjectAltName=" + alternative + "\n");
  Openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout " + name + ".key -out " +
          name + ".csr -subj /CN=" + common_name);
  Openssl("x509 -req -in " + name + ".csr -CA " + ca + ".pem -CAkey " + ca +
          ".key -CAcreateserial -days 2 -extfile extensions -out " + name + ".pem");
}

std::string TlsTest::Text(const std::string& file) {
  std::ifstream in(folder_ / file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::shared_ptr<grpc::Channel> TlsTest::TlsChannel(const std::string& name) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = Text("ca.pem");
  if (!name.empty()) {
    options.pem_cert_chain = Text(name + ".pem");
    options.pem_private_key = Text(name + ".key");
  }
  return grpc::CreateChannel("127.0.0.1:" + std::to_string(front_->tls_port()),
                             grpc::SslCredentials(options));
}

}  // namespace keymast::api
