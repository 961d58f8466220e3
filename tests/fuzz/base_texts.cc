// SPDX-License-Identifier: Apache-2.0
// The texts that stand for one value each: addresses, hexadecimal octets, names, durations. What is
// read and can be written is read the same again.
#include "base/bytes.h"
#include "base/check.h"
#include "base/endpoint.h"
#include "base/error.h"
#include "groups/group.h"
#include "shell/config.h"
#include "shell/log.h"
#include "srtp/policy.h"

namespace {

using namespace keymast;

void ReadAddresses(std::string_view text) {
  if (const auto endpoint = ParseEndpoint(text)) {
    KEYMAST_CHECK(ParseEndpoint(ToString(*endpoint)) == *endpoint);
  }
  if (const auto address = ParseAddress(text)) {
    KEYMAST_CHECK(ParseAddress(AddressToString(*address)) == *address);
  }
  if (const auto endpoint = ParseEndpoint(text, 2269)) {
    KEYMAST_CHECK(ParseEndpoint(ToString(*endpoint)) == *endpoint);
  }
}

void ReadNames(std::string_view text) {
  Error error{};
  if (ErrorFromName(text, error)) KEYMAST_CHECK(ErrorName(error) == text);
  if (const auto profile = srtp::ProfileFromName(text)) {
    KEYMAST_CHECK(srtp::InfoOf(*profile).name == text);
  }
  shell::LogLevel level{};
  shell::ParseLogLevel(text, level);
  if (groups::IsResourceId(text)) KEYMAST_CHECK(text.size() <= 63);
  if (groups::IsIdentity(text)) KEYMAST_CHECK(text.size() <= 255);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = AsText({data, size});
  ReadAddresses(text);
  ReadNames(text);
  Bytes octets;
  if (FromHex(text, octets)) KEYMAST_CHECK(octets.size() * 2 == size);
  KEYMAST_CHECK(FromHex(ToHex({data, size}), octets) && Equal(octets, {data, size}));
  static_cast<void>(shell::ParseDuration(text));
  return 0;
}
