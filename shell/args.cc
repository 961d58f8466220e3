// SPDX-License-Identifier: Apache-2.0
// The only file of this room that includes CLI11: it costs seconds to compile.
#include "shell/args.h"

#include <CLI/CLI.hpp>

namespace keymast::shell {

struct Args::State {
  std::unique_ptr<CLI::App> owned;  // of the program itself
  CLI::App* app = nullptr;
  std::vector<std::unique_ptr<Args>> commands;
};

Args::Args(const std::string& program, const std::string& description)
    : state_(std::make_unique<State>()) {
  state_->owned = std::make_unique<CLI::App>(description, program);
  state_->app = state_->owned.get();
  state_->app->set_version_flag("--version", program + " " KEYMAST_VERSION);
  state_->app->fallthrough();
}

Args::Args(std::unique_ptr<State> state) : state_(std::move(state)) {}
Args::~Args() = default;

Args& Args::Option(const std::string& names, std::string& value, const std::string& help,
                   bool required) {
  state_->app->add_option(names, value, help)->required(required);
  return *this;
}

Args& Args::Option(const std::string& names, std::vector<std::string>& values,
                   const std::string& help) {
  state_->app->add_option(names, values, help)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return *this;
}

Args& Args::Option(const std::string& names, int64_t& value, const std::string& help) {
  state_->app->add_option(names, value, help);
  return *this;
}

Args& Args::Flag(const std::string& names, bool& value, const std::string& help) {
  state_->app->add_flag(names, value, help);
  return *this;
}

Args& Args::Command(const std::string& name, const std::string& description) {
  auto state = std::make_unique<State>();
  state->app = state_->app->add_subcommand(name, description);
  state_->app->require_subcommand(0, 1);
  state_->commands.push_back(std::unique_ptr<Args>(new Args(std::move(state))));
  return *state_->commands.back();
}

std::optional<int> Args::Parse(int argc, char** argv) {
  try {
    state_->app->parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::Success& shown) {
    return state_->app->exit(shown);
  } catch (const CLI::ParseError& problem) {
    state_->app->exit(problem);
    return 2;
  }
}

std::string Args::command() const {
  const auto given = state_->app->get_subcommands();
  return given.empty() ? "" : given.front()->get_name();
}

}  // namespace keymast::shell
