// SPDX-License-Identifier: Apache-2.0
// Everything that keymast-mikey reads: whatever form the input has, its messages are decoded and
// shown without a control character, and what is shown builds to the same octets again; as a key
// file and as a description it is read or refused.
#include <algorithm>
#include <sstream>

#include "base/check.h"
#include "tools/builder.h"
#include "tools/decoder.h"
#include "tools/input.h"
#include "tools/json_view.h"
#include "tools/key_file.h"
#include "tools/text_view.h"

namespace {

using namespace keymast;
using namespace keymast::tools;

const Keys& TestKeys() {
  static const Keys keys =
      *ReadKeys(AsBytes("psk 000102030405060708090a0b0c0d0e0f\n"
                        "msk 404142434445464748494a4b4c4d4e4f\n"));
  return keys;
}

bool IsShowable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char letter) {
    const auto octet = static_cast<uint8_t>(letter);
    return octet == '\n' || octet == 0xc2 || octet == 0xa7 || (octet >= 0x20 && octet < 0x7f);
  });
}

void ShowAndBuild(const Found& found, Decoder& decoder) {
  const Decoded decoded = decoder.Decode(found.octets);
  std::ostringstream text;
  WriteText(decoded, found, 1, {false, true}, text);
  KEYMAST_CHECK(IsShowable(text.str()));
  const std::string json = JsonOf(decoded, found, 1, true).dump();
  const auto descriptions = ParseDescriptions(json);
  KEYMAST_CHECK(descriptions.has_value());
  const auto built = BuildMessages(*descriptions, {}, crypto::DefaultSuite());
  KEYMAST_CHECK(built && built->size() == 1 && (*built)[0] == found.octets);
}

void AsInput(ByteView octets) {
  for (const bool any_port : {false, true}) {
    const auto input = ReadInput(octets, {kMikeyPort, any_port});
    if (!input) continue;
    Decoder decoder(crypto::DefaultSuite(), TestKeys(), {Bytes(16, 1)});
    const size_t count = std::min<size_t>(input->messages.size(), 8);
    for (size_t i = 0; i < count; ++i) ShowAndBuild(input->messages[i], decoder);
  }
}

void AsDescription(ByteView octets) {
  const auto descriptions = ParseDescriptions(AsText(octets));
  if (!descriptions || descriptions->size() > 8) return;
  const auto messages = BuildMessages(*descriptions, TestKeys(), crypto::DefaultSuite());
  if (!messages) return;
  Decoder decoder(crypto::DefaultSuite(), TestKeys(), {});
  for (const Bytes& message : *messages) ShowAndBuild({message}, decoder);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView octets(data, size);
  AsInput(octets);
  AsDescription(octets);
  (void)ReadKeys(octets);
  return 0;
}
