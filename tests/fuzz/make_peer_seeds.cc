// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of sdp_description and peer_call: make_peer_seeds tests/fuzz/corpus
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/fuzz/peer_side.h"

namespace keymast::tools {
namespace {

namespace fs = std::filesystem;

void Save(const fs::path& folder, const std::string& name, ByteView octets) {
  fs::create_directories(folder);
  std::ofstream(folder / name, std::ios::binary) << AsText(octets);
}

// Recording is a run of both sides, and what it does to ours.
class Recording {
 public:
  explicit Recording(bool key_mgmt, bool their_key_mgmt = false)
      : ours_(true, key_mgmt), theirs_(false, their_key_mgmt) {
    steps_.push_back(key_mgmt ? 1 : 0);
  }

  std::string Ours(StepKind kind, ByteView octets = {}) {
    Bytes step(3);
    Writer writer(step);
    writer.U8(static_cast<uint8_t>(kind));
    writer.U16(octets.size());
    steps_.insert(steps_.end(), step.begin(), step.end());
    steps_.insert(steps_.end(), octets.begin(), octets.end());
    Bytes copy(octets.begin(), octets.end());
    return ours_.Do(kind, copy);
  }
  std::string Theirs(StepKind kind, std::string text = {}) {
    Bytes octets(text.begin(), text.end());
    return theirs_.Do(kind, octets);
  }
  // Pump carries datagrams both ways until there are none.
  void Pump() {
    for (bool moved = true; moved;) {
      moved = false;
      for (Datagram& datagram : ours_.call().TakeOut()) {
        moved = true;
        theirs_.Do(StepKind::kDatagram, datagram.octets);
      }
      for (const Datagram& datagram : theirs_.call().TakeOut()) {
        moved = true;
        Ours(StepKind::kDatagram, datagram.octets);
      }
    }
  }
  void WeOffer(bool is_early) {
    const std::string& offer = Keep(Ours(StepKind::kOffer));
    Theirs(StepKind::kTakeOffer, offer);
    if (is_early) {
      Ours(StepKind::kEarly);
      Pump();
      Talk();
    }
    const std::string& answer = Keep(Theirs(StepKind::kAnswer));
    Ours(StepKind::kTakeAnswer, AsBytes(answer));
    Pump();
    Talk();
  }
  void TheyOffer() {
    const std::string& offer = Keep(Theirs(StepKind::kOffer));
    Ours(StepKind::kTakeOffer, AsBytes(offer));
    const std::string& answer = Keep(Ours(StepKind::kAnswer));
    Theirs(StepKind::kTakeAnswer, answer);
    Pump();
    Talk();
  }
  void Talk() {
    Ours(StepKind::kTalk);
    Theirs(StepKind::kTalk);
    Pump();
  }
  // Report lets time go on until each has said what it heard, and takes leave.
  void Report() {
    for (int i = 0; i < 3; ++i) {
      Ours(StepKind::kTick);
      Theirs(StepKind::kTick);
      Pump();
    }
    Theirs(StepKind::kLeave);
    Ours(StepKind::kLeave);
    Pump();
  }
  void AddStream() {
    Ours(StepKind::kAddStream);
    Theirs(StepKind::kAddStream);
  }
  const Bytes& steps() const { return steps_; }
  const std::deque<std::string>& descriptions() const { return descriptions_; }
  bool is_up() { return ours_.call().state() == PeerCall::State::kUp; }

 private:
  const std::string& Keep(std::string text) { return descriptions_.emplace_back(std::move(text)); }

  Side ours_;
  Side theirs_;
  Bytes steps_;
  std::deque<std::string> descriptions_;
};

void SaveRun(const fs::path& corpus, const std::string& name, Recording& run) {
  KEYMAST_CHECK(run.is_up());
  Save(corpus / "peer_call", name, run.steps());
  for (size_t i = 0; i < run.descriptions().size(); ++i) {
    Save(corpus / "sdp_description", name + "-" + std::to_string(i),
         AsBytes(run.descriptions()[i]));
  }
}

void MakeRuns(const fs::path& corpus) {
  for (const bool key_mgmt : {false, true}) {
    const std::string path = key_mgmt ? "sdp" : "media";
    Recording offers(key_mgmt);
    offers.WeOffer(false);
    offers.AddStream();
    offers.TheyOffer();
    offers.Report();
    SaveRun(corpus, "offers-" + path, offers);
    Recording answers(false, key_mgmt);
    answers.TheyOffer();
    answers.AddStream();
    answers.WeOffer(false);
    SaveRun(corpus, "answers-" + path, answers);
  }
  Recording early(false);
  early.WeOffer(true);
  SaveRun(corpus, "early", early);
  Recording silent(false);
  const std::string offer = silent.Ours(StepKind::kOffer);
  silent.Theirs(StepKind::kTakeOffer, offer);
  const std::string answer = silent.Theirs(StepKind::kAnswer);
  silent.Ours(StepKind::kTakeAnswer, AsBytes(answer));
  for (int i = 0; i < 5; ++i) silent.Ours(StepKind::kTick);
  Save(corpus / "peer_call", "silent", silent.steps());
  Recording report(false);
  Compound compound;
  compound.ssrc = Ssrc(5);
  compound.cname = "cname";
  compound.is_bye = true;
  for (const bool sends : {true, false}) {
    if (sends) compound.sender.emplace();
    report.Ours(StepKind::kReport, WriteCompound(compound));
    compound.sender.reset();
    compound.blocks.resize(3);
  }
  Save(corpus / "peer_call", "report", report.steps());
}

// Lines that our own descriptions do not have.
void MakeLines(const fs::path& folder) {
  std::string print = "a=fingerprint:sha-256 AB";
  for (int i = 1; i < 32; ++i) print += ":AB";
  const std::string head = "v=0\no=- 1 1 IN IP6 ::1\ns=x\nt=0 0\n";
  const std::string audio = "m=audio 9 RTP/SAVP 8 96\nc=IN IP6 ::1\na=rtpmap:96 L16/16000\n";
  Save(folder, "fingerprint", AsBytes(head + print + "\na=sendonly\n" + audio + print + "\n"));
  Save(folder, "fresh",
       AsBytes(head + "a=mikeyv2-fresh:AAECAwQFBgcICQoLDA0ODw==\n" + audio +
               "a=fmtp:96 x\na=ssrc:5 cname:a\na=ssrc:5 label:b\na=mid:1\n"));
  Save(folder, "join",
       AsBytes(head + "a=mikeyv2-join:192.0.2.1 2269 mikey://example.org/tv\n" +
               "c=IN IP4 239.1.2.3/5\nm=video 0 RTP/AVP 97\n"));
  Save(folder, "protocols",
       AsBytes(head + "a=key-mgmt:x eA==\na=key-mgmt:mikey AvEA\n" + audio + "a=inactive\n"));
}

}  // namespace
}  // namespace keymast::tools

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("make_peer_seeds tests/fuzz/corpus\n", stderr);
    return 2;
  }
  keymast::tools::MakeRuns(argv[1]);
  keymast::tools::MakeLines(std::filesystem::path(argv[1]) / "sdp_description");
  return 0;
}
