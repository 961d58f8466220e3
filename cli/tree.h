// SPDX-License-Identifier: Apache-2.0
// The tree of commands as data: a command is declared once, beside what it does. The command line
// is parsed by it (parse.h), and help, completion (completion.h) and man pages (man.h) walk it.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "cli/problem.h"

namespace keymast::cli {

struct Context;

// Taker puts one value that was typed where it belongs, or says what is wrong with it.
using Taker = std::function<Outcome<void>(const std::string& value)>;
using Action = std::function<Outcome<void>(Context&)>;

// Option is what may be typed behind a command: `--filter EXPRESSION`, a flag as `--force`, or,
// with a name in capitals, a word by its place as CHANNEL.
struct Option {
  std::string name;   // "--filter", "-o,--output", "CHANNEL"
  std::string value;  // what stands behind it, as EXPRESSION; empty for flags and words
  std::string what;
  Taker take;
  std::vector<std::string> choices;  // for help and completion; `take` checks
  bool is_required = false;
  bool is_repeated = false;
  bool is_common = false;   // of many commands: shown behind those of its own
  std::string fallback;     // value when not given, for help
  std::string environment;  // variable that gives it when it is not typed

  bool is_word() const { return !name.starts_with('-'); }
  bool is_flag() const { return !is_word() && value.empty(); }

  Option&& Required() &&;
  Option&& Optional() &&;
  Option&& Common() &&;
  Option&& Saying(std::string text) &&;
  Option&& Repeated() &&;
  Option&& OneOf(std::vector<std::string> given) &&;
  Option&& Default(std::string given) &&;
  Option&& From(std::string variable) &&;
};

// Command is a program, a group of commands, or a command: what has an action can be carried out.
struct Command {
  std::string name;
  std::string what;
  std::vector<std::string> examples;  // command lines behind the program's name
  std::vector<Option> options;        // values are taken in this order
  std::list<Command> commands;        // stays where it is when there are more
  Action action;

  // Add declares a command below this one.
  Command& Add(std::string command, std::string does);
  Command& Add(Option option);  // before the common ones
  Command& Example(std::string line);
  // Find gives the command of this name below this one, or null.
  const Command* Find(const std::string& command) const;
};

// Word is an option by its place, required.
Option Word(std::string name, std::string what, Taker take);
Option Flag(std::string name, std::string what, bool& into);
// Valued is an option with a value behind it.
Option Valued(std::string name, std::string value, std::string what, Taker take);

// Takers. What they refer to lives as long as the tree: most commands share it with their action.
Taker Into(std::string& text);
Taker Into(uint64_t& number);

// OptionsOf makes what a command's options are put into and gives it to its action.
template <class Options>
Options& OptionsOf(Command& command, Outcome<void> (*does)(Context&, const Options&)) {
  auto options = std::make_shared<Options>();
  command.action = [options, does](Context& context) { return does(context, *options); };
  return *options;
}

}  // namespace keymast::cli
