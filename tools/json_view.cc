// SPDX-License-Identifier: Apache-2.0
#include "tools/json_view.h"

#include "tools/description.h"

namespace keymast::tools {
namespace {

using mikey::Field;

void PutSecret(Json& json, ByteView octets, bool reveal) {
  json["octets"] = octets.size();
  json["fingerprint"] = Fingerprint(octets);
  if (reveal) json["value"] = ToHex(octets);
}

Json JsonOfField(const Node& node, std::string_view clause, bool reveal) {
  const Field& field = *node.field;
  Json json{{"name", field.name}, {"offset", field.offset}, {"length", field.length}};
  if (field.bits != 0) json["bits"] = field.bits;
  if (field.kind == Field::Kind::kLength) json["is_length"] = true;
  if (node.is_secret) {
    PutSecret(json, field.octets, reveal);
  } else if (field.kind == Field::Kind::kOctets) {
    json["value"] = ToHex(field.octets);
  } else {
    json["value"] = field.number;
  }
  if (field.kind == Field::Kind::kCode) {
    json["meaning"] = field.meaning.empty() ? Json(nullptr) : Json(field.meaning);
  }
  if (!node.meaning.empty()) json["meaning"] = node.meaning;
  json["clause"] = field.source.empty() ? clause : field.source;
  return json;
}

Json JsonOfGroup(const Node& group, bool reveal) {
  Json json{{"group", group.name}, {"offset", group.offset}, {"length", group.length}};
  json["clause"] = group.clause;
  if (!group.remark.empty()) json["remark"] = group.remark;
  Json& inside = json["fields"] = Json::array();
  for (const Node& node : group.inside) {
    inside.push_back(node.field ? JsonOfField(node, group.clause, reveal)
                                : JsonOfGroup(node, reveal));
  }
  return json;
}

}  // namespace

Json JsonOfTree(const std::vector<Node>& tree, bool reveal) {
  Json groups = Json::array();
  for (const Node& group : tree) groups.push_back(JsonOfGroup(group, reveal));
  return groups;
}

Json JsonOfKeys(const DerivedKeys& keys, bool reveal) {
  Json list = Json::array();
  for (const DerivedKey& key : keys) {
    Json json{{"name", key.name}};
    PutSecret(json, key.octets, reveal);
    json["clause"] = key.clause;
    list.push_back(std::move(json));
  }
  return list;
}

Json JsonOf(const Decoded& decoded, const Found& found, size_t number, bool reveal) {
  Json json{{"number", number}, {"kind", decoded.kind}, {"octets", ToHex(decoded.octets)}};
  if (found.frame != 0) json["frame"] = found.frame;
  if (found.from) {
    json["from"] = ToString(*found.from);
    json["to"] = ToString(*found.to);
  }
  json["outcome"] = NameOf(decoded.outcome);
  json["reason"] = decoded.reason;
  if (!decoded.key.empty())
    json["key"] = {{"name", decoded.key}, {"fingerprint", decoded.fingerprint}};
  json["derived_keys"] = JsonOfKeys(decoded.derived, reveal);
  json["message"] = DescriptionOf(decoded.octets);
  json["fields"] = JsonOfTree(decoded.tree, reveal);
  return json;
}

}  // namespace keymast::tools
