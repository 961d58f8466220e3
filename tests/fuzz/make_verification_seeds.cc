// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of controller_verification:
// make_verification_seeds tests/fuzz/corpus/controller_verification
#include <filesystem>
#include <fstream>

#include "mikey/mbms.h"
#include "tests/fuzz/verification_world.h"

namespace keymast::controller {
namespace {

// AnswerTo an MSK message, as its receiver makes it, of `from` under the key of `of`.
Bytes AnswerTo(const mikey::Unverified& message, std::string_view from, std::string_view of) {
  const crypto::Suite& suite = crypto::DefaultSuite();
  const crypto::Key32 key = UserKeyOf(of);
  const auto opened = mikey::OpenMsk(suite, {}, message, key.view());
  KEYMAST_CHECK(opened.has_value());
  const std::string identity = std::string(from) + "@example.org";
  mikey::Verification answer = mikey::VerificationOf(message, *opened);
  answer.idr = AsBytes(identity);
  Bytes octets(600);
  const auto size = mikey::WriteVerification(suite, {}, answer, key.view(), octets);
  octets.resize(size.value());
  return octets;
}

// Write each answer whole, cut, and with a MAC that is not its own.
void Write(const std::filesystem::path& folder) {
  const Waiting waiting;
  int count = 0;
  const auto keep = [&](const Bytes& octets) {
    std::ofstream file(folder / ("seed" + std::to_string(count++)), std::ios::binary);
    file << AsText(octets);
  };
  for (const auto& datagram : waiting.step.datagrams) {
    const auto message = mikey::Inspect(datagram.octets);
    if (!message || message->kind == mikey::MessageKind::kMtk) continue;
    const bool is_first =
        mikey::OpenMsk(crypto::DefaultSuite(), {}, *message, UserKeyOf("s1").view()).has_value();
    const std::string_view of = is_first ? "s1" : "s2";
    for (const std::string_view from : {"s1", "s2", "s3"}) {
      Bytes answer = AnswerTo(*message, from, of);
      keep(answer);
      answer.resize(answer.size() - 7);
      keep(answer);
    }
  }
}

}  // namespace
}  // namespace keymast::controller

int main(int argc, char** argv) {
  KEYMAST_CHECK(argc == 2);
  keymast::controller::Write(argv[1]);
}
