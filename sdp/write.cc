// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "sdp/description.h"

namespace keymast::sdp {
namespace {

// A line break in free text would begin another line.
void AppendLine(std::string& text, char type, std::string line) {
  std::replace_if(
      line.begin(), line.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  text.append(1, type).append("=").append(line).append("\r\n");
}

std::string Spelled(const Connection& connection) {
  const bool is_ipv4 = connection.address.family == Endpoint::Family::kIpv4;
  std::string line = is_ipv4 ? "IN IP4 " : "IN IP6 ";
  line += AddressToString(connection.address);
  if (is_ipv4 && connection.address.IsMulticast()) line += "/" + std::to_string(connection.ttl);
  return line;
}

void AppendSection(std::string& text, const std::optional<Connection>& connection) {
  if (connection) AppendLine(text, 'c', Spelled(*connection));
}

void AppendAttributes(std::string& text, const Attributes& attributes) {
  for (const Attribute& attribute : attributes) {
    AppendLine(text, 'a',
               attribute.value.empty() ? attribute.name : attribute.name + ":" + attribute.value);
  }
}

}  // namespace

std::string Write(const Description& description) {
  std::string text;
  AppendLine(text, 'v', "0");
  AppendLine(text, 'o', description.origin);
  AppendLine(text, 's', description.name.empty() ? "-" : description.name);
  AppendSection(text, description.connection);
  AppendLine(text, 't', description.time);
  AppendAttributes(text, description.attributes);
  for (const Media& media : description.media) {
    std::string line = media.media + " " + std::to_string(media.port) + " " + media.transport;
    for (const std::string& format : media.formats) line += " " + format;
    AppendLine(text, 'm', line);
    AppendSection(text, media.connection);
    AppendAttributes(text, media.attributes);
  }
  return text;
}

}  // namespace keymast::sdp
