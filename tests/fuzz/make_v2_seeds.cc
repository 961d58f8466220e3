// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of version 2's fuzz targets: make_v2_seeds tests/fuzz/corpus
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/fuzz/v2_party.h"

namespace keymast::mikey::v2 {
namespace {

using Folder = std::filesystem::path;

void Save(const Folder& folder, const std::string& name, ByteView octets) {
  std::filesystem::create_directories(folder);
  std::ofstream(folder / name, std::ios::binary) << AsText(octets);
}

void Append(ByteView datagram, Bytes& input) {
  input.push_back(static_cast<uint8_t>(datagram.size() >> 8));
  input.push_back(static_cast<uint8_t>(datagram.size()));
  input.insert(input.end(), datagram.begin(), datagram.end());
}

// Run is a whole exchange; the Offerer draws as it does under the fuzzer.
void Run(uint8_t choice, const Folder& root) {
  const Policy policy = FuzzPolicy(choice);
  crypto::SeededRng offerers(kFuzzSeed);
  crypto::SeededRng answerers(2);
  TestDirectory others;
  others.entitled_ = (choice & 8) == 0;
  Answerer answerer(crypto::DefaultSuite(), policy, others, 4, answerers);
  answerer.set_under_load((choice & 16) != 0);
  Offerer offerer(crypto::DefaultSuite(), policy);
  Bytes to_answerer{choice};
  Bytes to_offerer{choice};
  Bytes sent(kMaxOneDatagram);
  Bytes reply(kMaxOneDatagram);
  size_t size = *offerer.Open(FuzzWish(choice), kStart, offerers, sent);
  while (size > 0) {
    Append(ByteView(sent).first(size), to_answerer);
    const auto answered =
        answerer.Receive(ByteView(sent).first(size), AsBytes("somebody"), kStart, answerers, reply);
    if (answered.reply == 0) break;
    Append(ByteView(reply).first(answered.reply), to_offerer);
    size = offerer.Receive(ByteView(reply).first(answered.reply), kStart, offerers, sent).send;
  }
  const std::string name = "run_" + std::to_string(choice);
  Save(root / "mikey_v2_answerer", name, to_answerer);
  Save(root / "mikey_v2_offerer", name, to_offerer);
  to_offerer.insert(to_offerer.end(), {0, 0, 0, 0, 0, 0, 0, 0, 0, 0});  // five ticks
  Save(root / "mikey_v2_offerer", name + "_late", to_offerer);
}

void SaveContents(const Folder& root) {
  TestDirectory directory;
  const Capabilities nothing;
  const Asked asked{kMemberId, kGroupId, kAnyGroup, nothing};
  const auto grant = directory.GrantTo(asked, {});
  for (const bool has_sender : {false, true}) {
    Contents contents = grant->contents;
    if (has_sender) contents.sender = IdrPayload{IdRole::kResponder, kGroupId.type, kGroupId.data};
    Bytes octets(kMaxPlain);
    octets.resize(*WriteContents(contents, octets));
    octets.insert(octets.begin(), has_sender ? 1 : 0);
    Save(root / "mikey_v2_contents", has_sender ? "with_sender" : "group", octets);
  }
  const Bytes list(16, 1);
  Bytes tlvs(3000);
  Capabilities all;
  const Bytes large(kMaxTicket, 2);
  for (const TlvInfo& info : Tlvs()) all.*(info.field) = ByteView(large).first(info.least);
  const uint8_t datagram[] = {5, 0};
  all.datagram = datagram;
  tlvs.resize(*WriteCapabilities(all, tlvs));
  tlvs.insert(tlvs.begin(), 0);
  Save(root / "mikey_v2_contents", "capabilities", tlvs);
}

}  // namespace
}  // namespace keymast::mikey::v2

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("make_v2_seeds tests/fuzz/corpus\n", stderr), 2;
  for (int choice = 0; choice < 32; ++choice) {
    keymast::mikey::v2::Run(static_cast<uint8_t>(choice), argv[1]);
  }
  keymast::mikey::v2::SaveContents(argv[1]);
  return 0;
}
