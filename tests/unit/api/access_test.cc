// SPDX-License-Identifier: Apache-2.0
// Every method with every role, over real sockets and TLS, against the matrix.
#include <gmock/gmock.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "access_matrix.h"
#include "api/methods.h"
#include "keymast/v1/service.grpc.pb.h"
#include "tls_fixture.h"

namespace keymast::api {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;

Grant ForOne(Role role) {
  ChannelSet channels;
  EXPECT_TRUE(channels.Add("one") && channels.Add("studio-*"));
  return {role, channels};
}

// What a caller has: `all` are roles for all channels, `some` those for `one` and `studio-*`.
struct Caller {
  std::string label;
  std::shared_ptr<grpc::Channel> channel;
  std::vector<std::string_view> all;
  std::vector<std::string_view> some;
};

bool HasOneOf(std::string_view roles, const std::vector<std::string_view>& given) {
  return std::any_of(given.begin(), given.end(), [&](std::string_view role) {
    return roles.find(role) != std::string_view::npos;
  });
}

bool Expected(const MatrixRow& row, const Caller& caller, bool within) {
  if (HasOneOf(row.roles, caller.all)) return true;
  if (!HasOneOf(row.roles, caller.some) || row.scoped == "-") return false;
  return row.scoped == "shown" || row.scoped == "part" || within;
}

class AccessMatrix : public TlsTest {
 protected:
  void SetUp() override {
    TlsTest::SetUp();
    for (const Role role : kRoles) {
      const std::string name(RoleName(role));
      Certificate(name, "ca", name + ".example.org");
      config_.tls->names[name + ".example.org"] = RoleForAll(role);
    }
    for (const Role role : {Role::kOperator, Role::kAuditor, Role::kViewer}) {
      const std::string name = "one-" + std::string(RoleName(role));
      Certificate(name, "ca", "whoever", "DNS:" + name + ".example.org");
      config_.tls->names[name + ".example.org"] = Rights{{ForOne(role)}};
    }
    Certificate("mixed", "ca", "mixed.example.org");
    config_.tls->names["mixed.example.org"] = Rights{{{Role::kViewer}, ForOne(Role::kOperator)}};
    Certificate("stranger", "ca", "stranger.example.org");
    config_.sockets.push_back({"studio", "", Rights{{ForOne(Role::kOperator)}}});
    core_.set_handler([this](const core::CoreRequest& request) { return Answer(request); });
    Start();
  }

  // As FakeCore's own, and to a stream one message, which ends it.
  static std::vector<core::CoreReply> Answer(const core::CoreRequest& request) {
    core::CoreReply reply = LastReply();
    if (request.has_watch()) reply.mutable_event();
    if (request.has_headend_report()) reply.mutable_headend_directive();
    if (request.has_watch() || request.has_headend_report()) return {reply};
    return FakeCore::DefaultAnswers(request);
  }

  std::vector<Caller> Callers() {
    std::vector<Caller> callers;
    for (const Role role : kRoles) {
      const std::string_view name = RoleName(role);
      callers.push_back({std::string(name) + ".sock", Channel(role), {name}, {}});
      callers.push_back({"TLS " + std::string(name), TlsChannel(std::string(name)), {name}, {}});
    }
    for (const Role role : {Role::kOperator, Role::kAuditor, Role::kViewer}) {
      const std::string name = "one-" + std::string(RoleName(role));
      callers.push_back({"TLS " + name, TlsChannel(name), {}, {RoleName(role)}});
    }
    callers.push_back({"TLS mixed", TlsChannel("mixed"), {"viewer"}, {"operator"}});
    callers.push_back({"studio.sock",
                       grpc::CreateChannel("unix:" + (folder_ / "studio.sock"),
                                           grpc::InsecureChannelCredentials()),
                       {},
                       {"operator"}});
    return callers;
  }

  // Calls a method of any kind with one message.
  grpc::Status CallAny(const Caller& caller, const MatrixRow& row, const std::string& channel) {
    const auto request = RequestOf(row, channel);
    if (row.method != "Headends.TrafficKeys") {
      return Call(*caller.channel, std::string(row.method), *request);
    }
    grpc::ClientContext context;
    const auto stream = v1::Headends::NewStub(caller.channel)->TrafficKeys(&context);
    v1::HeadendReport report;
    report.CopyFrom(*request);
    v1::HeadendDirective directive;
    if (stream->Write(report)) stream->Read(&directive);
    return stream->Finish();
  }
};

TEST_F(AccessMatrix, EveryMethodWithEveryCaller) {
  size_t calls = 0;
  size_t created = 0;
  for (const Caller& caller : Callers()) {
    for (const MatrixRow& row : Matrix()) {
      for (const std::string channel : {"one", "studio-news", "other"}) {
        const grpc::Status status = CallAny(caller, row, channel);
        const bool may = Expected(row, caller, channel != "other");
        EXPECT_EQ(status.error_code(), may ? StatusCode::OK : StatusCode::PERMISSION_DENIED)
            << caller.label << " " << row.method << " " << channel << ": "
            << status.error_message();
        ++calls;
        created += size_t{may && row.method == "Channels.CreateChannel"};
      }
    }
  }
  EXPECT_EQ(calls, size_t{13} * Methods().size() * 3);
  EXPECT_EQ(core_.CountOf(core::CoreRequest::kCreateChannel), created) << "denied, and asked for";
}

TEST_F(AccessMatrix, EveryMethodIsInIt) {
  ASSERT_EQ(Matrix().size(), Methods().size());
  for (size_t i = 0; i < Methods().size(); ++i) EXPECT_EQ(Matrix()[i].method, Methods()[i].name);
}

TEST_F(AccessMatrix, AStrangerIsDeniedEveryMethod) {
  const Caller stranger{"stranger", TlsChannel("stranger"), {}, {}};
  for (const MatrixRow& row : Matrix()) {
    EXPECT_EQ(CallAny(stranger, row, "one").error_code(), StatusCode::UNAUTHENTICATED)
        << row.method;
  }
  EXPECT_THAT(Get("/metrics").second,
              HasSubstr("keymast_api_denied_total{reason=\"unknown_name\"} " +
                        std::to_string(Matrix().size()) + "\n"));
}

// An empty request is not valid: a denial comes before that is found.
TEST_F(AccessMatrix, WhatIsDeniedIsDeniedBeforeItIsLookedAt) {
  for (const Caller& caller : Callers()) {
    for (const MatrixRow& row : Matrix()) {
      if (HasOneOf(row.roles, caller.all) || row.method == "Headends.TrafficKeys") continue;
      const bool shown = row.scoped == "shown" || row.scoped == "part";
      if (shown && HasOneOf(row.roles, caller.some)) continue;
      const auto empty = RequestOf({row.method, "", "", ""}, "");
      EXPECT_EQ(Call(*caller.channel, std::string(row.method), *empty).error_code(),
                StatusCode::PERMISSION_DENIED)
          << caller.label << " " << row.method;
    }
  }
}

TEST(AccessPage, HasTheMatrix) {
  std::ifstream page(KEYMAST_SOURCE_DIR "/docs/access.md");
  const std::regex is_row("\\| `[A-Z][A-Za-z]+\\.[A-Z][A-Za-z]+` \\|.*");
  std::string shown;
  for (std::string line; std::getline(page, line);) {
    if (std::regex_match(line, is_row)) shown += line + "\n";
  }
  std::ostringstream expected;
  for (const MatrixRow& row : Matrix()) {
    expected << "| `" << row.method << "` | " << row.roles << " | " << row.scoped << " |\n";
  }
  EXPECT_EQ(shown, expected.str());
}

}  // namespace
}  // namespace keymast::api
