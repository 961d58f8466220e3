// SPDX-License-Identifier: Apache-2.0
// `keymast-receiver doctor`: one step after the other from the clock to a packet that opens; says
// which fails and what to do.
#pragma once

#include <string>
#include <vector>

#include "receiver/options.h"
#include "receiver/program.h"

namespace keymast::receiver {

enum class StepResult { kGood, kWarning, kFailed };

struct Step {
  std::string name;
  StepResult result = StepResult::kGood;
  std::string finding;  // what was seen
  std::string advice;   // what to do; empty when good
};

// The exit status names the first step that failed: 10 plus its place in this list.
inline constexpr std::array<std::string_view, 9> kStepNames = {
    "configuration", "clock", "interface", "join", "kernel buffer", "MSK", "MTK", "MKI", "ROC"};
inline constexpr int kFirstStepStatus = 10;

// DoctorCommand runs every step, prints one line for each, and stops at the first that fails.
// 0: all good (warnings are told). `deadline` is for the steps that wait for the air together.
int DoctorCommand(const Options& options, Duration deadline, const Clock& clock);

// The single steps, for tests. Judge... look at what the core has seen so far.
Step CheckClock(Instant now);
Step CheckBuffers(const MulticastSockets& sockets);
// JudgeJoin is its like for who joins by MIKEYv2.
Step JudgeMsk(const Core& core, const Endpoint& listen);
Step JudgeJoin(const Core& core, const Endpoint& server);
Step JudgeMtk(const Core& core, const Endpoint& mtk);
Step JudgeMki(const Core& core);
Step JudgeRoc(const Core& core);

}  // namespace keymast::receiver
