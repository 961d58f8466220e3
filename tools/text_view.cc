// SPDX-License-Identifier: Apache-2.0
#include "tools/text_view.h"

#include <algorithm>
#include <ostream>

#include "tools/spell.h"

namespace keymast::tools {
namespace {

using mikey::Field;

constexpr size_t kPlaceWidth = 16;
constexpr size_t kClauseColumn = 76;
constexpr size_t kOctetsALine = 24;
constexpr size_t kIndent = 2;

enum class Ink { kPlain, kGroup, kName, kFaint, kGood, kBad, kDoubtful };

std::string_view SequenceOf(Ink ink) {
  constexpr std::string_view kSequences[] = {"",         "\x1b[1m",  "\x1b[36m", "\x1b[2m",
                                             "\x1b[32m", "\x1b[31m", "\x1b[33m"};
  return kSequences[static_cast<size_t>(ink)];
}

Ink InkOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kVerified:
      return Ink::kGood;
    case Outcome::kUnverified:
      return Ink::kDoubtful;
    case Outcome::kMalformed:
    case Outcome::kFailed:
      break;
  }
  return Ink::kBad;
}

// Pen writes inked text and knows the column it is at.
class Pen {
 public:
  Pen(std::ostream& out, bool color) : out_(out), color_(color) {}
  Pen& Put(std::string_view text, Ink ink = Ink::kPlain) {
    const bool inked = color_ && ink != Ink::kPlain;
    if (inked) out_ << SequenceOf(ink);
    out_ << text;
    if (inked) out_ << "\x1b[0m";
    column_ += text.size();
    return *this;
  }
  Pen& To(size_t column) {
    out_ << std::string(column > column_ ? column - column_ : 0, ' ');
    column_ = std::max(column, column_);
    return *this;
  }
  void End() {
    out_ << '\n';
    column_ = 0;
  }
  size_t column() const { return column_; }

 private:
  std::ostream& out_;
  bool color_;
  size_t column_ = 0;
};

// Sheet writes one message, group by group.
class Sheet {
 public:
  Sheet(std::ostream& out, const TextOptions& options)
      : pen_(out, options.color), reveal_(options.reveal) {}

  void Head(const Decoded& decoded, const Found& found, size_t number) {
    pen_.Put("Message " + std::to_string(number) + ": " + decoded.kind, Ink::kGroup);
    pen_.Put(", " + std::to_string(decoded.octets.size()) + " octets");
    if (found.frame != 0) pen_.Put(", frame " + std::to_string(found.frame));
    if (found.from) pen_.Put(", " + ToString(*found.from) + " > " + ToString(*found.to));
    pen_.End();
  }

  void Group(const Node& group, size_t depth) {
    pen_.Put(SpellPlace(group.offset, group.length, 0), Ink::kFaint).To(ColumnAt(depth));
    pen_.Put(group.name, Ink::kGroup);
    if (!group.remark.empty()) pen_.Put(" - ").Put(group.remark, Ink::kBad);
    Clause(group.clause);
    for (const Node& node : group.inside) {
      if (node.field) {
        FieldLine(node, group.clause, depth + 1);
      } else {
        Group(node, depth + 1);
      }
    }
  }

  void Keys(const DerivedKeys& keys) {
    if (keys.empty()) return;
    pen_.To(kPlaceWidth).Put("Derived keys", Ink::kGroup).End();
    for (const DerivedKey& key : keys) {
      pen_.To(kPlaceWidth + kIndent).Put(key.name, Ink::kName).Put(" = ");
      SecretValue(key.octets);
      Clause(key.clause);
    }
  }

  void Verdict(const Decoded& decoded) {
    pen_.To(kPlaceWidth).Put(NameOf(decoded.outcome), InkOf(decoded.outcome));
    if (!decoded.key.empty()) {
      const bool is_verified = decoded.outcome == Outcome::kVerified;
      pen_.Put(is_verified ? " under " : ", key ");
      pen_.Put(decoded.key + ", fingerprint " + decoded.fingerprint);
    }
    if (!decoded.reason.empty()) pen_.Put(": " + decoded.reason);
    pen_.End();
  }

 private:
  static size_t ColumnAt(size_t depth) { return kPlaceWidth + kIndent * depth; }

  void FieldLine(const Node& node, std::string_view clause, size_t depth) {
    const Field& field = *node.field;
    pen_.Put(SpellPlace(field.offset, field.length, field.bits), Ink::kFaint).To(ColumnAt(depth));
    pen_.Put(field.name, Ink::kName);
    pen_.Put(field.kind == Field::Kind::kLength ? " length = " : " = ");
    if (field.kind == Field::Kind::kOctets) {
      Octets(node);
    } else {
      Number(field);
    }
    Clause(field.source.empty() ? clause : field.source);
  }

  void Number(const Field& field) {
    pen_.Put(SpellNumber(field));
    if (field.kind != Field::Kind::kCode) return;
    pen_.Put(" ").Put(field.meaning.empty() ? std::string_view("(unassigned)") : field.meaning);
  }

  void Octets(const Node& node) {
    const Field& field = *node.field;
    if (node.is_secret) return SecretValue(field.octets);
    // Identities are read as text; their octets are those of the text.
    if (field.name == "id" && !node.meaning.empty()) {
      pen_.Put(node.meaning);
      return;
    }
    Folded(field.octets);
    if (!node.meaning.empty()) pen_.Put(" ").Put(node.meaning);
  }

  void SecretValue(ByteView octets) {
    if (reveal_) return Folded(octets);
    pen_.Put("(" + std::to_string(octets.size()) + " octets, fingerprint ");
    pen_.Put(Fingerprint(octets)).Put(")");
  }

  void Folded(ByteView octets) {
    const size_t column = pen_.column();
    for (size_t at = 0; at < octets.size(); at += kOctetsALine) {
      if (at > 0) {
        pen_.End();
        pen_.To(column);
      }
      for (const uint8_t octet : octets.subspan(at, std::min(kOctetsALine, octets.size() - at))) {
        Octet(octet);
      }
    }
  }

  // One octet at a time: what is revealed does not stay in memory as text.
  void Octet(uint8_t octet) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    pen_.Put(kDigits.substr(octet >> 4, 1)).Put(kDigits.substr(octet & 15, 1));
  }

  void Clause(std::string_view clause) {
    if (!clause.empty()) pen_.Put("  ").To(kClauseColumn).Put(clause, Ink::kFaint);
    pen_.End();
  }

  Pen pen_;
  bool reveal_;
};

}  // namespace

void WriteText(const Decoded& decoded, const Found& found, size_t number,
               const TextOptions& options, std::ostream& out) {
  Sheet sheet(out, options);
  sheet.Head(decoded, found, number);
  for (const Node& group : decoded.tree) sheet.Group(group, 0);
  sheet.Keys(decoded.derived);
  sheet.Verdict(decoded);
}

}  // namespace keymast::tools
