// SPDX-License-Identifier: Apache-2.0
#include "tools/inside.h"

#include "mikey/extensions.h"
#include "tools/spell.h"

namespace keymast::tools {
namespace {

using namespace mikey;

// Octets of one structure, appended; the text says what is wrong with the JSON.
template <class T>
std::string Append(const Json& json, Bytes& out) {
  if (!json.is_object()) return "an object is wanted here";
  std::deque<Bytes> arena;
  FromJsonIo from(json, arena);
  T value;
  T::Describe(from, value);
  if (std::string problem = from.Finish(); !problem.empty()) return problem;
  const size_t before = out.size();
  out.resize(before + kMaxMessage);
  Writer writer(MutableBytes(out).subspan(before));
  WriteIo to(writer);
  T::Describe(to, value);
  out.resize(before + writer.size());
  return writer.ok() ? std::string() : std::string("it does not fit");
}

template <class T>
bool ReadOne(Reader& reader, Json& json) {
  ReadIo from(reader);
  T value;
  T::Describe(from, value);
  if (!from.ok()) return false;
  json = Json::object();
  ToJsonIo to(json);
  T::Describe(to, value);
  return true;
}

const ParamInfo* FindParamByName(ProtType prot_type, const Json& type) {
  if (!type.is_string()) return nullptr;
  for (const ParamInfo& info : ParamsOf(prot_type)) {
    if (info.name == type.get_ref<const std::string&>()) return &info;
  }
  return nullptr;
}

// A parameter's value in one octet is a number or the name of one; others are octets.
Json ValueOf(const ParamInfo* info, ByteView value) {
  const bool is_number = value.size() == 1 && (info == nullptr || info->octets <= 1);
  if (!is_number) return ToHex(value);
  const CodePoint* point = info == nullptr ? nullptr : FindCodePoint(info->values, value[0]);
  return point == nullptr ? Json(value[0]) : Json(point->name);
}

std::optional<Bytes> OctetsOf(const ParamInfo* info, const Json& value) {
  const size_t octets = info == nullptr || info->octets == 0 ? 1 : info->octets;
  if (info != nullptr && value.is_string()) {
    for (const CodePoint& point : info->values) {
      if (point.name == value.get_ref<const std::string&>()) return Bytes{point.value};
    }
  }
  return ReadOctets(value, octets);
}

std::string AppendParam(ProtType prot_type, const Json& json, Bytes& out) {
  const bool is_pair =
      json.is_object() && json.size() == 2 && json.contains("type") && json.contains("value");
  if (!is_pair) return "a parameter has `type` and `value`";
  const ParamInfo* info = FindParamByName(prot_type, json["type"]);
  const auto type =
      info != nullptr ? std::optional<uint64_t>(info->type) : ReadNumber(json["type"], {});
  if (!type || *type > 0xff) return "there is no such type of parameter";
  if (info == nullptr) info = FindParam(prot_type, static_cast<uint8_t>(*type));
  const std::optional<Bytes> value = OctetsOf(info, json["value"]);
  if (!value || value->size() > 0xff) return "this value does not fit its parameter";
  out.push_back(static_cast<uint8_t>(*type));
  out.push_back(static_cast<uint8_t>(value->size()));
  out.insert(out.end(), value->begin(), value->end());
  return {};
}

std::string HideParams(Json& json) {
  if (!json.contains("params") || !json["params"].is_array()) return {};
  const Json number = json.contains("prot_type") ? json["prot_type"] : Json(0u);
  const auto prot_type = ReadNumber(number, CodePointsOf<ProtType>());
  if (!prot_type) return "prot_type: no protocol of that name";
  Bytes out;
  for (const Json& param : json["params"]) {
    std::string problem = AppendParam(static_cast<ProtType>(*prot_type), param, out);
    if (!problem.empty()) return "params: " + problem;
  }
  json["params"] = ToHex(out);
  return {};
}

std::string HideExtension(Json& json) {
  if (!json.contains("data")) return {};
  const Json& data = json["data"];
  Bytes out;
  std::string problem;
  if (data.is_array()) {
    for (const Json& entry : data) {
      if (problem.empty()) problem = Append<KeyIdEntry>(entry, out);
    }
  } else if (data.is_object() && data.contains("csb_id")) {
    problem = Append<CsbIdExtension>(data, out);
  } else if (data.is_object() && data.contains("subtype")) {
    problem = Append<OmaExtension>(data, out);
  } else {
    return {};
  }
  if (!problem.empty()) return "data: " + problem;
  json["data"] = ToHex(out);
  return {};
}

// Put keeps the structure only if it is the same octets again.
void PutIfSame(PayloadType type, const char* member, Json shown, Json& json) {
  Json with = json;
  with[member] = std::move(shown);
  Json hidden = with;
  if (HideInside(type, hidden).empty() && hidden == json) json = std::move(with);
}

std::optional<Json> ShowExtension(const ExtPayload& payload) {
  Reader reader(payload.data);
  Json shown;
  if (payload.ext_type == ExtType::kKeyIds) {
    shown = Json::array();
    Json entry;
    while (!reader.empty()) {
      if (!ReadOne<KeyIdEntry>(reader, entry)) return std::nullopt;
      shown.push_back(entry);
    }
    return shown;
  }
  if (payload.ext_type == ExtType::kCsbId && ReadOne<CsbIdExtension>(reader, shown)) return shown;
  if (payload.ext_type == ExtType::kOmaBcast && ReadOne<OmaExtension>(reader, shown)) return shown;
  return std::nullopt;
}

void ShowIdentity(ByteView id, Json& json) {
  if (!id.empty() && !SpellOctets("id", id).empty()) json["id"] = {{"text", AsText(id)}};
}

}  // namespace

void ShowInside(const SpPayload& payload, Json& json) {
  Json shown = Json::array();
  Reader reader(payload.params);
  while (const std::optional<Param> param = NextParam(reader)) {
    const ParamInfo* info = FindParam(payload.prot_type, param->type);
    shown.push_back({{"type", info == nullptr ? Json(param->type) : Json(info->name)},
                     {"value", ValueOf(info, param->value)}});
  }
  PutIfSame(PayloadType::kSp, "params", std::move(shown), json);
}

void ShowInside(const ExtPayload& payload, Json& json) {
  if (auto shown = ShowExtension(payload)) {
    PutIfSame(PayloadType::kExt, "data", std::move(*shown), json);
  }
}

void ShowInside(const IdPayload& payload, Json& json) { ShowIdentity(payload.data, json); }
void ShowInside(const IdrPayload& payload, Json& json) { ShowIdentity(payload.data, json); }

std::string HideInside(PayloadType type, Json& json) {
  if (type == PayloadType::kSp) return HideParams(json);
  if (type == PayloadType::kExt) return HideExtension(json);
  return {};
}

}  // namespace keymast::tools
