// SPDX-License-Identifier: Apache-2.0
// The parameters of an SP payload (RFC 3830 §6.10): type, length, value triples, each type
// described once. Parameters that no table has are kept as they came.
#pragma once

#include <optional>

#include "base/cursor.h"
#include "mikey/code_points.h"

namespace keymast::mikey {

// SrtpParam numbers the parameters of protocol SRTP.
enum class SrtpParam : uint8_t {
  kEncrAlg = 0,
  kEncrKeyLength = 1,
  kAuthAlg = 2,
  kAuthKeyLength = 3,
  kSaltLength = 4,
  kPrf = 5,
  kKeyDerivationRate = 6,
  kSrtpEncryption = 7,
  kSrtcpEncryption = 8,
  kFecOrder = 9,
  kSrtpAuthentication = 10,
  kTagLength = 11,
  kPrefixLength = 12,
  kRocRate = 13,
  kSrtpAuthAlg = 14,
  kSrtcpAuthAlg = 15,
  kSrtpAuthKeyLength = 16,
  kSrtcpAuthKeyLength = 17,
  kSrtpTagLength = 18,
  kSrtcpTagLength = 19,
  kAeadTagLength = 20,
};

// ParamInfo describes one type of parameter.
struct ParamInfo {
  uint8_t type;
  std::string_view name;
  uint8_t octets;  // usual width of the value; 0: any
  std::span<const CodePoint> values;
  std::string_view source;
  bool is_time = false;  // NTP's, of 8 octets
};

// ParamsOf lists what a protocol has; empty for an unknown one.
std::span<const ParamInfo> ParamsOf(ProtType prot_type);

// FindParam is null for a type that the protocol's table does not have.
const ParamInfo* FindParam(ProtType prot_type, uint8_t type);

// Param is one triple; the value points into the SP payload.
struct Param {
  uint8_t type = 0;
  ByteView value;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8("type", p.type);
    io.Sized8("value", p.value);
  }
};

// NextParam reads the triple at the reader; nothing at the end or when it does not fit.
inline std::optional<Param> NextParam(Reader& reader) {
  if (!reader.ok() || reader.empty()) return std::nullopt;
  Param param;
  param.type = reader.U8();
  param.value = reader.Take(reader.U8());
  if (!reader.ok()) return std::nullopt;
  return param;
}

// IsParamChain is true when the triples fill `params` to its end.
inline bool IsParamChain(ByteView params) {
  while (params.size() >= 2 && params.size() - 2 >= params[1]) {
    params = params.subspan(size_t{2} + params[1]);
  }
  return params.empty();
}

}  // namespace keymast::mikey
