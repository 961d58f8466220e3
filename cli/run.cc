// SPDX-License-Identifier: Apache-2.0
// The tree of commands. The one file of this room that includes CLI11.
#include "cli/run.h"

#include <CLI/CLI.hpp>
#include <ostream>

#include "cli/call.h"
#include "cli/channels.h"
#include "cli/headends.h"
#include "cli/members.h"
#include "cli/rekeys.h"
#include "cli/subscribers.h"
#include "shell/config.h"
#include "shell/process.h"

namespace keymast::cli {
namespace {

using Action = std::function<Outcome<void>(Context&)>;

std::string NotEmpty(const std::string& name) { return name.empty() ? "a name is needed" : ""; }

// Name is a resource that a command is about; what it may consist of the server knows.
CLI::Option* Name(CLI::App* command, const char* what, std::string& into) {
  return command->add_option(what, into)->required()->check(NotEmpty);
}

// Tree owns what the options of all commands are bound to; `action` is what the parsed command
// does.
struct Tree {
  CLI::App app{"Controls a keymast server.", "keymastctl"};
  Target target;
  std::string output = "table";
  std::string timeout = "15s";
  Action action;

  std::string channel, subscriber, headend, token, public_key;
  std::string level = "mtk", method, request = "{}";
  std::vector<std::string> names;
  uint64_t limit = 0;
  bool force = false, join = false;
  PageOptions page;
  CsvOptions csv;
  ChannelOptions channel_options;
  SubscriberOptions subscriber_options;
  MemberOptions member_options;

  CLI::App* Group(const std::string& name, const std::string& what) {
    CLI::App* group = app.add_subcommand(name, what);
    group->require_subcommand(1);
    return group;
  }
  CLI::App* Command(CLI::App* parent, const std::string& name, const std::string& what,
                    Action does) {
    CLI::App* command = parent->add_subcommand(name, what);
    command->callback([this, does = std::move(does)] { action = does; });
    return command;
  }
  CLI::App* Paged(CLI::App* command) {
    command->add_option("--page-size", page.size, "Fetch one page of this size")
        ->check(CLI::Range(1, 1000));
    command->add_option("--page-token", page.token, "Fetch the page of this token");
    return command;
  }
  void Csv(CLI::App* command, const char* lines) {
    command->add_option("--csv", csv.file, lines)->required();
    command->add_flag("--skip-existing", csv.skip_existing,
                      "Pass over rows whose subscriber or member exists");
  }
};

// Deepest gives the command that was understood.
const CLI::App& Deepest(const CLI::App& app) {
  const auto given = app.get_subcommands();
  return given.empty() ? app : Deepest(*given.front());
}

std::string PathOf(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name()
                                     : PathOf(*app.get_parent()) + " " + app.get_name();
}

// CLI11 tells of a word that is no command that a command is missing.
std::string UsageText(const CLI::App* app, const CLI::Error& error) {
  const CLI::App& command = Deepest(*app);
  const std::vector<std::string> unknown = app->remaining(true);
  std::string text = PathOf(command) + ": ";
  if (error.get_name() == "RequiredError" && !unknown.empty()) {
    const bool option = unknown.front().starts_with('-');
    text += std::string("there is no ") + (option ? "option" : "command") + " \"" +
            unknown.front() + "\"";
  } else {
    text += error.what();
  }
  return text + "\n  " + PathOf(command) + " --help tells what there is\n";
}

void AddGlobals(Tree& tree) {
  CLI::App& app = tree.app;
  tree.target.server = "unix:" + shell::RuntimeDirectory() + "/operator.sock";
  app.add_option("--server", tree.target.server, "unix:PATH, or HOST:PORT with mutual TLS")
      ->envname("KEYMAST_SERVER")
      ->capture_default_str();
  app.add_option("--tls-ca", tree.target.tls_ca, "PEM file: who signs the server's certificate");
  app.add_option("--tls-cert", tree.target.tls_certificate, "PEM file: certificate of this client");
  app.add_option("--tls-key", tree.target.tls_key, "PEM file: its private key");
  app.add_option("--timeout", tree.timeout, "Longest time a call may take")->capture_default_str();
  app.add_option("-o,--output", tree.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  app.set_version_flag("--version", "keymastctl " KEYMAST_VERSION);
  app.require_subcommand(1);
  app.fallthrough();  // these may stand behind a command too
  app.failure_message(UsageText);
}

void AddPolicyOptions(CLI::App* command, KeyPolicyOptions& policy) {
  command->add_option("--mtk-period", policy.mtk_period, "MTK life, as 10s");
  command->add_option("--mtk-lead", policy.mtk_lead, "Next MTK is announced this long ahead");
  command->add_option("--mtk-repetition", policy.mtk_repetition, "MTK message is repeated each");
  command->add_option("--msk-period", policy.msk_period, "MSK life, as 1h");
  command->add_option("--msk-lead", policy.msk_lead, "Next MSK is delivered this long ahead");
  command->add_option("--msk-give-up", policy.msk_give_up, "Then a member is unreachable");
  command->add_option("--exclusion-lead", policy.exclusion_lead, "Expulsion to switch");
  command->add_option("--leave-policy", policy.leave_policy, "immediate, batched or next-msk");
  command->add_option("--batch-window", policy.batch_window, "For --leave-policy batched");
  command->add_option("--mtk-ids-per-msk", policy.mtk_ids_per_msk, "2 to 65535");
  command->add_option("--max-datagram", policy.max_datagram, "Octets of UDP payload, at most");
  command->add_option("--msk-pacing-rate", policy.msk_pacing_rate, "MSK messages a second");
}

void AddDefinitionOptions(CLI::App* command, ChannelOptions& options) {
  command->add_option("--group", options.group, "Multicast address");
  command->add_option("--mtk-port", options.mtk_port, "UDP port of MTK messages");
  command->add_option("--interface", options.interface_address, "Address to send from");
  command->add_option("--ttl", options.ttl, "0 keeps packets on this host")
      ->check(CLI::Range(0, 255));
  command->add_option("--dscp", options.dscp, "DiffServ code point")->check(CLI::Range(0, 63));
  command->add_option("--stream", options.streams,
                      "MEDIA:PORT:SSRC:PAYLOAD_TYPE:RTPMAP[:FMTP]; once per stream");
  command->add_option("--key-domain", options.key_domain, "MCC and MNC, 6 hexadecimal digits");
  command->add_option("--key-group", options.key_group, "1 to 65535");
  command->add_option("--profile", options.profile, "SRTP profile, as AEAD_AES_128_GCM");
}

void AddChannels(Tree& tree) {
  CLI::App* group = tree.Group("channels", "Broadcast channels");
  ChannelOptions& options = tree.channel_options;
  const auto definition = [&](CLI::App* command) {
    Name(command, "CHANNEL", options.id);
    command->add_option("--file", options.file, "Channel as protobuf JSON; options come on top");
    command->add_option("--display-name", options.display_name, "For people");
    command->add_flag("--validate-only", options.validate_only, "Check, and change nothing");
    AddPolicyOptions(command, options.policy);
    return command;
  };
  AddDefinitionOptions(
      definition(tree.Command(group, "create", "Create a channel and its first keys",
                              [&](Context& context) { return CreateChannel(context, options); })),
      options);
  definition(tree.Command(group, "update", "Change display name and policy",
                          [&](Context& context) { return UpdateChannel(context, options); }));
  Name(tree.Command(group, "get", "Show a channel",
                    [&](Context& context) { return GetChannel(context, tree.channel); }),
       "CHANNEL", tree.channel);
  tree.Paged(tree.Command(group, "list", "List channels",
                          [&](Context& context) { return ListChannels(context, tree.page); }));
  CLI::App* remove = tree.Command(group, "delete", "Delete a channel", [&](Context& context) {
    return DeleteChannel(context, tree.channel, tree.force);
  });
  Name(remove, "CHANNEL", tree.channel);
  remove->add_flag("--force", tree.force, "Even if it has members");
  Name(tree.Command(group, "sdp", "Print the SDP that receivers start from",
                    [&](Context& context) { return PrintSdp(context, tree.channel); }),
       "CHANNEL", tree.channel);
}

void AddSubscribers(Tree& tree) {
  CLI::App* group = tree.Group("subscribers", "Users who may become members");
  SubscriberOptions& options = tree.subscriber_options;
  CLI::App* create = tree.Command(group, "create", "Create a subscriber", [&](Context& context) {
    return CreateSubscriber(context, options);
  });
  Name(create, "SUBSCRIBER", options.id);
  create->add_option("--identity", options.identity, "NAI, as alice@example.org")->required();
  create
      ->add_option("--credential-file", options.credential_file,
                   "User key file of mode 0600; leaves this program only sealed to the server")
      ->required();
  create->add_flag("--validate-only", options.validate_only, "Check, and change nothing");
  tree.Csv(
      tree.Command(group, "batch-create", "Create many, 1000 a request, each request atomic",
                   [&](Context& context) { return BatchCreateSubscribers(context, tree.csv); }),
      "Lines SUBSCRIBER,IDENTITY,CREDENTIAL_FILE");
  Name(tree.Command(group, "get", "Show a subscriber",
                    [&](Context& context) { return GetSubscriber(context, tree.subscriber); }),
       "SUBSCRIBER", tree.subscriber);
  tree.Paged(tree.Command(group, "list", "List subscribers",
                          [&](Context& context) { return ListSubscribers(context, tree.page); }));
  CLI::App* remove = tree.Command(group, "delete", "Delete a subscriber", [&](Context& context) {
    return DeleteSubscriber(context, tree.subscriber, tree.force);
  });
  Name(remove, "SUBSCRIBER", tree.subscriber);
  remove->add_flag("--force", tree.force, "Expel it from its channels first");
}

void AddMemberChanges(Tree& tree, CLI::App* group) {
  MemberOptions& options = tree.member_options;
  CLI::Option* endpoint = nullptr;
  const auto definition = [&](CLI::App* command) {
    Name(command, "CHANNEL", options.channel);
    Name(command, "SUBSCRIBER", options.subscriber);
    endpoint =
        command->add_option("--msk-endpoint", options.msk_endpoint, "ADDRESS:PORT of MSK messages");
    command->add_option("--from", options.from, "Entitled from this time on, RFC 3339; or none");
    command->add_option("--until", options.until, "Entitled until this time, RFC 3339; or none");
    command->add_flag("--validate-only", options.validate_only, "Check, and change nothing");
    return command;
  };
  definition(tree.Command(group, "add", "Make a subscriber a member", [&](Context& context) {
    return AddMember(context, options);
  }))->add_flag("--join", options.join, "And join at once");
  endpoint->required();
  definition(tree.Command(group, "update", "Change window or endpoint",
                          [&](Context& context) { return UpdateMember(context, options); }));
  CLI::App* batch = tree.Command(
      group, "batch-add", "Add many, 1000 a request, each atomic", [&](Context& context) {
        return BatchAddMembers(context, tree.channel, tree.csv, tree.join);
      });
  Name(batch, "CHANNEL", tree.channel);
  tree.Csv(batch, "Lines SUBSCRIBER,MSK_ENDPOINT");
  batch->add_flag("--join", tree.join, "And join at once");
}

void AddMembers(Tree& tree) {
  CLI::App* group = tree.Group("members", "Members of a channel");
  AddMemberChanges(tree, group);
  const auto one = [&](const char* name, const char* what, auto function) {
    CLI::App* command = tree.Command(group, name, what, [&tree, function](Context& context) {
      return function(context, tree.channel, tree.subscriber);
    });
    Name(command, "CHANNEL", tree.channel);
    Name(command, "SUBSCRIBER", tree.subscriber);
  };
  one("get", "Show a member", GetMember);
  one("join", "Deliver the keys to a member", JoinChannel);
  one("leave", "End delivery; keys change as the leave policy says", LeaveChannel);
  Name(tree.Paged(tree.Command(
           group, "list", "List members",
           [&](Context& context) { return ListMembers(context, tree.channel, tree.page); })),
       "CHANNEL", tree.channel);
  CLI::App* expel = tree.Command(
      group, "expel", "Remove members and change the keys at once",
      [&](Context& context) { return ExpelMembers(context, tree.channel, tree.names); });
  Name(expel, "CHANNEL", tree.channel);
  expel->add_option("SUBSCRIBER", tree.names)->required()->check(NotEmpty);
}

void AddHeadends(Tree& tree) {
  CLI::App* group = tree.Group("headends", "Headends that encrypt channels");
  CLI::App* create = tree.Command(group, "create", "Enrol a headend", [&](Context& context) {
    return CreateHeadend(context, tree.headend, tree.public_key, tree.names);
  });
  Name(create, "HEADEND", tree.headend);
  create->add_option("--public-key", tree.public_key, "As keymast-headend init prints it")
      ->required();
  create->add_option("--channel", tree.names, "A channel it may have keys for; once per channel");
  Name(tree.Command(group, "get", "Show a headend",
                    [&](Context& context) { return GetHeadend(context, tree.headend); }),
       "HEADEND", tree.headend);
  tree.Paged(tree.Command(group, "list", "List headends",
                          [&](Context& context) { return ListHeadends(context, tree.page); }));
  Name(tree.Command(group, "delete", "Revoke a headend",
                    [&](Context& context) { return DeleteHeadend(context, tree.headend); }),
       "HEADEND", tree.headend);
}

void AddRekeys(Tree& tree) {
  CLI::App* now =
      tree.Command(&tree.app, "rekey-now", "Change a channel's key ahead of its time",
                   [&](Context& context) { return RekeyNow(context, tree.channel, tree.level); });
  Name(now, "CHANNEL", tree.channel);
  now->add_option("--level", tree.level, "mtk, or msk with an mtk under it")
      ->check(CLI::IsMember({"msk", "mtk"}))
      ->capture_default_str();
  CLI::App* group = tree.Group("rekeys", "History of key changes");
  Name(tree.Paged(tree.Command(
           group, "list", "List a channel's key changes, newest first",
           [&](Context& context) { return ListRekeys(context, tree.channel, tree.page); })),
       "CHANNEL", tree.channel);
  CLI::App* watch = tree.Command(
      &tree.app, "watch", "Print events as they happen",
      [&](Context& context) { return Watch(context, tree.channel, tree.token, tree.limit); });
  watch->add_option("CHANNEL", tree.channel, "All channels when not given");
  watch->add_option("--resume", tree.token, "Go on behind the event of this token");
  watch->add_option("--limit", tree.limit, "End after this many events");
  tree.Command(&tree.app, "status", "Show the server's state", PrintStatus);
}

void AddCall(Tree& tree) {
  CLI::App* call = tree.Command(&tree.app, "call", "Call any method", [&](Context& context) {
    return CallMethod(context, tree.method, tree.request);
  });
  call->add_option("METHOD", tree.method, "As Channels.GetChannel")->required();
  call->add_option("REQUEST", tree.request, "Protobuf JSON, or @FILE")->capture_default_str();
  tree.Command(&tree.app, "methods", "List the methods", ListMethods);
}

int Refuse(const Problem& problem, std::ostream& err) {
  err << ToText(problem);
  return static_cast<int>(problem.exit);
}

int Perform(Tree& tree, const Connector& connect, std::ostream& out, std::ostream& err) {
  const auto timeout = shell::ParseDuration(tree.timeout);
  if (!timeout) {
    return Refuse(UsageProblem("--timeout: not a duration, as 500ms or 15s").value(), err);
  }
  if (*timeout <= Duration::zero()) {
    return Refuse(UsageProblem("--timeout: a call needs more time than none").value(), err);
  }
  tree.target.timeout = *timeout;
  constexpr std::string_view kUnix = "unix:";
  if (tree.target.server.starts_with(kUnix)) {
    const auto own = shell::CheckSocketFolder(tree.target.server.substr(kUnix.size()));
    if (!own) {
      const bool absent = own.error().error == Error::kNotFound;
      return Refuse({absent ? Exit::kUnavailable : Exit::kPermission,
                     absent ? own.error().message + ": no server runs there" : own.error().message,
                     {},
                     {},
                     {},
                     {}},
                    err);
    }
  }
  auto session = connect(tree.target);
  if (!session) return Refuse(session.error(), err);
  Context context{**session, tree.output == "json" ? Format::kJson : Format::kTable, out};
  const auto done = tree.action(context);
  return done ? 0 : Refuse(done.error(), err);
}

}  // namespace

int Run(int argc, const char* const* argv, const Connector& connect, std::ostream& out,
        std::ostream& err) {
  Tree tree;
  AddGlobals(tree);
  AddChannels(tree);
  AddSubscribers(tree);
  AddMembers(tree);
  AddHeadends(tree);
  AddRekeys(tree);
  AddCall(tree);
  try {
    tree.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked = tree.app.exit(error, out, err) == 0;  // --help, --version
    return static_cast<int>(asked ? Exit::kDone : Exit::kUsage);
  }
  return Perform(tree, connect, out, err);
}

}  // namespace keymast::cli
