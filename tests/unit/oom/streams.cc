// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/oom/operation.h"
#include "tests/unit/server/served.h"

namespace keymast::oom {
namespace {

constexpr uint64_t kStream = 900;  // the number of a call that stays open

core::CoreRequest Numbered(const std::string& text) {
  core::CoreRequest request = server::Ask(text);
  request.set_call(kStream);
  return request;
}

// Asks whether what came before is done: the answer comes behind it.
void AskBehind(Trial& trial) {
  if (trial.Call(server::Ask("get_server_status {}"))) trial.Promised();
}

Operation Watching(std::string name, std::string then) {
  return {std::move(name), [then](Trial& trial) -> Operation::Act {
            EXPECT_TRUE(trial.Send(Numbered("watch { channel: 'channels/news' }")).has_value());
            EXPECT_TRUE(trial.Settle());
            return [then](Trial& lit) {
              core::CoreRequest request = server::Ask(then);
              if (request.has_cancel()) {
                request.set_call(kStream);
                if (!lit.Send(request)) return;
                return AskBehind(lit);
              }
              if (!lit.Send(request)) return;
              // What was done, and behind or before it that it was.
              bool is_told = !request.has_update_channel();
              bool is_answered = false;
              while (!is_told || !is_answered) {
                const auto reply = lit.Next();
                if (!reply) return;
                EXPECT_FALSE(reply->has_error()) << reply->error().ShortDebugString();
                (reply->call() == kStream ? is_told : is_answered) = true;
                lit.Promised();
              }
            };
          }};
}

// How far a stream of the headend is when memory ends.
enum class Stage : uint8_t { kNone, kChallenged, kProved };

// Prove ends when the headend has its channel and its key.
void Come(Trial& trial, Stage stage) {
  const server::Headend headend(kStudio.value, trial.house().headend_key());
  if (stage == Stage::kNone) return;
  EXPECT_TRUE(trial.Send(headend.First(kStream)).has_value());
  const auto challenge = trial.Next();
  ASSERT_TRUE(challenge.has_value());
  if (stage == Stage::kChallenged) return;
  EXPECT_TRUE(trial.Send(headend.Proof(kStream, *challenge)).has_value());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(trial.Next().has_value());
}

Operation::Act Challenged(Trial&) {
  return [](Trial& lit) {
    const server::Headend headend(kStudio.value, lit.house().headend_key());
    if (!lit.Send(headend.First(kStream))) return;
    if (lit.Next()) lit.Promised();
  };
}

Operation::Act Proved(Trial& trial) {
  const server::Headend headend(kStudio.value, trial.house().headend_key());
  EXPECT_TRUE(trial.Send(headend.First(kStream)).has_value());
  const auto challenge = trial.Next();
  const core::CoreRequest proof = headend.Proof(kStream, challenge.value_or(core::CoreReply()));
  return [proof](Trial& lit) {
    if (!lit.Send(proof)) return;
    if (!lit.Next()) return;         // its channel
    if (lit.Next()) lit.Promised();  // a key
  };
}

Operation::Act Reported(Trial& trial) {
  Come(trial, Stage::kProved);
  const rekey::Slot active = *trial.house().world().ladder().active;
  const std::string key = " msk_id: " + std::to_string(active.msk.value()) +
                          " mtk_id: " + std::to_string(active.mtk.value);
  const auto report =
      Numbered("headend_report { positions { channel: 'channels/news' ssrc: 286331153 index: 5000" +
               key + " } held { channel: 'channels/news'" + key + " } }");
  return [report](Trial& lit) {
    if (lit.Send(report)) AskBehind(lit);
  };
}

Operation::Act Gone(Trial& trial) {
  Come(trial, Stage::kProved);
  return [](Trial& lit) { lit.HangUp(); };
}

Operation::Act Greeted(Trial&) {
  return [](Trial& lit) {
    if (server::CoreClient::Connect(lit.house().socket())) lit.Promised();
  };
}

}  // namespace

std::vector<Operation> Streams(const House&) {
  return {{"hello", Greeted},
          Watching("watch", "get_server_status {}"),
          Watching("watch with an event",
                   "update_channel { channel { name: 'channels/news' display_name: 'Late' } }"),
          Watching("cancel", "cancel {}"),
          {"headend_report that comes first", Challenged},
          {"headend_report with a proof", Proved},
          {"headend_report of positions", Reported},
          {"headend_report's end", Gone}};
}

}  // namespace keymast::oom
