// SPDX-License-Identifier: Apache-2.0
#include "tools/description.h"

#include "mikey/message.h"
#include "tools/inside.h"
#include "tools/json_io.h"
#include "tools/spell.h"

namespace keymast::tools {
namespace {

using namespace mikey;

template <class Entry>
Json EntriesOf(ByteView map) {
  Json entries = Json::array();
  Reader reader(map);
  ReadIo io(reader);
  while (!reader.empty() && io.ok()) {
    Entry entry;
    Entry::Describe(io, entry);
    Json object = Json::object();
    ToJsonIo to(object);
    Entry::Describe(to, entry);
    entries.push_back(std::move(object));
  }
  return entries;
}

Json MapOf(const Header& header) {
  if (header.map_type == CsIdMapType::kSrtpId) return EntriesOf<SrtpIdEntry>(header.map);
  if (header.map_type == CsIdMapType::kGenericId) return EntriesOf<GenericIdEntry>(header.map);
  return Json::array();
}

Json TypeName(PayloadType type) {
  const std::string_view name = NameOf(type);
  return name.empty() ? Json(static_cast<unsigned>(type)) : Json(name);
}

template <class P>
Json JsonOfPayload(const P& payload) {
  Json json{{"type", TypeName(P::kInfo.type)}};
  ToJsonIo io(json);
  P::Describe(io, payload);
  ShowInside(payload, json);
  return json;
}

Json JsonOfPayload(const OpaquePayload& payload) {
  return {{"type", TypeName(payload.type)}, {"rest", ToHex(payload.rest)}};
}

}  // namespace

Json DescriptionOf(ByteView octets) {
  Message message;
  if (!ParseMessage(octets, message)) return {{"raw", ToHex(octets)}};
  Json header = Json::object();
  if (message.header.version != kVersion1) header["version"] = message.header.version;
  header["data_type"] = [&] {
    const std::string_view name = NameOf(message.header.data_type);
    return name.empty() ? Json(static_cast<unsigned>(message.header.data_type)) : Json(name);
  }();
  ToJsonIo io(header);
  DescribeHeader(io, message.header);
  header["map"] = MapOf(message.header);
  Json payloads = Json::array();
  for (const Payload& payload : message.chain()) {
    payloads.push_back(std::visit([](const auto& p) { return JsonOfPayload(p); }, payload));
  }
  return {{"header", std::move(header)}, {"payloads", std::move(payloads)}};
}

}  // namespace keymast::tools
