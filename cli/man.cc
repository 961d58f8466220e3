// SPDX-License-Identifier: Apache-2.0
#include "cli/man.h"

#include <fstream>
#include <ostream>

#include "cli/commands.h"
#include "cli/context.h"

namespace keymast::cli {
namespace {

// Text as roff takes it: a hyphen is one, a backslash too, and no line begins a request.
std::string Roff(const std::string& text) {
  std::string roff;
  for (const char c : text) {
    if (c == '\\') {
      roff += "\\e";
    } else if (c == '-') {
      roff += "\\-";
    } else {
      roff += c;
    }
  }
  if (roff.starts_with('.') || roff.starts_with('\'')) roff.insert(0, "\\&");
  return roff;
}

std::string Bold(const std::string& text) { return "\\fB" + Roff(text) + "\\fR"; }
std::string Italic(const std::string& text) { return "\\fI" + Roff(text) + "\\fR"; }

std::string UpperCase(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return text;
}

void WriteHead(const std::string& page, const std::string& what, std::ostream& out) {
  out << ".TH " << Roff(UpperCase(page)) << " 1 \"\" \"keymast " KEYMAST_VERSION "\" \"keymast\"\n"
      << ".SH NAME\n"
      << Roff(page) << " \\- " << Roff(what) << "\n";
}

// What is typed for an option, as `-o, --output FORMAT`.
std::string Term(const Option& option) {
  if (option.is_word()) return Italic(option.name);
  std::string text;
  size_t at = 0;
  for (size_t comma = 0; comma != std::string::npos; at = comma + 1) {
    comma = option.name.find(',', at);
    text += (text.empty() ? "" : ", ") + Bold(option.name.substr(at, comma - at));
  }
  return option.is_flag() ? text : text + " " + Italic(option.value);
}

void WriteOption(const Option& option, std::ostream& out) {
  out << ".TP\n" << Term(option) << "\n" << Roff(option.what);
  if (option.what.empty()) out << "Name or id";
  if (option.is_repeated) out << "; may be given more than once";
  out << ".\n";
  if (!option.choices.empty()) {
    out << "One of";
    for (const std::string& choice : option.choices) {
      out << (&choice == &option.choices.front() ? " " : ", ") << Roff(choice);
    }
    out << ".\n";
  }
  if (!option.fallback.empty()) out << "Default: " << Roff(option.fallback) << ".\n";
  if (!option.environment.empty()) out << "Environment: " << Roff(option.environment) << ".\n";
}

// The command as it is typed: its words and required options, and that there are others.
std::string Usage(const Command& command) {
  std::string text;
  bool has_options = false;
  for (const Option& option : command.options) {
    has_options |= !option.is_required && !option.is_word();
    if (!option.is_word() && !option.is_required) continue;
    const std::string term = Term(option) + (option.is_repeated ? "..." : "");
    text += option.is_required ? " " + term : " [" + term + "]";
  }
  return text + (has_options ? " [" + Italic("OPTION") + "]..." : "");
}

void WriteCommand(const std::string& path, const Command& command, std::ostream& out) {
  out << ".SS " << Bold(path) << Usage(command) << "\n" << Roff(command.what) << ".\n";
  for (const Option& option : command.options) WriteOption(option, out);
}

void WriteExamples(const std::vector<std::string>& examples, std::ostream& out) {
  if (examples.empty()) return;
  out << ".SH EXAMPLES\n.nf\n";
  for (const std::string& example : examples) out << Roff(example) << "\n";
  out << ".fi\n";
}

void WriteExits(std::ostream& out) {
  static constexpr const char* kRows[] = {
      "done",
      "refused by the server: a precondition, a conflict, an invalid argument, a quota of what may "
      "be there; or an operation that was cancelled",
      "usage: the command line, a file named on it, or standard output that cannot be written",
      "not found",
      "unavailable: server away, stopping or too busy, or the deadline passed",
      "permission denied, or not authenticated"};
  out << ".SH EXIT STATUS\n";
  for (size_t i = 0; i < std::size(kRows); ++i) {
    out << ".TP\n\\fB" << i << "\\fR\n" << Roff(kRows[i]) << "\n";
  }
}

std::string PageOf(const Command& program, const Command& group) {
  return program.name + "-" + group.name;
}

void WriteSeeAlso(const Command& program, std::ostream& out) {
  out << ".SH SEE ALSO\n.BR " << Roff(program.name) << " (1)";
  for (const Command& group : program.commands) {
    if (!group.commands.empty()) out << ",\n.BR " << Roff(PageOf(program, group)) << " (1)";
  }
  out << "\n";
}

struct ManOptions {
  std::string group;
  std::string directory;
};

Outcome<void> WriteFiles(const Command& program, const std::string& directory) {
  const auto write = [&](const std::string& page, const Command* group) -> Outcome<void> {
    const std::string path = directory + "/" + page + ".1";
    std::ofstream file(path);
    if (group == nullptr) {
      WriteManualPage(program, file);
    } else {
      WriteGroupPage(program, *group, file);
    }
    file.close();
    return file ? Outcome<void>() : UsageProblem(path + ": cannot be written");
  };
  if (auto written = write(program.name, nullptr); !written) return written;
  for (const Command& group : program.commands) {
    if (group.commands.empty()) continue;
    if (auto written = write(PageOf(program, group), &group); !written) return written;
  }
  return {};
}

Outcome<void> PrintManual(Context& context, const ManOptions& options) {
  if (!options.directory.empty()) return WriteFiles(context.program, options.directory);
  if (options.group.empty()) {
    WriteManualPage(context.program, context.out);
    return {};
  }
  const Command* group = context.program.Find(options.group);
  if (group == nullptr || group->commands.empty()) {
    return UsageProblem("\"" + options.group + "\" is no group of commands",
                        "keymastctl man tells of all others");
  }
  WriteGroupPage(context.program, *group, context.out);
  return {};
}

}  // namespace

void WriteManualPage(const Command& program, std::ostream& out) {
  WriteHead(program.name, "control a keymast server", out);
  out << ".SH SYNOPSIS\n"
      << Bold(program.name) << " [" << Italic("OPTION") << "]... " << Italic("COMMAND") << " ["
      << Italic("ARGUMENT") << "]...\n"
      << ".SH DESCRIPTION\n"
      << "The API of keymast on the command line.\n"
      << "Names may be short (news) or full (channels/news).\n"
      << "Durations are as 500ms, 2s, 10m, 1h; times as in RFC 3339.\n"
      << ".SH GROUPS OF COMMANDS\n";
  for (const Command& group : program.commands) {
    if (group.commands.empty()) continue;
    out << ".TP\n.BR " << Roff(PageOf(program, group)) << " (1)\n" << Roff(group.what) << ".\n";
  }
  out << ".SH COMMANDS\n";
  std::vector<std::string> examples;
  for (const Command& command : program.commands) {
    if (!command.commands.empty()) continue;
    WriteCommand(command.name, command, out);
    examples.insert(examples.end(), command.examples.begin(), command.examples.end());
  }
  out << ".SH OPTIONS\n";
  for (const Option& option : program.options) WriteOption(option, out);
  WriteExits(out);
  WriteExamples(examples, out);
  WriteSeeAlso(program, out);
}

void WriteGroupPage(const Command& program, const Command& group, std::ostream& out) {
  WriteHead(PageOf(program, group), group.what, out);
  out << ".SH SYNOPSIS\n"
      << Bold(program.name + " " + group.name) << " " << Italic("COMMAND") << " ["
      << Italic("ARGUMENT") << "]...\n"
      << ".SH COMMANDS\n";
  for (const Command& command : group.commands) {
    WriteCommand(group.name + " " + command.name, command, out);
  }
  WriteExamples(group.examples, out);
  WriteSeeAlso(program, out);
}

void AddMan(Command& program) {
  Command& command = program.Add("man", "Write manual pages");
  auto& options = OptionsOf<ManOptions>(command, PrintManual);
  command.Add(Word("GROUP", "A group of commands; all others when not given", Into(options.group))
                  .Optional());
  command.Add(Valued("--directory", "FOLDER", "Write every page into this folder",
                     Into(options.directory)));
  command.Example("keymastctl man channels | man -l -");
}

}  // namespace keymast::cli
