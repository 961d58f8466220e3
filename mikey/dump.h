// SPDX-License-Identifier: Apache-2.0
// Every field of a message with its place, value and clause, from the descriptions that also read
// and write it. Nothing is authenticated: what is shown is what the octets say.
#pragma once

#include "mikey/message.h"

namespace keymast::mikey {

// Field is one field of a message. Views live as long as the octets that were dumped.
struct Field {
  enum class Kind : uint8_t {
    kNumber,  // `number`
    kCode,    // `number` of a registry; `meaning` is its name, empty when it is unassigned
    kLength,  // length of the octets that follow under the same name
    kOctets,  // `octets`
  };
  std::string_view name;
  Kind kind = Kind::kNumber;
  size_t offset = 0;  // of the first octet in the message
  size_t length = 0;  // octets; two fields that share octets have the same place
  uint8_t bits = 0;   // width of a field that shares its octets with another; otherwise 0
  uint64_t number = 0;
  ByteView octets = {};
  std::string_view meaning = {};
  std::string_view source = {};  // of the meaning
};

// FieldSink is told of groups (a payload, an entry, a parameter) and of the fields in them.
class FieldSink {
 public:
  virtual ~FieldSink() = default;
  virtual void Open(std::string_view name, std::string_view clause, size_t offset) = 0;
  virtual void Add(const Field& field) = 0;
  virtual void Close(size_t end) = 0;
};

// Dump shows a whole message as far as it can be followed, and what cannot be followed as octets;
// returns what ParseMessage says of it.
Status Dump(ByteView octets, FieldSink& sink);

// DumpKeyData shows what a KEMAC has inside when it is decrypted; `offset` is where it lies in the
// message, `first` is kId in the public-key modes (RFC 3830 §3.2), kIdr in RSA mode of version 2
// (MIKEYv2 §3.5). kMalformed when it is no chain
// of payloads to its end; no octets are no keys, as for ParseKeyData.
Status DumpKeyData(ByteView plain, size_t offset, FieldSink& sink,
                   PayloadType first = PayloadType::kKeyData, uint8_t version = kVersion1);

}  // namespace keymast::mikey
