// SPDX-License-Identifier: Apache-2.0
// Each shell is given the same: it follows the words to the command that they name, `at`, and
// offers what may stand behind it, or what the option before the cursor takes.
#include "cli/completion.h"

#include <fstream>
#include <ostream>

#include "cli/commands.h"
#include "cli/context.h"

namespace keymast::cli {
namespace {

using Visit = std::function<void(const Command& command, const std::string& path)>;

void Walk(const Command& command, const std::string& path, const Visit& visit) {
  visit(command, path);
  for (const Command& below : command.commands) Walk(below, path + " " + below.name, visit);
}

// The names of an option: `-o` and `--output` of "-o,--output".
std::vector<std::string> NamesOf(const Option& option) {
  const size_t comma = option.name.find(',');
  if (comma == std::string::npos) return {option.name};
  return {option.name.substr(0, comma), option.name.substr(comma + 1)};
}

// The options that may stand behind a command: its own, and the program's.
std::vector<const Option*> OptionsAt(const Command& program, const Command& command) {
  std::vector<const Option*> options;
  for (const Option& option : command.options) {
    if (!option.is_word()) options.push_back(&option);
  }
  for (const Option& option : program.options) {
    if (&command != &program) options.push_back(&option);
  }
  return options;
}

// Text in single quotes for bash and zsh.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string FishQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += (c == '\'' || c == '\\' ? "\\" : "") + std::string(1, c);
  return quoted + "'";
}

// `case` patterns of all paths that are commands.
void WriteFollowing(const Command& program, const std::string& indent, std::ostream& out) {
  Walk(program, program.name, [&](const Command& command, const std::string& path) {
    if (&command != &program) out << indent << Quoted(path) << ") at=" << Quoted(path) << " ;;\n";
  });
}

// `case` rows of the options that take a value, with what completes it: files, or the choices.
void WriteValues(const Command& program, const std::string& files,
                 const std::function<std::string(const std::string& words)>& choices,
                 std::ostream& out) {
  Walk(program, program.name, [&](const Command& command, const std::string& path) {
    for (const Option* option : OptionsAt(program, command)) {
      if (option->is_flag()) continue;
      const std::string offer = option->value == "FILE" ? files : choices(Joined(option->choices));
      for (const std::string& name : NamesOf(*option)) {
        out << "    " << Quoted(path + " " + name) << ") " << offer << "; return ;;\n";
      }
    }
  });
}

void WriteBashWords(const Command& program, std::ostream& out) {
  Walk(program, program.name, [&](const Command& command, const std::string& path) {
    std::vector<std::string> words;
    for (const Command& below : command.commands) words.push_back(below.name);
    for (const Option& option : command.options) {
      if (option.is_word()) words.insert(words.end(), option.choices.begin(), option.choices.end());
    }
    for (const Option* option : OptionsAt(program, command)) {
      for (const std::string& name : NamesOf(*option)) words.push_back(name);
    }
    words.push_back("--help");
    out << "    " << Quoted(path) << ") words=" << Quoted(Joined(words)) << " ;;\n";
  });
}

// `_describe` parts a word from its text at the first colon.
std::string ZshItem(std::string word, const std::string& what) {
  for (size_t at = 0; (at = word.find(':', at)) != std::string::npos; at += 2)
    word.insert(at, "\\");
  return " " + Quoted(what.empty() ? word : word + ":" + what);
}

void WriteZshWords(const Command& program, std::ostream& out) {
  Walk(program, program.name, [&](const Command& command, const std::string& path) {
    out << "    " << Quoted(path) << ")\n      words_=(";
    for (const Command& below : command.commands) out << ZshItem(below.name, below.what);
    for (const Option& option : command.options) {
      if (!option.is_word()) continue;
      for (const std::string& choice : option.choices) out << ZshItem(choice, {});
    }
    out << ")\n      options_=(";
    for (const Option* option : OptionsAt(program, command)) {
      for (const std::string& name : NamesOf(*option)) out << ZshItem(name, option->what);
    }
    out << ZshItem("--help", "Tell what there is") << ") ;;\n";
  });
}

void WriteFishOption(const std::string& condition, const Option& option, std::ostream& out) {
  out << "complete -c keymastctl" << condition;
  for (const std::string& name : NamesOf(option)) {
    out << (name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1));
  }
  if (option.value == "FILE") out << " -r -F";
  if (!option.is_flag() && option.value != "FILE") out << " -x";
  if (!option.choices.empty()) out << " -a " << FishQuoted(Joined(option.choices));
  out << " -d " << FishQuoted(option.what) << "\n";
}

struct CompletionOptions {
  std::string shell;
  std::string directory;
};

struct Shell {
  const char* name;
  const char* file;  // as packages install it
  void (*write)(const Command& program, std::ostream& out);
};

constexpr Shell kShells[] = {{"bash", "keymastctl", WriteBashCompletion},
                             {"zsh", "_keymastctl", WriteZshCompletion},
                             {"fish", "keymastctl.fish", WriteFishCompletion}};

Outcome<void> WriteFiles(const Command& program, const std::string& directory) {
  for (const Shell& shell : kShells) {
    const std::string path = directory + "/" + shell.file;
    std::ofstream file(path);
    shell.write(program, file);
    file.close();
    if (!file) return UsageProblem(path + ": cannot be written");
  }
  return {};
}

Outcome<void> PrintCompletion(Context& context, const CompletionOptions& options) {
  if (!options.directory.empty()) return WriteFiles(context.program, options.directory);
  for (const Shell& shell : kShells) {
    if (shell.name != options.shell) continue;
    shell.write(context.program, context.out);
    return {};
  }
  return UsageProblem("completion: name a shell, or a folder with --directory");
}

}  // namespace

void WriteBashCompletion(const Command& program, std::ostream& out) {
  out << "# bash completion for keymastctl\n"
         "_keymastctl() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} at=keymastctl words i\n"
         "  COMPREPLY=()\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case \"$at ${COMP_WORDS[i]}\" in\n";
  WriteFollowing(program, "      ", out);
  out << "    esac\n"
         "  done\n"
         "  case \"$at ${COMP_WORDS[COMP_CWORD - 1]}\" in\n";
  WriteValues(
      program, "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")",
      [](const std::string& words) {
        return "mapfile -t COMPREPLY < <(compgen -W " + Quoted(words) + " -- \"$cur\")";
      },
      out);
  out << "  esac\n"
         "  case \"$at\" in\n";
  WriteBashWords(program, out);
  out << "  esac\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
         "}\n"
         "complete -F _keymastctl keymastctl\n";
}

void WriteZshCompletion(const Command& program, std::ostream& out) {
  out << "#compdef keymastctl\n"
         "_keymastctl() {\n"
         "  local at=keymastctl i\n"
         "  local -a words_ options_\n"
         "  for ((i = 2; i < CURRENT; i++)); do\n"
         "    case \"$at ${words[i]}\" in\n";
  WriteFollowing(program, "      ", out);
  out << "    esac\n"
         "  done\n"
         "  case \"$at ${words[CURRENT - 1]}\" in\n";
  WriteValues(
      program, "_files", [](const std::string& words) { return "compadd -- " + words; }, out);
  out << "  esac\n"
         "  case \"$at\" in\n";
  WriteZshWords(program, out);
  out << "  esac\n"
         "  if [[ ${words[CURRENT]} == -* ]]; then\n"
         "    _describe -o option options_\n"
         "  else\n"
         "    _describe command words_\n"
         "  fi\n"
         "}\n"
         "if [[ $funcstack[1] == _keymastctl ]]; then _keymastctl; else "
         "compdef _keymastctl keymastctl; fi\n";
}

void WriteFishCompletion(const Command& program, std::ostream& out) {
  out << "# fish completion for keymastctl\n"
         "function __keymastctl_at\n"
         "  set -l at keymastctl\n"
         "  for word in (commandline -opc)[2..-1]\n"
         "    switch \"$at $word\"\n"
         "      case";
  Walk(program, program.name, [&](const Command& command, const std::string& path) {
    if (&command != &program) out << " \\\n        " << FishQuoted(path);
  });
  out << "\n        set at \"$at $word\"\n"
         "    end\n"
         "  end\n"
         "  test \"$at\" = \"$argv\"\n"
         "end\n"
         "complete -c keymastctl -f\n"
         "complete -c keymastctl -l help -d 'Tell what there is'\n";
  for (const Option& option : program.options) WriteFishOption({}, option, out);
  Walk(program, program.name, [&](const Command& command, const std::string& path) {
    const std::string condition = " -n " + FishQuoted("__keymastctl_at " + path);
    for (const Command& below : command.commands) {
      out << "complete -c keymastctl" << condition << " -a " << below.name << " -d "
          << FishQuoted(below.what) << "\n";
    }
    for (const Option& option : command.options) {
      if (&command == &program) continue;
      if (!option.is_word()) WriteFishOption(condition, option, out);
      if (!option.is_word() || option.choices.empty()) continue;
      out << "complete -c keymastctl" << condition << " -a " << FishQuoted(Joined(option.choices))
          << "\n";
    }
  });
}

void AddCompletion(Command& program) {
  Command& command = program.Add("completion", "Write what a shell completes the commands by");
  auto& options = OptionsOf<CompletionOptions>(command, PrintCompletion);
  command.Add(
      Word("SHELL", "Whose", Into(options.shell)).OneOf({"bash", "zsh", "fish"}).Optional());
  command.Add(Valued("--directory", "FOLDER", "Write those of all shells into this folder",
                     Into(options.directory)));
  command.Example("source <(keymastctl completion bash)");
  command.Example("keymastctl completion fish > ~/.config/fish/completions/keymastctl.fish");
}

}  // namespace keymast::cli
