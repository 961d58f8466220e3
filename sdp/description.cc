// SPDX-License-Identifier: Apache-2.0
#include "sdp/description.h"

#include <set>

#include "sdp/text.h"

namespace keymast::sdp {
namespace {

// Lines gathers them; each Take... gives the error of its line.
class Lines {
 public:
  Status Take(std::string_view line, size_t number);
  bool has_version() const { return seen_.contains('v'); }
  Description description;

 private:
  Status TakeMedia(std::string_view value);
  Status TakeConnection(std::string_view value);
  Status TakeAttribute(std::string_view value);
  bool in_session() const { return description.media.empty(); }
  Attributes& attributes() {
    return in_session() ? description.attributes : description.media.back().attributes;
  }

  std::set<char> seen_;
  size_t number_ = 0;
};

// m=<media> <port> <transport> <formats>: RFC 8866 §5.14.
Status Lines::TakeMedia(std::string_view value) {
  if (description.media.size() == kMaxMedia) return Err(Error::kTooLong);
  Media next;
  next.line = number_;
  next.media = Cut(value, ' ');
  if (!TakeNumber<uint16_t>(Cut(value, ' '), next.port, 65535)) return Err(Error::kMalformed);
  next.transport = Cut(value, ' ');
  if (next.media.empty() || next.transport.empty()) return Err(Error::kMalformed);
  do {
    if (next.formats.size() == kMaxFormats) return Err(Error::kTooLong);
    next.formats.emplace_back(Cut(value, ' '));
    if (next.formats.back().empty()) return Err(Error::kMalformed);
  } while (!value.empty());
  description.media.push_back(std::move(next));
  return {};
}

// c=IN IP4 <group>/<ttl>, c=IN IP4 <address>, c=IN IP6 <address>: RFC 8866 §5.7. Names of hosts and
// ranges of groups are not taken.
Status Lines::TakeConnection(std::string_view value) {
  auto& place = in_session() ? description.connection : description.media.back().connection;
  if (place || Cut(value, ' ') != "IN") return Err(Error::kMalformed);
  const std::string_view family = Cut(value, ' ');
  const bool has_suffix = value.find('/') != std::string_view::npos;
  const Result<Endpoint> address = ParseAddress(Cut(value, '/'));
  if (!address) return Err(Error::kMalformed);
  const bool is_ipv4 = address->family == Endpoint::Family::kIpv4;
  const bool needs_ttl = is_ipv4 && address->IsMulticast();
  if (family != (is_ipv4 ? "IP4" : "IP6") || has_suffix != needs_ttl) {
    return Err(Error::kMalformed);
  }
  Connection connection{*address, 0};
  if (needs_ttl && !TakeNumber<uint8_t>(value, connection.ttl, 255)) return Err(Error::kMalformed);
  place = connection;
  return {};
}

Status Lines::TakeAttribute(std::string_view value) {
  if (attributes().size() == kMaxAttributes) return Err(Error::kTooLong);
  Attribute next;
  next.name = Cut(value, ':');
  next.value = value;
  next.line = number_;
  if (next.name.empty()) return Err(Error::kMalformed);
  attributes().push_back(std::move(next));
  return {};
}

Status Lines::Take(std::string_view line, size_t number) {
  number_ = number;
  if (line.size() > kMaxLine) return Err(Error::kTooLong);
  if (line.size() < 2 || line[1] != '=' || !IsPrintable(line)) return Err(Error::kMalformed);
  const char type = line[0];
  const std::string_view value = line.substr(2);
  if (type != 'v' && !has_version()) return Err(Error::kUnknownVersion);  // v= comes first
  const bool is_of_session = type == 'v' || type == 'o' || type == 's' || type == 't';
  if (is_of_session && (!in_session() || !seen_.insert(type).second)) {
    return Err(Error::kMalformed);
  }
  switch (type) {
    case 'v':
      return value == "0" ? Status() : Err(Error::kUnknownVersion);
    case 'o':
      description.origin = value;
      return {};
    case 's':
      description.name = value;
      return {};
    case 't':
      description.time = value;
      return {};
    case 'm':
      return TakeMedia(value);
    case 'c':
      return TakeConnection(value);
    case 'a':
      return TakeAttribute(value);
    default:
      return {};
  }
}

}  // namespace

const Connection* Description::ConnectionOf(const Media& section) const {
  if (section.connection) return &*section.connection;
  return connection ? &*connection : nullptr;
}

tl::expected<Description, Failure> Read(std::string_view text) {
  if (text.size() > kMaxText) return Refusal(Error::kTooLong, 0);
  Lines lines;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    std::string_view line = Cut(text, '\n');
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() && text.empty()) break;
    if (const Status taken = lines.Take(line, number); !taken) {
      return Refusal(taken.error(), number);
    }
  }
  if (!lines.has_version()) return Refusal(Error::kPayloadMissing, number);
  lines.description.lines = number;
  return std::move(lines.description);
}

const Attribute* Find(const Attributes& attributes, std::string_view name) {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [&](const Attribute& a) { return a.name == name; });
  return found == attributes.end() ? nullptr : &*found;
}

tl::unexpected<Failure> Refusal(Error error, size_t line) {
  return Fail(error, "session description, line " + std::to_string(line) + ": " +
                         std::string(ErrorName(error)));
}

}  // namespace keymast::sdp
