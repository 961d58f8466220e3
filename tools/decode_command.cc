// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ostream>

#include "tools/commands.h"
#include "tools/hex_text.h"
#include "tools/json_view.h"
#include "tools/spell.h"
#include "tools/text_view.h"

namespace keymast::tools {
namespace {

tl::expected<std::vector<Bytes>, Failure> RandsOf(const std::vector<std::string>& texts) {
  std::vector<Bytes> rands;
  for (const std::string& text : texts) {
    Bytes rand;
    if (!FromHex(text, rand) || rand.empty() || rand.size() > 255) {
      return Fail(Error::kInvalidArgument, "--rand: 1 to 255 octets in hexadecimal");
    }
    rands.push_back(std::move(rand));
  }
  return rands;
}

// Words of --hex are public, as all that is on a command line.
tl::expected<Input, Failure> OfWords(const std::vector<std::string>& words) {
  Input input;
  for (const std::string& word : words) {
    auto messages = ReadHexText(word);
    if (!messages) return Fail(Error::kInvalidArgument, "--hex: " + messages.error().message);
    for (Bytes& octets : *messages) input.messages.push_back({std::move(octets)});
  }
  return input;
}

bool WantsColor(const std::string& color) {
  if (color != "auto") return color == "always";
  return isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
}

// Show writes each message as soon as it is decoded, and returns the worst outcome.
Outcome ShowText(const Input& input, Decoder& decoder, const TextOptions& options,
                 std::ostream& out) {
  Outcome worst = Outcome::kVerified;
  size_t number = 0;
  for (const Found& found : input.messages) {
    const Decoded decoded = decoder.Decode(found.octets);
    if (number > 0) out << '\n';
    WriteText(decoded, found, ++number, options, out);
    worst = Worse(worst, decoded.outcome);
  }
  for (const std::string& remark : input.remarks) out << "\nNote: " << remark << '\n';
  return worst;
}

Outcome ShowJson(const Input& input, Decoder& decoder, bool reveal, std::ostream& out) {
  Outcome worst = Outcome::kVerified;
  Json messages = Json::array();
  for (const Found& found : input.messages) {
    const Decoded decoded = decoder.Decode(found.octets);
    messages.push_back(JsonOf(decoded, found, messages.size() + 1, reveal));
    worst = Worse(worst, decoded.outcome);
  }
  const Json document{
      {"messages", std::move(messages)}, {"notes", input.remarks}, {"outcome", NameOf(worst)}};
  out << document.dump(2) << '\n';
  return worst;
}

// Problem is why there is nothing to decode, with the exit status for it.
struct Problem {
  std::string message;
  int status;
};

tl::expected<Input, Problem> InputOf(const DecodeOptions& options) {
  if (!options.hex.empty()) {
    auto words = OfWords(options.hex);
    if (words) return std::move(*words);
    return tl::unexpected(Problem{words.error().message, kUsage});
  }
  const tl::expected<std::string, Failure> text = LoadInput(options.input);
  if (!text) return tl::unexpected(Problem{text.error().message, kUsage});
  auto input = ReadInput(AsBytes(*text), {options.port, options.any_port});
  if (input) return std::move(*input);
  // Whoever waits for a message to be verified gets no 0 for one that is not there.
  return tl::unexpected(
      Problem{options.input + ": " + input.error().message, static_cast<int>(Outcome::kMalformed)});
}

}  // namespace

int Refuse(const std::string& message) {
  std::fprintf(stderr, "keymast-mikey: %s\n", Harmless(message).c_str());
  return kUsage;
}

int Decode(const DecodeOptions& options, std::ostream& out) {
  if (options.input.empty() && options.hex.empty()) {
    return Refuse("decode: what? a FILE, - or --hex");
  }
  if (options.input == "-" && options.key_file == "-") {
    return Refuse("decode: standard input cannot be both messages and keys");
  }
  auto rands = RandsOf(options.rands);
  if (!rands) return Refuse(rands.error().message);
  tl::expected<Keys, Failure> keys = Keys();
  if (!options.key_file.empty()) keys = LoadKeys(options.key_file);
  if (!keys) return Refuse(keys.error().message);
  const auto input = InputOf(options);
  if (!input) {
    Refuse(input.error().message);
    return input.error().status;
  }
  Decoder decoder(crypto::DefaultSuite(), std::move(*keys), std::move(*rands));
  const Outcome worst =
      options.json ? ShowJson(*input, decoder, options.reveal, out)
                   : ShowText(*input, decoder, {WantsColor(options.color), options.reveal}, out);
  return static_cast<int>(worst);
}

}  // namespace keymast::tools
