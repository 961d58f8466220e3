// SPDX-License-Identifier: Apache-2.0
// What headends report, in sequence: an octet (caller, 3 bits; whether a challenge is answered
// right; whether the stream ends first), two octets of length, a protobuf HeadendReport. Nobody is
// believed who has not answered right.
#include "base/cursor.h"
#include "server/headend_streams.h"
#include "server/translate.h"
#include "shell/process.h"

namespace {

using namespace keymast;
using namespace keymast::server;

class Streams {
 public:
  Streams() {
    for (const char* name : {"studio", "outside"}) {
      groups::Headend headend;
      headend.id = HeadendId(name);
      headend.public_key = key_.public_key;
      if (headend.id.value == "outside") headend.public_key = {};  // cannot be sealed to
      state_.headends[headend.id] = headend;
    }
  }

  void OnReport(const Caller& caller, v1::HeadendReport report, bool answers_right) {
    const auto expected = expected_.find(caller);
    if (answers_right && expected != expected_.end()) report.set_proof(expected->second);
    HeadendId headend;
    std::vector<HeadendStreams::Answer> answers;
    const auto outcome = streams_.OnReport(caller, report, state_, now_, headend, answers);
    if (outcome == HeadendStreams::Outcome::kNothing) {
      KEYMAST_CHECK(answers.size() == 1);
      Hear(answers.front());
      return;
    }
    KEYMAST_CHECK(answers.empty() && state_.headends.contains(headend));
    KEYMAST_CHECK(outcome == HeadendStreams::Outcome::kReport || answers_right);
    KEYMAST_CHECK(expected_.contains(caller));
    FromProto(headend, report);
    v1::HeadendDirective directive;
    directive.set_dropped_channel("channels/news");
    streams_.Send({{headend, directive}});
  }

  void End(const Caller& caller) {
    expected_.erase(caller);
    if (caller.call % 2 == 0) streams_.Ended(caller);
    if (caller.call % 2 == 1) Forget(caller.client);
  }

  void Pass() {
    now_ += std::chrono::seconds(2);
    streams_.Expire(now_);
  }

 private:
  void Hear(const HeadendStreams::Answer& answer) {
    KEYMAST_CHECK(answer.last == answer.reply.has_error());
    if (answer.last) {
      expected_.erase(answer.to);
      return;
    }
    const auto opened = crypto::OpenBox(
        key_, crypto::kHeadendChallengePurpose, crypto::HeadendChallengeAad(HeadendId("studio")),
        AsBytes(answer.reply.headend_directive().challenge().box()));
    KEYMAST_CHECK(opened.has_value());
    expected_[answer.to] = std::string(AsText(*opened));
  }
  void Forget(ClientId client) {
    streams_.Forget(client);
    std::erase_if(expected_, [&](const auto& one) { return one.first.client == client; });
  }

  crypto::SeededRng rng_{1};
  const crypto::KeyPair key_ = crypto::MakeKeyPair(rng_);
  shell::SystemClock clock_;
  Loop loop_{clock_};
  Clients clients_{loop_, [](ClientId, core::CoreRequest&) {}, [](ClientId) {}};
  HeadendStreams streams_{clients_, rng_};
  rekey::State state_;
  std::map<Caller, std::string> expected_;
  Instant now_{std::chrono::seconds(1'800'000'000)};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Streams streams;
  Reader reader({data, size});
  while (!reader.empty() && reader.ok()) {
    const uint8_t choice = reader.U8();
    const Caller caller{choice & 1U, choice >> 1 & 3U};
    if ((choice & 0x80) != 0) streams.End(caller);
    const size_t length = reader.U16();
    const ByteView octets = reader.Take(std::min(length, reader.remaining()));
    v1::HeadendReport report;
    if (report.ParseFromArray(octets.data(), static_cast<int>(octets.size()))) {
      streams.OnReport(caller, std::move(report), (choice & 0x40) != 0);
    }
    streams.Pass();
  }
  return 0;
}
