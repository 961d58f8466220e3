// SPDX-License-Identifier: Apache-2.0
#include "cli/tree.h"

#include <algorithm>
#include <charconv>

namespace keymast::cli {

Option&& Option::Required() && {
  is_required = true;
  return std::move(*this);
}

Option&& Option::Optional() && {
  is_required = false;
  return std::move(*this);
}

Option&& Option::Common() && {
  is_common = true;
  return std::move(*this);
}

Option&& Option::Saying(std::string text) && {
  what = std::move(text);
  return std::move(*this);
}

Option&& Option::Repeated() && {
  is_repeated = true;
  return std::move(*this);
}

Option&& Option::OneOf(std::vector<std::string> given) && {
  choices = std::move(given);
  take = [option = name, all = choices,
          rest = std::move(take)](const std::string& typed) -> Outcome<void> {
    if (std::find(all.begin(), all.end(), typed) != all.end()) return rest(typed);
    std::string names;
    for (const std::string& one : all) names += (names.empty() ? "" : ", ") + one;
    return UsageProblem(option + ": \"" + typed + "\" is none of " + names);
  };
  return std::move(*this);
}

Option&& Option::Default(std::string given) && {
  fallback = std::move(given);
  return std::move(*this);
}

Option&& Option::From(std::string variable) && {
  environment = std::move(variable);
  return std::move(*this);
}

Command& Command::Add(std::string command, std::string does) {
  commands.push_back({std::move(command), std::move(does), {}, {}, {}, {}});
  return commands.back();
}

Command& Command::Add(Option option) {
  const auto common =
      std::find_if(options.begin(), options.end(), [](const Option& one) { return one.is_common; });
  options.insert(option.is_common ? options.end() : common, std::move(option));
  return *this;
}

Command& Command::Example(std::string line) {
  examples.push_back(std::move(line));
  return *this;
}

const Command* Command::Find(const std::string& command) const {
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const Command& one) { return one.name == command; });
  return found == commands.end() ? nullptr : &*found;
}

Option Valued(std::string name, std::string value, std::string what, Taker take) {
  Option option;
  option.name = std::move(name);
  option.value = std::move(value);
  option.what = std::move(what);
  option.take = std::move(take);
  return option;
}

Option Word(std::string name, std::string what, Taker take) {
  return Valued(std::move(name), {}, std::move(what), std::move(take)).Required();
}

Option Flag(std::string name, std::string what, bool& into) {
  return Valued(std::move(name), {}, std::move(what), [&into](const std::string&) -> Outcome<void> {
    into = true;
    return {};
  });
}

Taker Into(std::string& text) {
  return [&text](const std::string& value) -> Outcome<void> {
    text = value;
    return {};
  };
}

Taker Into(uint64_t& number) {
  return [&number](const std::string& value) -> Outcome<void> {
    const char* end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, number);
    if (!value.empty() && read.ec == std::errc() && read.ptr == end) return {};
    return UsageProblem("\"" + value + "\" is no number");
  };
}

}  // namespace keymast::cli
