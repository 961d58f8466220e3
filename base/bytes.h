// SPDX-License-Identifier: Apache-2.0
// Views and buffers of public octets. Key material never lives in these: see crypto/secret.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keymast {

// Bytes owns public octets; ByteView and MutableBytes borrow them for the duration of a call.
using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;
using MutableBytes = std::span<uint8_t>;

// AsBytes views the octets of `text` without copying; the view lives as long as `text`.
inline ByteView AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// AsText views octets as characters; the view lives as long as `octets`.
inline std::string_view AsText(ByteView octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

// ToHex spells public octets in lower-case hexadecimal.
std::string ToHex(ByteView octets);

// FromHex returns false, leaving `out` unspecified, when `text` is not an even number of
// hexadecimal digits. White space is not skipped.
bool FromHex(std::string_view text, Bytes& out);

// Equal compares public octets. Secrets and MACs compare by crypto::ConstantTimeEqual.
inline bool Equal(ByteView a, ByteView b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace keymast
