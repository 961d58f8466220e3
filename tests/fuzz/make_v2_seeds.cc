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

// Cut gives the datagrams that a machine wrote.
std::vector<Bytes> Cut(const Bytes& out, size_t first, const MoreDatagrams& more) {
  std::vector<Bytes> all;
  if (first == 0) return all;
  auto at = out.begin() + static_cast<ptrdiff_t>(first);
  all.emplace_back(out.begin(), at);
  for (const uint16_t size : more) {
    all.emplace_back(at, at + size);
    at += size;
  }
  return all;
}

// Both are the two sides of a run; each datagram is taken down twice.
struct Both {
  Offerer& offerer;
  Answerer& answerer;
  crypto::Rng& offerers;
  crypto::Rng& answerers;
  Bytes out;

  void Exchange(const Wish& wish, Run& run) {
    const auto size = offerer.Open(wish, kStart, offerers, out);
    KEYMAST_CHECK(size.has_value());
    std::vector<Bytes> sent = Cut(out, *size, offerer.more());
    while (!sent.empty()) sent = OfOfferer(OfAnswerer(sent, run), run);
  }
  std::vector<Bytes> OfAnswerer(const std::vector<Bytes>& sent, Run& run) {
    std::vector<Bytes> back;
    for (int i = 0; i < 2; ++i) {
      for (const Bytes& datagram : sent) Append(datagram, run.to_answerer);
    }
    for (const Bytes& datagram : sent) {
      const auto told = answerer.Receive(datagram, AsBytes("somebody"), kStart, answerers, out);
      for (Bytes& each : Cut(out, told.reply, told.more)) back.push_back(std::move(each));
    }
    return back;
  }
  std::vector<Bytes> OfOfferer(const std::vector<Bytes>& sent, Run& run) {
    std::vector<Bytes> back;
    for (int i = 0; i < 2; ++i) {
      for (const Bytes& datagram : sent) Append(datagram, run.to_offerer);
    }
    for (const Bytes& datagram : sent) {
      const size_t size = offerer.Receive(datagram, kStart, offerers, out).send;
      for (Bytes& each : Cut(out, size, offerer.more())) back.push_back(std::move(each));
    }
    return back;
  }
};

// The side that the fuzzer plays draws from kFuzzSeed, as it will then.
Run RunOf(uint8_t choice, uint64_t offerer_seed, uint64_t answerer_seed) {
  const Policy policy = FuzzPolicy(choice);
  const Pair* pair = FuzzPair(choice);
  crypto::SeededRng offerers(offerer_seed);
  crypto::SeededRng answerers(answerer_seed);
  TestDirectory others;
  others.entitled_ = (choice & kFuzzNotEntitled) == 0;
  Answerer answerer(crypto::DefaultSuite(), policy, others, 4, answerers,
                    pair == nullptr ? nullptr : &pair->peer);
  FuzzTickets tickets;
  answerer.use_tickets(tickets.For(choice));
  answerer.set_under_load((choice & kFuzzLoad) != 0);
  Offerer offerer(crypto::DefaultSuite(), policy, pair == nullptr ? nullptr : &pair->member);
  Run run{{choice}, {choice}};
  Both both{offerer, answerer, offerers, answerers, Bytes(kMaxWhole)};
  both.Exchange(FuzzWish(choice), run);
  if (offerer.state() != Offerer::State::kDone || !offerer.resumption()) return run;
  const Resumption resumption = *offerer.resumption();
  Wish again = FuzzWish(choice);
  again.resume = &resumption;
  const bool can_resume = MayResume(resumption, Mode::kPsk) || choice % 4 != 0;
  if (can_resume) both.Exchange(again, run);
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
  std::vector<int> choices;
  for (int choice = 0; choice < 32; ++choice) choices.push_back(choice);
  for (const int more : {32, 64, 96, 160}) {  // certificates, tickets, both, FRAGMENTs
    for (const int choice : {0, 1, 2, 4, 6, 7, 20}) choices.push_back(more + choice);
  }
  for (const int choice : choices) {
    keymast::mikey::v2::SaveRuns(static_cast<uint8_t>(choice), argv[1]);
  }
  for (const uint8_t choice : {uint8_t{0}, uint8_t{4}}) {
    keymast::mikey::v2::SaveCrowd(choice, argv[1]);
  }
  keymast::mikey::v2::SaveContents(argv[1]);
  return 0;
}
