// SPDX-License-Identifier: Apache-2.0
// The only file that includes toml++: it costs seconds to compile.
#include "shell/config.h"

#include <toml++/toml.h>
#include <set>

#include "base/check.h"
#include "shell/files.h"

namespace keymast::shell {
namespace {

// A configuration is written by hand; more than this is a mistake.
constexpr size_t kMaxFile = 1 << 20;

std::string PlaceAt(const std::string& path, const toml::source_position& at) {
  return path + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": ";
}

}  // namespace

struct ConfigFile::State {
  std::string path;
  toml::table root;
  std::set<std::string> known;    // keys that were asked for
  std::set<std::string> arrays;   // of tables, that were asked for
  std::set<std::string> refused;  // those with an error
  std::vector<std::string> errors;

  const toml::node* Find(std::string_view key) {
    known.insert(std::string(key));
    return root.at_path(key).node();
  }
  void Refuse(const toml::node& node, std::string_view key, const std::string& what) {
    if (!refused.insert(std::string(key)).second) return;
    errors.push_back(PlaceAt(path, node.source().begin) + std::string(key) + " " + what);
  }
  void FindUnknown(const toml::table& table, const std::string& prefix) {
    for (const auto& [name, node] : table) {
      const std::string key = prefix + std::string(name.str());
      if (arrays.contains(key)) {
        FindUnknown(*node.as_array(), key);
        continue;
      }
      if (known.contains(key)) continue;
      const toml::table* inner = node.as_table();
      if (inner != nullptr && Leads(key + ".")) {
        FindUnknown(*inner, key + ".");
      } else {
        errors.push_back(PlaceAt(path, name.source().begin) + "unknown key " + key);
      }
    }
  }
  void FindUnknown(const toml::array& tables, const std::string& key) {
    for (size_t i = 0; i < tables.size(); ++i) {
      FindUnknown(*tables[i].as_table(), key + "[" + std::to_string(i) + "].");
    }
  }
  // Leads says whether a key that was asked for lies below `prefix`.
  bool Leads(const std::string& prefix) const {
    const auto next = known.lower_bound(prefix);
    return next != known.end() && next->starts_with(prefix);
  }
};

ConfigFile::ConfigFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
ConfigFile::ConfigFile(ConfigFile&&) noexcept = default;
ConfigFile& ConfigFile::operator=(ConfigFile&&) noexcept = default;
ConfigFile::~ConfigFile() = default;

tl::expected<ConfigFile, Failure> ConfigFile::Load(const std::string& path) {
  const auto text = ReadFile(path, kMaxFile);
  if (!text) return Fail(text.error(), path + ": cannot be read (" + WhyNot(text.error()) + ")");
  return Parse(*text, path);
}

tl::expected<ConfigFile, Failure> ConfigFile::Parse(std::string_view text,
                                                    const std::string& path) {
  if (text.size() > kMaxFile) return Fail(Error::kTooLong, path + ": longer than 1 MiB");
  auto state = std::make_unique<State>();
  state->path = path;
  try {
    state->root = toml::parse(text, path);
  } catch (const toml::parse_error& problem) {
    return Fail(Error::kMalformed,
                PlaceAt(path, problem.source().begin) + std::string(problem.description()));
  }
  return ConfigFile(std::move(state));
}

ConfigFile ConfigFile::Empty() { return ConfigFile(std::make_unique<State>()); }

bool ConfigFile::Has(std::string_view key) const { return state_->Find(key) != nullptr; }

std::string ConfigFile::String(std::string_view key, std::string fallback) {
  const toml::node* node = state_->Find(key);
  if (node == nullptr) return fallback;
  if (const auto* text = node->as_string()) return text->get();
  state_->Refuse(*node, key, "must be a text in quotes");
  return fallback;
}

std::string ConfigFile::Path(std::string_view key, std::string fallback, size_t longest) {
  const bool given = Has(key);
  std::string path = String(key, std::move(fallback));
  if (given && path.empty()) {
    Refuse(key, "must not be empty: give a path, or leave the key out for the default");
  } else if (path.size() > longest) {
    Refuse(key, "is too long: " + std::to_string(path.size()) + " octets of at most " +
                    std::to_string(longest) + "; choose a shorter path");
  }
  return path;
}

int64_t ConfigFile::Integer(std::string_view key, int64_t fallback, int64_t lowest,
                            int64_t highest) {
  const toml::node* node = state_->Find(key);
  if (node == nullptr) return fallback;
  const auto* number = node->as_integer();
  if (number != nullptr && number->get() >= lowest && number->get() <= highest) {
    return number->get();
  }
  state_->Refuse(
      *node, key,
      "must be a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest));
  return fallback;
}

bool ConfigFile::Boolean(std::string_view key, bool fallback) {
  const toml::node* node = state_->Find(key);
  if (node == nullptr) return fallback;
  if (const auto* value = node->as_boolean()) return value->get();
  state_->Refuse(*node, key, "must be true or false");
  return fallback;
}

Duration ConfigFile::DurationOf(std::string_view key, Duration fallback) {
  const toml::node* node = state_->Find(key);
  if (node == nullptr) return fallback;
  if (const auto* text = node->as_string()) {
    if (const auto duration = ParseDuration(text->get())) return *duration;
  }
  state_->Refuse(*node, key, "must be a duration such as \"500ms\", \"2s\", \"10m\" or \"1h\"");
  return fallback;
}

std::vector<std::string> ConfigFile::Strings(std::string_view key) {
  std::vector<std::string> texts;
  const toml::node* node = state_->Find(key);
  if (node == nullptr) return texts;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    state_->Refuse(*node, key, "must be a list of texts");
    return texts;
  }
  for (const toml::node& element : *array) {
    if (const auto* text = element.as_string()) {
      texts.push_back(text->get());
    } else {
      state_->Refuse(element, key, "must hold nothing but texts");
    }
  }
  return texts;
}

std::vector<std::string> ConfigFile::Table(std::string_view key) {
  std::vector<std::string> names;
  const toml::node* node = state_->Find(key);
  if (node == nullptr) return names;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    state_->Refuse(*node, key, "must be a table");
    return names;
  }
  for (const auto& [name, value] : *table) names.emplace_back(name.str());
  return names;
}

size_t ConfigFile::Tables(std::string_view key) {
  const toml::node* node = state_->root.at_path(key).node();
  if (node == nullptr) return 0;
  const toml::array* array = node->as_array();
  if (array == nullptr || (!array->empty() && !array->is_homogeneous<toml::table>())) {
    state_->known.insert(std::string(key));
    state_->Refuse(*node, key, "must be tables, each under [[" + std::string(key) + "]]");
    return 0;
  }
  state_->arrays.insert(std::string(key));
  return array->size();
}

std::string ConfigFile::Place(std::string_view key) const {
  const toml::node* node = state_->Find(key);
  return node == nullptr ? "" : PlaceAt(state_->path, node->source().begin);
}

void ConfigFile::Refuse(std::string_view key, const std::string& what) {
  if (const toml::node* node = state_->Find(key)) return state_->Refuse(*node, key, what);
  if (!state_->refused.insert(std::string(key)).second) return;
  const std::string place = state_->path.empty() ? "" : state_->path + ": ";
  state_->errors.push_back(place + std::string(key) + " " + what);
}

tl::expected<void, Failure> ConfigFile::Finish() {
  state_->FindUnknown(state_->root, "");
  if (state_->errors.empty()) return {};
  std::string text;
  for (const std::string& error : state_->errors) {
    if (!text.empty()) text += '\n';
    text += error;
  }
  return Fail(Error::kInvalidArgument, std::move(text));
}

}  // namespace keymast::shell
