// SPDX-License-Identifier: Apache-2.0
// keymast-storm: one join storm; prints what came of it as JSON. Exit status 1: something is not as
// it must be.
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "bench/storm.h"

int main(int argc, char** argv) {
  using keymast::bench::StormOutcome;
  keymast::bench::StormPlan plan;
  CLI::App app("A join storm against a keymastd of its own");
  app.add_option("--seed", plan.seed);
  app.add_option("--receivers", plan.receivers);
  app.add_option("--by-ticket", plan.by_ticket);
  app.add_option("--by-certificate", plan.by_certificate);
  app.add_option("--strangers", plan.strangers);
  app.add_option("--ramp", plan.ramp_seconds);
  app.add_option("--limit", plan.limit_seconds);
  app.add_option("--loss", plan.loss);
  app.add_option("--duplication", plan.duplication);
  app.add_option("--reordering", plan.reordering);
  app.add_option("--forged", plan.forged);
  app.add_flag("--pinned", plan.pinned);
  CLI11_PARSE(app, argc, argv);
  const StormOutcome o = keymast::bench::RunStorm(plan);
  const std::string faults = o.Faults(plan);
  const nlohmann::json out = {{"faults", faults},
                              {"joined", o.joined},
                              {"by_mode", o.by_mode},
                              {"resumed", o.resumed},
                              {"wrong_keys", o.wrong_keys},
                              {"intruders", o.intruders},
                              {"strangers", o.strangers},
                              {"finished", o.finished},
                              {"exchanges", o.exchanges},
                              {"caps", o.caps},
                              {"forged", o.forged},
                              {"seconds", o.seconds},
                              {"p50", o.p50},
                              {"p99", o.p99},
                              {"slowest", o.slowest},
                              {"sent", o.sent},
                              {"received", o.received},
                              {"retries", o.retries},
                              {"dropped", o.dropped},
                              {"memory", o.memory},
                              {"loader_cpu", o.loader_cpu},
                              {"server_cpu", o.server_cpu},
                              {"metrics", o.metrics}};
  std::cout << out.dump(1) << '\n';
  return faults.empty() ? 0 : 1;
}
