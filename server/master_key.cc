// SPDX-License-Identifier: Apache-2.0
#include "server/master_key.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "crypto/rng.h"
#include "shell/files.h"

namespace keymast::server {
namespace {

using MasterKey = crypto::SecretKey<32>;
// One octet more than a key has, so that a longer file is noticed.
using Room = crypto::SecretKey<kMasterKeySize + 1>;

tl::expected<MasterKey, Failure> KeyOf(const Room& room, size_t size, const std::string& where) {
  if (size != kMasterKeySize) {
    return Fail(Error::kMalformed, "master key " + where + ": must be exactly 32 octets");
  }
  return MasterKey(room.view().first(kMasterKeySize));
}

tl::expected<MasterKey, Failure> FromDescriptor(int fd) {
  Room room = Room::OfSize(kMasterKeySize + 1);
  size_t used = 0;
  while (used < room.size()) {
    const MutableBytes rest = room.mutable_view().subspan(used);
    const ssize_t count = read(fd, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return Fail(Error::kIo, "master key: descriptor " + std::to_string(fd) + " cannot be read");
    }
    if (count == 0) break;
    used += static_cast<size_t>(count);
  }
  close(fd);
  return KeyOf(room, used, "from descriptor " + std::to_string(fd));
}

Failure Unreadable(Error error, const std::string& file) {
  switch (error) {
    case Error::kNotFound:
      return {error, "master key " + file + ": not there", {}, {}, 0};
    case Error::kPermissionDenied:
      return {error,
              "master key " + file + ": must be readable by its owner alone (chmod 0600)",
              {},
              {},
              0};
    case Error::kTooLong:
      return {error, "master key " + file + ": must be exactly 32 octets", {}, {}, 0};
    default:
      return {error, "master key " + file + ": cannot be read", {}, {}, 0};
  }
}

std::string CredentialFile(const std::string& name) {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr) return {};
  const std::string file = std::string(folder) + "/" + name;
  return access(file.c_str(), F_OK) == 0 ? file : std::string();
}

constexpr size_t kMaxPin = 255;

// ReadPin takes the line of a file as its owner wrote it, with an end of line or without.
tl::expected<crypto::SecretBytes, Failure> ReadPin(const MasterKeySource& source) {
  const std::string file =
      source.pin_file.empty() ? CredentialFile(source.credential + "-pin") : source.pin_file;
  if (file.empty()) {
    return Fail(Error::kNotFound, "PIN of token `" + source.token.token +
                                      "`: give pin_file, or the systemd credential " +
                                      source.credential + "-pin");
  }
  crypto::SecretBytes pin(kMaxPin + 1);
  const bool is_credential = source.pin_file.empty();
  const auto size =
      is_credential ? shell::ReadCredentialFile(file, pin) : shell::ReadSecretFile(file, pin);
  if (!size && size.error() == Error::kPermissionDenied) {
    return Fail(size.error(), "PIN " + file + ": must be readable by its owner alone (chmod 0600)");
  }
  if (!size) return Fail(size.error(), "PIN " + file + ": " + shell::WhyNot(size.error()));
  pin.resize(*size);
  if (!pin.empty() && pin.back() == '\n') pin.pop_back();
  if (pin.empty()) return Fail(Error::kMalformed, "PIN " + file + ": is empty");
  return pin;
}

}  // namespace

std::string MasterKeyFile(const MasterKeySource& source, const std::string& default_file) {
  const std::string file = source.file.empty() ? CredentialFile(source.credential) : source.file;
  return file.empty() ? default_file : file;
}

tl::expected<MasterKey, Failure> ReadMasterKey(const MasterKeySource& source,
                                               const std::string& default_file) {
  if (source.fd >= 0) return FromDescriptor(source.fd);
  const std::string file = MasterKeyFile(source, default_file);
  Room room = Room::OfSize(kMasterKeySize + 1);
  const bool is_credential = source.file.empty() && file == CredentialFile(source.credential);
  const auto size = is_credential ? shell::ReadCredentialFile(file, room.mutable_view())
                                  : shell::ReadSecretFile(file, room.mutable_view());
  if (!size) return tl::unexpected(Unreadable(size.error(), file));
  return KeyOf(room, *size, file);
}

tl::expected<std::unique_ptr<crypto::MasterKey>, Failure> OpenMasterKey(
    const MasterKeySource& source, const std::string& default_file) {
  if (source.IsInToken()) {
    const auto pin = ReadPin(source);
    if (!pin) return tl::unexpected(pin.error());
    return crypto::OpenTokenKey(source.token, *pin);
  }
  const auto key = ReadMasterKey(source, default_file);
  if (!key) return tl::unexpected(key.error());
  return std::make_unique<crypto::LocalMasterKey>(*key);
}

std::string NameOf(const MasterKeySource& source, const std::string& default_file) {
  if (source.IsInToken()) {
    return "key `" + source.token.key + "` of token `" + source.token.token + "`";
  }
  return source.fd >= 0 ? "from a descriptor" : MasterKeyFile(source, default_file);
}

tl::expected<bool, Failure> MakeMasterKey(const std::string& file) {
  MasterKey key = MasterKey::OfSize(kMasterKeySize);
  crypto::SystemRng rng;
  rng.Fill(key.mutable_view());
  const std::string folder = std::filesystem::path(file).parent_path().string();
  if (const auto there = shell::MakeFolder(folder); !there) {
    return Fail(there.error().error, "master key " + file + ": " + there.error().message);
  }
  const Status written = shell::WriteSecretFile(file, key.view());
  if (written) return true;
  if (written.error() == Error::kAlreadyExists) return false;
  return Fail(written.error(), "master key " + file + ": cannot be written (" +
                                   std::string(ErrorName(written.error())) + ")");
}

}  // namespace keymast::server
