// SPDX-License-Identifier: Apache-2.0
#include "tools/key_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include "crypto/primitives.h"
#include "shell/files.h"
#include "tools/hex_text.h"

namespace keymast::tools {
namespace {

constexpr size_t kMaxKey = 1024;

int DigitOf(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

// base's FromHex would leave the key in memory that nobody wipes.
bool ReadSecretHex(std::string_view digits, crypto::SecretBytes& out) {
  if (digits.empty() || digits.size() % 2 != 0 || digits.size() > 2 * kMaxKey) return false;
  out.resize(digits.size() / 2);
  for (size_t i = 0; i < out.size(); ++i) {
    const int high = DigitOf(digits[2 * i]);
    const int low = DigitOf(digits[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return true;
}

// What looks like a key is none of its names: digits in groups would show one half of it.
bool IsName(std::string_view text) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  };
  const auto is_digit = [](char c) { return DigitOf(c) >= 0; };
  if (text.empty() || text.size() > 64) return false;
  const bool is_like_a_key = text.size() >= 8 && std::all_of(text.begin(), text.end(), is_digit);
  return !is_like_a_key && std::all_of(text.begin(), text.end(), is_allowed);
}

bool ReadKey(std::string_view line, Key& key) {
  const size_t gap = line.find_first_of(" \t");
  if (gap == std::string_view::npos) return ReadSecretHex(line, key.octets);
  const std::string_view name = line.substr(0, gap);
  if (!IsName(name)) return false;
  key.name = name;
  return ReadSecretHex(Trimmed(line.substr(gap)), key.octets);
}

Result<size_t> ReadDescriptor(int fd, MutableBytes out) {
  size_t used = 0;
  while (used < out.size()) {
    const ssize_t count = read(fd, out.subspan(used).data(), out.size() - used);
    if (count == 0) return used;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Err(Error::kIo);
    used += static_cast<size_t>(count);
  }
  return Err(Error::kTooLong);
}

std::optional<int> DescriptorOf(const std::string& path) {
  constexpr std::string_view kFolder = "/dev/fd/";
  if (path == "-") return STDIN_FILENO;
  if (!path.starts_with(kFolder)) return std::nullopt;
  const std::string_view number = std::string_view(path).substr(kFolder.size());
  int fd = -1;
  const auto read = std::from_chars(number.begin(), number.end(), fd);
  if (read.ec != std::errc() || read.ptr != number.end()) return std::nullopt;
  return fd;
}

// A key that was given in place of its file is not said again.
std::string NameOf(const std::string& path) {
  const auto is_digit = [](char c) { return DigitOf(c) >= 0; };
  const bool is_key = path.size() >= 16 && std::all_of(path.begin(), path.end(), is_digit);
  return is_key ? "that is named by hexadecimal digits alone, as a key itself would be" : path;
}

std::string WhyNot(const std::string& path, Error error) {
  switch (error) {
    case Error::kNotFound:
      return "there is no such file";
    case Error::kPermissionDenied:
      return "others can read it, or you cannot: chmod 600 " + path;
    case Error::kTooLong:
      return "it is longer than 64 KiB";
    default:
      return "it cannot be read";
  }
}

}  // namespace

tl::expected<Keys, Failure> ReadKeys(ByteView text) {
  Keys keys;
  std::string_view rest = AsText(text);
  for (size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = Trimmed(WithoutComment(TakeLine(rest)));
    if (line.empty()) continue;
    Key key;
    // The line itself is a secret, also when it is wrong.
    if (!ReadKey(line, key)) {
      return Fail(Error::kMalformed,
                  "line " + std::to_string(number) + ": not HEX or NAME HEX of 1 to 1024 octets");
    }
    if (!key.name.empty() && FindKey(keys, key.name) != nullptr) {
      return Fail(Error::kMalformed, "line " + std::to_string(number) + ": a name given twice");
    }
    if (keys.size() == kMaxKeys) return Fail(Error::kTooLong, "more than 256 keys");
    keys.push_back(std::move(key));
  }
  if (keys.empty()) return Fail(Error::kMalformed, "there is no key in it");
  return keys;
}

tl::expected<Keys, Failure> LoadKeys(const std::string& path) {
  crypto::SecretBytes text(kMaxKeyFile);
  const std::optional<int> fd = DescriptorOf(path);
  const Result<size_t> size = fd ? ReadDescriptor(*fd, text) : shell::ReadSecretFile(path, text);
  if (!size)
    return Fail(size.error(),
                "key file " + NameOf(path) + ": " + WhyNot(NameOf(path), size.error()));
  tl::expected<Keys, Failure> keys = ReadKeys(ByteView(text).first(*size));
  if (!keys) keys.error().message = "key file " + NameOf(path) + ": " + keys.error().message;
  return keys;
}

const Key* FindKey(const Keys& keys, std::string_view name) {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

std::string Fingerprint(ByteView key) {
  const std::array<uint8_t, 32> digest = crypto::Sha256(key);
  return ToHex(ByteView(digest).first(8));
}

}  // namespace keymast::tools
