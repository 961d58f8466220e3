// SPDX-License-Identifier: Apache-2.0
#include "tools/input.h"

#include "shell/files.h"
#include "tools/hex_text.h"

namespace keymast::tools {
namespace {

Input OfOne(ByteView octets) {
  Input input;
  input.messages.push_back({Bytes(octets.begin(), octets.end())});
  return input;
}

tl::expected<Input, Failure> OfHexText(std::string_view text) {
  tl::expected<std::vector<Bytes>, Failure> messages = ReadHexText(text);
  if (!messages) return tl::unexpected<Failure>(messages.error());
  Input input;
  for (Bytes& octets : *messages) input.messages.push_back({std::move(octets)});
  return input;
}

}  // namespace

tl::expected<Input, Failure> ReadInput(ByteView octets, const CaptureFilter& filter) {
  if (octets.empty()) return Fail(Error::kNotFound, "it is empty");
  if (IsCapture(octets)) return ReadCapture(octets, filter);
  if (IsText(octets)) return OfHexText(AsText(octets));
  return OfOne(octets);
}

tl::expected<std::string, Failure> LoadInput(const std::string& path) {
  const Result<std::string> text = shell::ReadFile(path == "-" ? "/dev/stdin" : path, kMaxInput);
  if (!text) return Fail(text.error(), path + ": " + shell::WhyNot(text.error()));
  return *text;
}

}  // namespace keymast::tools
