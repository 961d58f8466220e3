// SPDX-License-Identifier: Apache-2.0
#include "receiver/doctor.h"

#include <cstdio>

#include "net/interfaces.h"

namespace keymast::receiver {
namespace {

constexpr int kPollMilliseconds = 50;

// Sheet prints steps as they come and remembers the first that failed.
class Sheet {
 public:
  // Put returns whether to go on.
  bool Put(size_t place, const Step& step) {
    const char* mark = step.result == StepResult::kGood      ? "ok  "
                       : step.result == StepResult::kWarning ? "warn"
                                                             : "FAIL";
    std::printf("%s  %-13s  %s\n", mark, std::string(kStepNames[place]).c_str(),
                step.finding.c_str());
    if (!step.advice.empty()) std::printf("                     -> %s\n", step.advice.c_str());
    std::fflush(stdout);
    if (step.result == StepResult::kFailed) status_ = kFirstStepStatus + static_cast<int>(place);
    return step.result != StepResult::kFailed;
  }
  bool Fail(size_t place, const Failure& failure) {
    return Put(place, {"", StepResult::kFailed, failure.message, ""});
  }
  int status() const { return status_; }

 private:
  int status_ = 0;
};

Step CheckInterface(const std::string& address) {
  if (net::FindInterface(address)) return {"", StepResult::kGood, address + " is up", ""};
  return {"", StepResult::kFailed, "no interface that is up has the address " + address,
          "see `ip address`, then give --interface"};
}

// Await polls until `judge` is content or the time is over, and gives its last word.
template <class Judge>
Step Await(Program& program, const Clock& clock, Instant until, Judge judge) {
  for (;;) {
    Step step = judge();
    if (step.result != StepResult::kFailed || clock.Now() >= until) return step;
    program.Poll(kPollMilliseconds, -1);
  }
}

}  // namespace

int DoctorCommand(const Options& options, Duration deadline, const Clock& clock) {
  Sheet sheet;
  tl::expected<Setup, Failure> setup = MakeSetup(options);
  if (!setup) {
    sheet.Fail(0, setup.error());
    return sheet.status();
  }
  // A look must not disturb a receiver's files or players, nor take the MSK message from the
  // receiver that comes after it: what is not answered is sent again.
  setup->record.clear();
  setup->answers = false;
  setup->targets.clear();
  if (!sheet.Put(0, {"", StepResult::kGood, "channel " + setup->channel.channel, ""}) ||
      !sheet.Put(1, CheckClock(clock.Now())) ||
      !sheet.Put(2, CheckInterface(setup->interface_address))) {
    return sheet.status();
  }
  auto program = Program::Open(*setup, clock);
  if (!program) {
    sheet.Fail(3, program.error());
    return sheet.status();
  }
  sheet.Put(3, {"", StepResult::kGood,
                std::to_string((*program)->multicast().media.size() + 1) + " groups joined", ""});
  const Instant until = clock.Now() + deadline;
  const Core& core = (*program)->core();
  const auto wait = [&](size_t place, auto judge) {
    return sheet.Put(place, Await(**program, clock, until, judge));
  };
  static_cast<void>(sheet.Put(4, CheckBuffers((*program)->multicast())) &&
                    wait(5,
                         [&] {
                           return setup->join ? JudgeJoin(core, setup->join->server)
                                              : JudgeMsk(core, setup->listen);
                         }) &&
                    wait(6, [&] { return JudgeMtk(core, setup->channel.mtk); }) &&
                    wait(7, [&] { return JudgeMki(core); }) &&
                    wait(8, [&] { return JudgeRoc(core); }));
  return sheet.status();
}

}  // namespace keymast::receiver
