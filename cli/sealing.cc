// SPDX-License-Identifier: Apache-2.0
#include "cli/sealing.h"

#include "crypto/boxes.h"
#include "shell/files.h"

namespace keymast::cli {
namespace {

// RepeatableRng derives what it gives from the user key and what the box is for, as RFC 6979 does
// for signatures: nobody foresees it without the key, and no two requests have the same. Who
// guesses a user key can hold it against a box as against any MAC of a MIKEY message.
class RepeatableRng final : public crypto::Rng {
 public:
  RepeatableRng(ByteView key, std::string context) : key_(key), context_(std::move(context)) {}
  void Fill(MutableBytes out) override {
    const std::string info = context_ + std::to_string(++draws_);
    crypto::HkdfSha256(key_, AsBytes("keymastctl user key box 1"), AsBytes(info), out);
  }

 private:
  ByteView key_;
  std::string context_;
  uint64_t draws_ = 0;
};

std::string WhyUnreadable(const std::string& path, Error error) {
  switch (error) {
    case Error::kNotFound:
      return path + ": no such file";
    case Error::kPermissionDenied:
      return path + ": only its owner may read a key file (mode 0600)";
    case Error::kTooLong:
      return path + ": a user key has 16 to 32 octets";
    default:
      return path + ": cannot be read";
  }
}

}  // namespace

Outcome<std::string> SealCredential(const std::string& import_key, const std::string& request_id,
                                    const std::string& subscriber, const std::string& identity,
                                    const std::string& file) {
  auto key = crypto::Key32::OfSize(crypto::kMaxUserKey);
  const auto size = shell::ReadSecretFile(file, key.mutable_view());
  if (!size) return UsageProblem(WhyUnreadable(file, size.error()));
  if (!crypto::IsUserKeySize(*size)) return UsageProblem(WhyUnreadable(file, Error::kTooLong));
  const ByteView octets = key.view().first(*size);
  const Bytes aad = crypto::UserKeyAad(SubscriberId(subscriber), identity);
  RepeatableRng rng(octets, std::string(AsText(aad)) + import_key + request_id);
  const auto box = crypto::SealBox(AsBytes(import_key), crypto::kUserKeyPurpose, aad, octets, rng);
  if (!box) return tl::unexpected(Problem{.message = "the server's import key is not usable"});
  return std::string(AsText(*box));
}

}  // namespace keymast::cli
