// SPDX-License-Identifier: Apache-2.0
// A keymast-api with mutual TLS, and clients with certificates that the openssl program makes.
#pragma once

#include <map>
#include <string>

#include "front_fixture.h"

namespace keymast::api {

class TlsTest : public FrontTest {
 protected:
  // An authority, the server's certificate, and `config_.tls` with no names.
  void SetUp() override;

  // Certificate makes NAME.pem and NAME.key, signed by `ca`.
  void Certificate(const std::string& name, const std::string& ca, const std::string& common_name,
                   const std::string& alternative = "");
  void Openssl(const std::string& arguments);

  // TlsChannel connects with the certificate `name`, or with none.
  std::shared_ptr<grpc::Channel> TlsChannel(const std::string& name);

 private:
  std::string Text(const std::string& file);
};

}  // namespace keymast::api
