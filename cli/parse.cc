// SPDX-License-Identifier: Apache-2.0
// The one file of this room that includes CLI11.
#include "cli/parse.h"

#include <CLI/CLI.hpp>
#include <deque>
#include <ostream>

namespace keymast::cli {
namespace {

// Given is an option and what was typed for it.
struct Given {
  const Option* option;
  CLI::Option* typed = nullptr;
  std::string value;
  std::vector<std::string> values;
};

// Node is a command with its CLI11 twin.
struct Node {
  const Command* command;
  CLI::App* app;
  std::deque<Given> given;
  std::deque<Node> nodes;
};

std::string FooterOf(const Command& command) {
  std::string text;
  for (const std::string& example : command.examples) {
    text += (text.empty() ? "Examples:\n  " : "\n  ") + example;
  }
  return text;
}

void AddOption(const Option& option, Node& node) {
  Given& given = node.given.emplace_back(Given{&option, nullptr, {}, {}});
  if (option.is_flag()) {
    given.typed = node.app->add_flag(option.name, option.what);
    return;
  }
  if (option.is_repeated) {
    given.typed = node.app->add_option(option.name, given.values, option.what);
    if (!option.is_word()) given.typed->allow_extra_args(false);
  } else {
    given.typed = node.app->add_option(option.name, given.value, option.what);
  }
  given.typed->required(option.is_required)->type_name(option.value);
  if (!option.fallback.empty()) given.typed->default_str(option.fallback);
  if (!option.environment.empty()) given.typed->envname(option.environment);
}

void Build(const Command& command, Node& node) {
  node.app->footer(FooterOf(command));
  for (const Option& option : command.options) AddOption(option, node);
  if (!command.commands.empty()) node.app->require_subcommand(1);
  for (const Command& below : command.commands) {
    Node& next = node.nodes.emplace_back(
        Node{&below, node.app->add_subcommand(below.name, below.what), {}, {}});
    Build(below, next);
  }
}

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
tl::unexpected<Problem> NotUnderstood(const CLI::App& app, const CLI::Error& error) {
  const std::string path = PathOf(Deepest(app));
  const std::vector<std::string> unknown = app.remaining(true);
  Problem problem{.exit = Exit::kUsage, .program = path};
  if (error.get_name() == "RequiredError" && !unknown.empty()) {
    const bool option = unknown.front().starts_with('-');
    problem.message = std::string("there is no ") + (option ? "option" : "command") + " \"" +
                      unknown.front() + "\"";
  } else {
    problem.message = error.what();
  }
  problem.advice = path + " --help tells what there is";
  return tl::unexpected(std::move(problem));
}

Outcome<void> TakeValues(const Node& node) {
  for (const Given& given : node.given) {
    if (given.typed->count() == 0) continue;
    const std::vector<std::string> one = {given.option->is_flag() ? "true" : given.value};
    for (const std::string& value : given.option->is_repeated ? given.values : one) {
      auto taken = given.option->take(value);
      if (taken) continue;
      if (taken.error().message.starts_with('"')) {
        taken.error().message = given.option->name + ": " + taken.error().message;
      }
      return taken;
    }
  }
  return {};
}

Outcome<const Command*> Take(const Node& node) {
  if (auto taken = TakeValues(node); !taken) return tl::unexpected(taken.error());
  for (const Node& below : node.nodes) {
    if (below.app->parsed()) return Take(below);
  }
  return node.command;
}

}  // namespace

Outcome<const Command*> Parse(const Command& program, int argc, const char* const* argv,
                              std::ostream& out) {
  CLI::App app{program.what, program.name};
  app.set_version_flag("--version", program.name + " " KEYMAST_VERSION);
  app.fallthrough();  // the program's options may stand behind a command too
  Node root{&program, &app, {}, {}};
  Build(program, root);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    app.exit(asked, out, out);
    return nullptr;
  } catch (const CLI::ParseError& error) {
    return NotUnderstood(app, error);
  }
  return Take(root);
}

}  // namespace keymast::cli
