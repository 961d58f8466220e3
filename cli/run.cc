// SPDX-License-Identifier: Apache-2.0
#include "cli/run.h"

#include <ostream>

#include "cli/commands.h"
#include "cli/fields.h"
#include "cli/parse.h"
#include "shell/config.h"
#include "shell/process.h"

namespace keymast::cli {
namespace {

constexpr std::string_view kUnix = "unix:";

Outcome<void> CheckSocket(const std::string& server) {
  if (!server.starts_with(kUnix)) return {};
  const auto own = shell::CheckSocketFolder(server.substr(kUnix.size()));
  if (own) return {};
  const bool absent = own.error().error == Error::kNotFound;
  return tl::unexpected(
      Problem{.exit = absent ? Exit::kUnavailable : Exit::kPermission,
              .message = own.error().message + (absent ? ": no server runs there" : "")});
}

// LazySession connects with the first call: what needs no server asks for none.
class LazySession final : public Session {
 public:
  LazySession(const Connector& connect, const Target& target)
      : connect_(connect), target_(target) {}

  Outcome<void> Call(const std::string& method, const google::protobuf::Message& request,
                     google::protobuf::Message& response) override {
    auto open = Open();
    return open ? session_->Call(method, request, response) : open;
  }
  Outcome<void> Stream(const std::string& method, const google::protobuf::Message& request,
                       google::protobuf::Message& scratch,
                       const std::function<bool()>& each) override {
    auto open = Open();
    return open ? session_->Stream(method, request, scratch, each) : open;
  }
  Outcome<void> Converse(const std::string& method, Deadline deadline,
                         const std::function<const google::protobuf::Message*()>& next,
                         google::protobuf::Message& scratch,
                         const std::function<bool()>& each) override {
    auto open = Open();
    return open ? session_->Converse(method, deadline, next, scratch, each) : open;
  }

 private:
  Outcome<void> Open() {
    if (session_ != nullptr) return {};
    if (auto own = CheckSocket(target_.server); !own) return own;
    auto session = connect_(target_);
    if (!session) return tl::unexpected(session.error());
    session_ = std::move(*session);
    return {};
  }

  const Connector& connect_;
  const Target& target_;
  std::unique_ptr<Session> session_;
};

Taker IntoTimeout(Duration& timeout) {
  return [&timeout](const std::string& value) -> Outcome<void> {
    const auto parsed = shell::ParseDuration(value);
    if (!parsed) return UsageProblem("--timeout: not a duration, as 500ms or 15s");
    if (*parsed <= Duration::zero()) {
      return UsageProblem("--timeout: a call needs more time than none");
    }
    timeout = *parsed;
    return {};
  };
}

Taker IntoFormat(Format& format) {
  return [&format](const std::string& value) -> Outcome<void> {
    format = value == "json" ? Format::kJson : value == "yaml" ? Format::kYaml : Format::kTable;
    return {};
  };
}

void AddGlobals(Command& program, Globals& globals) {
  Target& target = globals.target;
  target.server = "unix:" + shell::RuntimeDirectory() + "/operator.sock";
  program.Add(
      Valued("--server", "ADDRESS", "unix:PATH, or HOST:PORT with mutual TLS", Into(target.server))
          .Default(target.server)
          .From("KEYMAST_SERVER"));
  program.Add(Valued("--tls-ca", "FILE", "PEM file: who signs the server's certificate",
                     Into(target.tls_ca)));
  program.Add(Valued("--tls-cert", "FILE", "PEM file: certificate of this client",
                     Into(target.tls_certificate)));
  program.Add(Valued("--tls-key", "FILE", "PEM file: its private key", Into(target.tls_key)));
  program.Add(Valued("--timeout", "DURATION",
                     "Longest time a call may take; a watch or stream has none",
                     IntoTimeout(target.timeout))
                  .Default("15s"));
  program.Add(Valued("-o,--output", "FORMAT", "How results are printed", IntoFormat(globals.format))
                  .OneOf({"table", "json", "yaml"})
                  .Default("table"));
}

int Refuse(const Problem& problem, std::ostream& err) {
  err << ToText(problem);
  return static_cast<int>(problem.exit);
}

// Answered ends what was done: an answer that nobody got is none, unless its reader wanted no more.
int Answered(Surroundings& around) {
  around.out.flush();
  if (around.out || around.is_out_closed()) return static_cast<int>(Exit::kDone);
  return Refuse({.exit = Exit::kUsage,
                 .message = "standard output cannot be written: what was asked is done, and its "
                            "answer is lost"},
                around.err);
}

}  // namespace

Command Program(Globals& globals) {
  Command program{"keymastctl", "Controls a keymast server.", {}, {}, {}, {}};
  AddGlobals(program, globals);
  AddChannels(program);
  AddSubscribers(program);
  AddMembers(program);
  AddHeadends(program);
  AddSchedules(program);
  AddRekeys(program);
  AddWatch(program);
  AddTop(program);
  AddExplain(program);
  AddOperations(program);
  AddAudit(program);
  AddServer(program);
  AddCall(program);
  AddCompletion(program);
  AddMan(program);
  return program;
}

int Run(int argc, const char* const* argv, const Connector& connect, Surroundings& around) {
  Globals globals;
  const Command program = Program(globals);
  const auto command = Parse(program, argc, argv, around.out);
  if (!command) return Refuse(command.error(), around.err);
  if (*command == nullptr) return Answered(around);
  LazySession session(connect, globals.target);
  Context context{session, globals.format, globals.target.timeout, program, around, around.out};
  const auto done = (*command)->action(context);
  return done ? Answered(around) : Refuse(done.error(), around.err);
}

}  // namespace keymast::cli
