// SPDX-License-Identifier: Apache-2.0
#include "tools/tree.h"

#include <algorithm>

#include "tools/spell.h"

namespace keymast::tools {
namespace {

using mikey::Field;

// Collector makes the tree. Groups that are still open are on a stack of their own.
class Collector final : public mikey::FieldSink {
 public:
  void Open(std::string_view name, std::string_view clause, size_t offset) override {
    open_.push_back({name, clause, offset, 0, std::nullopt});
  }
  void Add(const Field& field) override {
    // The dump tells the name of a parameter's value behind it: one field of two lines otherwise.
    if (field.name == "meaning" && !Level().empty()) {
      const bool is_time = field.kind == Field::Kind::kOctets;
      Level().back().meaning =
          is_time ? SpellTime(mikey::TsType::kNtp, field.octets) : std::string(field.meaning);
      return;
    }
    Node node{field.name, {}, field.offset, field.length, field};
    std::vector<Node>& level = Level();
    node.meaning = MeaningOf(field, level);
    level.push_back(std::move(node));
  }
  void Close(size_t end) override {
    Node group = std::move(open_.back());
    open_.pop_back();
    group.length = end - group.offset;
    Level().push_back(std::move(group));
  }
  std::vector<Node> Take() { return std::move(top_); }

 private:
  std::vector<Node>& Level() { return open_.empty() ? top_ : open_.back().inside; }

  // What octets mean may hang on a code before them: the type of a time or of an identity.
  static std::string MeaningOf(const Field& field, const std::vector<Node>& before) {
    if (field.kind != Field::Kind::kOctets) return {};
    if (field.name == "ts_value") {
      for (const Node& node : before) {
        if (node.name == "ts_type") {
          return SpellTime(static_cast<mikey::TsType>(node.field->number), field.octets);
        }
      }
    }
    return SpellOctets(field.name, field.octets);
  }

  std::vector<Node> top_;
  std::vector<Node> open_;
};

void MarkSecrets(Node& node) {
  for (Node& child : node.inside) {
    const bool is_octets = child.field && child.field->kind == Field::Kind::kOctets;
    child.is_secret = is_octets && (child.name == "key" || child.name == "salt");
  }
}

}  // namespace

std::vector<Node> TreeOf(ByteView octets, Status& status) {
  Collector collector;
  status = mikey::Dump(octets, collector);
  return collector.Take();
}

Node KeyDataTree(ByteView plain, size_t offset, mikey::PayloadType first, Status& status,
                 uint8_t version) {
  Collector collector;
  status = plain.empty() ? Status() : mikey::DumpKeyData(plain, offset, collector, first, version);
  const char* clause = version == mikey::kVersion1 ? "RFC 3830 §6.2" : "MIKEYv2 §3.5";
  Node group{"Decrypted", clause, offset, plain.size(), std::nullopt};
  group.inside = collector.Take();
  for (Node& payload : group.inside) MarkSecrets(payload);
  return group;
}

void PutInKemac(std::vector<Node>& tree, Node group) {
  const auto kemac = std::find_if(tree.begin(), tree.end(), [](const Node& node) {
    return node.name == mikey::NameOf(mikey::PayloadType::kKemac);
  });
  if (kemac == tree.end()) return;
  const auto mac = std::find_if(kemac->inside.begin(), kemac->inside.end(),
                                [](const Node& node) { return node.name == "mac_alg"; });
  kemac->inside.insert(mac, std::move(group));
}

}  // namespace keymast::tools
