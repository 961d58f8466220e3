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

// Inputs of a whole exchange, each datagram twice: what one side takes in.
struct Run {
  Bytes to_answerer;
  Bytes to_offerer;
};

// The side that the fuzzer plays draws from kFuzzSeed, as it will then.
Run RunOf(uint8_t choice, uint64_t offerer_seed, uint64_t answerer_seed) {
  const Policy policy = FuzzPolicy(choice);
  crypto::SeededRng offerers(offerer_seed);
  crypto::SeededRng answerers(answerer_seed);
  TestDirectory others;
  others.entitled_ = (choice & 8) == 0;
  Answerer answerer(crypto::DefaultSuite(), policy, others, 4, answerers);
  answerer.set_under_load((choice & 16) != 0);
  Offerer offerer(crypto::DefaultSuite(), policy);
  Run run{{choice}, {choice}};
  Bytes sent(kMaxOneDatagram);
  Bytes reply(kMaxOneDatagram);
  size_t size = *offerer.Open(FuzzWish(choice), kStart, offerers, sent);
  while (size > 0) {
    const ByteView asked = ByteView(sent).first(size);
    for (int i = 0; i < 2; ++i) Append(asked, run.to_answerer);
    const auto answered = answerer.Receive(asked, AsBytes("somebody"), kStart, answerers, reply);
    if (answered.reply == 0) break;
    const ByteView told = ByteView(reply).first(answered.reply);
    for (int i = 0; i < 2; ++i) Append(told, run.to_offerer);
    size = offerer.Receive(told, kStart, offerers, sent).send;
  }
  return run;
}

void SaveRuns(uint8_t choice, const Folder& root) {
  const std::string name = "run_" + std::to_string(choice);
  const Run at_offerer = RunOf(choice, kFuzzSeed, 2);
  Save(root / "mikey_v2_offerer", name, at_offerer.to_offerer);
  Bytes late = at_offerer.to_offerer;
  late.insert(late.end(), 10, 0);  // five ticks
  Save(root / "mikey_v2_offerer", name + "_late", late);
  Save(root / "mikey_v2_answerer", name, RunOf(choice, 2, kFuzzSeed).to_answerer);
}

// More Offerers than there is room for.
void SaveCrowd(uint8_t choice, const Folder& root) {
  Bytes crowd{choice};
  for (uint64_t seed = 10; seed < 18; ++seed) {
    const Bytes one = RunOf(choice, seed, kFuzzSeed).to_answerer;
    crowd.insert(crowd.end(), one.begin() + 1, one.end());
  }
  Save(root / "mikey_v2_answerer", "crowd_" + std::to_string(choice), crowd);
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
    keymast::mikey::v2::SaveRuns(static_cast<uint8_t>(choice), argv[1]);
  }
  for (const uint8_t choice : {uint8_t{0}, uint8_t{4}}) {
    keymast::mikey::v2::SaveCrowd(choice, argv[1]);
  }
  keymast::mikey::v2::SaveContents(argv[1]);
  return 0;
}
