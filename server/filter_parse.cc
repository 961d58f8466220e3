// SPDX-License-Identifier: Apache-2.0
// The grammar of AIP-160 but for functions: AND binds weaker than OR, and words side by side stand
// for AND.
#include <google/protobuf/util/time_util.h>

#include <charconv>
#include <optional>

#include "server/filter_tree.h"

namespace keymast::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::util::TimeUtil;
using Node = Filter::Node;
using Operator = FilterOperator;

constexpr int kMaxDepth = 16;
constexpr int kMaxTerms = 64;

tl::unexpected<Failure> Wrong(size_t at, const std::string& what) {
  const std::string text = "at octet " + std::to_string(at) + ": " + what;
  return tl::unexpected<Failure>(
      Failure{Error::kInvalidArgument, "filter " + text, {{"filter", text}}, {}, 0});
}

enum class TokenKind : uint8_t { kEnd, kWord, kQuoted, kOperator, kOpen, kClose, kMinus };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  size_t at = 0;
};

bool IsWordPart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '*' || c == '/' || c == '+' || c == '@' || c == '-' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Lexer gives one token after the other.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  size_t at() const { return at_; }

  // Next is nothing where a quoted text does not end, or for a character that nothing begins with.
  // Colons, which compare elsewhere, are part of a value, as of a time.
  std::optional<Token> Next(bool is_value = false) {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    Token token;
    token.at = at_;
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    if (c == '"' || c == '\'') return Quoted(c);
    if (c == '(' || c == ')') return Single(c == '(' ? TokenKind::kOpen : TokenKind::kClose);
    // In front of a word; inside of one it belongs to it, as in an id.
    if (c == '-') return Single(TokenKind::kMinus);
    if (std::string_view("=!<>:").find(c) != std::string_view::npos) return Comparator();
    token.kind = TokenKind::kWord;
    while (at_ < text_.size() && (IsWordPart(text_[at_]) || (is_value && text_[at_] == ':'))) {
      token.text.push_back(text_[at_++]);
    }
    return token.text.empty() ? std::nullopt : std::optional(token);
  }

 private:
  Token Single(TokenKind kind) { return {kind, std::string(1, text_[at_]), at_++}; }
  Token Comparator() {
    Token token{TokenKind::kOperator, std::string(1, text_[at_]), at_};
    ++at_;
    const bool is_double = token.text != ":" && token.text != "=";
    if (is_double && at_ < text_.size() && text_[at_] == '=') token.text.push_back(text_[at_++]);
    return token;
  }
  std::optional<Token> Quoted(char quote) {
    Token token{TokenKind::kQuoted, {}, at_++};
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote) {
        ++at_;
        return token;
      }
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      token.text.push_back(text_[at_]);
    }
    return std::nullopt;
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::optional<Operator> OperatorOf(const std::string& text) {
  if (text == "=") return Operator::kEqual;
  if (text == "!=") return Operator::kNotEqual;
  if (text == "<") return Operator::kLess;
  if (text == "<=") return Operator::kAtMost;
  if (text == ">") return Operator::kMore;
  if (text == ">=") return Operator::kAtLeast;
  if (text == ":") return Operator::kHas;
  return std::nullopt;
}

bool IsOrdering(Operator op) {
  return op == Operator::kLess || op == Operator::kAtMost || op == Operator::kMore ||
         op == Operator::kAtLeast;
}

// ReadTime and ReadSpan take the number in nanoseconds.
bool ReadTime(const std::string& text, int64_t& number) {
  google::protobuf::Timestamp time;
  if (!TimeUtil::FromString(text, &time)) return false;
  // Beyond these years nanoseconds do not fit 64 bits.
  if (time.seconds() > INT64_MAX / 1'000'000'000 - 1) return false;
  if (time.seconds() < INT64_MIN / 1'000'000'000 + 1) return false;
  number = time.seconds() * 1'000'000'000 + time.nanos();
  return true;
}

bool ReadSpan(const std::string& text, int64_t& number) {
  google::protobuf::Duration span;
  if (!TimeUtil::FromString(text, &span)) return false;
  if (span.seconds() > INT64_MAX / 1'000'000'000 - 1) return false;
  if (span.seconds() < INT64_MIN / 1'000'000'000 + 1) return false;
  number = span.seconds() * 1'000'000'000 + span.nanos();
  return true;
}

bool ReadInteger(const std::string& text, int64_t& number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

// ReadValue reads what a field is compared with; the text says what could stand there.
std::optional<std::string> ReadValue(const FieldDescriptor& field, const std::string& text,
                                     Node& term) {
  term.text = text;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (field.type() == FieldDescriptor::TYPE_BYTES) return "is octets, which are not compared";
      return std::nullopt;
    case FieldDescriptor::CPPTYPE_BOOL:
      term.number = text == "true" ? 1 : 0;
      if (text == "true" || text == "false") return std::nullopt;
      return "must be compared with true or false";
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value = field.enum_type()->FindValueByName(text);
      if (value == nullptr) return "must be compared with a name of " + field.enum_type()->name();
      term.number = value->number();
      return std::nullopt;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      const std::string& type = field.message_type()->full_name();
      const bool is_time = type == "google.protobuf.Timestamp";
      if (!is_time && type != "google.protobuf.Duration") return "is no value that is compared";
      const bool is_read = is_time ? ReadTime(text, term.number) : ReadSpan(text, term.number);
      if (is_read) return std::nullopt;
      return is_time ? "must be compared with a time, as 2026-01-31T12:00:00Z"
                     : "must be compared with a duration, as 10s";
    }
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return "is not compared";
    default:
      if (ReadInteger(text, term.number)) return std::nullopt;
      return "must be compared with a whole number";
  }
}

class Parser {
 public:
  Parser(std::string_view text, const Descriptor& type) : lexer_(text), type_(type) {}

  tl::expected<Node, Failure> Parse() {
    if (auto moved = Advance(); !moved) return tl::unexpected(moved.error());
    auto root = All(0);
    if (root && token_.kind != TokenKind::kEnd) return Wrong(token_.at, "nothing can follow here");
    return root;
  }

 private:
  using Outcome = tl::expected<Node, Failure>;
  using Done = tl::expected<void, Failure>;

  Done Advance(bool to_value = false) {
    auto token = lexer_.Next(to_value);
    if (!token) return Wrong(lexer_.at(), "a text must end with its quote, or a word begin");
    token_ = std::move(*token);
    return {};
  }
  bool IsWord(std::string_view word) const {
    return token_.kind == TokenKind::kWord && token_.text == word;
  }
  bool BeginsTerm() const {
    return token_.kind == TokenKind::kOpen || token_.kind == TokenKind::kMinus ||
           (token_.kind == TokenKind::kWord && token_.text != "OR" && token_.text != "AND");
  }

  // All is parts with AND, or nothing, between them.
  Outcome All(int depth) {
    Node all;
    all.kind = Node::Kind::kAll;
    for (;;) {
      auto part = Any(depth);
      if (!part) return part;
      all.children.push_back(std::move(*part));
      const bool is_and = IsWord("AND");
      if (is_and) {
        if (auto moved = Advance(); !moved) return tl::unexpected(moved.error());
      } else if (!BeginsTerm()) {
        return all;
      }
    }
  }

  Outcome Any(int depth) {
    Node any;
    any.kind = Node::Kind::kAny;
    for (;;) {
      auto part = Unary(depth);
      if (!part) return part;
      any.children.push_back(std::move(*part));
      if (!IsWord("OR")) return any;
      if (auto moved = Advance(); !moved) return tl::unexpected(moved.error());
    }
  }

  Outcome Unary(int depth) {
    if (depth > kMaxDepth) return Wrong(token_.at, "too many parentheses");
    if (IsWord("NOT") || token_.kind == TokenKind::kMinus) {
      if (auto moved = Advance(); !moved) return tl::unexpected(moved.error());
      auto part = Unary(depth + 1);
      if (!part) return part;
      Node negation;
      negation.kind = Node::Kind::kNot;
      negation.children.push_back(std::move(*part));
      return negation;
    }
    if (token_.kind != TokenKind::kOpen) return Term();
    if (auto moved = Advance(); !moved) return tl::unexpected(moved.error());
    auto inner = All(depth + 1);
    if (!inner) return inner;
    if (token_.kind != TokenKind::kClose) return Wrong(token_.at, "a ) must stand here");
    if (auto moved = Advance(); !moved) return tl::unexpected(moved.error());
    return inner;
  }

  Done Path(Node& term) {
    const Descriptor* type = &type_;
    std::string_view rest = token_.text;
    for (;;) {
      const size_t dot = rest.find('.');
      const std::string name(rest.substr(0, dot));
      const FieldDescriptor* field = type == nullptr ? nullptr : type->FindFieldByName(name);
      if (field == nullptr) return Wrong(token_.at, "there is no field \"" + token_.text + "\"");
      term.path.push_back(field);
      if (dot == std::string_view::npos) return {};
      if (field->is_repeated()) return Wrong(token_.at, name + " is a list: ask with :");
      type = field->message_type();
      rest.remove_prefix(dot + 1);
    }
  }

  Outcome Term() {
    if (token_.kind != TokenKind::kWord || ++terms_ > kMaxTerms) {
      return Wrong(token_.at,
                   terms_ > kMaxTerms ? "too many comparisons" : "a field must stand here");
    }
    Node term;
    if (auto read = Path(term); !read) return tl::unexpected(read.error());
    if (auto moved = Advance(); !moved) return tl::unexpected(moved.error());
    if (token_.kind != TokenKind::kOperator) return term;
    const auto op = OperatorOf(token_.text);
    if (!op) return Wrong(token_.at, "\"" + token_.text + "\" is no comparison");
    if (auto moved = Advance(true); !moved) return tl::unexpected(moved.error());
    return Value(std::move(term), *op);
  }

  Outcome Value(Node term, Operator op) {
    std::string sign;
    if (token_.kind == TokenKind::kMinus) {
      sign = "-";
      if (auto moved = Advance(true); !moved) return tl::unexpected(moved.error());
    }
    if (token_.kind != TokenKind::kWord && token_.kind != TokenKind::kQuoted) {
      return Wrong(token_.at, "a value must stand here");
    }
    const FieldDescriptor& field = *term.path.back();
    const bool asks_whether_set =
        op == Operator::kHas && token_.kind == TokenKind::kWord && token_.text == "*";
    term.op = asks_whether_set ? Operator::kIsSet : op;
    if (field.is_repeated() && op != Operator::kHas) {
      return Wrong(token_.at, field.name() + " is a list: ask with :");
    }
    const bool is_unordered = field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM ||
                              field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL;
    if (IsOrdering(op) && is_unordered) return Wrong(token_.at, field.name() + " has no order");
    if (!asks_whether_set) {
      const auto wrong = ReadValue(field, sign + token_.text, term);
      if (wrong) return Wrong(token_.at, field.name() + " " + *wrong);
    }
    if (auto moved = Advance(); !moved) return tl::unexpected(moved.error());
    return term;
  }

  Lexer lexer_;
  const Descriptor& type_;
  Token token_;
  int terms_ = 0;
};

}  // namespace

tl::expected<Filter, Failure> Filter::Parse(std::string_view text, const Descriptor& type) {
  Filter filter;
  if (text.find_first_not_of(" \t") == std::string_view::npos) return filter;
  if (text.size() > kMaxText) return Wrong(kMaxText, "a filter has at most 2048 octets");
  auto root = Parser(text, type).Parse();
  if (!root) return tl::unexpected(root.error());
  filter.root_ = std::make_shared<const Node>(std::move(*root));
  return filter;
}

}  // namespace keymast::server
